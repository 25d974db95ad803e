/* Making a SignedData: the message is digested here, the signed attributes are set up and encoded
 * (RFC 5652 5.4), and the caller's signer is asked for one signature over them. Own templates, so
 * Ed25519, which OpenSSL 3.0's CMS lacks, is no special case. The finished signature is verified
 * under the certificate before anybody sees it. */
#include "smime/sign.h"

#include "base/error.h"
#include "pki/certificate.h"
#include "smime/algorithm.h"
#include "smime/attributes.h"
#include "smime/cms.h"
#include "smime/entity.h"
#include "smime/mail.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#define CHAIN_MAX 16 /* certificates that go along; public paths have up to four */

/* -- which signature -------------------------------------------------------------------------- */

/* SHA-256, and for larger curves a hash of their size (RFC 5753 7.1.2 in spirit). */
static const SealHash *
hash_for_key(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        return seal_hash_by_nid(NID_sha512); /* RFC 8419 2.3 */
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || bits <= 256)
        return seal_hash_by_nid(NID_sha256);
    return seal_hash_by_nid(bits <= 384 ? NID_sha384 : NID_sha512);
}

/* Those of Key.Sign. */
static gboolean
is_for_signing(const SealHash *hash)
{
    return hash->nid == NID_sha256 || hash->nid == NID_sha384 || hash->nid == NID_sha512;
}

static gboolean
choose_hash(EVP_PKEY *key, const char *name, const SealHash **ret_hash, GError **error)
{
    const SealHash *own = hash_for_key(key);

    *ret_hash = name ? seal_hash_by_name(name) : own;
    if (!*ret_hash || !is_for_signing(*ret_hash)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "cannot sign with the hash '%s': use sha256, sha384 or sha512", name);
        return FALSE;
    }
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 && *ret_hash != own) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "cannot sign with the hash '%s': an Ed25519 key signs with sha512 alone", name);
        return FALSE;
    }
    return TRUE;
}

static gboolean
choose_scheme(EVP_PKEY *key, const SealSignOptions *options, SealScheme *ret_scheme, GError **error)
{
    *ret_scheme = (SealScheme){0};
    if (!choose_hash(key, options->hash, &ret_scheme->hash, error))
        return FALSE;
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        ret_scheme->kind = options->pss ? SEAL_SCHEME_RSA_PSS : SEAL_SCHEME_RSA_PKCS1;
        break;
    case EVP_PKEY_RSA_PSS:
        ret_scheme->kind = SEAL_SCHEME_RSA_PSS;
        break;
    case EVP_PKEY_EC:
        ret_scheme->kind = SEAL_SCHEME_ECDSA;
        break;
    case EVP_PKEY_ED25519:
        ret_scheme->kind = SEAL_SCHEME_ED25519;
        break;
    default:
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "cannot sign with a key of this kind: use an RSA, EC or Ed25519 key");
        return FALSE;
    }
    ret_scheme->mgf1_hash = ret_scheme->hash;
    ret_scheme->salt_len = EVP_MD_get_size(seal_hash_md(ret_scheme->hash));
    return TRUE;
}

/* A certificate may leave key usage out; one that has it must allow signatures. */
static gboolean
check_usage(X509 *certificate, GError **error)
{
    g_autofree char *subject = NULL;

    if (!(X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) ||
        seal_certificate_has_usage(certificate, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))
        return TRUE;
    subject = seal_certificate_subject(certificate);
    g_set_error(
        error, SEAL_ERROR, SEAL_ERROR_KEY_USAGE,
        "cannot sign with the certificate '%s': it is not for signatures, choose another key",
        subject);
    return FALSE;
}

/* -- certificates that go along --------------------------------------------------------------- */

static void
add_certificate(SealSignedData *data, GBytes *der)
{
    ASN1_TYPE *any = ASN1_TYPE_new();
    ASN1_STRING *string = ASN1_STRING_new();
    gsize len = 0;
    gconstpointer bytes = g_bytes_get_data(der, &len);

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
    data->certificates = sk_ASN1_TYPE_new_null();
    add_certificate(data, signer->certificate);
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
        if (!is_root(certificate) && !g_bytes_equal(der, signer->certificate))
            add_certificate(data, der);
    }
    return TRUE;
}

/* -- the signature ---------------------------------------------------------------------------- */

static GBytes *
digest_of(const SealHash *hash, GBytes *message)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_len = 0;
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(message, &len);

    EVP_Digest(data, len, digest, &digest_len, seal_hash_md(hash), NULL);
    return g_bytes_new(digest, digest_len);
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
sign_attributes(SealSignerInfo *info, const SealSigner *signer, const SealScheme *scheme,
                X509 *certificate, GError **error)
{
    g_autoptr(GBytes) message =
        seal_asn1_write(ASN1_ITEM_rptr(SealAttributeSet), info->signed_attributes);
    g_autoptr(GBytes) signature = ask_signer(signer, scheme, message, error);
    SealBytes m = seal_bytes_view(message);
    SealBytes s;

    if (!signature)
        return FALSE;
    s = seal_bytes_view(signature);
    if (!seal_scheme_verify(scheme, X509_get0_pubkey(certificate), m.data, m.len, s.data, s.len)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "the signature does not fit the certificate: key and certificate do not belong "
                    "together, choose the key by its certificate");
        return FALSE;
    }
    ASN1_OCTET_STRING_set(info->signature, s.data, (int)s.len);
    return TRUE;
}

