/* One thread that sleeps in SCardGetStatusChange until something happens; an idle session costs
 * nothing. A host with a module uses the library that the module has loaded, never one that would be
 * loaded for this: a module that knows no readers leaves PC/SC's service asleep.
 *
 * pcsc-lite counts what happens at each reader in the upper half of its state; that number tells
 * one insertion from the next even if nobody looked in between. Measured with OpenSC: it believes
 * for ever in the card it knew when the service ends, and finds no reader if the service came after
 * it. Then only a new process helps; the agent is asked for one.
 *
 * A service that is missing is waited for by the appearance of its socket. */
#include "pkcs11/host/readers.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <winscard.h>

#include "base/fd.h"
#include "base/log.h"
#include "pkcs11/host/scan.h"
#include "pkcs11/host/ykcs11.h"

#define LIBRARY     "libpcsclite.so.1"
#define SOCKET      "/run/pcscd/pcscd.comm" /* of pcsc-lite, unless its variable says otherwise */
#define PLUG_PLAY   "\\\\?PnP?\\Notification"
#define READERS_MAX 32u
/* The first look, for which the start of the host waits: it needs no card. */
#define FIRST_LOOK_US (300 * 1000)
/* pcscd looks at readers without interrupts every 0.4 s. */
#define LOST_US (700 * 1000)
/* What a call at a card that is gone may take to notice. */
#define STUCK_US (300 * 1000)
/* From the appearance of the socket to a service that answers. */
#define WAKING_TRIES 50
#define WAKING_MS    20

/* A card that the module did not read is looked at again, after pauses that double. */
#define AGAIN_TRIES 4u
#define AGAIN_MS    500u

static const char ended[] = "the smart card service has ended";

typedef LONG (*EstablishFunc)(DWORD scope, LPCVOID reserved1, LPCVOID reserved2,
                              LPSCARDCONTEXT context);
typedef LONG (*ReleaseFunc)(SCARDCONTEXT context);
typedef LONG (*ListFunc)(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD len);
typedef LONG (*ChangeFunc)(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states,
                           DWORD n_states);

typedef LONG (*ConnectFunc)(SCARDCONTEXT context, LPCSTR reader, DWORD share, DWORD protocols,
                            LPSCARDHANDLE card, LPDWORD protocol);
typedef LONG (*DisconnectFunc)(SCARDHANDLE card, DWORD disposition);

struct SealReaders {
    SealHost *host;
    gboolean dark;
    EstablishFunc establish;
    ReleaseFunc release;
    ListFunc list;
    ChangeFunc change;
    ConnectFunc connect;
    DisconnectFunc disconnect;
    SCARDCONTEXT context;
    GPtrArray *names; /* of the readers, owned; the thread's own */
    guint tries;      /* of reading a card again; the thread's own */
    GByteArray *told; /* (nullable) the readers that were told last; the thread's own */

    GMutex lock;
    GCond changed;
    gboolean looked;        /* at all readers, once */
    GHashTable *insertions; /* name -> insertion */
    GHashTable *doubts;     /* the same of cards that a call did not find any more */
};

/* -- the service ----------------------------------------------------------------------------------
 */

static const char *
socket_path(void)
{
    const char *path = getenv("PCSCLITE_CSOCK_NAME");

    return path && *path ? path : SOCKET;
}

/* A service that was killed leaves its socket behind, and asking it would start one that waits for
 * that: the kernel's list says whether anybody listens. Without the list the file has to do. */
gboolean
seal_readers_are_dark(void)
{
    g_autofree char *list = NULL;
    g_autofree char *end = g_strdup_printf(" %s\n", socket_path());

    if (g_file_get_contents("/proc/net/unix", &list, NULL, NULL))
        return strstr(list, end) == NULL;
    return access(socket_path(), F_OK) != 0;
}

static gboolean
connect_service(SealReaders *readers)
{
    return readers->establish(SCARD_SCOPE_SYSTEM, NULL, NULL, &readers->context) == SCARD_S_SUCCESS;
}

/* Sleeps until something is made in the folder of the socket, or that folder in its parent. FALSE
 * if neither can be watched. */
