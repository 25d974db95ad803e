/* Encrypted content: its AlgorithmIdentifier read strictly and made, and its bytes opened and
 * closed under a key. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"
#include "smime/cipher.h"
#include "smime/report.h"
#include "smime/sink.h"

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define SEAL_NONCE_MAX 16
#define SEAL_TAG_MAX   16

typedef struct {
    const char *name; /* "aes256-cbc" and so on; static */
    const EVP_CIPHER *cipher;
    gsize key_len; /* bytes */
    gboolean authenticated;
    gboolean weak;                 /* 3DES: still read, with a warning */
    uint8_t nonce[SEAL_NONCE_MAX]; /* the IV of CBC */
    gsize nonce_len;
    gsize tag_len; /* bytes, 0 for CBC */
} SealContentAlgorithm;

/* Reads the algorithm of an EnvelopedData or, if `authenticated`, an AuthEnvelopedData whose tag
 * has `tag_len` bytes. Returns OK, UNSUPPORTED or MALFORMED, for these with *ret_reason (static).
 */
SealVerdict seal_content_algorithm_read(const X509_ALGOR *algorithm, gboolean authenticated,
                                        gsize tag_len, SealContentAlgorithm *ret_algorithm,
                                        const char **ret_reason);

/* Opens `ciphertext`. `tag` and `associated` (the DER of the authenticated attributes, or empty)
 * are for authenticated encryption. Returns (transfer full) the plaintext, or NULL if key, tag or
 * padding is wrong: which of them is not said, and nothing of the plaintext is left behind. */
GBytes *seal_content_decrypt(const SealContentAlgorithm *algorithm, const SealSecret *key,
                             SealBytes ciphertext, SealBytes tag, SealBytes associated);

/* Chooses a random nonce for `cipher` and writes both into `algorithm`. Tags have 16 bytes. */
void seal_content_algorithm_make(SealContentCipher cipher, X509_ALGOR *algorithm,
                                 SealContentAlgorithm *ret_algorithm);

/* How long `plaintext_len` bytes become, tag apart. */
gsize seal_content_encrypted_len(const SealContentAlgorithm *algorithm, gsize plaintext_len);

/* Encrypts what is put into it, into `next`, under a key that is used for nothing else. */
typedef struct {
    SealSink sink;
    SealSink *next;
    EVP_CIPHER_CTX *context;
    gsize tag_len;
} SealEncryptSink;
/* FALSE if the key does not fit the algorithm; nothing is to be finished then. */
gboolean seal_encrypt_sink_init(SealEncryptSink *encrypt, const SealContentAlgorithm *algorithm,
                                const SealSecret *key, SealSink *next);
/* Writes the rest; `ret_tag` gets the tag of authenticated encryption (tag_len bytes). */
void seal_encrypt_sink_finish(SealEncryptSink *encrypt, uint8_t *ret_tag);
