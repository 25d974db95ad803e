/* Opening wrapped session keys with a key of a token. */
#pragma once

#include "pkcs11/host/operation.h"

/* Check the parameters against the key, before anything reaches the token: NOT_SUPPORTED for hashes
 * and sizes that are not served, INVALID_INPUT for an originator's point that is not on the curve
 * or a session key that cannot fit. */
gboolean seal_unwrap_rsa_check(const SealHostKey *key, SealMechanism mechanism,
                               const SealUnwrapRequest *request, GError **error);
gboolean seal_unwrap_agree_check(const SealHostKey *key, SealMechanism mechanism,
                                 const SealUnwrapRequest *request, GError **error);

/* Open the key in operation->session; it stands in scratch->key, key_len bytes. RSA v1.5 never
 * fails for what is in the ciphertext (padding.h); OAEP and key agreement fail with DECRYPT_FAILED
 * and nothing more. Block on the token. */
gboolean seal_unwrap_rsa(SealOperation *operation, SealMechanism mechanism,
                         const SealUnwrapRequest *request, GError **error);
gboolean seal_unwrap_agree(SealOperation *operation, SealMechanism mechanism,
                           const SealUnwrapRequest *request, GError **error);
