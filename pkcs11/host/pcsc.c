/* A service that is missing is waited for by the appearance of its socket, without a look at
 * anything meanwhile. What comes between a look and the watch would be waited for in vain, so the
 * watch is there before each look. */
#include "pkcs11/host/pcsc.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/pcsc-clients.h"

#define LIBRARY "libpcsclite.so.1"
/* From the appearance of the socket to a service that answers: first a few quick looks. */
#define WAKING_MS     20
#define WAKING_MAX_MS 5000

/* A service that was killed leaves its socket behind, and asking it would start one that waits for
 * that: the kernel's list says whether anybody listens. Without the list the file has to do. */
gboolean
seal_pcsc_is_dark(void)
{
    g_autofree char *list = NULL;
    g_autofree char *end = g_strdup_printf(" %s\n", seal_pcsc_socket());

    if (g_file_get_contents("/proc/net/unix", &list, NULL, NULL))
        return strstr(list, end) == NULL;
    return access(seal_pcsc_socket(), F_OK) != 0;
}

/* A watch of the folder of the socket, or of its parent for that folder; negative if neither can be
 * watched. */
static int
watch_for_socket(void)
{
    g_autofree char *folder = g_path_get_dirname(seal_pcsc_socket());
    g_autofree char *parent = g_path_get_dirname(folder);
    g_auto(SealFd) watch = inotify_init1(IN_CLOEXEC);
    const uint32_t appears = IN_CREATE | IN_MOVED_TO | IN_ATTRIB;

    if (watch < 0)
        return -1;
    if (inotify_add_watch(watch, folder, appears) >= 0)
        return seal_fd_steal(&watch);
    if (errno != ENOENT || inotify_add_watch(watch, parent, appears | IN_ONLYDIR) < 0)
        return -1;
    /* it came between the two */
    (void)inotify_add_watch(watch, folder, appears);
    return seal_fd_steal(&watch);
}

gboolean
seal_pcsc_await_socket(void)
{
    for (;;) {
        g_auto(SealFd) watch = watch_for_socket();
        char events[4096];

        if (watch < 0)
            return FALSE;
        if (!seal_pcsc_is_dark())
            return TRUE;
        if (read(watch, events, sizeof events) <= 0 && errno != EINTR)
            return FALSE;
    }
}

gboolean
seal_pcsc_open(const SealPcsc *pcsc, SCARDCONTEXT *ret_context)
{
    return pcsc->establish(SCARD_SCOPE_SYSTEM, NULL, NULL, ret_context) == SCARD_S_SUCCESS;
}

gboolean
seal_pcsc_await(const SealPcsc *pcsc, SCARDCONTEXT *ret_context)
{
    int pause_ms = WAKING_MS;

    while (seal_pcsc_await_socket()) {
        if (seal_pcsc_open(pcsc, ret_context))
            return TRUE;
        (void)poll(NULL, 0, pause_ms);
        pause_ms = MIN(pause_ms * 2, WAKING_MAX_MS);
    }
    return FALSE;
}

gboolean
seal_pcsc_reset(const SealPcsc *pcsc, const char *name)
{
    SCARDCONTEXT context = 0;
    SCARDHANDLE card = 0;
    DWORD protocol = 0;
    LONG result = SCARD_S_SUCCESS;

    if (!seal_pcsc_open(pcsc, &context))
        return FALSE;
    result = pcsc->connect(context, name, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                           &card, &protocol);
    if (result == SCARD_S_SUCCESS)
        result = pcsc->disconnect(card, SCARD_RESET_CARD);
    (void)pcsc->release(context);
    return result == SCARD_S_SUCCESS || result == SCARD_E_NO_SMARTCARD;
}

gboolean
seal_pcsc_find(SealPcsc *pcsc, gboolean load)
{
    void *library = dlopen(LIBRARY, RTLD_LAZY | (load ? 0 : RTLD_NOLOAD));

    if (!library)
        return FALSE;
    *(void **)&pcsc->establish = dlsym(library, "SCardEstablishContext");
    *(void **)&pcsc->release = dlsym(library, "SCardReleaseContext");
    *(void **)&pcsc->list = dlsym(library, "SCardListReaders");
    *(void **)&pcsc->change = dlsym(library, "SCardGetStatusChange");
    *(void **)&pcsc->connect = dlsym(library, "SCardConnect");
    *(void **)&pcsc->disconnect = dlsym(library, "SCardDisconnect");
    return pcsc->establish && pcsc->release && pcsc->list && pcsc->change && pcsc->connect &&
           pcsc->disconnect;
}
