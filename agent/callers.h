/* From connection to SealCaller: who sent a message. On the private socket the kernel said it when
 * the connection was made; on the shared bus the daemon is asked once per unique name, and messages
 * wait until it has answered. A peer that leaves takes its requests along. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "agent/caller.h"
#include "ipc/bus.h"

typedef struct SealCallers SealCallers; /* the peers of one connection */

/* Somebody who asks: a private connection, or a unique name on the shared bus. */
typedef struct {
    SealBus *link;
    char *name;         /* unique name; NULL on a private connection */
    SealCaller *caller; /* NULL until known */
    GQueue requests;    /* of SealPeerCall* (agent/peer-call.h): in flight */
    GQueue *orphans;    /* of SealPeerCall*: where those go that nobody can cancel; borrowed */
    GPtrArray *held;    /* of sd_bus_message*: until the caller is known */
    sd_bus_slot *leaving, *asking;
    gint64 last_us;
    gint64 lanes_us;     /* the second in which lanes are counted */
    guint lanes_opened;  /* in it */
} SealPeer;

/* `link` and `orphans` must outlive it. (transfer full) */
SealCallers *seal_callers_new_shared(SealBus *link, GQueue *orphans);
SealCallers *seal_callers_new_private(SealBus *link, GQueue *orphans, uid_t uid, pid_t pid);
/* Cancels every request of every peer. NULL is allowed. */
void seal_callers_free(SealCallers *callers);

/* Who is at the other end of a private connection; NULL for a shared one. Borrowed. */
const SealCaller *seal_callers_private(const SealCallers *callers);

/* Finds who sent the method call `message`. 1: `ret_peer` is set and its caller known. 0: the
 * message is kept and dispatched again later, return from the handler. Negative: `ret_error` is
 * set, to LimitExceeded if the peer has SEAL_LIMIT_IN_FLIGHT calls in flight, NotPermitted if it is
 * of another user. */
int seal_callers_identify(SealCallers *callers, sd_bus_message *message, SealPeer **ret_peer,
                          sd_bus_error *ret_error);

/* Calls in flight, those that wait for their caller's name included. */
guint seal_callers_n_in_flight(const SealCallers *callers);
