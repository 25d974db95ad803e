/* Connections to the agent, one for each call that is under way: threads do not wait for each
 * other, and a person who is asked holds up one thread only. */
#pragma once

#include "ipc/client/privyseal.h"
#include "pkcs11/module/lock.h"

typedef struct {
    SealLock lock;
    GPtrArray *idle, *used; /* of SealClient* */
    gboolean closed;
    gint64 second_us;     /* when counting began */
    guint taken;          /* since then */
    gint64 busy_until_us; /* of g_get_monotonic_time() */
} SealPool;

/* Locks as C_Initialize was asked for (seal_lock_init()), whose errors come back. */
CK_RV seal_pool_init(SealPool *pool, const CK_C_INITIALIZE_ARGS *arguments);
/* Ends every call that is under way; none begins after. */
void seal_pool_interrupt(SealPool *pool);
void seal_pool_clear(SealPool *pool);

/* NULL after seal_pool_interrupt(), or if the process has no descriptor left. Give it back. Once the
 * program is busy, each connection opens lanes at once (seal_client_set_bulk()). */
SealClient *seal_pool_take(SealPool *pool);
void seal_pool_return(SealPool *pool, SealClient *client);
