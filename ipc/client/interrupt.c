/* Ending a blocking call from outside.
 *
 * The call waits in poll(2) on the connection's socket, so shutdown(2) on that socket wakes it, and
 * tells the agent at the same moment that nobody waits any more. What must not happen is a
 * shutdown of a foreign descriptor that took the number of a closed one. So one number is kept for
 * the client's whole life, and dup3(2) puts each new connection's socket behind it in one step:
 * whoever fires before sees the flag read after dup3, whoever fires later hits the new socket. */
#include "ipc/client/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

gboolean
seal_interrupt_init(SealInterrupt *interrupt, GError **error)
{
    interrupt->fired = 0;
    /* Any descriptor will do to hold the number until a connection comes. */
    interrupt->fd = eventfd(0, EFD_CLOEXEC);
    if (interrupt->fd >= 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE,
                "cannot connect to the agent: %s; close some files of this program",
                g_strerror(errno));
    return FALSE;
}

void
seal_interrupt_clear(SealInterrupt *interrupt)
{
    seal_fd_clear(&interrupt->fd);
}

gboolean
seal_interrupt_arm(SealInterrupt *interrupt, int socket_fd)
{
    int r = 0;

    do
        r = dup3(socket_fd, interrupt->fd, O_CLOEXEC);
    while (r < 0 && (errno == EINTR || errno == EBUSY));
    return r >= 0 && !seal_interrupt_is_fired(interrupt);
}

void
seal_interrupt_hang_up(SealInterrupt *interrupt)
{
    (void)shutdown(interrupt->fd, SHUT_RDWR);
}

gboolean
seal_interrupt_is_fired(const SealInterrupt *interrupt)
{
    return g_atomic_int_get(&interrupt->fired) != 0;
}

void
seal_interrupt_fire(SealInterrupt *interrupt)
{
    int saved = errno;

    g_atomic_int_set(&interrupt->fired, 1);
    (void)shutdown(interrupt->fd, SHUT_RDWR);
    errno = saved;
}
