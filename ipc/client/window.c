/* As many requests as the agent granted are at the host, and answered in any order; more wait here
 * in line. An answer fits the line of the socket even if nobody reads for long, so a program that
 * is slow loses nothing.
 *
 * What is promised is that each call ends once. An answer is handed on. A refusal, and the host's
 * last word, say that nothing came of it and never will: such calls go to the agent, and so does
 * what waited. A lane that ends without a word lost its host in the midst of something: what was
 * sent has failed, for it may have been done. Where the host takes too long with the oldest
 * request, that one has failed, and the agent is asked to take the lane back: if the host hangs, it
 * notices. Where not even that ends the lane, the others have failed, too. */
#include "ipc/client/window.h"

#include <errno.h>
#include <unistd.h>

#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/lane.h"

/* The host's clock for the lease started a moment before ours. */
#define MARGIN_US (500 * 1000)

struct SealWindow { /* in a reference-counted box: a callback may close it under our hands */
    SealClient *client;
    const char *key;
    SealFd fd; /* -1: closed */
    guint32 number;
    guint32 size;
    guint32 left;    /* operations */
    gint64 until_us; /* a little before the lease ends */
    guint64 last_request;
    GQueue sent;        /* SealCall *, oldest first */
    GQueue waiting;     /* SealCall *, oldest first */
    gint64 oldest_us;   /* since when the oldest of `sent` is that */
    gint64 late_us;     /* when one was given up, 0: none; nothing is given to it any more */
    SealSecret *answer; /* room for one */
};

/* -- life ----------------------------------------------------------------------------------------
 */

SealWindow *
seal_window_new(SealClient *client, const char *key, const SealLaneOffer *offer)
{
    SealWindow *window = g_rc_box_new0(SealWindow);

    window->client = client;
    window->key = key;
    window->fd = offer->fd;
    window->number = offer->number;
    window->size = MAX(offer->window, 1);
    window->left = offer->count;
    window->until_us = g_get_monotonic_time() + (gint64)offer->seconds * G_USEC_PER_SEC - MARGIN_US;
    window->answer = seal_secret_new(SEAL_LANE_ANSWER_MAX);
    g_queue_init(&window->sent);
    g_queue_init(&window->waiting);
    if (!seal_readiness_add(&client->readiness, window->fd)) /* nobody would hear of answers */
        seal_fd_clear(&window->fd);
    return window;
}

/* Takes all calls off, oldest first. */
static void
take_calls(SealWindow *window, GQueue *ret_sent, GQueue *ret_waiting)
{
    SealCall *call = NULL;

    while ((call = g_queue_pop_head(&window->sent))) {
        call->window = NULL;
        g_queue_push_tail(ret_sent, call);
    }
    while ((call = g_queue_pop_head(&window->waiting))) {
        call->window = NULL;
        g_queue_push_tail(ret_waiting, call);
    }
}

static void
close_fd(SealWindow *window)
{
    if (window->fd < 0)
        return;
    if (window->client->pid == getpid())
        seal_readiness_remove(&window->client->readiness, window->fd);
    seal_fd_clear(&window->fd);
}

void
seal_window_close(SealWindow *window, GQueue *ret_calls)
{
    close_fd(window);
    take_calls(window, ret_calls, ret_calls);
}

static void
clear(gpointer data)
{
    SealWindow *window = data;
    g_auto(GQueue) calls = G_QUEUE_INIT;

    seal_window_close(window, &calls);
    g_queue_clear_full(&calls, (GDestroyNotify)seal_call_free);
    seal_secret_free(window->answer);
}

void
seal_window_unref(SealWindow *window)
{
    if (window)
        g_rc_box_release_full(window, clear);
}

const char *
seal_window_key(const SealWindow *window)
{
    return window->key;
}

gboolean
seal_window_takes(const SealWindow *window)
{
    return window->fd >= 0 && window->left > 0 && window->late_us == 0 &&
           g_get_monotonic_time() < window->until_us;
}

gboolean
seal_window_is_over(const SealWindow *window)
{
    return window->fd < 0 ||
           (!seal_window_takes(window) && window->sent.length == 0 && window->waiting.length == 0);
}

/* -- sending ------------------------------------------------------------------------------------
 */

/* FALSE if the host's line is full, or the lane over: nobody has seen it. */
static gboolean
send_call(SealWindow *window, SealCall *call, const struct iovec *parts, size_t n_parts)
{
    SealFrameHeader header = {.type = (guint16)call->type,
                              .request = window->last_request + 1,
                              .lane = window->number,
                              .mechanism = call->mechanism,
                              .load = window->sent.length + 1};

    if (seal_frame_send(window->fd, &header, parts, n_parts, FALSE) != 0)
        return FALSE;
    call->request = ++window->last_request;
    window->left--;
    if (window->sent.length == 0)
        window->oldest_us = g_get_monotonic_time();
    g_queue_push_tail(&window->sent, call);
    return TRUE;
}

/* The body in one piece: what the caller gave is gone when its turn comes. */
static GBytes *
join(const SealLaneUseAsk *ask)
{
    GByteArray *body = g_byte_array_new();

    for (size_t i = 0; i < ask->n_parts; i++)
        g_byte_array_append(body, ask->parts[i].iov_base, (guint)ask->parts[i].iov_len);
    return g_byte_array_free_to_bytes(body);
}

