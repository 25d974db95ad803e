/* Signing with a key of a token. */
#pragma once

#include "pkcs11/host/operation.h"

/* Checks the parameters against the key, before anything reaches the token. NOT_SUPPORTED for a
 * hash or salt length that is not served, INVALID_INPUT for a digest of the wrong length. */
gboolean seal_sign_check(const SealHostKey *key, SealMechanism mechanism,
                         const SealSignRequest *request, GError **error);

/* Signs in operation->session; the signature becomes the answer (ECDSA: DER). TOKEN_REMOVED if it
 * does not match the public key and was to be verified. Blocks on the token. */
gboolean seal_sign(SealOperation *operation, SealMechanism mechanism,
                   const SealSignRequest *request, GError **error);

/* Plain RSA over a block of the modulus' length, below the modulus; becomes the answer, unverified.
 * Blocks on the token. */
gboolean seal_sign_block(SealOperation *operation, SealBytes block, GError **error);
/* TRUE if signatures of this token are to be verified before they are given out. */
gboolean seal_sign_must_verify(const SealOperation *operation);
/* A signature was looked at: tells the agent of the first that fits the key, and of each that does not.
 * Returns `fits`; FALSE with TOKEN_REMOVED. */
gboolean seal_sign_conclude(SealOperation *operation, gboolean fits, GError **error);
