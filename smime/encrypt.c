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
#include "smime/der-frame.h"
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

/* A message that its content has still to go into. */
typedef struct {
    SealContentAlgorithm algorithm;
    SealSecret *key;
    gsize content_len;
    GBytes *before; /* DER in front of the encrypted content, and behind it */
    GBytes *after;
} Envelope;

static void
envelope_clear(Envelope *envelope)
{
    seal_secret_free(envelope->key);
    g_clear_pointer(&envelope->before, g_bytes_unref);
    g_clear_pointer(&envelope->after, g_bytes_unref);
}

/* Fills what the two structures have in common. */
static gboolean
address_to(STACK_OF(ASN1_TYPE) *list, SealEncryptedContent *encrypted, const uint8_t *mark,
           GPtrArray *recipients, const SealEncryptOptions *options, Envelope *envelope,
           GError **error)
{
    seal_content_algorithm_make(options->cipher, encrypted->algorithm, &envelope->algorithm);
    envelope->key = new_content_key(envelope->algorithm.key_len);
    if (!add_recipients(list, recipients, envelope->key, options->oaep, error))
        return FALSE;
    ASN1_OBJECT_free(encrypted->type);
    encrypted->type = OBJ_nid2obj(NID_pkcs7_data);
    encrypted->content = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(encrypted->content, mark, SEAL_DER_MARK_LEN);
    return TRUE;
}

static GBytes *
new_enveloped(const uint8_t *mark, GPtrArray *recipients, const SealEncryptOptions *options,
              Envelope *envelope, GError **error)
{
    g_autoptr(SealEnvelopedData) data = seal_asn1_new(ASN1_ITEM_rptr(SealEnvelopedData));

    if (!address_to(data->recipients, data->encrypted, mark, recipients, options, envelope, error))
        return NULL;
    ASN1_INTEGER_set(data->version, version_for(data->recipients));
    return seal_content_info_write(NID_pkcs7_enveloped, g_steal_pointer(&data),
                                   ASN1_ITEM_rptr(SealEnvelopedData));
}

static GBytes *
new_auth_enveloped(const uint8_t *mark, GPtrArray *recipients, const SealEncryptOptions *options,
                   Envelope *envelope, GError **error)
{
    g_autoptr(SealAuthEnvelopedData) data = seal_asn1_new(ASN1_ITEM_rptr(SealAuthEnvelopedData));
    uint8_t room[SEAL_TAG_MAX] = {0}; /* for the tag, which is known last and stands last */

    if (!address_to(data->recipients, data->encrypted, mark, recipients, options, envelope, error))
        return NULL;
    ASN1_OCTET_STRING_set(data->mac, room, (int)envelope->algorithm.tag_len);
    ASN1_INTEGER_set(data->version, 0); /* RFC 5083 2.1: always */
    return seal_content_info_write(NID_id_smime_ct_authEnvelopedData, g_steal_pointer(&data),
                                   ASN1_ITEM_rptr(SealAuthEnvelopedData));
}

/* Prepares an envelope for what is in `draft`. */
static gboolean
envelope_make(const SealDraft *draft, GPtrArray *recipients, const SealEncryptOptions *options,
              Envelope *envelope, GError **error)
{
    gboolean authenticated = seal_content_cipher_is_authenticated(options->cipher);
    uint8_t mark[SEAL_DER_MARK_LEN];
    g_autoptr(GBytes) der = NULL;

    seal_der_mark_make(mark);
    der = authenticated ? new_auth_enveloped(mark, recipients, options, envelope, error)
                        : new_enveloped(mark, recipients, options, envelope, error);
    if (!der || !seal_draft_measure(draft, &envelope->content_len, error))
        return FALSE;
    seal_der_frame(der, mark,
                   seal_content_encrypted_len(&envelope->algorithm, envelope->content_len),
                   &envelope->before, &envelope->after);
    return TRUE;
}

