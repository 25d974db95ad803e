/* A program's loop waits for one descriptor, but a client with lanes has several. They are put into
 * an epoll, which is itself readable while one of them is; what is there to do is then found by
 * trying. The epoll is shared with forked children, which must not change it: only the process that
 * opened the client comes here. */
#include "ipc/client/readiness.h"

#include <poll.h>
#include <sys/epoll.h>

int
seal_readiness_fd(SealReadiness *readiness)
{
    if (readiness->epoll < 0)
        readiness->epoll = epoll_create1(EPOLL_CLOEXEC);
    return readiness->epoll;
}

void
seal_readiness_clear(SealReadiness *readiness)
{
    seal_fd_clear(&readiness->epoll);
}

/* The bits of poll(2) and epoll(7) are the same on Linux, but nobody promises it. */
static uint32_t
epoll_events(int events)
{
    return (events & POLLIN ? EPOLLIN : 0u) | (events & POLLOUT ? EPOLLOUT : 0u);
}

gboolean
seal_readiness_follow_bus(SealReadiness *readiness, int fd, int events)
{
    struct epoll_event event = {.events = epoll_events(events), .data.fd = fd};
    int operation = readiness->bus == fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (readiness->bus == fd && readiness->events == event.events)
        return TRUE;
    if (readiness->bus != fd)
        seal_readiness_forget_bus(readiness);
    if (seal_readiness_fd(readiness) < 0 || epoll_ctl(readiness->epoll, operation, fd, &event) < 0)
        return FALSE;
    readiness->bus = fd;
    readiness->events = event.events;
    return TRUE;
}

void
seal_readiness_forget_bus(SealReadiness *readiness)
{
    if (readiness->bus >= 0)
        seal_readiness_remove(readiness, readiness->bus);
    readiness->bus = -1;
}

gboolean
seal_readiness_add(SealReadiness *readiness, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return readiness->epoll >= 0 && epoll_ctl(readiness->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void
seal_readiness_remove(SealReadiness *readiness, int fd)
{
    if (readiness->epoll >= 0)
        (void)epoll_ctl(readiness->epoll, EPOLL_CTL_DEL, fd, NULL);
}
