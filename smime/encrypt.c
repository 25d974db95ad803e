/* Making EnvelopedData and AuthEnvelopedData with OpenSSL's CMS, whose defaults are replaced where
 * they are old: SHA-1 in the key derivation of ECDH, SHA-1 in OAEP. A certificate that is not for
 * encryption, or that others can break, is refused by name before anything is made. */
#include "smime/encrypt.h"

#include "base/error.h"
#include "pki/certificate.h"
#include "smime/mail.h"
#include "smime/sign.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static const struct {
    const char *smime_type;
    const EVP_CIPHER *(*cipher)(void);
} contents[] = {
    [SEAL_CONTENT_AES256_CBC] = {"enveloped-data", EVP_aes_256_cbc},
    [SEAL_CONTENT_AES128_CBC] = {"enveloped-data", EVP_aes_128_cbc},
    [SEAL_CONTENT_AES128_GCM] = {"authEnveloped-data", EVP_aes_128_gcm},
    [SEAL_CONTENT_AES256_GCM] = {"authEnveloped-data", EVP_aes_256_gcm},
};

static gboolean
refuse(X509 *certificate, SealErrorCode code, const char *why, GError **error)
{
    g_autofree char *subject = seal_certificate_subject(certificate);

    g_set_error(error, SEAL_ERROR, (gint)code, "cannot encrypt to the certificate '%s': %s",
                subject, why);
    return FALSE;
}

static gboolean
check_certificate(X509 *certificate, GError **error)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    int kind = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;

    if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
        return refuse(certificate, SEAL_ERROR_NOT_SUPPORTED,
                      "its key is neither RSA nor EC, ask for another certificate", error);
    if (!(X509_get_extension_flags(certificate) & EXFLAG_KUSAGE))
        return TRUE; /* it states no limit; paths are judged by who chose the certificate */
    if (!seal_certificate_has_usage(certificate,
                                    kind == EVP_PKEY_RSA ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT))
        return refuse(certificate, SEAL_ERROR_KEY_USAGE,
                      "it is not for encryption, ask for the one that is", error);
    return TRUE;
}

static gboolean
check_strength(X509 *certificate, GError **error)
{
    if (!seal_certificate_is_weak(certificate))
        return TRUE;
    return refuse(certificate, SEAL_ERROR_NOT_SUPPORTED,
                  "its key is so short that others can read the mail, ask for one of RSA 2048 or "
                  "better",
                  error);
}

/* -- recipients ------------------------------------------------------------------------------- */

static gboolean
set_key_encryption(CMS_RecipientInfo *recipient, gboolean oaep)
{
    EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(recipient);

    if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_AGREE)
        return context && EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0;
    if (!oaep)
        return TRUE;
    return context && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

static gboolean
add_recipient(CMS_ContentInfo *cms, GBytes *der, gboolean oaep, GError **error)
{
    g_autoptr(X509) certificate = seal_certificate_read(der, "a recipient's certificate", error);
    CMS_RecipientInfo *recipient = NULL;

    if (!certificate || !check_certificate(certificate, error) ||
        !check_strength(certificate, error))
        return FALSE;
    recipient = CMS_add1_recipient_cert(cms, certificate, CMS_KEY_PARAM);
    if (recipient && set_key_encryption(recipient, oaep))
        return TRUE;
    ERR_clear_error();
    return refuse(certificate, SEAL_ERROR_NOT_SUPPORTED,
                  "its key cannot be used for encryption here, ask for another certificate", error);
}

static gboolean
add_recipients(CMS_ContentInfo *cms, GPtrArray *recipients, gboolean oaep, GError **error)
{
    if (recipients->len == 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "cannot encrypt: no recipient was named, give at least one certificate");
        return FALSE;
    }
    if (recipients->len > SEAL_RECIPIENTS_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot encrypt: %u recipients were named, at most %d can be served at once",
                    recipients->len, SEAL_RECIPIENTS_MAX);
        return FALSE;
    }
    for (guint i = 0; i < recipients->len; i++)
        if (!add_recipient(cms, g_ptr_array_index(recipients, i), oaep, error))
            return FALSE;
    return TRUE;
}

/* -- the message ------------------------------------------------------------------------------ */

static GBytes *
finish(CMS_ContentInfo *cms, GBytes *content)
{
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(content, &len);
    BIO *in = BIO_new_mem_buf(data, (int)len);
    unsigned char *der = NULL;
    GBytes *bytes = NULL;
    int der_len = -1;

    if (CMS_final(cms, in, NULL, CMS_BINARY))
        der_len = i2d_CMS_ContentInfo(cms, &der);
    if (der_len > 0)
        bytes = g_bytes_new(der, (gsize)der_len);
    OPENSSL_free(der);
    BIO_free(in);
    return bytes;
}

static GBytes *
encrypt_content(GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options,
                GError **error)
{
    CMS_ContentInfo *cms =
        CMS_encrypt(NULL, NULL, contents[options->cipher].cipher(), CMS_PARTIAL | CMS_BINARY);
    GBytes *bytes = NULL;

    if (add_recipients(cms, recipients, options->oaep, error)) {
        bytes = finish(cms, content);
        if (!bytes)
            g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED,
                        "cannot encrypt the mail: OpenSSL failed (%s)",
                        ERR_reason_error_string(ERR_peek_last_error()));
    }
    ERR_clear_error();
    CMS_ContentInfo_free(cms);
    return bytes;
}

static const SealEncryptOptions defaults = {SEAL_CONTENT_AES256_CBC, FALSE};

GBytes *
seal_mail_encrypt(GBytes *mail, GPtrArray *recipients, const SealEncryptOptions *options,
                  GError **error)
{
    g_autoptr(GBytes) outer = NULL;
    g_autoptr(GBytes) inner = NULL;
    g_autoptr(GBytes) cms = NULL;

    options = options ? options : &defaults;
    if (!seal_mail_split(mail, &outer, &inner, error))
        return NULL;
    cms = encrypt_content(inner, recipients, options, error);
    return cms ? seal_mail_join_opaque(outer, cms, contents[options->cipher].smime_type) : NULL;
}

GBytes *
seal_cms_encrypt(GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options,
                 GError **error)
{
    if (g_bytes_get_size(content) > SEAL_MAIL_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot encrypt: it has more than %d MiB",
                    (int)(SEAL_MAIL_MAX / (1024 * 1024)));
        return NULL;
    }
    return encrypt_content(content, recipients, options ? options : &defaults, error);
}
