/* sd-bus on SealLoop. One level-triggered watch per connection; its event mask follows
 * sd_bus_get_events() and is changed only when that changed.
 *
 * A peer that does not read its answers fills our queue: from QUEUE_HIGH messages on nothing more
 * is read from it, so that it cannot cause more; at QUEUE_LIMIT (signals go on) it is disconnected.
 *
 * sd-bus takes messages of up to 128 MiB and has no smaller limit. On private connections the
 * header of each message is looked at while it is still in the socket: sd-bus reads one message at
 * a time and nothing behind it, so the next one begins where a message was delivered. */
#include "ipc/bus.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* An answer is below 1 KiB but for GetManagedObjects: some MiB for a full queue at the worst. */
#define QUEUE_HIGH  128
#define QUEUE_LOW   32
#define QUEUE_LIMIT 4096

/* A call beyond 64 KiB is answered LimitExceeded, so it must be read; beyond this it is an attack.
 */
#define MESSAGE_MAX (2 * 1024 * 1024)

/* Messages of more than SMALL_MAX that are under way, of all connections together. */
#define SMALL_MAX   (160 * 1024)
#define PENDING_MAX (16 * 1024 * 1024)

/* D-Bus specification, "Message Format": what must be there to know a message's length. */
#define HEADER_LEN 16

/* Looked at so that one system call tells of the next message, too: calls are below, mostly. */
#define LOOK_LEN 1024

/* Writers send a header whole; one that came in pieces is looked at again after so long. */
#define PIECE_US   (10 * 1000)
#define PIECES_MAX 500

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
    gboolean watch_sizes;
    gboolean more;     /* there is something in the socket behind the message that is read */
    gsize pending_len; /* of the message that is being read; 0 between messages */
    guint n_pieces;    /* looks at a header that was not complete */
    guint64 n_messages;
};

/* Sum of every connection's pending_len: the memory is the process's, so is its limit. */
static gsize pending_sum;

static void
set_pending(SealBus *link, gsize len)
{
    pending_sum += len - link->pending_len;
    link->pending_len = len;
}

/* Runs for every message before its handler. */
static int
on_message(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    SealBus *link = user_data;

    set_pending(link, 0);
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
    if (sd_bus_get_timeout(link->bus, &timeout) < 0)
        timeout = UINT64_MAX;
    if (link->n_pieces > 0) { /* its first octets would wake us again and again */
        events &= ~(uint32_t)EPOLLIN;
        timeout = MIN(timeout, (uint64_t)g_get_monotonic_time() + PIECE_US);
    }
    seal_watch_set_events(link->watch, events);
    seal_watch_set_deadline(link->watch, timeout == UINT64_MAX ? -1 : (gint64)timeout);
}

static guint32
read_u32(const guint8 *at, gboolean is_little)
{
    guint32 value = 0;

    memcpy(&value, at, sizeof value);
    return is_little ? GUINT32_FROM_LE(value) : GUINT32_FROM_BE(value);
}

/* Length of the message with this header; nonsense gives a length that nobody accepts, or sd-bus
 * refuses the message. */
static gsize
message_len(const guint8 header[HEADER_LEN])
{
    gboolean is_little = header[0] == 'l';
    gsize fields_len = read_u32(header + 12, is_little);

    return HEADER_LEN + ((fields_len + 7) & ~(gsize)7) + read_u32(header + 4, is_little);
}

/* Looks at what is in the socket. 1: sd-bus may read (or find the end). 0: nothing is there, or not
 * enough. -EMSGSIZE: the message is not to be read. */
static int
look_ahead(SealBus *link)
{
    guint8 header[LOOK_LEN];
    struct iovec part = {header, sizeof header};
    struct msghdr look = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n = 0;
    gsize len = 0;

    if (!link->watch_sizes || link->pending_len > 0)
        return 1;
    link->more = FALSE;
    n = recvmsg(sd_bus_get_fd(link->bus), &look, MSG_PEEK | MSG_DONTWAIT);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : 1;
    if (look.msg_flags & MSG_CTRUNC) /* a descriptor: no call takes one */
        return -EMSGSIZE;
    if (n < HEADER_LEN)
        return ++link->n_pieces > PIECES_MAX ? -EMSGSIZE : 0;
    link->n_pieces = 0;
    len = message_len(header);
    if (len > MESSAGE_MAX || (len > SMALL_MAX && pending_sum + len > PENDING_MAX))
        return -EMSGSIZE;
    link->more = (gsize)n > len || n == LOOK_LEN;
    set_pending(link, len);
    return 1;
}

static uint64_t
queue_len(const SealBus *link)
{
    uint64_t queued = 0;

    return sd_bus_get_n_queued_write(link->bus, &queued) < 0 ? 0 : queued;
}

/* Something is to be done that is not in the socket: a queue, or a timeout that has passed. */
static gboolean
has_other_work(const SealBus *link)
{
    uint64_t queued = 0;
    uint64_t timeout = UINT64_MAX;

    return queue_len(link) > 0 ||
           (sd_bus_get_n_queued_read(link->bus, &queued) >= 0 && queued > 0) ||
           (sd_bus_get_timeout(link->bus, &timeout) > 0 &&
            timeout <= (uint64_t)g_get_monotonic_time());
}

/* One step of sd-bus. `looked`: a message may be read. Otherwise sd-bus is wanted for its queue,
 * but if it cannot write a whole message it reads, and may have begun one that came only now. */
static int
step(SealBus *link, gboolean looked)
{
    guint64 n_messages = link->n_messages;
    uint64_t queued = queue_len(link);
    int result = sd_bus_process(link->bus, NULL);

    if (!link->dead && !looked && result > 0 && link->watch_sizes &&
        link->n_messages == n_messages && queue_len(link) >= queued)
        set_pending(link, HEADER_LEN); /* its length is not known; it ends where it is delivered */
    return result;
}

/* Processes until nothing is left, the turn is over or the peer is held back; returns 0, or a
 * negative errno when the connection is over. */
static int
process(SealBus *link)
{
    int result = 1;

    for (int i = 0; i < STEPS_AT_ONCE && result > 0; i++) {
        if (i > 0 && link->watch_sizes && !link->more && !has_other_work(link))
            break;
        result = look_ahead(link);
        if (result < 0 || (result == 0 && !has_other_work(link)))
            break;
        result = step(link, result > 0);
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
    if (link->unread && events & (EPOLLHUP | EPOLLERR))
        result = -ECONNRESET; /* nobody will ever read the rest */
    else
        result = process(link);
    link->processing = FALSE;
    /* sd-bus closes its descriptor by itself; the number may belong to somebody else soon */
    if (result == 0 && !link->dead && sd_bus_is_open(link->bus) <= 0)
        result = -ECONNRESET;

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
seal_bus_new(SealLoop *loop, sd_bus *bus, gboolean watch_sizes, SealBusClosedFunc closed,
             gpointer user_data)
{
    SealBus *link = g_new0(SealBus, 1);

    link->bus = sd_bus_ref(bus);
    link->watch_sizes = watch_sizes;
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
    set_pending(link, 0);
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
