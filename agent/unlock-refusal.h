/* What of a request for a login needs neither person nor token. */
#pragma once

#include <glib.h>

#include "agent/refused-pins.h"
#include "agent/unlock.h"

typedef struct {
    SealErrorCode status;
    char *message;
} SealUnlockRefusal;

/* TRUE, with the reason in `ret` (its message transfer full), if `token` cannot be unlocked for `ask`;
 * FALSE if it may be tried. */
gboolean seal_unlock_is_refused(const SealRefusedPins *refused, const SealTokenObject *token,
                                const SealUnlockAsk *ask, SealUnlockRefusal *ret);
/* TRUE if the token is there and open. */
gboolean seal_unlock_needs_no_login(const SealTokenObject *token);
/* That the PIN is blocked, with the way out. (transfer full) */
char *seal_unlock_blocked_sentence(const SealTokenObject *token);
/* That its PIN was right, but is good for nothing but its change; transfer full. */
char *seal_unlock_expired_sentence(const SealTokenObject *token);
/* A token that asks for no login is "unlocked", too, but cannot be locked. */
gboolean seal_unlock_is_logged_in(const SealTokenObject *token);
