/* Raw operations: what a key computes, with no padding or key derivation around it. */
#pragma once

#include "pkcs11/host/operation.h"

/* Checks the input against the key, before anything reaches the token: INVALID_INPUT for a point
 * that is not on the curve, or a block that is not of the modulus' length or not below the modulus.
 */
gboolean seal_raw_check(const SealHostKey *key, SealMechanism mechanism,
                        const SealRawRequest *request, GError **error);

/* The bare secret (RAW_ECDH: the x coordinate) or the block becomes the answer. TOKEN_REMOVED if a
 * signed block does not match the public key and was to be verified. Blocks on the token. */
gboolean seal_raw(SealOperation *operation, SealMechanism mechanism, const SealRawRequest *request,
                  GError **error);
