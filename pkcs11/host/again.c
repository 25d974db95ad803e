/* A card that is there and cannot be read tells nobody when it can be: it was put back while it was
 * read, woke slowly, or another program had it. So it is looked at again, soon at first, then more
 * and more seldom, by a thread that exists from the first time on. A card that is none of the
 * module's is left alone after a few looks, unless the host has no other: one that OpenSC does not
 * know and one that it failed to read look the same.
 *
 * One of these for the process, as there is one host in it. */
#include "pkcs11/host/again.h"

#include "pkcs11/host/readers.h"
#include "pkcs11/host/scan.h"

#define FIRST_US   (500 * 1000)
#define LONGEST_US (300 * G_USEC_PER_SEC)
/* Of a card that is probably not the module's: after 0.5, 1, 2 and 4 seconds. */
#define LONGEST_OF_OTHERS_US (4 * G_USEC_PER_SEC)

static struct {
    GMutex lock;
    GCond changed;
    GThread *thread;
    gint64 due_us;   /* 0: none */
    gint64 pause_us; /* before the look that was planned last; 0: none was */
    gint64 last_us;  /* when that was planned: right after a look */
} again;

static void
look(SealHost *host)
{
    if (host->readers)
        seal_readers_look_again(host->readers);
    else
        seal_scan(host, FALSE);
}

static gpointer
again_main(gpointer data)
{
    SealHost *host = data;

    g_mutex_lock(&again.lock);
    for (;;) {
        if (again.due_us == 0) {
            g_cond_wait(&again.changed, &again.lock);
        } else if (g_get_monotonic_time() < again.due_us) {
            (void)g_cond_wait_until(&again.changed, &again.lock, again.due_us);
        } else {
            again.due_us = 0;
            g_mutex_unlock(&again.lock);
            look(host);
            g_mutex_lock(&again.lock);
        }
    }
    return NULL;
}

/* Under lock. */
static void
wake(SealHost *host)
{
    if (!again.thread)
        again.thread = g_thread_new("again", again_main, host);
    g_cond_signal(&again.changed);
}

void
seal_again_plan(SealHost *host, gboolean failed)
{
    g_autoptr(GPtrArray) slots = seal_store_slots(host->store);
    gboolean is_unread = failed || seal_readers_have_unread(host->readers, slots);
    gint64 longest_us = failed || host->reader ? LONGEST_US : LONGEST_OF_OTHERS_US;

    g_mutex_lock(&again.lock);
    again.last_us = g_get_monotonic_time();
    again.due_us = 0;
    if (!is_unread) {
        again.pause_us = 0;
    } else if (again.pause_us < longest_us || longest_us == LONGEST_US) {
        again.pause_us = CLAMP(again.pause_us * 2, FIRST_US, longest_us);
        again.due_us = again.last_us + again.pause_us;
        wake(host);
    }
    g_mutex_unlock(&again.lock);
}

void
seal_again_renew(SealHost *host, gboolean now)
{
    g_mutex_lock(&again.lock);
    again.pause_us = 0;
    /* not at once after a look: looking itself may have woken the card */
    if (now && again.due_us > 0) {
        again.due_us = MIN(again.due_us, again.last_us + FIRST_US);
        wake(host);
    }
    g_mutex_unlock(&again.lock);
}
