/* Requests and replies at one host.
 *
 * A send never blocks: beyond the window, or when the kernel's queue is full, a frame waits here
 * and goes out on the next reply or EPOLLOUT, in order. Deadlines share one timer that is armed
 * lazily: an answer does not disarm it, so that the usual request costs no timer call; the timer
 * finds nothing then and goes to sleep. A request that is overdue fails, and its host is given up,
 * because a thread of it hangs in the vendor's code: except while a person types at a reader's pad,
 * when a module may hold its only lock for as long as that takes. */
#include "pkcs11/token/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/secret.h"
#include "pkcs11/token/requests.h"

/* Frames read at one wake-up, so that one host does not hold up the others. */
#define FRAMES_AT_ONCE 64
/* A token of 4,096 keys and certificates tells 8,194 events; a host that tells far more within a
 * second has gone mad and would keep the agent from its work. */
#define EVENTS_PER_SECOND 50000

struct SealChannel {
    SealLoop *loop;
    const SealChannelEvents *events;
    gpointer user_data;
    SealRequests requests;
    SealWatch *timer;
    gint64 armed_us; /* when the timer fires, -1: it does not */
    /* per host */
    int fd;
    SealWatch *watch;
    guint window;     /* 0 until HELLO was answered */
    gboolean is_full; /* the kernel's queue took no more: wait for EPOLLOUT */
    gint64 second_us; /* start of the second in which events are counted */
    guint events_seen;
    SealSecret *body; /* receives: session keys pass through it */
};

/* -- answers ---------------------------------------------------------------------------------- */

/* Takes the request out of the book and answers it. */
static void
answer(SealChannel *channel, SealRequest *request, const SealReply *reply)
{
    g_autoptr(SealRequest) taken = seal_requests_take(&channel->requests, request);

    if (taken->done)
        taken->done(reply, taken->user_data);
}

static void
fail(SealChannel *channel, SealRequest *request, SealErrorCode status, const char *message)
{
    const SealReply reply = {.status = status, .message = message};

    answer(channel, request, &reply);
}

static void
arm(SealChannel *channel, gint64 deadline_us)
{
    if (channel->armed_us >= 0 && channel->armed_us <= deadline_us)
        return;
    channel->armed_us = deadline_us;
    seal_watch_set_deadline(channel->timer, deadline_us);
}

static void
give_up(SealChannel *channel, SealErrorCode why, const char *message)
{
    channel->events->broken(why, message, channel->user_data);
}

/* -- sending ---------------------------------------------------------------------------------- */

static gboolean
may_send(const SealChannel *channel, const SealRequest *request)
{
    if (channel->is_full)
        return FALSE;
    if (request->header.type == SEAL_FRAME_HELLO)
        return TRUE;
    return channel->requests.in_flight < channel->window;
}

/* TRUE if it is on its way. A host that is gone (-EPIPE) is not told here: EOF follows. */
static gboolean
try_send(SealChannel *channel, SealRequest *request, const struct iovec *parts, size_t n_parts)
{
    int result = 0;

    if (!may_send(channel, request))
        return FALSE;
    request->header.load = channel->requests.in_flight + 1;
    result = request->descriptor < 0
                 ? seal_frame_send(channel->fd, &request->header, parts, n_parts, FALSE)
                 : seal_frame_send_descriptor(channel->fd, &request->header, parts, n_parts,
                                              request->descriptor);
    if (result == -EAGAIN) {
        channel->is_full = TRUE;
        seal_watch_set_events(channel->watch, EPOLLIN | EPOLLOUT);
        return FALSE;
    }
    seal_requests_sent(&channel->requests, request);
    return TRUE;
}

static void
send_waiting(SealChannel *channel)
{
    SealRequest *request = NULL;

    while ((request = seal_requests_first_waiting(&channel->requests))) {
        struct iovec body = seal_request_body(request);

        if (!try_send(channel, request, &body, 1))
            return;
    }
}

static size_t
body_len(const SealAsk *ask)
{
    size_t len = 0;

    for (size_t i = 0; i < ask->n_parts; i++)
        len += ask->parts[i].iov_len;
    return len;
}

static void
fill_header(SealRequest *request, const SealAsk *ask)
{
    request->header.type = ask->type;
    request->header.lane = ask->lane;
    request->header.key = ask->key ? ask->key->reference : 0;
    request->header.generation = ask->key ? ask->key->generation : 0;
    request->header.mechanism = ask->mechanism;
}

/* What takes a key back is bounded by the number of lanes, and told again by nobody. */
static gboolean
must_arrive(guint16 type)
{
    return type == SEAL_FRAME_LANE_REVOKE;
}

