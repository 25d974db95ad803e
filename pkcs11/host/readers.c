/* One thread that sleeps in SCardGetStatusChange until something happens; an idle session costs
 * nothing. A host with a module uses the library that the module has loaded, never one that would
 * be loaded for this: a module that knows no readers leaves PC/SC's service asleep.
 *
 * pcsc-lite counts what happens at each reader in the upper half of its state; that number tells
 * one insertion from the next even if nobody looked in between. Measured with OpenSC: it believes
 * for ever in the card it knew when the service ends, and finds no reader if the service came after
 * it. Then only a new process helps; the agent is asked for one.
 *
 * Looking may fail for a card that is there: it was put back while it was read, it needed longer to
 * wake, or another program had it for itself. What is left unread is looked at again (again.c). */
#include "pkcs11/host/readers.h"

#include <poll.h>
#include <string.h>

#include "pkcs11/host/again.h"
#include "pkcs11/host/pcsc.h"
#include "pkcs11/host/scan.h"
#include "pkcs11/host/ykcs11.h"

#define PLUG_PLAY "\\\\?PnP?\\Notification"
/* One of what pcsc-lite looks at in one call is the pseudo reader for news. */
#define READERS_MAX (PCSCLITE_MAX_READERS_CONTEXTS - 1)
/* The first look, for which the start of the host waits: it needs no card. */
#define FIRST_LOOK_US (300 * 1000)
/* pcscd looks at readers without interrupts every 0.4 s. */
#define LOST_US (700 * 1000)
/* What a call at a card that is gone may take to notice. */
#define STUCK_US      (300 * 1000)
#define STUCK_LOOK_MS 20
/* Sleeps that double, from the last news on; the longest is that in which pcsc-lite 1.9 wakes
 * anyway. */
#define SLEEP_FIRST_MS 1000u
#define SLEEP_MAX_MS   60000u

/* The insertion number of a card that lies in its reader since the service began. */
#define UNCOUNTED 1u

static const char ended[] = "the smart card service has ended";

struct SealReaders {
    SealHost *host;
    gboolean dark;
    SealPcsc pcsc;
    SCARDCONTEXT context;
    GPtrArray *names; /* of the readers, owned; the thread's own */
    guint n_all;      /* readers, those of others included; the thread's own */
    guint sleep_ms;   /* the next sleep, where there is a reason to wake; the thread's own */
    GByteArray *told; /* (nullable) the readers that were told last; the thread's own */

    GMutex lock;
    GCond changed;
    gboolean looked;        /* at all readers, once */
    GHashTable *insertions; /* name -> insertion */
    GHashTable *doubts;     /* the same of cards that a call did not find any more */
    GHashTable *resets;     /* the same of cards that were reset to be read; again.c's own */
};

/* -- the readers ----------------------------------------------------------------------------------
 */

/* FALSE: the service is gone. */
static gboolean
list_readers(SealReaders *readers)
{
    const char *one = readers->host->reader;
    char names[PCSCLITE_MAX_READERS_CONTEXTS * (MAX_READERNAME + 1)];
    DWORD len = sizeof names;
    LONG result = readers->pcsc.list(readers->context, NULL, names, &len);

    g_ptr_array_set_size(readers->names, 0);
    readers->n_all = 0;
    if (result != SCARD_S_SUCCESS && result != SCARD_E_NO_READERS_AVAILABLE)
        return FALSE;
    for (const char *at = names; result == SCARD_S_SUCCESS && at < names + len && *at;
         at += strlen(at) + 1) {
        readers->n_all++;
        if ((!one || !*one || g_str_equal(at, one)) && readers->names->len < READERS_MAX)
            g_ptr_array_add(readers->names, g_strdup(at));
    }
    return TRUE;
}

static guint32
insertion_of(DWORD state)
{
    return state & SCARD_STATE_PRESENT ? UNCOUNTED + (guint32)(state >> 16) : 0;
}

/* Tells which readers have a card, if those are others than were told last. */
static void
tell_cards(SealReaders *readers, const SCARD_READERSTATE *states, guint n)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    guint32 n_cards = 0;

    for (guint i = 0; i < n; i++)
        n_cards += insertion_of(states[i].dwEventState) != 0;
    seal_put_u32(body, n_cards);
    for (guint i = 0; i < n; i++)
        if (insertion_of(states[i].dwEventState) != 0)
            seal_put_text(body, states[i].szReader);
    if (readers->told && readers->told->len == body->len &&
        memcmp(readers->told->data, body->data, body->len) == 0)
        return;
    seal_host_send_event(readers->host, SEAL_FRAME_READERS, body);
    g_clear_pointer(&readers->told, g_byte_array_unref);
    readers->told = g_steal_pointer(&body);
}

