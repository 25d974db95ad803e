/* One connection to the agent: to its private socket, or, where that cannot be reached, by the bus.
 */
#pragma once

#include "ipc/client/interrupt.h"

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct {
    sd_bus *bus;
    gboolean is_private;
    const char *destination; /* (nullable) the agent's name on a bus; NULL on the private socket */
    guint in_flight;         /* asynchronous calls that were not answered yet */
    guint muted;             /* those of them that were cancelled */
    guint on_lanes;          /* those of them that the agent does not know */
    GQueue unanswered;       /* SealCall *; of these, what was not called back when it ended */
} SealConnection;

/* Finds the agent (starting it), connects and hands over the prompt environment. At most 30 s, or
 * `timeout_ms` if that is less and not 0; errors are UNREACHABLE, TIMED_OUT, and CANCELLED when
 * `interrupt` fires. Blocks. */
SealConnection *seal_connection_open(SealInterrupt *interrupt, guint timeout_ms, GError **error);

/* The first step of it: the bus (transfer full), or NULL with the same errors. `deadline_us` of
 * g_get_monotonic_time(). */
sd_bus *seal_connection_open_bus(SealInterrupt *interrupt, gint64 deadline_us, GError **error);

/* Closes at once, dropping what was not sent. Only in the process that opened it. NULL is allowed.
 */
void seal_connection_free(SealConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealConnection, seal_connection_free)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)
