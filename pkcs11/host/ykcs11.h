/* What Yubico's module (ykcs11) needs so that it keeps no PIN beyond a login, and unblocks them. */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

#include "base/bytes.h"

/* Characters of a PIN at the most (SP 800-73-4 part 2, 2.4.3); the module tells the length of the
 * management key. */
#define SEAL_YKCS11_PIN_MAX 8u

/* TRUE if these functions, of an initialised module, are that one's. */
gboolean seal_ykcs11_is(CK_FUNCTION_LIST *functions);

/* TRUE if the module looks at cards in the PC/SC reader `name`. */
gboolean seal_ykcs11_serves(const char *name);

/* FALSE if the module shows no object at all in `session`: even an empty YubiKey has one, so it did not
 * get anything of the card and says nothing of it. */
gboolean seal_ykcs11_has_read(CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session);

/* After a logout, and after the card was reset: has the module forget the PIN that it keeps for it.
 * May ask the card who it is. */
void seal_ykcs11_forget_pin(CK_FUNCTION_LIST *functions);

/* TRUE if the module would take `pin` for something else than a PIN. */
gboolean seal_ykcs11_is_misread(SealBytes pin);

/* Sets the PIN to `fresh` by the PUK `given`, in a session that may write. Returns what the module
 * says: CKR_PIN_INCORRECT of the PUK. */
CK_RV seal_ykcs11_unblock(CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session, SealBytes given,
                          SealBytes fresh);