guint64
seal_channel_ask(SealChannel *channel, const SealAsk *ask, SealReplyFunc done, gpointer user_data)
{
    SealRequest *request = NULL;
    g_auto(SealFd) descriptor = ask->descriptor ? seal_fd_steal(ask->descriptor) : -1;

    if (!channel->watch)
        return seal_channel_refuse(channel, SEAL_ERROR_MODULE_FAILED,
                                   "the module's host is not running", done, user_data);
    if (g_hash_table_size(channel->requests.by_id) >= SEAL_REQUESTS_MAX && !must_arrive(ask->type))
        return seal_channel_refuse(channel, SEAL_ERROR_LIMIT_EXCEEDED,
                                   "too many requests wait for this module", done, user_data);
    if (body_len(ask) > SEAL_FRAME_MAX - sizeof(SealFrameHeader))
        return seal_channel_refuse(channel, SEAL_ERROR_LIMIT_EXCEEDED,
                                   "the request is too large for one frame", done, user_data);

    request = seal_requests_add(&channel->requests, done, user_data);
    fill_header(request, ask);
    request->descriptor = seal_fd_steal(&descriptor);
    request->patient = ask->is_patient;
    request->timeout_us = (gint64)ask->timeout_ms * 1000;
    request->deadline_us = g_get_monotonic_time() + request->timeout_us;
    arm(channel, request->deadline_us);
    if (seal_requests_first_waiting(&channel->requests) ||
        !try_send(channel, request, ask->parts, ask->n_parts))
        seal_requests_wait(&channel->requests, request, ask->parts, ask->n_parts, ask->is_secret);
    return request->id;
}

guint64
seal_channel_refuse(SealChannel *channel, SealErrorCode status, const char *message,
                    SealReplyFunc done, gpointer user_data)
{
    SealRequest *request = seal_requests_add(&channel->requests, done, user_data);

    request->refused = status;
    request->refusal = g_strdup(message);
    request->deadline_us = g_get_monotonic_time();
    arm(channel, request->deadline_us);
    return request->id;
}

void
seal_channel_cancel(SealChannel *channel, guint64 id)
{
    SealRequest *request = seal_requests_find(&channel->requests, id);

    if (!request)
        return;
    if (request->in_flight)
        request->done = NULL;
    else
        seal_request_free(seal_requests_take(&channel->requests, request));
}

/* -- deadlines -------------------------------------------------------------------------------- */

static void
fail_late(SealChannel *channel, SealRequest *request)
{
    g_autofree char *clause = channel->events->explain(channel->user_data);
    g_autofree char *message = g_strdup_printf("the token did not answer in time%s%s",
                                               clause ? "; " : "", clause ? clause : "");

    fail(channel, request, SEAL_ERROR_TIMED_OUT, message);
}

/* TRUE if the host must be given up for it. */
static gboolean
expire(SealChannel *channel, SealRequest *request)
{
    if (request->refused) {
        g_autofree char *message = g_steal_pointer(&request->refusal);

        fail(channel, request, request->refused, message);
        return FALSE;
    }
    if (!seal_requests_has_patient(&channel->requests) || request->patient) {
        fail_late(channel, request);
        return TRUE;
    }
    if (must_arrive(request->header.type)) {
        request->deadline_us = g_get_monotonic_time() + request->timeout_us;
        return FALSE;
    }
    /* The host may still be at it: it counts as in flight, with an answer that nobody awaits. */
    if (request->done) {
        const SealReply reply = {.status = SEAL_ERROR_TIMED_OUT,
                                 .message = "the token waits for a PIN at its reader"};
        SealReplyFunc done = g_steal_pointer(&request->done);

        request->deadline_us = -1;
        done(&reply, request->user_data);
    }
    return FALSE;
}

static void
on_deadline(uint32_t events, gpointer user_data)
{
    SealChannel *channel = user_data;
    gint64 now = g_get_monotonic_time();
    g_autoptr(GPtrArray) overdue = seal_requests_overdue(&channel->requests, now);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    gboolean is_hung = FALSE;
    gint64 next = -1;

    channel->armed_us = -1;
    for (guint i = 0; i < overdue->len; i++)
        g_array_append_val(ids, ((SealRequest *)overdue->pdata[i])->id);
    /* A callback may cancel another request of these: look each one up again. */
    for (guint i = 0; i < ids->len; i++) {
        SealRequest *request =
            seal_requests_find(&channel->requests, g_array_index(ids, guint64, i));

        if (request)
            is_hung |= expire(channel, request);
    }
    next = seal_requests_deadline(&channel->requests);
    if (next >= 0)
        arm(channel, next);
    if (is_hung && channel->watch)
        give_up(channel, SEAL_ERROR_TIMED_OUT, "an operation did not end in time");
}

/* -- receiving -------------------------------------------------------------------------------- */

static gboolean
take_failed_reply(SealChannel *channel, SealRequest *request, const SealFrameHeader *header,
                  SealBytes body)
{
    SealFailure failure = {0};
    SealReply reply = {.status = (SealErrorCode)header->status};

    if (!seal_failure_decode(body.data, body.len, &failure))
        return FALSE;
    reply.ckr = failure.ckr;
    reply.message = *failure.message ? failure.message : seal_error_phrase(reply.status);
    answer(channel, request, &reply);
    seal_failure_clear(&failure);
    return TRUE;
}

