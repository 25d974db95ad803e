/* What the agent asks for has the agent's deadline. What a host does by itself, when a card comes,
 * has none there: a card that always has more to say would keep it reading for ever. So each look
 * at the slots has an end of its own, after which the host asks for another in its place; the agent
 * gives that one its deadline from the start, and longer and longer pauses.
 *
 * The thread is made at the first look, and sleeps without end while there is none. */
#include "pkcs11/host/patience.h"

static struct {
    GMutex lock;
    GCond changed;
    GThread *thread;
    gint64 until_us; /* 0: nothing is looked at */
} patience;

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
        is_over = patience.until_us != 0 && g_get_monotonic_time() >= patience.until_us;
    }
    g_mutex_unlock(&patience.lock);
    seal_host_retire(host, "reading its cards did not end: one of them lies or is too slow");
    return NULL;
}

void
seal_patience_begin(SealHost *host, gint64 limit_us)
{
    g_mutex_lock(&patience.lock);
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
