/* The last connection that was used is the first to be used again: it is warm, and the others can
 * be closed.
 *
 * A program with many threads spreads its load over as many connections, none of which sees that
 * there is much of it. So it is counted here, where all calls pass. */
#include "pkcs11/module/pool.h"

/* A burst of threads leaves no more connections than this behind. */
#define IDLE_MAX 8
/* A program that begins so many calls within a second is busy, and stays so for a while: a lane
 * pays off after three or four. */
#define BUSY_CALLS 8
#define BUSY_US    (10 * (gint64)G_USEC_PER_SEC)

CK_RV
seal_pool_init(SealPool *pool, const CK_C_INITIALIZE_ARGS *arguments)
{
    CK_RV rv = seal_lock_init(&pool->lock, arguments);

    if (rv != CKR_OK)
        return rv;
    pool->idle = g_ptr_array_new_with_free_func((GDestroyNotify)seal_client_free);
    pool->used = g_ptr_array_new();
    return CKR_OK;
}

void
seal_pool_interrupt(SealPool *pool)
{
    g_autoptr(SealLocked) locked = seal_locked_new(&pool->lock);

    pool->closed = TRUE;
    for (guint i = 0; i < pool->used->len; i++)
        seal_client_interrupt(pool->used->pdata[i]);
}

void
seal_pool_clear(SealPool *pool)
{
    g_ptr_array_unref(pool->idle);
    g_ptr_array_unref(pool->used);
    seal_lock_clear(&pool->lock);
}

/* Under lock: a call begins. */
static gboolean
is_busy(SealPool *pool)
{
    gint64 now = g_get_monotonic_time();

    if (now - pool->second_us > G_USEC_PER_SEC) {
        pool->second_us = now;
        pool->taken = 0;
    }
    if (++pool->taken >= BUSY_CALLS)
        pool->busy_until_us = now + BUSY_US;
    return now < pool->busy_until_us;
}

SealClient *
seal_pool_take(SealPool *pool)
{
    g_autoptr(SealLocked) locked = seal_locked_new(&pool->lock);
    SealClient *client = NULL;

    if (pool->closed)
        return NULL;
    if (pool->idle->len > 0)
        client = g_ptr_array_steal_index(pool->idle, pool->idle->len - 1);
    else
        client = seal_client_new_unconnected(NULL);
    if (!client)
        return NULL;
    seal_client_set_bulk(client, is_busy(pool));
    g_ptr_array_add(pool->used, client);
    return client;
}

void
seal_pool_return(SealPool *pool, SealClient *client)
{
    SealClient *surplus = NULL;

    seal_lock_take(&pool->lock);
    (void)g_ptr_array_remove_fast(pool->used, client);
    if (pool->idle->len < IDLE_MAX)
        g_ptr_array_add(pool->idle, client);
    else
        surplus = client;
    seal_lock_release(&pool->lock);
    seal_client_free(surplus);
}
