/* Making a SignedData over a content of which only the digests are known: the signed attributes are
 * set up and encoded (RFC 5652 5.4), and the caller's signer is asked for one signature over them.
 * Own templates, so Ed25519, which OpenSSL 3.0's CMS lacks, is no special case. The finished
 * signature is verified under the certificate before anybody sees it. */
#include "smime/signing.h"

#include "base/error.h"
#include "pki/certificate.h"
#include "smime/algorithm.h"
#include "smime/attributes.h"
#include "smime/cms.h"
#include "smime/der-frame.h"
#include "smime/entity.h"
#include "smime/sign-choice.h"

#include <openssl/objects.h>
#include <string.h>

#define CHAIN_MAX 16 /* certificates that go along; public paths have up to four */

/* -- signers ---------------------------------------------------------------------------------- */

/* One signer, checked and ready to be asked. */
typedef struct {
    const SealSigner *signer;
    X509 *certificate;
    X509 *encryption; /* (nullable) */
    SealScheme scheme;
} Signing;

static void
clear_signing(gpointer data)
{
    Signing *signing = data;

    X509_free(signing->certificate);
    X509_free(signing->encryption);
}

static gboolean
prepare_signing(Signing *signing, const SealSigner *signer, const SealSignOptions *options,
                GError **error)
{
    signing->signer = signer;
    signing->certificate =
        seal_certificate_read(signer->certificate, "the signer's certificate", error);
    if (!signing->certificate ||
        !seal_signing_choose(signing->certificate, options, &signing->scheme, error))
        return FALSE;
    if (!signer->encryption_certificate)
        return TRUE;
    signing->encryption = seal_certificate_read(signer->encryption_certificate,
                                                "the signer's certificate for encryption", error);
    return signing->encryption != NULL;
}

GArray *
seal_signing_prepare(const SealSigner *const *signers, guint n_signers,
                     const SealSignOptions *options, SealDigests *digests, GError **error)
{
    g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(Signing));

    g_array_set_clear_func(all, clear_signing);
    if (n_signers == 0 || n_signers > SEAL_MAIL_SIGNERS_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot sign: %u signers were named, it can be 1 to %d", n_signers,
                    SEAL_MAIL_SIGNERS_MAX);
        return NULL;
    }
    g_array_set_size(all, n_signers);
    for (guint i = 0; i < n_signers; i++) {
        Signing *signing = &g_array_index(all, Signing, i);

        if (!prepare_signing(signing, signers[i], options, error))
            return NULL;
        seal_digests_ask(digests, signing->scheme.hash);
    }
    return g_steal_pointer(&all);
}

/* -- certificates that go along --------------------------------------------------------------- */

static gboolean
has_certificate(const SealSignedData *data, SealBytes der)
{
    for (int i = 0; i < sk_ASN1_TYPE_num(data->certificates); i++) {
        const ASN1_STRING *have = sk_ASN1_TYPE_value(data->certificates, i)->value.sequence;

        if ((size_t)ASN1_STRING_length(have) == der.len &&
            memcmp(ASN1_STRING_get0_data(have), der.data, der.len) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Each once, however many signers share it. */
static void
add_certificate(SealSignedData *data, GBytes *der)
{
    ASN1_TYPE *any = NULL;
    ASN1_STRING *string = NULL;
    gsize len = 0;
    gconstpointer bytes = g_bytes_get_data(der, &len);

    if (has_certificate(data, seal_bytes_view(der)))
        return;
    any = ASN1_TYPE_new();
    string = ASN1_STRING_new();
    ASN1_STRING_set(string, bytes, (int)len);
    ASN1_TYPE_set(any, V_ASN1_SEQUENCE, string);
    sk_ASN1_TYPE_push(data->certificates, any);
}

static gboolean
is_root(X509 *certificate)
{
    return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) ==
           0;
}

static gboolean
add_certificates(SealSignedData *data, const SealSigner *signer, GError **error)
{
    add_certificate(data, signer->certificate);
    if (signer->encryption_certificate)
        add_certificate(data, signer->encryption_certificate);
    if (!signer->chain)
        return TRUE;
    if (signer->chain->len > CHAIN_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot sign: the chain has %u certificates, at most %d go along",
                    signer->chain->len, CHAIN_MAX);
        return FALSE;
    }
    for (guint i = 0; i < signer->chain->len; i++) {
        GBytes *der = g_ptr_array_index(signer->chain, i);
        g_autoptr(X509) certificate =
            seal_certificate_read(der, "a certificate of the chain", error);

        if (!certificate)
            return FALSE;
        if (!is_root(certificate))
            add_certificate(data, der);
    }
    return TRUE;
}

/* -- the signature ---------------------------------------------------------------------------- */

static GBytes *
digest_of(const SealHash *hash, GBytes *message)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    return g_bytes_new(digest, seal_hash_digest(hash, seal_bytes_view(message), digest));
}

