/* Looks at the slots that are due later: because one left something unread, or nobody tells what
 * changes. */
#pragma once

#include "pkcs11/host/host.h"

/* How the pauses between looks grow. */
typedef struct {
    gint64 first_us; /* 0: no look is needed */
    gint64 longest_us;
    gboolean goes_on; /* at the longest; else that is the last */
} SealPace;

/* The pause after one of `pause_us` (0: none before it); 0: no look any more. */
gint64 seal_pace_next_us(const SealPace *pace, gint64 pause_us);

/* For a module that nobody tells of tokens that come and go, with `has_token` or without any. */
SealPace seal_pace_of_polling(gboolean has_token);

/* After each look: plans the next one if a card lies in a reader that the module does not show, or
 * `failed`: it shows a token that cannot be read. Each pause is twice the one before; a look that
 * leaves nothing unread ends them. A module that is polled gets its next look in any case. */
void seal_again_plan(SealHost *host, gboolean failed);

/* From now on the module is asked which tokens are there: it tells nobody. */
void seal_again_poll(SealHost *host);

/* What could not be read may be readable now: the pauses begin anew. `now`: and if the last look
 * left something unread, the next is due. */
void seal_again_renew(SealHost *host, gboolean now);