static gboolean
wait_for_socket(void)
{
    g_autofree char *folder = g_path_get_dirname(socket_path());
    g_autofree char *parent = g_path_get_dirname(folder);
    g_auto(SealFd) watch = inotify_init1(IN_CLOEXEC);
    const uint32_t appears = IN_CREATE | IN_MOVED_TO | IN_ATTRIB;
    char events[4096];

    if (watch < 0)
        return FALSE;
    if (inotify_add_watch(watch, folder, appears) < 0 &&
        (errno != ENOENT || inotify_add_watch(watch, parent, appears | IN_ONLYDIR) < 0))
        return FALSE;
    return read(watch, events, sizeof events) > 0;
}

/* TRUE once the service answers; FALSE if it is not worth waiting for. */
static gboolean
await_service(SealReaders *readers)
{
    while (wait_for_socket()) {
        for (int i = 0; i < WAKING_TRIES && !seal_readers_are_dark(); i++) {
            if (connect_service(readers))
                return TRUE;
            (void)poll(NULL, 0, WAKING_MS);
        }
    }
    return FALSE;
}

/* -- the readers ----------------------------------------------------------------------------------
 */

/* FALSE: the service is gone. */
static gboolean
list_readers(SealReaders *readers)
{
    const char *one = readers->host->reader;
    char names[READERS_MAX * (MAX_READERNAME + 1)];
    DWORD len = sizeof names;
    LONG result = readers->list(readers->context, NULL, names, &len);

    g_ptr_array_set_size(readers->names, 0);
    if (result == SCARD_E_NO_READERS_AVAILABLE)
        return TRUE;
    if (result != SCARD_S_SUCCESS)
        return FALSE;
    for (const char *at = names; at < names + len && *at && readers->names->len < READERS_MAX;
         at += strlen(at) + 1)
        if (!one || !*one || g_str_equal(at, one))
            g_ptr_array_add(readers->names, g_strdup(at));
    return TRUE;
}

static guint32
insertion_of(DWORD state)
{
    return state & SCARD_STATE_PRESENT ? 1 + (guint32)(state >> 16) : 0;
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

/* Notes what is in the readers now. TRUE if that is something else than before. */
static gboolean
note(SealReaders *readers, const SCARD_READERSTATE *states, guint n)
{
    g_autoptr(GHashTable) before = NULL;
    gboolean differs = FALSE;

    g_mutex_lock(&readers->lock);
    before = readers->insertions;
    readers->insertions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < n; i++) {
        guint32 insertion = insertion_of(states[i].dwEventState);

        differs |= GPOINTER_TO_UINT(g_hash_table_lookup(before, states[i].szReader)) != insertion;
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
        (void)poll(NULL, 0, WAKING_MS);
    }
    seal_scan(readers->host, FALSE);
    return NULL;
}

/* TRUE if a card lies in a reader and the module shows no token there: it is none of its cards, or
 * it was pulled and put back while the module read it. */
static gboolean
has_unread(SealReaders *readers)
{
    g_autoptr(GPtrArray) slots = seal_store_slots(readers->host->store);
    guint n_cards = 0;

    for (guint i = 0; i < readers->names->len; i++)
        n_cards += seal_readers_insertion(readers, readers->names->pdata[i]) != 0;
    return n_cards > slots->len;
}

