/* One descriptor that becomes readable when any of a client's own has something to do. */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "base/fd.h"

typedef struct {
    SealFd epoll;    /* -1 until somebody asks for it; then the same for the client's whole life */
    int bus;         /* the connection's descriptor in it, -1 for none */
    uint32_t events; /* of that */
} SealReadiness;

/* The descriptor (borrowed), made at the first call; -1 if the process has none left. */
int seal_readiness_fd(SealReadiness *readiness);
void seal_readiness_clear(SealReadiness *readiness);

/* Watches the connection behind `fd` for `events` of poll(2) in place of the one before. FALSE if
 * that cannot be. */
gboolean seal_readiness_follow_bus(SealReadiness *readiness, int fd, int events);
/* Before it is closed: a copy of a descriptor (interrupt.h, or a forked child's) keeps what it
 * stands for in the epoll. */
void seal_readiness_forget_bus(SealReadiness *readiness);

/* Watches a lane; and no more, before it is closed. FALSE if that cannot be. */
gboolean seal_readiness_add(SealReadiness *readiness, int fd);
void seal_readiness_remove(SealReadiness *readiness, int fd);