/* Notes what is in the readers now. TRUE if that is something else than before; `ret_missed`: a
 * card was exchanged that pcsc-lite does not tell, so that the module may not know either. */
static gboolean
note(SealReaders *readers, const SCARD_READERSTATE *states, guint n, gboolean *ret_missed)
{
    g_autoptr(GHashTable) before = NULL;
    gboolean differs = FALSE;

    g_mutex_lock(&readers->lock);
    before = readers->insertions;
    readers->insertions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < n; i++) {
        guint32 insertion = insertion_of(states[i].dwEventState);
        guint32 last = GPOINTER_TO_UINT(g_hash_table_lookup(before, states[i].szReader));

        differs |= last != insertion;
        *ret_missed |= last == UNCOUNTED && insertion > UNCOUNTED;
        g_hash_table_replace(readers->insertions, g_strdup(states[i].szReader),
                             GUINT_TO_POINTER(insertion));
    }
    differs |= g_hash_table_size(before) != n;
    differs &= readers->looked;
    readers->looked = TRUE;
    g_cond_broadcast(&readers->changed);
    g_mutex_unlock(&readers->lock);
    return differs;
}

/* TRUE while a call is under way at a token whose card is not there any more. */
static gboolean
calls_hang(SealReaders *readers)
{
    g_autoptr(GPtrArray) slots = seal_store_slots(readers->host->store);

    for (guint i = 0; i < slots->len; i++) {
        SealSlot *slot = slots->pdata[i];

        if (seal_readers_insertion(readers, slot->reader) != slot->insertion &&
            seal_slot_is_busy(slot))
            return TRUE;
    }
    return FALSE;
}

/* Has the slots looked at. A module may hang for ever in a call whose card was pulled: nothing is
 * asked of it then. NULL, or why it cannot go on. */
static const char *
look_at_tokens(SealReaders *readers)
{
    gint64 until = g_get_monotonic_time() + STUCK_US;

    while (calls_hang(readers)) {
        if (g_get_monotonic_time() > until)
            return "its module hangs at a card that was pulled";
        (void)poll(NULL, 0, STUCK_LOOK_MS);
    }
    seal_scan(readers->host, FALSE);
    return NULL;
}

typedef struct {
    SCARD_READERSTATE states[READERS_MAX + 1];
    DWORD n;
} Look;

/* TRUE if a card that nobody could use may be usable now: it has woken, or a program that had it
 * for itself has let go. */
static gboolean
is_freed(const Look *look)
{
    const DWORD bars = SCARD_STATE_MUTE | SCARD_STATE_EXCLUSIVE;

    for (DWORD i = 0; i < look->n; i++)
        if (look->states[i].dwCurrentState & bars & ~look->states[i].dwEventState &&
            look->states[i].dwEventState & SCARD_STATE_PRESENT)
            return TRUE;
    return FALSE;
}

/* How long to sleep. What pcsc-lite 1.9 does not tell of is looked for, more and more seldom: a
 * reader that came right before it was asked, and what happens quickly in a reader whose counter
 * stands at 0 (a card is exchanged before this process has run again). */
static DWORD
next_sleep_ms(const SealReaders *readers, const Look *look)
{
    for (DWORD i = 0; i < look->n; i++)
        if (insertion_of(look->states[i].dwEventState) == UNCOUNTED)
            return readers->sleep_ms;
    return readers->sleep_ms > SLEEP_FIRST_MS ? INFINITE : readers->sleep_ms;
}

/* Sleeps until a reader is not as it was in `look`, or there are others, or it is time to look.
 * NULL, or why the module cannot go on. */