gboolean
seal_window_submit(SealWindow *window, const SealLaneUseAsk *ask, SealCall *call)
{
    gboolean may_send = window->waiting.length == 0 && window->sent.length < window->size;

    call->type = ask->type;
    call->mechanism = ask->mechanism;
    if (may_send && send_call(window, call, ask->parts, ask->n_parts)) {
        call->window = window;
        return TRUE;
    }
    if (window->sent.length == 0) /* no answer would ever make room */
        return FALSE;
    call->frame = join(ask);
    call->window = window;
    g_queue_push_tail(&window->waiting, call);
    return TRUE;
}

gboolean
seal_window_forget(SealWindow *window, SealCall *call)
{
    return g_queue_remove(&window->waiting, call);
}

/* Fills the window. */
static void
send_waiting(SealWindow *window)
{
    while (window->waiting.length > 0 && seal_window_takes(window) &&
           window->sent.length < window->size) {
        SealCall *call = g_queue_peek_head(&window->waiting);
        gsize len = 0;
        const void *body = g_bytes_get_data(call->frame, &len);
        const struct iovec part = {(void *)body, len};

        if (!send_call(window, call, &part, 1))
            return;
        (void)g_queue_pop_head(&window->waiting);
        g_clear_pointer(&call->frame, g_bytes_unref);
    }
}

/* -- answers ------------------------------------------------------------------------------------
 */

/* What was sent has failed with `failure`; with NULL nothing came of it. */
static void
end(SealWindow *window, SealErrorCode code, const char *failure)
{
    g_auto(GQueue) sent = G_QUEUE_INIT;
    g_auto(GQueue) waiting = G_QUEUE_INIT;
    SealCall *call = NULL;

    close_fd(window);
    take_calls(window, &sent, &waiting);
    while ((call = g_queue_pop_head(&sent)))
        if (failure)
            seal_call_fail(call, code, failure);
        else
            seal_call_ask_agent(call);
    while ((call = g_queue_pop_head(&waiting)))
        seal_call_ask_agent(call);
}

static void
end_wordlessly(SealWindow *window)
{
    end(window, SEAL_ERROR_MODULE_FAILED, "the module's host ended while it worked, try again");
}

/* What still waits when nothing is taken any more, or no answer will make room, is for the agent.
 */
static void
release_waiting(SealWindow *window)
{
    SealCall *call = NULL;

    while ((!seal_window_takes(window) || window->sent.length == 0) &&
           (call = g_queue_pop_head(&window->waiting))) {
        call->window = NULL;
        seal_call_ask_agent(call);
    }
}

/* (nullable) Takes the call that is answered off the list. */
static SealCall *
take_sent(SealWindow *window, guint64 request)
{
    GList *at = window->sent.head;
    SealCall *call = NULL;

    while (at && ((const SealCall *)at->data)->request != request)
        at = at->next;
    if (!at)
        return NULL;
    if (at == window->sent.head)
        window->oldest_us = g_get_monotonic_time();
    call = at->data;
    g_queue_delete_link(&window->sent, at);
    return call;
}

static void
take_answer(SealWindow *window, const SealFrameHeader *header, const guint8 *body)
{
    SealCall *call = take_sent(window, header->request);

    if (!call) { /* nothing that a host says */
        end_wordlessly(window);
        return;
    }
    send_waiting(window);
    if (header->status == SEAL_ERROR_NONE)
        seal_call_answer(call, body, header->length);
    else
        seal_call_ask_agent(call);
}

static void
take_frame(SealWindow *window, const SealFrameHeader *header, const guint8 *body)
{
    if (header->type == (SEAL_FRAME_SIGN | SEAL_FRAME_REPLY) ||
        header->type == (SEAL_FRAME_UNWRAP | SEAL_FRAME_REPLY))
        take_answer(window, header, body);
    else if (header->type == SEAL_FRAME_LANE_REVOKED)
        end(window, SEAL_ERROR_NONE, NULL);
    else
        end_wordlessly(window);
}

static void
receive_all(SealWindow *window)
{
    guint8 *body = seal_secret_data(window->answer);

    while (window->fd >= 0) {
        SealFrameHeader header;
        int received =
            seal_frame_receive_bare(window->fd, &header, body, SEAL_LANE_ANSWER_MAX, FALSE);

        /* A reset comes first where the host left requests unread; its last words are behind it. */
        if (received == -ECONNRESET || received == -EINTR)
            continue;
        if (received == -EAGAIN)
            return;
        if (received == 1) {
            take_frame(window, &header, body);
            seal_wipe(body, header.length);
        } else {
            end_wordlessly(window);
        }
    }
}

/* -- time ---------------------------------------------------------------------------------------
 */

#define TOO_LATE "the token did not answer in time"

gint64
seal_window_deadline_us(const SealWindow *window)
{
    if (window->fd < 0 || window->sent.length == 0)
        return -1;
    if (window->late_us > 0)
        return window->late_us + window->client->notice_us;
    return window->oldest_us + window->client->patience_us;
}

static void
give_up_oldest(SealWindow *window)
{
    window->late_us = g_get_monotonic_time();
    seal_lane_give_up(window->client, window->number);
    seal_call_give_up(g_queue_peek_head(&window->sent), SEAL_ERROR_TIMED_OUT, TOO_LATE);
}

void
seal_window_process(SealWindow *window)
{
    SealWindow *held = g_rc_box_acquire(window);
    gint64 deadline_us = 0;

    receive_all(window);
    deadline_us = seal_window_deadline_us(window);
    if (deadline_us >= 0 && g_get_monotonic_time() >= deadline_us) {
        if (window->late_us == 0)
            give_up_oldest(window);
        else
            end(window, SEAL_ERROR_TIMED_OUT, TOO_LATE);
    }
    if (window->fd >= 0)
        release_waiting(window);
    seal_window_unref(held);
}