static GBytes *
ask_signer(const SealSigner *signer, const SealScheme *scheme, GBytes *message, GError **error)
{
    g_autoptr(GBytes) digest = NULL;

    if (scheme->kind == SEAL_SCHEME_ED25519)
        return signer->sign(signer, "ed25519", NULL, message, error);
    digest = digest_of(scheme->hash, message);
    return signer->sign(signer, seal_scheme_name(scheme->kind), scheme->hash->name, digest, error);
}

static gboolean
sign_attributes(SealSignerInfo *info, const Signing *signing, GError **error)
{
    g_autoptr(GBytes) message =
        seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), info->signed_attributes);
    g_autoptr(GBytes) signature = ask_signer(signing->signer, &signing->scheme, message, error);
    SealBytes m = seal_bytes_view(message);
    SealBytes s;

    if (!signature)
        return FALSE;
    s = seal_bytes_view(signature);
    if (!seal_scheme_verify(&signing->scheme, X509_get0_pubkey(signing->certificate), m.data, m.len,
                            s.data, s.len)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "the signature does not fit the certificate: key and certificate do not belong "
                    "together, choose the key by its certificate");
        return FALSE;
    }
    ASN1_OCTET_STRING_set(info->signature, s.data, (int)s.len);
    return TRUE;
}

static SealSignerInfo *
new_signer_info(const Signing *signing, const SealDigests *digests, gint64 signing_time)
{
    SealSignerInfo *info = seal_asn1_new(ASN1_ITEM_rptr(SealSignerInfo));
    GBytes *digest = seal_digests_peek(digests, signing->scheme.hash);

    ASN1_INTEGER_set(info->version, 1); /* issuer and serial (RFC 5652 5.3) */
    info->id->type = SEAL_ID_ISSUER_SERIAL;
    info->id->d.issuer_serial = seal_issuer_serial_new(signing->certificate);
    seal_hash_write(signing->scheme.hash, info->digest_algorithm);
    seal_scheme_write(&signing->scheme, info->signature_algorithm);
    info->signed_attributes =
        seal_attributes_new(digest, signing->certificate, signing->encryption, signing_time);
    return info;
}

/* -- the message ------------------------------------------------------------------------------ */

static SealSignedData *
new_signed_data(const SealDigests *digests, const uint8_t *mark)
{
    SealSignedData *data = seal_asn1_new(ASN1_ITEM_rptr(SealSignedData));

    ASN1_INTEGER_set(data->version, 1);
    data->certificates = sk_ASN1_TYPE_new_null();
    for (guint i = 0; i < digests->n; i++) {
        X509_ALGOR *algorithm = X509_ALGOR_new();

        seal_hash_write(digests->hashes[i], algorithm);
        sk_X509_ALGOR_push(data->digest_algorithms, algorithm);
    }
    ASN1_OBJECT_free(data->encapsulated->type);
    data->encapsulated->type = OBJ_nid2obj(NID_pkcs7_data);
    if (mark) {
        data->encapsulated->content = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(data->encapsulated->content, mark, SEAL_DER_MARK_LEN);
    }
    return data;
}

static gboolean
add_signer(SealSignedData *data, const Signing *signing, const SealDigests *digests,
           gint64 signing_time, GError **error)
{
    SealSignerInfo *info = new_signer_info(signing, digests, signing_time);

    sk_SealSignerInfo_push(data->signers, info);
    return add_certificates(data, signing->signer, error) && sign_attributes(info, signing, error);
}

GBytes *
seal_signing_write(const GArray *prepared, const SealDigests *digests, const uint8_t *mark,
                   gint64 signing_time, GError **error)
{
    g_autoptr(SealSignedData) data = new_signed_data(digests, mark);

    if (signing_time == 0)
        signing_time = g_get_real_time() / G_USEC_PER_SEC;
    for (guint i = 0; i < prepared->len; i++)
        if (!add_signer(data, &g_array_index(prepared, Signing, i), digests, signing_time, error))
            return NULL;
    return seal_content_info_write(NID_pkcs7_signed, g_steal_pointer(&data),
                                   ASN1_ITEM_rptr(SealSignedData));
}

GBytes *
seal_detached_sign(GBytes *content, const SealSigner *signer, const SealSignOptions *options,
                   GError **error)
{
    static const SealSignOptions defaults = {0};
    g_autoptr(SealDraft) raw = seal_draft_new_raw(content);
    g_auto(SealDigests) digests = {0};
    g_autoptr(GArray) prepared = NULL;

    options = options ? options : &defaults;
    prepared = seal_signing_prepare(&signer, 1, options, &digests, error);
    if (!prepared)
        return NULL;
    seal_digests_take(&digests, raw, NULL);
    return seal_signing_write(prepared, &digests, NULL, options->signing_time, error);
}
