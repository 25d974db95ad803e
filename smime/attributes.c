/* Signed attributes. Writing: a SET OF is sorted by encoding. Reading: RFC 5652 11 allows each of
 * ours once, with one value; a second one could say something else to another reader. */
#include "smime/attributes.h"

#include "base/bytes.h"
#include "smime/algorithm.h"
#include "smime/capabilities.h"
#include "smime/cms.h"
#include "smime/entity.h"

#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/objects.h>
#include <string.h>
#include <time.h>

typedef STACK_OF(X509_ATTRIBUTE) Attributes;

/* -- making ----------------------------------------------------------------------------------- */

/* Adds one attribute whose value has the ASN.1 `type`; takes `value`. */
static void
add_attribute(Attributes *attributes, int nid, int type, void *value)
{
    sk_X509_ATTRIBUTE_push(attributes, X509_ATTRIBUTE_create(nid, type, value));
}

static ASN1_STRING *
new_string(gconstpointer data, gsize len)
{
    ASN1_STRING *string = ASN1_STRING_new();

    ASN1_STRING_set(string, data, (int)len);
    return string;
}

static void
add_digest(Attributes *attributes, GBytes *digest)
{
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(digest, &len);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();

    ASN1_OCTET_STRING_set(octets, data, (int)len);
    add_attribute(attributes, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, octets);
}

static void
add_signing_time(Attributes *attributes, gint64 when)
{
    /* RFC 5652 11.3: UTCTime up to 2049, then GeneralizedTime; this is what ASN1_TIME_set does. */
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)when);

    add_attribute(attributes, NID_pkcs9_signingTime, ASN1_STRING_type(time), time);
}

static void
add_capabilities(Attributes *attributes)
{
    g_autoptr(GBytes) der = seal_capabilities_own();
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(der, &len);

    add_attribute(attributes, NID_SMIMECapabilities, V_ASN1_SEQUENCE, new_string(data, len));
}

/* RFC 8551 2.5.3: issuerAndSerialNumber has the tag [0] in place of SEQUENCE's. */
static void
add_encryption_certificate(Attributes *attributes, X509 *certificate)
{
    SealIssuerSerial *name = seal_issuer_serial_new(certificate);
    g_autoptr(GBytes) der = seal_asn1_write(ASN1_ITEM_rptr(SealIssuerSerial), name);
    gsize len = g_bytes_get_size(der);
    g_autofree guchar *tagged = g_memdup2(g_bytes_get_data(der, NULL), len);

    tagged[0] = 0xa0;
    add_attribute(attributes, NID_id_smime_aa_encrypKeyPref, V_ASN1_OTHER, new_string(tagged, len));
    ASN1_item_free((ASN1_VALUE *)name, ASN1_ITEM_rptr(SealIssuerSerial));
}

static void
add_signing_certificate(Attributes *attributes, X509 *certificate)
{
    ESS_SIGNING_CERT_V2 *value =
        OSSL_ESS_signing_cert_v2_new_init(EVP_sha256(), certificate, NULL, 1);
    unsigned char *der = NULL;
    int len = i2d_ESS_SIGNING_CERT_V2(value, &der);

    add_attribute(attributes, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE,
                  new_string(der, (gsize)len));
    OPENSSL_free(der);
    ESS_SIGNING_CERT_V2_free(value);
}

/* X.690 11.6: the components of a SET OF in the order of their encodings. */
static int
compare_attributes(const X509_ATTRIBUTE *const *a, const X509_ATTRIBUTE *const *b)
{
    unsigned char *der_a = NULL;
    unsigned char *der_b = NULL;
    int len_a = i2d_X509_ATTRIBUTE(*a, &der_a);
    int len_b = i2d_X509_ATTRIBUTE(*b, &der_b);
    int order = memcmp(der_a, der_b, (size_t)MIN(len_a, len_b));

    OPENSSL_free(der_a);
    OPENSSL_free(der_b);
    return order != 0 ? order : len_a - len_b;
}

