/* A flag and a descriptor by which a signal handler or another thread ends a blocking call. */
#pragma once

#include "base/fd.h"

#include <glib.h>

typedef struct {
    int fired; /* atomic */
    SealFd fd; /* the same number for the client's whole life: a copy of the current connection */
} SealInterrupt;

/* FALSE with UNREACHABLE if the process has no descriptor left. */
gboolean seal_interrupt_init(SealInterrupt *interrupt, GError **error);
void seal_interrupt_clear(SealInterrupt *interrupt);

/* From now on seal_interrupt_fire() ends the connection behind `socket_fd`. FALSE if it was fired
 * already: nothing may be waited for any more. */
gboolean seal_interrupt_arm(SealInterrupt *interrupt, int socket_fd);
/* Ends the connection that was armed last, so that the copy of its descriptor keeps nothing open.
 */
void seal_interrupt_hang_up(SealInterrupt *interrupt);

/* TRUE from the first seal_interrupt_fire() on, for the rest of the client's life. */
gboolean seal_interrupt_is_fired(const SealInterrupt *interrupt);
/* Async-signal-safe; any thread. */
void seal_interrupt_fire(SealInterrupt *interrupt);
