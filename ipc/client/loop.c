/* A program's own loop around a client: what to wait for, and what to do then. Callbacks come from
 * here alone. The lanes are looked at before the connection, so that an answer which is there
 * counts also when the agent has gone. */
#include "ipc/client/call.h"
#include "ipc/client/fault.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* TRUE if one descriptor stands for the connection and its lanes: not in a forked child. */
static gboolean
follow(SealClient *client)
{
    sd_bus *bus = client->connection->bus;

    return !client->lanes_off && client->connection->is_private && client->pid == getpid() &&
           seal_readiness_follow_bus(&client->readiness, sd_bus_get_fd(bus),
                                     MAX(sd_bus_get_events(bus), 0));
}

int
seal_client_get_fd(SealClient *client)
{
    if (!client->connection)
        return -1;
    return follow(client) ? seal_readiness_fd(&client->readiness)
                          : sd_bus_get_fd(client->connection->bus);
}

int
seal_client_get_events(SealClient *client)
{
    int events = 0;

    if (!client->connection)
        return 0;
    if (follow(client))
        return POLLIN;
    events = sd_bus_get_events(client->connection->bus);
    return MAX(events, 0);
}

void
seal_client_refresh(SealClient *client)
{
    if (client->connection && client->readiness.epoll >= 0)
        (void)follow(client);
}

/* Of g_get_monotonic_time(), -1: none. */
static gint64
find_deadline_us(SealClient *client)
{
    uint64_t until_us = UINT64_MAX;
    gint64 lanes_us = seal_lanes_deadline_us(client);

    if (sd_bus_get_timeout(client->connection->bus, &until_us) < 0 || until_us == UINT64_MAX)
        return lanes_us;
    return lanes_us < 0 ? (gint64)until_us : MIN(lanes_us, (gint64)until_us);
}

int
seal_client_get_poll_timeout_ms(SealClient *client)
{
    gint64 until_us = -1, left_us = 0;

    if (client->fading->len > 0)
        return 0;
    if (client->connection)
        until_us = find_deadline_us(client);
    if (until_us < 0)
        return -1;
    left_us = until_us - g_get_monotonic_time();
    /* Rounded up, so that nobody wakes a moment too early and spins. */
    return (int)CLAMP((left_us + 999) / 1000, 0, G_MAXINT);
}

/* sd-bus calls back every call of a closed connection; its socket was shut down, so this ends. */
static void
drain(SealConnection *connection)
{
    SealCall *call = NULL;

    while (sd_bus_process(connection->bus, NULL) > 0)
        ;
    while ((call = g_queue_pop_head(&connection->unanswered)))
        seal_call_hang_up(call);
}

static void
drain_fading(SealClient *client)
{
    while (client->fading->len > 0) {
        g_autoptr(SealConnection) connection = g_ptr_array_steal_index(client->fading, 0);

        drain(connection);
    }
}

/* `bus` is held by the caller: a callback may drop the connection. */
static int
process_bus(SealClient *client, const SealConnection *connection, sd_bus *bus)
{
    int r = 0;

    do
        r = sd_bus_process(bus, NULL);
    while (r > 0 && client->connection == connection);
    return client->connection == connection ? r : 0;
}

gboolean
seal_client_process(SealClient *client, GError **error)
{
    sd_bus *bus = NULL;
    int r = 0;

    if (client->depth > 0)
        return TRUE; /* called from a callback: the call above goes on */
    drain_fading(client);
    if (client->pid == getpid())
        seal_lanes_process(client);
    if (!client->connection) {
        drain_fading(client); /* a callback cancelled the rest */
        return TRUE;
    }
    bus = sd_bus_ref(client->connection->bus);
    r = process_bus(client, client->connection, bus);
    if (r < 0)
        seal_client_drop(client);
    sd_bus_unref(bus);
    drain_fading(client);
    seal_client_refresh(client);
    if (r >= 0)
        return TRUE;
    if (seal_interrupt_is_fired(&client->interrupt))
        r = -ECANCELED;
    seal_fault_set_errno(error, r, "ask the agent");
    return FALSE;
}

gboolean
seal_client_wait(SealClient *client, int timeout_ms, GError **error)
{
    struct pollfd fd = {.fd = seal_client_get_fd(client),
                        .events = (short)seal_client_get_events(client)};
    int own_ms = seal_client_get_poll_timeout_ms(client);

    if (timeout_ms < 0 || (own_ms >= 0 && own_ms < timeout_ms))
        timeout_ms = own_ms;
    if (fd.fd < 0 && timeout_ms < 0)
        return seal_client_process(client, error); /* nothing that could ever arrive */
    (void)poll(&fd, 1, timeout_ms);
    return seal_client_process(client, error);
}
