/* Makes the inputs with OpenSSL, as a sender of mail would. The session key, the ephemeral key and the
 * digest are drawn afresh; nothing of them is kept. */
#include "bench/question.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "bench/pace.h"

#define SESSION_KEY_LEN 32

/* rsaEncryption with its NULL (RFC 3370 4.2.1). */
static const guint8 rsa_encryption[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
/* dhSinglePass-stdDH-sha256kdf-scheme with id-aes256-wrap (RFC 5753 7.1.4). */
static const guint8 ecdh_sha256[] = {0x30, 0x15, 0x06, 0x06, 0x2b, 0x81, 0x04, 0x01,
                                     0x0b, 0x01, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86,
                                     0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d};
/* ECC-CMS-SharedInfo (RFC 5753 7.2): id-aes256-wrap, no user keying material, 256 bits. */
static const guint8 shared_info[] = {0x30, 0x15, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86,
                                     0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d, 0xa2,
                                     0x06, 0x04, 0x04, 0x00, 0x00, 0x01, 0x00};
/* id-aes256-CBC with an initialisation vector (RFC 3565 4.1). */
static const guint8 aes256_cbc[] = {0x30, 0x1d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                    0x65, 0x03, 0x04, 0x01, 0x2a, 0x04, 0x10, 0,
                                    1,    2,    3,    4,    5,    6,    7,    8,
                                    9,    10,   11,   12,   13,   14,   15};

static const char *const names[] = {
    [SEAL_QUESTION_SIGN_RSA] = "sign-rsa",
    [SEAL_QUESTION_SIGN_P256] = "sign-p256",
    [SEAL_QUESTION_DECRYPT_RSA] = "decrypt-rsa",
    [SEAL_QUESTION_DERIVE_P256] = "derive-p256",
};

static GBytes *
random_bytes(size_t len)
{
    guint8 *data = g_malloc(len);

    seal_pace_require(RAND_bytes(data, (int)len) == 1, "draw random bytes", NULL);
    return g_bytes_new_take(data, len);
}

static EVP_PKEY *
read_public_key(const char *certificate)
{
    BIO *file = BIO_new_file(certificate, "r");
    X509 *parsed = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = parsed ? X509_get_pubkey(parsed) : NULL;

    seal_pace_require(key != NULL, "read the key's certificate", NULL);
    X509_free(parsed);
    (void)BIO_free(file);
    return key;
}

static void
ask_rsa(SealQuestion *question, EVP_PKEY *recipient)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(recipient, NULL);
    g_autoptr(GBytes) session_key = random_bytes(SESSION_KEY_LEN);
    size_t len = (size_t)EVP_PKEY_get_size(recipient);
    guint8 *encrypted = g_malloc(len);

    seal_pace_require(context && EVP_PKEY_encrypt_init(context) == 1 &&
                          EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
                          EVP_PKEY_encrypt(context, encrypted, &len,
                                           g_bytes_get_data(session_key, NULL),
                                           SESSION_KEY_LEN) == 1,
                      "encrypt a session key", NULL);
    question->encrypted_key = g_bytes_new_take(encrypted, len);
    question->algorithm = g_bytes_new_static(rsa_encryption, sizeof rsa_encryption);
    EVP_PKEY_CTX_free(context);
}

static void
derive_kek(EVP_PKEY *ephemeral, EVP_PKEY *recipient, guint8 *ret_kek)
{
    guint8 secret[32];
    size_t len = sizeof secret;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(ephemeral, NULL);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_X963KDF, NULL);
    EVP_KDF_CTX *deriving = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, sizeof secret),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)shared_info,
                                          sizeof shared_info),
        OSSL_PARAM_construct_end(),
    };

    seal_pace_require(context && EVP_PKEY_derive_init(context) == 1 &&
                          EVP_PKEY_derive_set_peer(context, recipient) == 1 &&
                          EVP_PKEY_derive(context, secret, &len) == 1 &&
                          EVP_KDF_derive(deriving, ret_kek, 32, parameters) == 1,
                      "agree on a key", NULL);
    EVP_KDF_CTX_free(deriving);
    EVP_KDF_free(kdf);
    EVP_PKEY_CTX_free(context);
}

static void
ask_ecdh(SealQuestion *question, EVP_PKEY *recipient)
{
    EVP_PKEY *ephemeral = EVP_EC_gen("P-256");
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    g_autoptr(GBytes) session_key = random_bytes(SESSION_KEY_LEN);
    guint8 kek[32];
    guint8 *point = NULL;
    guint8 *originator = NULL;
    guint8 *wrapped = g_malloc(SESSION_KEY_LEN + 8);
    size_t point_len = 0;
    int originator_len = 0;
    int len = 0;

    derive_kek(ephemeral, recipient, kek);
    EVP_CIPHER_CTX_set_flags(cipher, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    seal_pace_require(EVP_EncryptInit_ex(cipher, EVP_aes_256_wrap(), NULL, kek, NULL) == 1 &&
                          EVP_EncryptUpdate(cipher, wrapped, &len,
                                            g_bytes_get_data(session_key, NULL),
                                            SESSION_KEY_LEN) == 1,
                      "wrap a session key", NULL);
    question->encrypted_key = g_bytes_new_take(wrapped, (size_t)len);
    originator_len = i2d_PUBKEY(ephemeral, &originator);
    point_len = EVP_PKEY_get1_encoded_public_key(ephemeral, &point);
    seal_pace_require(originator_len > 0 && point_len > 0, "encode an ephemeral key", NULL);
    question->originator = g_bytes_new(originator, (size_t)originator_len);
    question->point = g_bytes_new(point, point_len);
    question->algorithm = g_bytes_new_static(ecdh_sha256, sizeof ecdh_sha256);
    OPENSSL_free(originator);
    OPENSSL_free(point);
    EVP_CIPHER_CTX_free(cipher);
    EVP_PKEY_free(ephemeral);
}

SealQuestion *
seal_question_new(const char *name, const char *certificate)
{
    SealQuestion *question = g_new0(SealQuestion, 1);
    guint kind = 0;

    while (kind < G_N_ELEMENTS(names) && !g_str_equal(name, names[kind]))
        kind++;
    seal_pace_require(kind < G_N_ELEMENTS(names), "find that operation", NULL);
    question->kind = (SealQuestionKind)kind;
    question->digest = random_bytes(32);
    if (kind == SEAL_QUESTION_DECRYPT_RSA || kind == SEAL_QUESTION_DERIVE_P256) {
        EVP_PKEY *recipient = read_public_key(certificate);

        question->content_encryption = g_bytes_new_static(aes256_cbc, sizeof aes256_cbc);
        if (kind == SEAL_QUESTION_DECRYPT_RSA)
            ask_rsa(question, recipient);
        else
            ask_ecdh(question, recipient);
        EVP_PKEY_free(recipient);
    }
    return question;
}

void
seal_question_free(SealQuestion *question)
{
    if (!question)
        return;
    g_clear_pointer(&question->digest, g_bytes_unref);
    g_clear_pointer(&question->encrypted_key, g_bytes_unref);
    g_clear_pointer(&question->algorithm, g_bytes_unref);
    g_clear_pointer(&question->content_encryption, g_bytes_unref);
    g_clear_pointer(&question->originator, g_bytes_unref);
    g_clear_pointer(&question->point, g_bytes_unref);
    g_free(question);
}
