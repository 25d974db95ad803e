/* Key agreement with a key of a token, up to the common secret. */
#pragma once

#include "pkcs11/host/operation.h"

/* INVALID_INPUT unless `point` (uncompressed, or 32 bytes of X25519) is on the key's curve. Before
 * anything reaches the token. */
gboolean seal_agree_check(const SealHostKey *key, SealBytes point, GError **error);

/* The x coordinate of the common point, `secret_len` bytes with its leading zeroes, in
 * scratch->shared. DECRYPT_FAILED for whatever the token dislikes about the point. Blocks on the
 * token. */
gboolean seal_agree(SealOperation *operation, SealBytes point, gsize secret_len, GError **error);
