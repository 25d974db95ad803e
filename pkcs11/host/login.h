/* Logging in to a token and out of it. */
#pragma once

#include "pkcs11/host/host.h"

/* Logs in with `pin` (len 0: at the reader's pad, if the token has one), reads the token again and
 * tells what changed: all events are sent before this returns. `ret_rv`: what the module said.
 * `ret_lost`: as of seal_operation_sign(). Blocks on the token, or on a person at the pad. */
gboolean seal_login(SealHost *host, guint32 token, SealBytes pin, CK_RV *ret_rv,
                    SealSlot **ret_lost, GError **error);

/* Logs out. A token that was logged out already is a success. */
gboolean seal_logout(SealHost *host, guint32 token, CK_RV *ret_rv, SealSlot **ret_lost,
                     GError **error);
/* The same in `session`, under login_lock. */
CK_RV seal_logout_locked(SealHost *host, SealSlot *slot, CK_SESSION_HANDLE session);