STACK_OF(X509_ATTRIBUTE) *
seal_attributes_new(GBytes *digest, X509 *certificate, X509 *encryption, gint64 signing_time)
{
    Attributes *attributes = sk_X509_ATTRIBUTE_new(compare_attributes);

    add_attribute(attributes, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data));
    add_digest(attributes, digest);
    add_signing_time(attributes, signing_time);
    add_capabilities(attributes);
    add_signing_certificate(attributes, certificate);
    if (encryption)
        add_encryption_certificate(attributes, encryption);
    sk_X509_ATTRIBUTE_sort(attributes);
    return attributes;
}

/* -- reading ---------------------------------------------------------------------------------- */

SealAttributeState
seal_attribute_find(const STACK_OF(X509_ATTRIBUTE) *attributes, int nid,
                    const ASN1_TYPE **ret_value)
{
    X509_ATTRIBUTE *found = NULL;

    for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
        X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(attributes, i);

        if (OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute)) != nid)
            continue;
        if (found)
            return SEAL_ATTRIBUTE_WRONG;
        found = attribute;
    }
    if (!found)
        return SEAL_ATTRIBUTE_ABSENT;
    if (X509_ATTRIBUTE_count(found) != 1)
        return SEAL_ATTRIBUTE_WRONG;
    *ret_value = X509_ATTRIBUTE_get0_type(found, 0);
    return SEAL_ATTRIBUTE_ONCE;
}

gint64
seal_attribute_signing_time(const STACK_OF(X509_ATTRIBUTE) *attributes)
{
    const ASN1_TYPE *value = NULL;
    struct tm broken = {0};

    if (seal_attribute_find(attributes, NID_pkcs9_signingTime, &value) != SEAL_ATTRIBUTE_ONCE ||
        (value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME) ||
        !ASN1_TIME_to_tm(value->value.asn1_string, &broken))
        return G_MININT64;
    return (gint64)timegm(&broken);
}

static gboolean
is_hash_of(const SealCertificateHash *hash, int default_nid, X509 *certificate)
{
    const SealHash *algorithm =
        hash->hash ? seal_hash_of(hash->hash) : seal_hash_by_nid(default_nid);
    g_autoptr(GBytes) der = seal_asn1_write(ASN1_ITEM_rptr(X509), certificate);
    unsigned char digest[EVP_MAX_MD_SIZE];
    gsize digest_len = 0;
    SealBytes stated = {0};

    if (!algorithm)
        return FALSE;
    digest_len = seal_hash_digest(algorithm, seal_bytes_view(der), digest);
    stated.data = seal_octets(hash->digest, &stated.len);
    return digest_len > 0 && stated.len == digest_len &&
           memcmp(stated.data, digest, digest_len) == 0;
}

static SealAttributeState
names_certificate(const Attributes *attributes, int nid, int default_nid, X509 *certificate)
{
    const ASN1_TYPE *value = NULL;
    SealAttributeState state = seal_attribute_find(attributes, nid, &value);
    SealSigningCertificate *list = NULL;

    if (state != SEAL_ATTRIBUTE_ONCE)
        return state;
    if (value->type == V_ASN1_SEQUENCE)
        list = ASN1_item_unpack(value->value.sequence, ASN1_ITEM_rptr(SealSigningCertificate));
    ERR_clear_error();
    if (!list || sk_SealCertificateHash_num(list->certificates) < 1 ||
        !is_hash_of(sk_SealCertificateHash_value(list->certificates, 0), default_nid, certificate))
        state = SEAL_ATTRIBUTE_WRONG;
    ASN1_item_free((ASN1_VALUE *)list, ASN1_ITEM_rptr(SealSigningCertificate));
    return state;
}

SealAttributeState
seal_attribute_names_certificate(const STACK_OF(X509_ATTRIBUTE) *attributes, X509 *certificate)
{
    SealAttributeState first =
        names_certificate(attributes, NID_id_smime_aa_signingCertificate, NID_sha1, certificate);
    SealAttributeState second = names_certificate(attributes, NID_id_smime_aa_signingCertificateV2,
                                                  NID_sha256, certificate);

    if (first == SEAL_ATTRIBUTE_WRONG || second == SEAL_ATTRIBUTE_WRONG)
        return SEAL_ATTRIBUTE_WRONG;
    return first == SEAL_ATTRIBUTE_ONCE ? first : second;
}
