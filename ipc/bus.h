/* An sd-bus connection as a watch of the agent's event loop, with bounds for a peer that sends
 * without end or never reads. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "base/loop.h"

typedef struct SealBus SealBus;

/* The connection ended: `error` is the positive errno that sd-bus gave. Called once, from the loop;
 * the SealBus may be freed in it. */
typedef void (*SealBusClosedFunc)(SealBus *link, int error, gpointer user_data);

/* Follows `bus` (started already; a reference is taken) in `loop`: its messages are dispatched, its
 * queue is written, its timeouts are kept. `watch_sizes`: the connection is past its handshake and
 * nothing was read of it yet (ipc/handshake.h); every message's size is looked at before it is
 * read, and the connection closed if it is beyond all reason. Not for connections that make calls
 * of their own. (transfer full) */
SealBus *seal_bus_new(SealLoop *loop, sd_bus *bus, gboolean watch_sizes, SealBusClosedFunc closed,
                      gpointer user_data);

/* Stops following and closes the connection at once; what is still queued is lost. NULL is allowed.
 * May be called from inside a message handler of this connection. */
void seal_bus_free(SealBus *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealBus, seal_bus_free)

/* The connection itself (transfer none). */
sd_bus *seal_bus_peek(SealBus *link);

/* To be called after messages were sent or enqueued outside of a handler of this connection: has
 * the loop do the rest. No system call when nothing is left. */
void seal_bus_kick(SealBus *link);

/* How many messages came in so far. */
guint64 seal_bus_n_messages(const SealBus *link);
