/* RSA decryption by a token, before anything is made of the padding. */
#pragma once

#include "pkcs11/host/operation.h"

typedef enum {
    SEAL_RSA_DONE,    /* scratch->block has the result */
    SEAL_RSA_REFUSED, /* the token does not take the mechanism; no error is set */
    SEAL_RSA_BAD,     /* the token does not like the data; no error is set */
    SEAL_RSA_FAILED,  /* error is set */
} SealRsaOutcome;

/* TRUE if the ciphertext, stretched to the modulus' length in `out`, is a number below the modulus:
 * others are no ciphertexts at all, which anybody can see. */
gboolean seal_rsa_stretch(const SealPublicKey *key, SealBytes encrypted, guint8 *out);

/* Decrypts with this mechanism: `ret_len` bytes in scratch->block. Blocks on the token. */
SealRsaOutcome seal_rsa_decrypt(SealOperation *operation, CK_MECHANISM *mechanism,
                                SealBytes encrypted, gsize *ret_len, GError **error);

/* Plain RSA: the padded block, of the modulus' length, in scratch->block. Never BAD. Blocks on the
 * token. */
SealRsaOutcome seal_rsa_decrypt_block(SealOperation *operation, SealBytes encrypted,
                                      GError **error);
