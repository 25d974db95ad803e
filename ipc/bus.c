/* sd-bus on SealLoop. One level-triggered watch per connection; its event mask follows
 * sd_bus_get_events() and is changed only when that changed.
 *
 * A peer that does not read its answers fills our queue: from QUEUE_HIGH messages on nothing more
 * is read from it, so that it cannot cause more; at QUEUE_LIMIT (signals go on) it is disconnected.
 * A peer that drips one endless message is disconnected after PARTIAL_LIMIT bytes of it; sd-bus
 * itself would take 128 MiB. */
#include "ipc/bus.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

/* An answer is below 1 KiB but for GetManagedObjects: some MiB for a full queue at the worst. */
#define QUEUE_HIGH  128
#define QUEUE_LOW   32
#define QUEUE_LIMIT 4096

/* The largest call we serve has two byte arrays of 64 KiB, and some room for options. */
#define PARTIAL_LIMIT (1024 * 1024)

/* One connection gives way to the others after so many steps. */
#define STEPS_AT_ONCE 64

struct SealBus {
    sd_bus *bus;
    sd_bus_slot *filter;
    SealWatch *watch;
    SealBusClosedFunc closed;
    gpointer user_data;
    gboolean unread;     /* the peer does not read: nothing more is taken from it */
    gboolean processing; /* inside sd_bus_process(): must not be freed now */
    gboolean dead;
    gboolean incomplete; /* the last bytes that came completed no message */
    guint64 partial_len; /* bytes of the message that is not complete */
    guint64 n_messages;
};

/* Runs for every message before its handler. */
static int
on_message(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    SealBus *link = user_data;

    link->incomplete = FALSE;
    link->partial_len = 0;
    link->n_messages++;
    return 0;
}

/* FALSE if the peer left so much unread that it must go. */
static gboolean
watch_queue(SealBus *link)
{
    uint64_t queued = 0;

    if (sd_bus_get_n_queued_write(link->bus, &queued) < 0)
        return TRUE; /* closing: sd_bus_process() says so */
    if (queued >= QUEUE_HIGH)
        link->unread = TRUE;
    else if (queued <= QUEUE_LOW)
        link->unread = FALSE;
    return queued <= QUEUE_LIMIT;
}

/* Sets the watch to what sd-bus waits for now. */
static void
rearm(SealBus *link)
{
    int wanted = sd_bus_get_events(link->bus);
    uint32_t events = 0;
    uint64_t timeout = UINT64_MAX;

    if (wanted < 0) {
        seal_watch_set_deadline(link->watch, 0);
        return;
    }
    if (wanted & POLLIN && !link->unread)
        events |= EPOLLIN;
    if (wanted & POLLOUT)
        events |= EPOLLOUT;
    seal_watch_set_events(link->watch, events);
    if (sd_bus_get_timeout(link->bus, &timeout) < 0 || timeout == UINT64_MAX)
        seal_watch_set_deadline(link->watch, -1);
    else
        seal_watch_set_deadline(link->watch, (gint64)timeout);
}

/* FALSE when one message has grown beyond the limit without being complete. The ioctl is made only
 * when the bytes before these completed nothing. */
static gboolean
count_partial(SealBus *link, uint32_t events)
{
    int waiting = 0;

    if (!(events & EPOLLIN))
        return TRUE;
    if (link->incomplete && ioctl(sd_bus_get_fd(link->bus), FIONREAD, &waiting) == 0)
        link->partial_len += (guint64)waiting;
    link->incomplete = TRUE;
    return link->partial_len <= PARTIAL_LIMIT;
}

/* Processes until nothing is left, the turn is over or the peer is held back; returns 0, or a
 * negative errno when the connection is over. */
static int
process(SealBus *link)
{
    int result = 1;

    for (int i = 0; i < STEPS_AT_ONCE && result > 0 && !link->dead; i++) {
        result = sd_bus_process(link->bus, NULL);
        if (link->dead || result < 0)
            break;
        if (!watch_queue(link))
            return -ENOBUFS;
        if (link->unread)
            break;
    }
    return MIN(result, 0);
}

static void
on_ready(uint32_t events, gpointer user_data)
{
    SealBus *link = user_data;
    int result = 0;

    link->processing = TRUE;
    if (!count_partial(link, events))
        result = -EMSGSIZE;
    else if (link->unread && events & (EPOLLHUP | EPOLLERR))
        result = -ECONNRESET; /* nobody will ever read the rest */
    else
        result = process(link);
    link->processing = FALSE;

    if (link->dead) {
        g_free(link);
        return;
    }
    if (result == 0) {
        rearm(link);
        return;
    }
    g_clear_pointer(&link->watch, seal_watch_free);
    link->closed(link, -result, link->user_data);
}

SealBus *
seal_bus_new(SealLoop *loop, sd_bus *bus, SealBusClosedFunc closed, gpointer user_data)
{
    SealBus *link = g_new0(SealBus, 1);

    link->bus = sd_bus_ref(bus);
    link->closed = closed;
    link->user_data = user_data;
    (void)sd_bus_add_filter(bus, &link->filter, on_message, link);
    link->watch = seal_loop_watch(loop, sd_bus_get_fd(bus), 0, on_ready, link);
    rearm(link);
    return link;
}

void
seal_bus_free(SealBus *link)
{
    if (!link || link->dead)
        return;
    g_clear_pointer(&link->watch, seal_watch_free);
    link->filter = sd_bus_slot_unref(link->filter);
    sd_bus_close(link->bus);
    link->bus = sd_bus_unref(link->bus);
    link->dead = TRUE;
    if (!link->processing)
        g_free(link);
}

sd_bus *
seal_bus_peek(SealBus *link)
{
    return link->bus;
}

void
seal_bus_kick(SealBus *link)
{
    if (link->processing || !link->watch)
        return;
    if (watch_queue(link))
        rearm(link);
    else
        seal_watch_set_deadline(link->watch, 0);
}

guint64
seal_bus_n_messages(const SealBus *link)
{
    return link->n_messages;
}
