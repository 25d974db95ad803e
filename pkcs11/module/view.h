/* The module's picture of the agent: asked for once, kept in memory, and asked for again when the
 * agent has announced a change. */
#pragma once

#include "base/fd.h"
#include "pkcs11/module/catalogue.h"

/* So many slots are there even while they are empty, for programs that read the list of slots once.
 */
#define SEAL_SLOTS_MIN 8

typedef struct {
    SealClient *client; /* follows announcements */
    SealFd news;        /* readable while there is an event to take */
    guint seen;         /* its count of changes when `now` was listed */
    gint64 retry_us;    /* not before this, after the agent could not be reached */
    gboolean listed;    /* the agent was reached at least once */
    SealCatalogue *now; /* never NULL */
    SealHandles handles;
    GPtrArray *places; /* of SealPlace* (view.c) */
} SealView;

/* FALSE if the process has no descriptor left. */
gboolean seal_view_init(SealView *view);
void seal_view_clear(SealView *view);

/* What is there now (transfer full). Without a change that costs one look at a socket; else it
 * blocks until the agent has listed everything. An agent that cannot be reached leaves all slots
 * empty. */
SealCatalogue *seal_view_get(SealView *view);

/* How long to wait for an announcement before asking again: -1 for ever, unless the agent could not
 * be reached. */
int seal_view_patience_ms(const SealView *view);

/* Takes one event off the slots (C_WaitForSlotEvent): TRUE with its slot. Who waits for one polls
 * the client's descriptor and `news`: another thread may read the announcement. */
gboolean seal_view_take_event(SealView *view, CK_SLOT_ID *ret_slot);
