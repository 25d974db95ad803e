/* A card that is there and cannot be read tells nobody when it can be: it was put back while it was
 * read, woke slowly, or another program had it. So it is looked at again, soon at first, then more
 * and more seldom, by a thread that exists from the first time on. A card that is none of the
 * module's is left alone after a few looks, unless the host has no other: one that OpenSC does not
 * know and one that it failed to read look the same.
 *
 * A module that neither uses PC/SC nor tells of tokens by C_WaitForSlotEvent is asked in the same
 * way: soon after a token came or went, then more and more seldom, and no more at all after a
 * minute without any.
 *
 * One of these for the process, as there is one host in it. */
#include "pkcs11/host/again.h"

#include "pkcs11/host/readers.h"
#include "pkcs11/host/scan.h"

#define FIRST_US   (500 * 1000)
#define LONGEST_US (300 * G_USEC_PER_SEC)
/* Of a card that is probably not the module's: after 0.5, 1, 2 and 4 seconds. */
#define LONGEST_OF_OTHERS_US (4 * G_USEC_PER_SEC)

/* Of a module that must be asked. Without a token it is asked for about a minute. */
#define POLL_FIRST_US   G_USEC_PER_SEC
#define POLL_LONGEST_US (32 * G_USEC_PER_SEC)

static struct {
    GMutex lock;
    GCond changed;
    GThread *thread;
    gint64 due_us;   /* 0: none */
    gint64 pause_us; /* before the look that was planned last; 0: none was */
    gint64 last_us;  /* when that was planned: right after a look */
    guint n_slots;   /* that this look found */
    gboolean wants;  /* it left a reason for another, even if that is not planned any more */
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

gint64
seal_pace_next_us(const SealPace *pace, gint64 pause_us)
{
    if (pace->first_us == 0 || (pause_us >= pace->longest_us && !pace->goes_on))
        return 0;
    return CLAMP(pause_us * 2, pace->first_us, pace->longest_us);
}

SealPace
seal_pace_of_polling(gboolean has_token)
{
    return (SealPace){POLL_FIRST_US, POLL_LONGEST_US, has_token};
}

/* TRUE if tokens may come or go: a module with fixed slots (SoftHSM, an HSM) is left alone, one
 * without any may get some. */
static gboolean
may_change(SealHost *host)
{
    CK_SLOT_ID ids[SEAL_SLOTS_MAX] = {0};
    CK_ULONG count = SEAL_SLOTS_MAX;
    CK_RV rv = host->functions->C_GetSlotList(CK_FALSE, ids, &count);

    if (rv != CKR_OK || count == 0 || count > SEAL_SLOTS_MAX)
        return rv == CKR_OK && count == 0;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_SLOT_INFO info = {{0}};

        if (host->functions->C_GetSlotInfo(ids[i], &info) == CKR_OK &&
            info.flags & CKF_REMOVABLE_DEVICE)
            return TRUE;
    }
    return FALSE;
}

static SealPace
pace_after(SealHost *host, const GPtrArray *slots, gboolean failed)
{
    if (failed || (host->reader && seal_readers_have_unread(host->readers, slots)))
        return (SealPace){FIRST_US, LONGEST_US, TRUE};
    if (seal_readers_have_unread(host->readers, slots))
        return (SealPace){FIRST_US, LONGEST_OF_OTHERS_US, FALSE};
    if (g_atomic_int_get(&host->polls) && may_change(host))
        return seal_pace_of_polling(slots->len > 0);
    return (SealPace){0};
}

void
seal_again_plan(SealHost *host, gboolean failed)
{
    g_autoptr(GPtrArray) slots = seal_store_slots(host->store);
    SealPace pace = pace_after(host, slots, failed);

    g_mutex_lock(&again.lock);
    if (slots->len != again.n_slots || pace.first_us == 0)
        again.pause_us = 0;
    again.n_slots = slots->len;
    again.wants = pace.first_us > 0;
    again.last_us = g_get_monotonic_time();
    again.due_us = 0;
    if (seal_pace_next_us(&pace, again.pause_us) > 0) {
        again.pause_us = seal_pace_next_us(&pace, again.pause_us);
        again.due_us = again.last_us + again.pause_us;
        wake(host);
    }
    g_mutex_unlock(&again.lock);
}

void
seal_again_poll(SealHost *host)
{
    g_atomic_int_set(&host->polls, TRUE);
    if (!may_change(host))
        return;
    g_mutex_lock(&again.lock);
    if (again.last_us > 0 && again.due_us == 0) { /* the first look did not know yet */
        again.due_us = g_get_monotonic_time() + POLL_FIRST_US;
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
    if (now && again.wants) {
        again.due_us = again.last_us + FIRST_US;
        wake(host);
    }
    g_mutex_unlock(&again.lock);
}