static gboolean
take_reply(SealChannel *channel, const SealFrameHeader *header, SealBytes body)
{
    SealRequest *request = seal_requests_find(&channel->requests, header->request);
    const SealReply reply = {.message = "", .body = body};

    if (!request || !request->in_flight)
        return TRUE;
    if (header->type != (request->header.type | SEAL_FRAME_REPLY) ||
        header->status > SEAL_ERROR_LAST)
        return FALSE;
    if (header->status != SEAL_ERROR_NONE)
        return take_failed_reply(channel, request, header, body);
    answer(channel, request, &reply);
    return TRUE;
}

static gboolean
is_flooding(SealChannel *channel)
{
    gint64 now = g_get_monotonic_time();

    if (now - channel->second_us > G_USEC_PER_SEC) {
        channel->second_us = now;
        channel->events_seen = 0;
    }
    return ++channel->events_seen > EVENTS_PER_SECOND;
}

/* FALSE: the channel is broken. */
static gboolean
take_frame(SealChannel *channel, const SealFrameHeader *header)
{
    SealBytes body = {seal_secret_peek(channel->body), header->length};
    gboolean good = FALSE;

    if (header->type & SEAL_FRAME_REPLY)
        good = take_reply(channel, header, body);
    else
        good = !is_flooding(channel) && channel->events->event(header, body, channel->user_data);
    /* A reply can be a session key. */
    seal_wipe(seal_secret_data(channel->body), header->length);
    if (!good && channel->watch)
        give_up(channel, SEAL_ERROR_MODULE_FAILED, "the host sent a frame that makes no sense");
    return good && channel->watch;
}

static void
receive(SealChannel *channel)
{
    for (int i = 0; i < FRAMES_AT_ONCE; i++) {
        SealFrameHeader header;
        int result = seal_frame_receive(channel->fd, &header, seal_secret_data(channel->body),
                                        SEAL_FRAME_MAX, FALSE);

        if (result == -EAGAIN)
            return;
        if (result == -EPROTO) {
            give_up(channel, SEAL_ERROR_MODULE_FAILED, "the host sent a malformed frame");
            return;
        }
        if (result <= 0) {
            give_up(channel, SEAL_ERROR_UNREACHABLE, "the host ended");
            return;
        }
        if (!take_frame(channel, &header))
            return;
        /* Nothing else is due: asking the kernel again would be a call for nothing. */
        if (channel->requests.in_flight == 0 && channel->window > 0)
            return;
    }
}

static void
on_ready(uint32_t events, gpointer user_data)
{
    SealChannel *channel = user_data;

    if (events & EPOLLOUT) {
        channel->is_full = FALSE;
        seal_watch_set_events(channel->watch, EPOLLIN);
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(channel);
    if (channel->watch)
        send_waiting(channel);
}

/* -- lifecycle -------------------------------------------------------------------------------- */

SealChannel *
seal_channel_new(SealLoop *loop, const SealChannelEvents *events, gpointer user_data)
{
    SealChannel *channel = g_new0(SealChannel, 1);

    channel->loop = loop;
    channel->events = events;
    channel->user_data = user_data;
    channel->fd = -1;
    channel->armed_us = -1;
    channel->body = seal_secret_new(SEAL_FRAME_MAX);
    channel->timer = seal_loop_watch(loop, -1, 0, on_deadline, channel);
    seal_requests_init(&channel->requests);
    return channel;
}

void
seal_channel_open(SealChannel *channel, int fd)
{
    g_assert(!channel->watch);
    channel->fd = fd;
    channel->window = 0;
    channel->is_full = FALSE;
    channel->second_us = 0;
    channel->events_seen = 0;
    channel->watch = seal_loop_watch(channel->loop, fd, EPOLLIN, on_ready, channel);
}

void
seal_channel_set_window(SealChannel *channel, guint window)
{
    channel->window = MAX(window, 1);
    send_waiting(channel);
}

void
seal_channel_close(SealChannel *channel, SealErrorCode status, const char *message)
{
    g_autoptr(GPtrArray) all = seal_requests_overdue(&channel->requests, -1);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint64));

    g_clear_pointer(&channel->watch, seal_watch_free);
    channel->fd = -1;
    channel->window = 0;
    for (guint i = 0; i < all->len; i++)
        g_array_append_val(ids, ((SealRequest *)all->pdata[i])->id);
    for (guint i = 0; i < ids->len; i++) {
        SealRequest *request =
            seal_requests_find(&channel->requests, g_array_index(ids, guint64, i));

        if (request && !request->refused)
            fail(channel, request, status, message);
    }
}

gboolean
seal_channel_is_open(const SealChannel *channel)
{
    return channel->watch != NULL;
}

void
seal_channel_free(SealChannel *channel)
{
    if (!channel)
        return;
    seal_channel_close(channel, SEAL_ERROR_MODULE_FAILED, "the agent is ending");
    /* Callbacks may have asked again: those were refused, and this tells them. */
    for (;;) {
        g_autoptr(GPtrArray) left = seal_requests_overdue(&channel->requests, -1);

        if (left->len == 0)
            break;
        fail(channel, left->pdata[0], SEAL_ERROR_MODULE_FAILED, "the agent is ending");
    }
    g_clear_pointer(&channel->timer, seal_watch_free);
    g_clear_pointer(&channel->body, seal_secret_free);
    seal_requests_clear(&channel->requests);
    g_free(channel);
}
