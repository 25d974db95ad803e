/* A handler writes the number into a pipe that the loop watches. Not g_unix_signal_add(): it starts a
 * thread. Not signalfd: the signals would have to be blocked, and children inherit that. */
#include "agent/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"

struct SealSignals {
    SealFd read_fd, write_fd;
    SealWatch *watch;
    SealSignalsFunc func;
    gpointer user_data;
};

static const int caught[] = {SIGTERM, SIGINT, SIGHUP};

/* What the handler can reach: set before it is installed, cleared after it is removed. */
static volatile int wake_fd = -1;

static void
on_signal(int number)
{
    int saved = errno;
    char byte = (char)number;

    /* a full pipe wakes the loop as well */
    if (write(wake_fd, &byte, 1) < 0)
        errno = saved;
    errno = saved;
}

static void
set_handlers(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    for (size_t i = 0; i < G_N_ELEMENTS(caught); i++)
        (void)sigaction(caught[i], &action, NULL);
}

static void
on_ready(uint32_t events, gpointer user_data)
{
    SealSignals *signals = user_data;
    char number = 0;

    if (read(signals->read_fd, &number, 1) == 1) /* what is left wakes the loop again */
        signals->func(number, signals->user_data);
}

SealSignals *
seal_signals_new(SealLoop *loop, SealSignalsFunc func, gpointer user_data)
{
    SealSignals *signals = g_new0(SealSignals, 1);
    int fds[2] = {-1, -1};

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        g_error("cannot make a pipe: %s", g_strerror(errno));
    signals->read_fd = fds[0];
    signals->write_fd = fds[1];
    signals->func = func;
    signals->user_data = user_data;
    signals->watch = seal_loop_watch(loop, fds[0], EPOLLIN, on_ready, signals);
    wake_fd = fds[1];
    set_handlers(on_signal);
    return signals;
}

void
seal_signals_free(SealSignals *signals)
{
    if (!signals)
        return;
    set_handlers(SIG_DFL);
    wake_fd = -1;
    seal_watch_free(signals->watch);
    seal_fd_clear(&signals->read_fd);
    seal_fd_clear(&signals->write_fd);
    g_free(signals);
}