static const char *
await_change(SealReaders *readers, Look *look)
{
    DWORD sleep_ms = next_sleep_ms(readers, look);
    LONG result = SCARD_S_SUCCESS;

    for (DWORD i = 0; i < look->n; i++)
        look->states[i].dwCurrentState = look->states[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    look->states[look->n].szReader = PLUG_PLAY;
    look->states[look->n].dwCurrentState = (DWORD)readers->n_all << 16;
    result = readers->pcsc.change(readers->context, sleep_ms, look->states, look->n + 1);
    if (result == SCARD_E_TIMEOUT) {
        readers->sleep_ms = MIN(readers->sleep_ms * 2, SLEEP_MAX_MS);
        return NULL;
    }
    if (result != SCARD_S_SUCCESS && result != SCARD_E_UNKNOWN_READER)
        return ended;
    readers->sleep_ms = SLEEP_FIRST_MS;
    if (is_freed(look))
        seal_again_renew(readers->host, TRUE);
    return NULL;
}

/* Looks at the readers as they are, then sleeps. NULL, or why the module cannot go on. */
static const char *
watch_once(SealReaders *readers)
{
    Look look = {0};
    LONG result = SCARD_S_SUCCESS;
    const char *why = NULL;
    gboolean missed = FALSE;

    if (!list_readers(readers))
        return ended;
    for (; look.n < readers->names->len; look.n++)
        look.states[look.n].szReader = readers->names->pdata[look.n];
    if (look.n > 0)
        result = readers->pcsc.change(readers->context, 0, look.states, look.n);
    if (result == SCARD_E_UNKNOWN_READER)
        return NULL; /* it went just now */
    if (result != SCARD_S_SUCCESS && result != SCARD_E_TIMEOUT)
        return ended;
    if (!readers->host->functions)
        tell_cards(readers, look.states, (guint)look.n);
    if (note(readers, look.states, (guint)look.n, &missed)) {
        if (missed && readers->host->functions)
            return "a card was exchanged before anybody could see it";
        readers->sleep_ms = SLEEP_FIRST_MS;
        seal_again_renew(readers->host, FALSE);
        why = look_at_tokens(readers);
    }
    return why ? why : await_change(readers, &look);
}

/* For nobody's module: services may come and go. */
static gpointer
tell_main(gpointer data)
{
    SealReaders *readers = data;

    while (seal_pcsc_open(&readers->pcsc, &readers->context) ||
           seal_pcsc_await(&readers->pcsc, &readers->context)) {
        readers->sleep_ms = SLEEP_FIRST_MS;
        while (!watch_once(readers))
            continue;
        (void)readers->pcsc.release(readers->context);
    }
    return NULL;
}

static gpointer
readers_main(gpointer data)
{
    SealReaders *readers = data;
    const char *why = NULL;

    if (!seal_pcsc_open(&readers->pcsc, &readers->context)) {
        if (seal_pcsc_await(&readers->pcsc, &readers->context))
            seal_host_retire(readers->host, "the smart card service has come");
        return NULL;
    }
    if (readers->dark) { /* it came between the module's look and ours */
        seal_host_retire(readers->host, "the smart card service has come");
        return NULL;
    }
    while (!why)
        why = watch_once(readers);
    (void)readers->pcsc.release(readers->context);
    seal_host_retire(readers->host, why);
    return NULL;
}

/* -- public ---------------------------------------------------------------------------------------
 */

gboolean
seal_readers_are_dark(void)
{
    return seal_pcsc_is_dark();
}

SealReaders *
seal_readers_watch(SealHost *host, gboolean dark)
{
    static SealReaders readers; /* for the life of the process, like the thread */
    gint64 until = g_get_monotonic_time() + FIRST_LOOK_US;

    if (!seal_pcsc_find(&readers.pcsc, host->functions == NULL))
        return NULL;
    readers.host = host;
    readers.dark = dark;
    readers.sleep_ms = SLEEP_FIRST_MS;
    readers.names = g_ptr_array_new_with_free_func(g_free);
    readers.insertions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    readers.doubts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    readers.resets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&readers.lock);
    g_cond_init(&readers.changed);
    host->readers = &readers; /* before the thread looks at tokens */
    g_thread_unref(g_thread_new("readers", host->functions ? readers_main : tell_main, &readers));
    g_mutex_lock(&readers.lock);
    while (!dark && !readers.looked && g_cond_wait_until(&readers.changed, &readers.lock, until))
        ;
    g_mutex_unlock(&readers.lock);
    return &readers;
}

/* Under lock. */
static guint32
current_insertion(const SealReaders *readers, const char *name)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(readers->insertions, name));
}

guint32
seal_readers_insertion(SealReaders *readers, const char *name)
{
    guint32 insertion = 0;

    if (!readers)
        return 0;
    g_mutex_lock(&readers->lock);
    insertion = current_insertion(readers, name);
    g_mutex_unlock(&readers->lock);
    return insertion;
}