/* How long to sleep: until something happens, or a card that was not read is worth another look. */
static DWORD
sleep_ms(SealReaders *readers)
{
    if (!readers->host->functions || readers->tries >= AGAIN_TRIES || !has_unread(readers))
        return INFINITE;
    return AGAIN_MS << readers->tries++;
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

/* What it takes for the module to see a card that it did not read, beside another look. */
static void
prepare_again(SealReaders *readers)
{
    if (!seal_ykcs11_is(readers->host->functions))
        return;
    for (guint i = 0; i < readers->names->len; i++) {
        const char *name = readers->names->pdata[i];

        if (seal_ykcs11_serves(name) && seal_readers_insertion(readers, name) != 0 &&
            !is_read(readers, name))
            (void)seal_readers_reset(readers, name);
    }
}

typedef struct {
    SCARD_READERSTATE states[READERS_MAX + 1];
    DWORD n;
} Look;

/* Sleeps until a reader is not as it was in `look`, or there are others. NULL, or why the module
 * cannot go on. */
static const char *
await_change(SealReaders *readers, Look *look)
{
    LONG result = SCARD_S_SUCCESS;

    for (DWORD i = 0; i < look->n; i++)
        look->states[i].dwCurrentState = look->states[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    look->states[look->n].szReader = PLUG_PLAY;
    look->states[look->n].dwCurrentState = look->n << 16; /* how many readers are known */
    result = readers->change(readers->context, sleep_ms(readers), look->states, look->n + 1);
    if (result == SCARD_E_TIMEOUT) {
        prepare_again(readers);
        return look_at_tokens(readers);
    }
    return result == SCARD_S_SUCCESS || result == SCARD_E_UNKNOWN_READER ? NULL : ended;
}

/* Looks at the readers as they are, then sleeps. NULL, or why the module cannot go on. */
static const char *
watch_once(SealReaders *readers)
{
    Look look = {0};
    LONG result = SCARD_S_SUCCESS;
    const char *why = NULL;

    if (!list_readers(readers))
        return ended;
    for (; look.n < readers->names->len; look.n++)
        look.states[look.n].szReader = readers->names->pdata[look.n];
    if (look.n > 0)
        result = readers->change(readers->context, 0, look.states, look.n);
    if (result == SCARD_E_UNKNOWN_READER)
        return NULL; /* it went just now */
    if (result != SCARD_S_SUCCESS && result != SCARD_E_TIMEOUT)
        return ended;
    if (!readers->host->functions)
        tell_cards(readers, look.states, (guint)look.n);
    if (note(readers, look.states, (guint)look.n)) {
        readers->tries = 0;
        why = look_at_tokens(readers);
    }
    return why ? why : await_change(readers, &look);
}

/* For nobody's module: services may come and go. */
static gpointer
tell_main(gpointer data)
{
    SealReaders *readers = data;

    while (connect_service(readers) || await_service(readers)) {
        while (!watch_once(readers))
            continue;
        (void)readers->release(readers->context);
    }
    return NULL;
}

static gpointer
readers_main(gpointer data)
{
    SealReaders *readers = data;
    const char *why = NULL;

    if (!connect_service(readers)) {
        if (await_service(readers))
            seal_host_retire(readers->host, "the smart card service has come");
        return NULL;
    }
    if (readers->dark) { /* it came between the module's look and ours */
        seal_host_retire(readers->host, "the smart card service has come");
        return NULL;
    }
    while (!why)
        why = watch_once(readers);
    (void)readers->release(readers->context);
    seal_host_retire(readers->host, why);
    return NULL;
}

/* -- public ---------------------------------------------------------------------------------------
 */

static gboolean
find_functions(SealReaders *readers, void *library)
{
    *(void **)&readers->establish = dlsym(library, "SCardEstablishContext");
    *(void **)&readers->release = dlsym(library, "SCardReleaseContext");
    *(void **)&readers->list = dlsym(library, "SCardListReaders");
    *(void **)&readers->change = dlsym(library, "SCardGetStatusChange");
    *(void **)&readers->connect = dlsym(library, "SCardConnect");
    *(void **)&readers->disconnect = dlsym(library, "SCardDisconnect");
    return readers->establish && readers->release && readers->list && readers->change &&
           readers->connect && readers->disconnect;
}

SealReaders *
seal_readers_watch(SealHost *host, gboolean dark)
{
    static SealReaders readers; /* for the life of the process, like the thread */
    void *library = dlopen(LIBRARY, RTLD_LAZY | (host->functions ? RTLD_NOLOAD : 0));
    gint64 until = g_get_monotonic_time() + FIRST_LOOK_US;

    if (!library || !find_functions(&readers, library))
        return NULL;
    readers.host = host;
    readers.dark = dark;
    readers.names = g_ptr_array_new_with_free_func(g_free);
    readers.insertions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    readers.doubts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&readers.lock);
    g_cond_init(&readers.changed);
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
seal_readers_trust(SealReaders *readers, const char *name)
{
    if (!readers)
        return;
    g_mutex_lock(&readers->lock);
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

/* In a context of its own: the thread sleeps in its. */
static gboolean
reset_card(SealReaders *readers, const char *name)
{
    SCARDCONTEXT context = 0;
    SCARDHANDLE card = 0;
    DWORD protocol = 0;
    LONG result = readers->establish(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);

    if (result != SCARD_S_SUCCESS)
        return FALSE;
    result = readers->connect(context, name, SCARD_SHARE_SHARED,
                              SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol);
    if (result == SCARD_S_SUCCESS)
        result = readers->disconnect(card, SCARD_RESET_CARD);
    (void)readers->release(context);
    return result == SCARD_S_SUCCESS || result == SCARD_E_NO_SMARTCARD;
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
    return !is_known || reset_card(readers, name);
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
