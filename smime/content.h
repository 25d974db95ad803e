/* Encrypted content: its AlgorithmIdentifier read strictly, and its bytes opened under a key. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"
#include "smime/report.h"

#include <glib.h>
#include <openssl/x509.h>

#define SEAL_NONCE_MAX 16

typedef struct {
    const char *name; /* "aes256-cbc" and so on; static */
    int nid;
    gsize key_len; /* bytes */
    gboolean authenticated;
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
