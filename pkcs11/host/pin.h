/* Giving a token another PIN. Each is one step: nothing of the token's is between its calls. */
#pragma once

#include "pkcs11/host/host.h"

/* Changes the user's PIN from `given` to `fresh` (both len 0: at the reader's pad). Logged in or not,
 * the token stays as it was. INVALID_INPUT: it does not take the new PIN. `ret_rv`: what the module
 * said. `ret_lost`: as of seal_operation_sign(). Blocks on the token, or on a person at the pad. */
gboolean seal_pin_change(SealHost *host, const SealPinRequest *request, CK_RV *ret_rv,
                         SealSlot **ret_lost, GError **error);

/* Sets the user's PIN to `fresh`, whatever it was, by the PUK (PKCS#11: the PIN of the security
 * officer) in `given`. Waits until no session is in use; the token is logged out. Else as above. */
gboolean seal_pin_unblock(SealHost *host, const SealPinRequest *request, CK_RV *ret_rv,
                          SealSlot **ret_lost, GError **error);