/* Puts the DER of the message into `sink`; FALSE if the draft is not what it was. */
static gboolean
envelope_put(const Envelope *envelope, const SealDraft *draft, SealSink *sink)
{
    SealEncryptSink encrypt;
    SealMeasureSink measure;
    uint8_t tag[SEAL_TAG_MAX];
    SealBytes after = seal_bytes_view(envelope->after);
    gboolean same = FALSE;

    seal_sink_put_bytes(sink, envelope->before);
    if (!seal_encrypt_sink_init(&encrypt, &envelope->algorithm, envelope->key, sink))
        g_error("OpenSSL lacks the cipher %s", envelope->algorithm.name);
    seal_measure_sink_init(&measure, NULL, &encrypt.sink);
    same = seal_draft_put_entity(draft, &measure.sink);
    seal_measure_sink_finish(&measure);
    seal_encrypt_sink_finish(&encrypt, tag);
    seal_sink_put(sink, after.data, after.len - envelope->algorithm.tag_len);
    seal_sink_put(sink, tag, envelope->algorithm.tag_len);
    return same && measure.len == envelope->content_len;
}

/* -- drafts ----------------------------------------------------------------------------------- */

static const SealEncryptOptions defaults = {.cipher = SEAL_CONTENT_AES256_CBC};

typedef struct {
    SealDraft draft;
    SealDraft *inner;
    Envelope envelope;
} EncryptedDraft;

static gboolean
put_encrypted_body(const SealDraft *draft, SealSink *sink)
{
    const EncryptedDraft *encrypted = (const EncryptedDraft *)draft;
    SealBase64Sink base64;
    gboolean same = FALSE;

    seal_base64_sink_init(&base64, SEAL_MAIL_BASE64, sink);
    same = envelope_put(&encrypted->envelope, encrypted->inner, &base64.sink);
    seal_sink_finish(&base64.sink);
    return same;
}

static void
free_encrypted(SealDraft *draft)
{
    EncryptedDraft *encrypted = (EncryptedDraft *)draft;

    seal_draft_unref(encrypted->inner);
    envelope_clear(&encrypted->envelope);
}

SealDraft *
seal_draft_encrypt(SealDraft *draft, GPtrArray *recipients, const SealEncryptOptions *options,
                   GError **error)
{
    EncryptedDraft *encrypted = g_new0(EncryptedDraft, 1);

    options = options ? options : &defaults;
    seal_headers_protect(options->headers, &draft->outer, &draft->head);
    encrypted->draft.outer = g_bytes_ref(draft->outer);
    encrypted->draft.head = seal_mail_opaque_head(smime_type_of(options->cipher));
    encrypted->draft.put_body = put_encrypted_body;
    encrypted->draft.free_rest = free_encrypted;
    encrypted->inner = draft;
    if (envelope_make(draft, recipients, options, &encrypted->envelope, error))
        return &encrypted->draft;
    seal_draft_unref(&encrypted->draft);
    return NULL;
}

GBytes *
seal_mail_encrypt(GBytes *mail, GPtrArray *recipients, const SealEncryptOptions *options,
                  GError **error)
{
    SealDraft *letter = seal_draft_new(mail, SEAL_TRANSFER_ANY, error);
    g_autoptr(SealDraft) encrypted = NULL;

    if (letter)
        encrypted = seal_draft_encrypt(letter, recipients, options, error);
    return encrypted ? seal_draft_to_bytes(encrypted, error) : NULL;
}

GBytes *
seal_cms_encrypt(GBytes *content, GPtrArray *recipients, const SealEncryptOptions *options,
                 GError **error)
{
    g_autoptr(SealDraft) raw = seal_draft_new_raw(content);
    SealMemorySink memory;
    Envelope envelope = {0};
    GBytes *cms = NULL;

    if (g_bytes_get_size(content) > SEAL_MAIL_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot encrypt: it has more than %d MiB",
                    (int)(SEAL_MAIL_MAX / (1024 * 1024)));
        return NULL;
    }
    if (envelope_make(raw, recipients, options ? options : &defaults, &envelope, error)) {
        seal_memory_sink_init(&memory);
        envelope_put(&envelope, raw, &memory.sink);
        cms = seal_memory_sink_finish(&memory);
    }
    envelope_clear(&envelope);
    return cms;
}
