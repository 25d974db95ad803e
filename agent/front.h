/* The agent's D-Bus face: decode, call, encode. The same objects on every connection, shared or
 * private; signals go to all. What the calls mean stands in sign.c, unwrap.c and unlock.c. */
#pragma once

#include <glib.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "agent/key-use.h"
#include "base/loop.h"

typedef struct SealFront SealFront;

/* The shared bus closed the connection; it cannot be had again in this process. */
typedef void (*SealFrontLostFunc)(gpointer user_data);

/* `context` and `loop` are borrowed; `private_address`: a D-Bus address, or "" (copied). Listens to
 * the registry of `context`. Until the registry is ready, calls wait. (transfer full) */
SealFront *seal_front_new(SealLoop *loop, const SealKeyUseContext *context,
                          const char *private_address, SealFrontLostFunc lost, gpointer user_data);

/* Serves `bus`, started already (a reference is taken). `peer`: who is at the other end of a
 * private connection; NULL for the shared bus. */
void seal_front_add(SealFront *front, sd_bus *bus, const struct ucred *peer);

/* Closes every connection and cancels every call; no event does anything any more. What was asked
 * of others and cannot be cancelled may still answer until seal_front_free(). */
void seal_front_close(SealFront *front);
void seal_front_free(SealFront *front);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealFront, seal_front_free)

/* Calls that are not answered yet. */
guint seal_front_n_in_flight(const SealFront *front);
/* Messages that came in so far, on all connections: tells whether anything happened since. */
guint64 seal_front_n_messages(const SealFront *front);
/* TRUE if something was received that no handler has seen yet. */
gboolean seal_front_has_input(const SealFront *front);
/* After something was sent on the bus of a connection from outside: seal_bus_kick() on all. */
void seal_front_kick(SealFront *front);
/* Private connections; for one process, or all (pid 0). */
guint seal_front_n_private(const SealFront *front, pid_t pid);
