/* How long a look at the slots may take. */
#pragma once

#include "pkcs11/host/host.h"

/* From here on `host` (which lives as long as the process) retires in `limit_us` microseconds,
 * unless seal_patience_end() comes before. One at a time. */
void seal_patience_begin(SealHost *host, gint64 limit_us);
void seal_patience_end(void);

/* A login, a change of PIN or a use of a key, for which a look may have to wait. */
typedef struct {
    GList link;
    gint64 since_us;
} SealPatienceCall;

/* Around each: a look that such a call may hold up gets its whole time anew, again and again until
 * the call is over. Who asked for it must have a deadline. `call` stays where it is between the
 * two. */
void seal_patience_call_begin(SealPatienceCall *call);
void seal_patience_call_end(SealPatienceCall *call);