void
seal_readers_doubt(SealReaders *readers, const char *name, guint32 insertion)
{
    if (!readers || insertion == 0)
        return;
    g_mutex_lock(&readers->lock);
    g_hash_table_replace(readers->doubts, g_strdup(name), GUINT_TO_POINTER(insertion));
    g_mutex_unlock(&readers->lock);
}

void
seal_readers_trust(SealReaders *readers, const char *name, guint32 insertion)
{
    if (!readers)
        return;
    g_mutex_lock(&readers->lock);
    if (GPOINTER_TO_UINT(g_hash_table_lookup(readers->doubts, name)) == insertion)
        (void)g_hash_table_remove(readers->doubts, name);
    g_mutex_unlock(&readers->lock);
}

gboolean
seal_readers_doubts(SealReaders *readers, const char *name, guint32 insertion)
{
    gboolean doubts = FALSE;

    if (!readers)
        return FALSE;
    g_mutex_lock(&readers->lock);
    if (insertion == 0)
        doubts = g_hash_table_contains(readers->insertions, name);
    else
        doubts = GPOINTER_TO_UINT(g_hash_table_lookup(readers->doubts, name)) == insertion;
    g_mutex_unlock(&readers->lock);
    return doubts;
}

gboolean
seal_readers_reset(SealReaders *readers, const char *name)
{
    gboolean is_known = FALSE;

    if (!readers)
        return TRUE;
    g_mutex_lock(&readers->lock);
    is_known = g_hash_table_contains(readers->insertions, name);
    g_mutex_unlock(&readers->lock);
    return !is_known || seal_pcsc_reset(&readers->pcsc, name);
}

gboolean
seal_readers_lost(SealReaders *readers, const char *name, guint32 insertion)
{
    gint64 until = g_get_monotonic_time() + LOST_US;
    gboolean is_lost = FALSE;

    if (!readers || insertion == 0)
        return FALSE;
    g_mutex_lock(&readers->lock);
    while (!(is_lost = current_insertion(readers, name) != insertion) &&
           g_cond_wait_until(&readers->changed, &readers->lock, until))
        ;
    g_mutex_unlock(&readers->lock);
    return is_lost;
}

static gboolean
is_read(SealReaders *readers, const char *name)
{
    g_autoptr(GPtrArray) slots = seal_store_slots(readers->host->store);

    for (guint i = 0; i < slots->len; i++)
        if (g_str_equal(((SealSlot *)slots->pdata[i])->reader, name))
            return TRUE;
    return FALSE;
}

/* The readers that have a card (transfer full). */
static GPtrArray *
list_cards(SealReaders *readers)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer name = NULL, insertion = NULL;

    g_mutex_lock(&readers->lock);
    g_hash_table_iter_init(&iter, readers->insertions);
    while (g_hash_table_iter_next(&iter, &name, &insertion))
        if (insertion)
            g_ptr_array_add(names, g_strdup(name));
    g_mutex_unlock(&readers->lock);
    return names;
}

/* Once for each insertion: a card that stays unread may be in use by another program, which loses
 * its PIN by each reset. */
static void
reset_once(SealReaders *readers, const char *name)
{
    guint32 insertion = seal_readers_insertion(readers, name);

    if (insertion == 0 ||
        GPOINTER_TO_UINT(g_hash_table_lookup(readers->resets, name)) == insertion)
        return;
    if (seal_readers_reset(readers, name))
        g_hash_table_replace(readers->resets, g_strdup(name), GUINT_TO_POINTER(insertion));
}

/* What it takes for the module to see a card that it did not read, beside another look. */
static void
prepare_again(SealReaders *readers)
{
    g_autoptr(GPtrArray) names = NULL;

    if (!seal_ykcs11_is(readers->host->functions))
        return;
    names = list_cards(readers);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];

        if (seal_ykcs11_serves(name) && !is_read(readers, name))
            reset_once(readers, name);
    }
}

void
seal_readers_look_again(SealReaders *readers)
{
    const char *why = NULL;

    prepare_again(readers);
    why = look_at_tokens(readers);

    if (why)
        seal_host_retire(readers->host, why);
}

gboolean
seal_readers_have_unread(SealReaders *readers, const GPtrArray *slots)
{
    g_autoptr(GHashTable) read = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) cards = NULL;

    if (!readers)
        return FALSE;
    /* by number, not by name: modules cut long names short */
    for (guint i = 0; i < slots->len; i++)
        (void)g_hash_table_add(read, ((const SealSlot *)slots->pdata[i])->reader);
    cards = list_cards(readers);
    return cards->len > g_hash_table_size(read);
}
