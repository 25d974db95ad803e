/* Hardening at start. Vendor code needs files, sockets and devices of all kinds, so there is no
 * filter of system calls here: the promise is only that a PIN in this process cannot be read by
 * other programs of the user or end in a core file, and that the process ends with the agent. */
#include "pkcs11/host/confine.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int
compare_fds(gconstpointer a, gconstpointer b)
{
    return *(const int *)a - *(const int *)b;
}

/* Closes the gaps between the descriptors that stay. */
static void
close_others(const int *keep, gsize n)
{
    g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(int));
    unsigned next = STDERR_FILENO + 1;

    for (gsize i = 0; i < n; i++)
        if (keep[i] > STDERR_FILENO)
            g_array_append_val(sorted, keep[i]);
    g_array_sort(sorted, compare_fds);
    for (guint i = 0; i < sorted->len; i++) {
        unsigned fd = (unsigned)g_array_index(sorted, int, i);

        if (fd > next)
            (void)close_range(next, fd - 1, 0);
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        next = fd + 1;
    }
    (void)close_range(next, ~0U, 0);
}

/* The end of the channel tells the same, and leads to an orderly end, in which cards are locked;
 * but only if somebody is there to read it, and vendor code lets go. */
static void
on_parent_died(int number)
{
    (void)alarm(SEAL_FAREWELL_S);
}

void
seal_confine(const int *keep, gsize n)
{
    struct rlimit none = {0, 0};
    struct sigaction farewell = {.sa_handler = on_parent_died, .sa_flags = SA_RESTART};

    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak check at exit traces its own process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    close_others(keep, n);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigaction(SIGHUP, &farewell, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGHUP, 0, 0, 0);
}
