/* C_WaitForSlotEvent may say at once that it does not exist, or block for days; only trying tells.
 * A module that reports events without end, without one happening, is cut off. One that tells of none, or no
 * more, is asked instead (again.c). */
#include "pkcs11/host/events.h"

#include "base/log.h"
#include "pkcs11/core/rv.h"
#include "pkcs11/host/again.h"
#include "pkcs11/host/scan.h"

#define PROBE_US (20 * 1000)
/* So many events in a row, each sooner than a person could move a card, are a fault of the module.
 */
#define HASTY_US  (20 * 1000)
#define HASTY_MAX 100

typedef struct {
    SealHost *host;
    GMutex lock;
    GCond ended_cond;
    gboolean ended;
} Waiting;

/* Returns when the module has no (more) events to tell. */
static void
wait_for_events(SealHost *host)
{
    guint hasty = 0;

    while (hasty < HASTY_MAX) {
        CK_SLOT_ID slot = 0;
        gint64 since = g_get_monotonic_time();
        CK_RV rv = host->functions->C_WaitForSlotEvent(0, &slot, NULL);

        if (rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_CRYPTOKI_NOT_INITIALIZED)
            return;
        if (rv != CKR_OK) {
            seal_log_warning("the module tells no more slot events (%s, 0x%lx)", seal_rv_name(rv),
                             rv);
            return;
        }
        hasty = g_get_monotonic_time() - since < HASTY_US ? hasty + 1 : 0;
        seal_scan(host, FALSE);
    }
    seal_log_warning("the module tells slot events without end: they are ignored from now on");
}

static gpointer
events_main(gpointer data)
{
    Waiting *waiting = data;

    wait_for_events(waiting->host);
    seal_again_poll(waiting->host);
    g_mutex_lock(&waiting->lock);
    waiting->ended = TRUE;
    g_cond_signal(&waiting->ended_cond);
    g_mutex_unlock(&waiting->lock);
    return NULL;
}

gboolean
seal_events_start(SealHost *host)
{
    static Waiting waiting; /* for the life of the process, like the thread */
    gint64 until = g_get_monotonic_time() + PROBE_US;
    gboolean ended = FALSE;

    waiting.host = host;
    g_mutex_init(&waiting.lock);
    g_cond_init(&waiting.ended_cond);
    g_thread_unref(g_thread_new("slot-events", events_main, &waiting));
    g_mutex_lock(&waiting.lock);
    while (!waiting.ended && g_cond_wait_until(&waiting.ended_cond, &waiting.lock, until))
        ;
    ended = waiting.ended;
    g_mutex_unlock(&waiting.lock);
    return !ended;
}
