/* Sealing and opening in one file, so that both ends agree by construction. One derivation serves
 * both: it is given the own private and the other's public key and mixes both public keys in the
 * order ephemeral, caller. */
#include "base/seal-box.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/error.h"

#define INFO      "privyseal unwrap 1"
#define INFO_LEN  (sizeof INFO - 1)
#define TAG_LEN   16
#define KEY_LEN   32
#define NONCE_LEN 12

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_KDF, EVP_KDF_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_KDF_CTX, EVP_KDF_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

typedef struct {
    uint8_t shared[32];
    uint8_t key_and_nonce[KEY_LEN + NONCE_LEN];
} Derived;

static gboolean
agree(EVP_PKEY *own, const uint8_t *other_public, uint8_t shared[32])
{
    g_autoptr(EVP_PKEY) other =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, other_public, SEAL_BOX_KEY_LEN);
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(own, NULL);
    size_t len = 32;

    /* OpenSSL refuses an all-zero result (RFC 7748 6.1) by itself. */
    return other && context && EVP_PKEY_derive_init(context) == 1 &&
           EVP_PKEY_derive_set_peer(context, other) == 1 &&
           EVP_PKEY_derive(context, shared, &len) == 1 && len == 32;
}

static gboolean
expand(const uint8_t *ephemeral, const uint8_t *caller, Derived *derived)
{
    g_autoptr(EVP_KDF) kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    g_autoptr(EVP_KDF_CTX) context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    uint8_t info[INFO_LEN + 2 * SEAL_BOX_KEY_LEN];
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, derived->shared, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info),
        OSSL_PARAM_construct_end(),
    };

    memcpy(info, INFO, INFO_LEN);
    memcpy(info + INFO_LEN, ephemeral, SEAL_BOX_KEY_LEN);
    memcpy(info + INFO_LEN + SEAL_BOX_KEY_LEN, caller, SEAL_BOX_KEY_LEN);
    return context && EVP_KDF_derive(context, derived->key_and_nonce, sizeof derived->key_and_nonce,
                                     parameters) == 1;
}

static gboolean
encrypt(const Derived *derived, const void *data, size_t len, uint8_t *out, uint8_t *tag)
{
    g_autoptr(EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new();
    int done = 0;

    return context &&
           EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), derived->key_and_nonce,
                               derived->key_and_nonce + KEY_LEN, NULL) == 1 &&
           EVP_EncryptUpdate(context, out, &done, data, (int)len) == 1 &&
           EVP_EncryptFinal_ex(context, out + done, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1;
}

static gboolean
decrypt(const Derived *derived, const uint8_t *data, size_t len, const uint8_t *tag, uint8_t *out)
{
    g_autoptr(EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new();
    int done = 0;

    return context &&
           EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), derived->key_and_nonce,
                               derived->key_and_nonce + KEY_LEN, NULL) == 1 &&
           EVP_DecryptUpdate(context, out, &done, data, (int)len) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, (void *)tag) == 1 &&
           EVP_DecryptFinal_ex(context, out + done, &done) == 1;
}

static EVP_PKEY *
generate(uint8_t public_key[SEAL_BOX_KEY_LEN], GError **error)
{
    g_autoptr(EVP_PKEY) pair = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    size_t len = SEAL_BOX_KEY_LEN;

    if (!pair || EVP_PKEY_get_raw_public_key(pair, public_key, &len) != 1) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_FAILED,
                            "cannot make a key pair for a sealed answer");
        return NULL;
    }
    return g_steal_pointer(&pair);
}

SealSecret *
seal_box_key_new(uint8_t public_key[SEAL_BOX_KEY_LEN], GError **error)
{
    g_autoptr(EVP_PKEY) pair = generate(public_key, error);
    g_autoptr(SealSecret) key = NULL;
    size_t len = SEAL_BOX_KEY_LEN;

    if (!pair)
        return NULL;
    key = seal_secret_new(SEAL_BOX_KEY_LEN);
    seal_secret_set_len(key, SEAL_BOX_KEY_LEN);
    if (EVP_PKEY_get_raw_private_key(pair, seal_secret_data(key), &len) != 1) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_FAILED,
                            "cannot make a key pair for a sealed answer");
        return NULL;
    }
    return g_steal_pointer(&key);
}

gboolean
seal_box_seal(const uint8_t seal_to[SEAL_BOX_KEY_LEN], const void *data, size_t len, uint8_t *box,
              GError **error)
{
    g_autoptr(EVP_PKEY) ephemeral = NULL;
    Derived derived;
    gboolean sealed = FALSE;

    if (len > SEAL_BOX_DATA_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "%zu bytes do not fit into a sealed answer, at most %u do", len,
                    SEAL_BOX_DATA_MAX);
        return FALSE;
    }
    ephemeral = generate(box, error);
    if (!ephemeral)
        return FALSE;
    if (!agree(ephemeral, seal_to, derived.shared)) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                            "'seal-to' is no usable X25519 public key");
        seal_wipe(&derived, sizeof derived);
        return FALSE;
    }
    sealed = expand(box, seal_to, &derived) &&
             encrypt(&derived, data, len, box + SEAL_BOX_KEY_LEN, box + SEAL_BOX_KEY_LEN + len);
    seal_wipe(&derived, sizeof derived);
    if (!sealed)
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot seal the session key");
    return sealed;
}

/* Opens into `content`, whose length is set; garbage stands there after a failure. */
static gboolean
open_with(EVP_PKEY *own, SealBytes box, SealSecret *content)
{
    uint8_t caller[SEAL_BOX_KEY_LEN];
    size_t caller_len = sizeof caller;
    size_t len = box.len - SEAL_BOX_OVERHEAD;
    Derived derived;
    gboolean opened = EVP_PKEY_get_raw_public_key(own, caller, &caller_len) == 1 &&
                      agree(own, box.data, derived.shared) && expand(box.data, caller, &derived) &&
                      decrypt(&derived, box.data + SEAL_BOX_KEY_LEN, len,
                              box.data + SEAL_BOX_KEY_LEN + len, seal_secret_data(content));

    seal_wipe(&derived, sizeof derived);
    return opened;
}

SealSecret *
seal_box_open(const SealSecret *key, SealBytes box, GError **error)
{
    g_autoptr(EVP_PKEY) own = EVP_PKEY_new_raw_private_key(
        EVP_PKEY_X25519, NULL, seal_secret_peek(key), seal_secret_len(key));
    g_autoptr(SealSecret) content = NULL;

    if (box.len >= SEAL_BOX_OVERHEAD && box.len <= SEAL_BOX_OVERHEAD + SEAL_BOX_DATA_MAX) {
        content = seal_secret_new(MAX(box.len - SEAL_BOX_OVERHEAD, 1));
        seal_secret_set_len(content, box.len - SEAL_BOX_OVERHEAD);
    }
    if (!own || !content || !open_with(own, box, content)) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                            "the sealed answer cannot be opened: it is damaged or for another key");
        return NULL;
    }
    return g_steal_pointer(&content);
}
