/* What the agent asks for has the agent's deadline. What a host does by itself, when a card comes,
 * has none there: a card that always has more to say would keep it reading for ever. So each look
 * at the slots has an end of its own, after which the host asks for another in its place; the agent
 * gives that one its deadline from the start, and longer and longer pauses.
 *
 * A look may have to wait until a call of the agent's is over, for the token's login or the
 * module's own lock: a person types at a reader's pad, or an HSM is slow. The agent sees to the end
 * of those, so that time is not the look's. Only long calls count: many short ones, one after the
 * other, hold up nobody, and would hide a card that lies.
 *
 * The thread is made at the first look, and sleeps without end while there is none. */
#include "pkcs11/host/patience.h"

/* A call is long from this part of a look's time on. */
#define LONG_PART 6

static struct {
    GMutex lock;
    GCond changed;
    GThread *thread;
    gint64 until_us; /* 0: nothing is looked at */
    gint64 limit_us; /* of the last look */
    GQueue calls;    /* SealPatienceCall that are under way, the oldest first */
} patience = {.calls = G_QUEUE_INIT};

/* Under lock. */
static gboolean
is_long(const SealPatienceCall *call, gint64 now_us)
{
    return now_us - call->since_us >= patience.limit_us / LONG_PART;
}

/* Under lock: TRUE if the look has had its time. */
static gboolean
is_used_up(void)
{
    const SealPatienceCall *oldest = g_queue_peek_head(&patience.calls);
    gint64 now_us = g_get_monotonic_time();

    if (patience.until_us == 0 || now_us < patience.until_us)
        return FALSE;
    if (!oldest || !is_long(oldest, now_us))
        return TRUE;
    patience.until_us = now_us + patience.limit_us;
    return FALSE;
}

static gpointer
wait_for_end(gpointer data)
{
    SealHost *host = data;
    gboolean is_over = FALSE;

    g_mutex_lock(&patience.lock);
    while (!is_over) {
        if (patience.until_us == 0)
            g_cond_wait(&patience.changed, &patience.lock);
        else
            (void)g_cond_wait_until(&patience.changed, &patience.lock, patience.until_us);
        is_over = is_used_up();
    }
    g_mutex_unlock(&patience.lock);
    seal_host_retire(host, "reading its cards did not end: one of them lies or is too slow");
    return NULL;
}

void
seal_patience_begin(SealHost *host, gint64 limit_us)
{
    g_mutex_lock(&patience.lock);
    patience.limit_us = limit_us;
    patience.until_us = g_get_monotonic_time() + limit_us;
    if (!patience.thread)
        patience.thread = g_thread_new("patience", wait_for_end, host);
    g_cond_signal(&patience.changed);
    g_mutex_unlock(&patience.lock);
}

void
seal_patience_end(void)
{
    g_mutex_lock(&patience.lock);
    patience.until_us = 0; /* the thread finds out when its time is over */
    g_mutex_unlock(&patience.lock);
}

void
seal_patience_call_begin(SealPatienceCall *call)
{
    call->link = (GList){.data = call};
    g_mutex_lock(&patience.lock);
    call->since_us = g_get_monotonic_time();
    g_queue_push_tail_link(&patience.calls, &call->link);
    g_mutex_unlock(&patience.lock);
}

void
seal_patience_call_end(SealPatienceCall *call)
{
    gint64 now_us = g_get_monotonic_time();

    g_mutex_lock(&patience.lock);
    g_queue_unlink(&patience.calls, &call->link);
    if (patience.until_us != 0 && is_long(call, now_us)) /* the look may have waited for it */
        patience.until_us = now_us + patience.limit_us;
    g_mutex_unlock(&patience.lock);
}
