/* One thread that sleeps in SCardGetStatusChange until something happens; an idle session costs
 * nothing. Only the library that the module has loaded is used, never one that would be loaded for
 * this: a module that knows no readers leaves PC/SC's service asleep.
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

#define LIBRARY     "libpcsclite.so.1"
#define SOCKET      "/run/pcscd/pcscd.comm" /* of pcsc-lite, unless its variable says otherwise */
#define PLUG_PLAY   "\\\\?PnP?\\Notification"
#define READERS_MAX 32u
/* The first look, for which the start of the host waits: it needs no card. */
#define FIRST_LOOK_US (300 * 1000)
/* pcscd looks at readers without interrupts every 0.4 s. */
#define LOST_US (700 * 1000)
/* From the appearance of the socket to a service that answers. */
#define WAKING_TRIES 50
#define WAKING_MS    20

typedef LONG (*EstablishFunc)(DWORD scope, LPCVOID reserved1, LPCVOID reserved2,
                              LPSCARDCONTEXT context);
typedef LONG (*ReleaseFunc)(SCARDCONTEXT context);
typedef LONG (*ListFunc)(SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD len);
typedef LONG (*ChangeFunc)(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATE *states,
                           DWORD n_states);

struct SealReaders {
    SealHost *host;
    gboolean dark;
    EstablishFunc establish;
    ReleaseFunc release;
    ListFunc list;
    ChangeFunc change;
    SCARDCONTEXT context;
    GPtrArray *names; /* of the readers, owned; the thread's own */

    GMutex lock;
    GCond changed;
    gboolean looked;        /* at all readers, once */
    GHashTable *insertions; /* name -> insertion */
};

/* -- the service ----------------------------------------------------------------------------------
 */

static const char *
socket_path(void)
{
    const char *path = getenv("PCSCLITE_CSOCK_NAME");

    return path && *path ? path : SOCKET;
}

gboolean
seal_readers_are_dark(void)
{
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
        g_ptr_array_add(readers->names, g_strdup(at));
    return TRUE;
}

static guint32
insertion_of(DWORD state)
{
    return state & SCARD_STATE_PRESENT ? 1 + (guint32)(state >> 16) : 0;
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

/* Looks at the readers as they are, then sleeps until one changes, or there are others. FALSE: the
 * service is gone. */
static gboolean
watch_once(SealReaders *readers)
{
    SCARD_READERSTATE states[READERS_MAX + 1];
    DWORD n = 0;
    LONG result = SCARD_S_SUCCESS;

    if (!list_readers(readers))
        return FALSE;
    memset(states, 0, sizeof states);
    for (; n < readers->names->len; n++)
        states[n].szReader = readers->names->pdata[n];
    result = n > 0 ? readers->change(readers->context, 0, states, n) : SCARD_S_SUCCESS;
    if (result == SCARD_E_UNKNOWN_READER)
        return TRUE; /* it went just now */
    if (result != SCARD_S_SUCCESS && result != SCARD_E_TIMEOUT)
        return FALSE;
    if (note(readers, states, (guint)n))
        seal_scan(readers->host, FALSE);
    for (DWORD i = 0; i < n; i++)
        states[i].dwCurrentState = states[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    states[n].szReader = PLUG_PLAY;
    states[n].dwCurrentState = n << 16; /* pcsc-lite: the number of readers that are known */
    result = readers->change(readers->context, INFINITE, states, n + 1);
    return result == SCARD_S_SUCCESS || result == SCARD_E_TIMEOUT ||
           result == SCARD_E_UNKNOWN_READER;
}

static gpointer
readers_main(gpointer data)
{
    SealReaders *readers = data;

    if (!connect_service(readers)) {
        if (await_service(readers))
            seal_host_retire(readers->host, "the smart card service has come");
        return NULL;
    }
    if (readers->dark) { /* it came between the module's look and ours */
        seal_host_retire(readers->host, "the smart card service has come");
        return NULL;
    }
    while (watch_once(readers))
        continue;
    (void)readers->release(readers->context);
    seal_host_retire(readers->host, "the smart card service has ended");
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
    return readers->establish && readers->release && readers->list && readers->change;
}

SealReaders *
seal_readers_watch(SealHost *host, gboolean dark)
{
    static SealReaders readers; /* for the life of the process, like the thread */
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_NOLOAD);
    gint64 until = g_get_monotonic_time() + FIRST_LOOK_US;

    if (!library || !find_functions(&readers, library))
        return NULL;
    readers.host = host;
    readers.dark = dark;
    readers.names = g_ptr_array_new_with_free_func(g_free);
    readers.insertions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&readers.lock);
    g_cond_init(&readers.changed);
    g_thread_unref(g_thread_new("readers", readers_main, &readers));
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