static SealSignerInfo *
new_signer_info(X509 *certificate, const SealScheme *scheme, GBytes *content, gint64 signing_time)
{
    SealSignerInfo *info = seal_asn1_new(ASN1_ITEM_rptr(SealSignerInfo));
    g_autoptr(GBytes) digest = digest_of(scheme->hash, content);

    ASN1_INTEGER_set(info->version, 1); /* issuer and serial (RFC 5652 5.3) */
    info->id->type = SEAL_ID_ISSUER_SERIAL;
    info->id->d.issuer_serial = seal_issuer_serial_new(certificate);
    seal_hash_write(scheme->hash, info->digest_algorithm);
    seal_scheme_write(scheme, info->signature_algorithm);
    info->signed_attributes = seal_attributes_new(digest, certificate, signing_time);
    return info;
}

static SealSignedData *
new_signed_data(const SealScheme *scheme, GBytes *content, gboolean opaque)
{
    SealSignedData *data = seal_asn1_new(ASN1_ITEM_rptr(SealSignedData));
    X509_ALGOR *digest = X509_ALGOR_new();
    SealBytes bytes = seal_bytes_view(content);

    ASN1_INTEGER_set(data->version, 1);
    seal_hash_write(scheme->hash, digest);
    sk_X509_ALGOR_push(data->digest_algorithms, digest);
    ASN1_OBJECT_free(data->encapsulated->type);
    data->encapsulated->type = OBJ_nid2obj(NID_pkcs7_data);
    if (opaque) {
        data->encapsulated->content = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(data->encapsulated->content, bytes.data, (int)bytes.len);
    }
    return data;
}

static GBytes *
sign_content(GBytes *content, const SealSigner *signer, X509 *certificate, const SealScheme *scheme,
             const SealSignOptions *options, GError **error)
{
    g_autoptr(SealSignedData) data = new_signed_data(scheme, content, options->opaque);
    gint64 now =
        options->signing_time != 0 ? options->signing_time : g_get_real_time() / G_USEC_PER_SEC;
    SealSignerInfo *info = new_signer_info(certificate, scheme, content, now);

    sk_SealSignerInfo_push(data->signers, info);
    if (!add_certificates(data, signer, error) ||
        !sign_attributes(info, signer, scheme, certificate, error))
        return NULL;
    return seal_content_info_write(NID_pkcs7_signed, g_steal_pointer(&data),
                                   ASN1_ITEM_rptr(SealSignedData));
}

/* The DER of a SignedData over `content`, which it carries if it is opaque. `ret_hash`: (nullable)
 * what it was digested with. */
static GBytes *
sign_bytes(GBytes *content, const SealSigner *signer, const SealSignOptions *options,
           const SealHash **ret_hash, GError **error)
{
    g_autoptr(X509) certificate =
        seal_certificate_read(signer->certificate, "the signer's certificate", error);
    SealScheme scheme;

    if (!certificate || !check_usage(certificate, error) ||
        !choose_scheme(X509_get0_pubkey(certificate), options, &scheme, error))
        return NULL;
    if (ret_hash)
        *ret_hash = scheme.hash;
    return sign_content(content, signer, certificate, &scheme, options, error);
}

GBytes *
seal_detached_sign(GBytes *content, const SealSigner *signer, const SealSignOptions *options,
                   GError **error)
{
    SealSignOptions detached = options ? *options : (SealSignOptions){0};

    detached.opaque = FALSE;
    return sign_bytes(content, signer, &detached, NULL, error);
}

GBytes *
seal_mail_sign(GBytes *mail, const SealSigner *signer, const SealSignOptions *options,
               GError **error)
{
    static const SealSignOptions defaults = {0};
    g_autoptr(GBytes) outer = NULL;
    g_autoptr(GBytes) inner = NULL;
    g_autoptr(GBytes) cms = NULL;
    const SealHash *hash = NULL;

    options = options ? options : &defaults;
    if (!seal_mail_split(mail, options->opaque ? SEAL_TRANSFER_ANY : SEAL_TRANSFER_7BIT, &outer,
                         &inner, error))
        return NULL;
    cms = sign_bytes(inner, signer, options, &hash, error);
    if (!cms)
        return NULL;
    return options->opaque ? seal_mail_join_opaque(outer, cms, "signed-data")
                           : seal_mail_join_signed(outer, inner, cms, hash->micalg);
}
