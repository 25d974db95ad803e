/* Making EnvelopedData and AuthEnvelopedData with our own templates: OpenSSL 3.0's CMS knows
 * neither ChaCha20-Poly1305 nor X25519, and its defaults are old (SHA-1 in the key derivation of
 * ECDH and in OAEP). A certificate that is not for encryption, or that others can break, is refused
 * by name before anything is made. The content key lives in a SealSecret and is used for one
 * message. */
#include "smime/encrypt.h"

#include "base/error.h"
#include "base/secret.h"
#include "pki/certificate.h"
#include "smime/cms.h"
#include "smime/content.h"
#include "smime/entity.h"
#include "smime/key-encryption.h"
#include "smime/mail.h"
#include "smime/sign.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

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

    if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC && kind != EVP_PKEY_X25519)
        return refuse(certificate, SEAL_ERROR_NOT_SUPPORTED,
                      "its key is neither RSA nor EC nor X25519, ask for another certificate",
                      error);
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
add_recipient(STACK_OF(ASN1_TYPE) *list, GBytes *der, const SealSecret *key, gboolean oaep,
              GError **error)
{
    g_autoptr(X509) certificate = seal_certificate_read(der, "a recipient's certificate", error);
    ASN1_TYPE *recipient = NULL;

    if (!certificate || !check_certificate(certificate, error) ||
        !check_strength(certificate, error))
        return FALSE;
    if (EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)) == EVP_PKEY_RSA)
        recipient = seal_key_transport_new(certificate, key, oaep);
    else
        recipient = seal_key_agreement_new(certificate, key);
    ERR_clear_error();
    if (recipient && sk_ASN1_TYPE_push(list, recipient) > 0)
        return TRUE;
    return refuse(certificate, SEAL_ERROR_NOT_SUPPORTED,
                  "its key cannot be used for encryption here, ask for another certificate", error);
}

static gboolean
add_recipients(STACK_OF(ASN1_TYPE) *list, GPtrArray *recipients, const SealSecret *key,
               gboolean oaep, GError **error)
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
        if (!add_recipient(list, g_ptr_array_index(recipients, i), key, oaep, error))
            return FALSE;
    return TRUE;
}

/* -- the message ------------------------------------------------------------------------------ */

static const char *
smime_type_of(SealContentCipher cipher)
{
    return seal_content_cipher_is_authenticated(cipher) ? "authEnveloped-data" : "enveloped-data";
}

/* RFC 5652 6.1: 0 where every recipient is one of key transport with issuer and serial, else 2. */
static int
version_for(STACK_OF(ASN1_TYPE) *recipients)
{
    for (int i = 0; i < sk_ASN1_TYPE_num(recipients); i++)
        if (sk_ASN1_TYPE_value(recipients, i)->type != V_ASN1_SEQUENCE)
            return 2;
    return 0;
}

static SealSecret *
new_content_key(gsize len)
{
    SealSecret *key = seal_secret_new(len);

    if (RAND_priv_bytes(seal_secret_data(key), (int)len) != 1)
        g_error("the random generator failed");
    seal_secret_set_len(key, len);
    return key;
}

/* Fills what the two structures have in common. */
static gboolean
seal_into(STACK_OF(ASN1_TYPE) *list, SealEncryptedContent *encrypted, ASN1_OCTET_STRING *mac,
          GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options, GError **error)
{
    SealContentAlgorithm algorithm;
    g_autoptr(SealSecret) key = NULL;

    seal_content_algorithm_make(options->cipher, encrypted->algorithm, &algorithm);
    key = new_content_key(algorithm.key_len);
    if (!add_recipients(list, recipients, key, options->oaep, error))
        return FALSE;
    ASN1_OBJECT_free(encrypted->type);
    encrypted->type = OBJ_nid2obj(NID_pkcs7_data);
    encrypted->content = ASN1_OCTET_STRING_new();
    if (seal_content_encrypt(&algorithm, key, seal_bytes_view(content), encrypted->content, mac))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED,
                "cannot encrypt the mail: OpenSSL failed (%s)",
                ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    return FALSE;
}

static GBytes *
envelop(GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options, GError **error)
{
    g_autoptr(SealEnvelopedData) data = seal_asn1_new(ASN1_ITEM_rptr(SealEnvelopedData));

    if (!seal_into(data->recipients, data->encrypted, NULL, content, recipients, options, error))
        return NULL;
    ASN1_INTEGER_set(data->version, version_for(data->recipients));
    return seal_content_info_write(NID_pkcs7_enveloped, g_steal_pointer(&data),
                                   ASN1_ITEM_rptr(SealEnvelopedData));
}

static GBytes *
envelop_authenticated(GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options,
                      GError **error)
{
    g_autoptr(SealAuthEnvelopedData) data = seal_asn1_new(ASN1_ITEM_rptr(SealAuthEnvelopedData));

    if (!seal_into(data->recipients, data->encrypted, data->mac, content, recipients, options,
                   error))
        return NULL;
    ASN1_INTEGER_set(data->version, 0); /* RFC 5083 2.1: always */
    return seal_content_info_write(NID_id_smime_ct_authEnvelopedData, g_steal_pointer(&data),
                                   ASN1_ITEM_rptr(SealAuthEnvelopedData));
}

static GBytes *
encrypt_content(GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options,
                GError **error)
{
    return seal_content_cipher_is_authenticated(options->cipher)
               ? envelop_authenticated(content, recipients, options, error)
               : envelop(content, recipients, options, error);
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
    if (!seal_mail_split(mail, SEAL_TRANSFER_ANY, &outer, &inner, error))
        return NULL;
    cms = encrypt_content(inner, recipients, options, error);
    return cms ? seal_mail_join_opaque(outer, cms, smime_type_of(options->cipher)) : NULL;
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
