/* Only signed attributes are read, so a preference is as good as its signature. Certificates beside
 * a signature are not signed: which of them is taken is decided here, whether to believe it is
 * decided by whoever keeps it. */
#include "smime/preference.h"

#include "pki/address.h"
#include "pki/certificate.h"
#include "pki/usage.h"
#include "smime/attributes.h"
#include "smime/cms.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#define CAPABILITIES_MAX 16384 /* bytes; programs state 10 algorithms, in some 200 */

/* -- by name ---------------------------------------------------------------------------------- */

static X509 *
find_by_key_id(STACK_OF(X509) *certificates, const ASN1_OCTET_STRING *key_id)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *certificate = sk_X509_value(certificates, i);
        const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(certificate);

        if (own && ASN1_OCTET_STRING_cmp(own, key_id) == 0)
            return certificate;
    }
    return NULL;
}

static X509 *
find_preferred(const ASN1_TYPE *value, STACK_OF(X509) *certificates)
{
    SealKeyPreference *preference = NULL;
    X509 *found = NULL;

    if (value->type == V_ASN1_OTHER)
        preference = ASN1_item_unpack(value->value.asn1_string, ASN1_ITEM_rptr(SealKeyPreference));
    ERR_clear_error();
    if (!preference)
        return NULL;
    if (preference->type == SEAL_PREFERENCE_ISSUER_SERIAL)
        found = X509_find_by_issuer_and_serial(certificates, preference->d.issuer_serial->issuer,
                                               preference->d.issuer_serial->serial);
    else if (preference->type == SEAL_PREFERENCE_RECIPIENT)
        found = find_by_key_id(certificates, preference->d.recipient->key_id);
    else
        found = find_by_key_id(certificates, preference->d.key_id);
    ASN1_item_free((ASN1_VALUE *)preference, ASN1_ITEM_rptr(SealKeyPreference));
    return found;
}

/* -- by use ----------------------------------------------------------------------------------- */

static gboolean
shares_address(X509 *certificate, GPtrArray *addresses)
{
    g_autoptr(GPtrArray) own = seal_address_list(certificate);

    for (guint i = 0; i < own->len; i++)
        if (seal_address_in(addresses, own->pdata[i]))
            return TRUE;
    return FALSE;
}

static gboolean
is_newer(const X509 *a, const X509 *b)
{
    gint64 from_a = 0;
    gint64 from_b = 0;
    gint64 until = 0;

    return seal_certificate_validity(a, &from_a, &until) &&
           seal_certificate_validity(b, &from_b, &until) && from_a > from_b;
}

static X509 *
find_usable(X509 *signer, STACK_OF(X509) *certificates)
{
    g_autoptr(GPtrArray) addresses = seal_address_list(signer);
    X509 *best = NULL;

    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *certificate = sk_X509_value(certificates, i);

        if (X509_cmp(certificate, signer) != 0 && !seal_certificate_is_authority(certificate) &&
            !seal_usage_problem(certificate, SEAL_PURPOSE_ENCRYPT_MAIL) &&
            shares_address(certificate, addresses) && (!best || is_newer(certificate, best)))
            best = certificate;
    }
    if (best)
        return best;
    return seal_usage_problem(signer, SEAL_PURPOSE_ENCRYPT_MAIL) ? NULL : signer;
}

/* -- the attributes --------------------------------------------------------------------------- */

X509 *
seal_preference_certificate(const STACK_OF(X509_ATTRIBUTE) *attributes, X509 *signer,
                            STACK_OF(X509) *certificates)
{
    const ASN1_TYPE *value = NULL;

    switch (seal_attribute_find(attributes, NID_id_smime_aa_encrypKeyPref, &value)) {
    case SEAL_ATTRIBUTE_ONCE:
        return find_preferred(value, certificates);
    case SEAL_ATTRIBUTE_ABSENT:
        return find_usable(signer, certificates);
    default:
        return NULL;
    }
}

GBytes *
seal_preference_capabilities(const STACK_OF(X509_ATTRIBUTE) *attributes)
{
    const ASN1_TYPE *value = NULL;

    if (seal_attribute_find(attributes, NID_SMIMECapabilities, &value) != SEAL_ATTRIBUTE_ONCE ||
        value->type != V_ASN1_SEQUENCE ||
        ASN1_STRING_length(value->value.sequence) > CAPABILITIES_MAX)
        return NULL;
    return seal_octets_dup(value->value.sequence);
}
