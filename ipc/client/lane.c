/* One request at a time. The host answers each request, or says that the lane is over before it
 * closes it: then it gave no result for what it did not answer, and the agent may be asked instead.
 * A lane that ends without a word lost its host in the midst of something. */
#include "ipc/client/lane.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "pkcs11/wire/messages.h"

/* How long a receive blocks before it is looked whether anybody still waits. */
#define PULSE_US (100 * 1000)
/* The host's clock for the lease started a moment before ours. */
#define MARGIN_US (500 * 1000)

SealClientLane *
seal_client_lane_new(int fd, guint32 number, guint32 count, guint32 seconds)
{
    const struct timeval pulse = {.tv_usec = PULSE_US};
    SealClientLane *lane = g_new0(SealClientLane, 1);

    lane->fd = fd;
    lane->number = number;
    lane->left = count;
    lane->until_us = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC - MARGIN_US;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pulse, sizeof pulse);
    return lane;
}

void
seal_client_lane_free(SealClientLane *lane)
{
    if (!lane)
        return;
    seal_fd_clear(&lane->fd);
    g_free(lane);
}

gboolean
seal_client_lane_is_good(const SealClientLane *lane)
{
    return lane->left > 0 && g_get_monotonic_time() < lane->until_us;
}

static gboolean
fail(GError **error, SealErrorCode code, const char *reason)
{
    g_set_error(error, SEAL_ERROR, (gint)code, "cannot get an answer: %s", reason);
    return FALSE;
}

/* The next frame. 1, 0 at the lane's end, or FALSE in `*ret_waits` with an error. */
static int
receive(SealClientLane *lane, const SealLaneAsk *ask, const SealInterrupt *interrupt,
        SealFrameHeader *header, guint8 *body, gboolean *ret_waits, GError **error)
{
    *ret_waits = TRUE;
    for (;;) {
        int received = seal_frame_receive_bare(lane->fd, header, body, SEAL_LANE_ANSWER_MAX, TRUE);

        /* A reset comes first where the host left requests unread; its last words are behind it. */
        if (received == -ECONNRESET)
            continue;
        if (received != -EAGAIN)
            return received;
        if (seal_interrupt_is_fired(interrupt))
            *ret_waits = fail(error, SEAL_ERROR_CANCELLED, "the call was cancelled");
        else if (g_get_monotonic_time() >= ask->deadline_us)
            *ret_waits = fail(error, SEAL_ERROR_TIMED_OUT, "the token did not answer in time");
        if (!*ret_waits)
            return 0;
    }
}

static SealLaneOutcome
take_answer(const SealFrameHeader *header, const guint8 *body, SealSecret *answer)
{
    if (header->status != SEAL_ERROR_NONE)
        return SEAL_LANE_REFUSED;
    return seal_secret_append(answer, body, header->length) ? SEAL_LANE_DONE : SEAL_LANE_LOST;
}

SealLaneOutcome
seal_client_lane_ask(SealClientLane *lane, const SealLaneAsk *ask, const SealInterrupt *interrupt,
                     SealSecret *answer, GError **error)
{
    SealFrameHeader header = {.type = (guint16)ask->type,
                              .request = ++lane->last_request,
                              .lane = lane->number,
                              .mechanism = ask->mechanism,
                              .load = 1};
    guint64 request = header.request;
    guint8 body[SEAL_LANE_ANSWER_MAX];
    gboolean waits = TRUE;
    int received = 0;
    SealLaneOutcome outcome = SEAL_LANE_LOST;

    if (seal_frame_send(lane->fd, &header, ask->parts, ask->n_parts, FALSE) != 0)
        return SEAL_LANE_LOST; /* nobody has seen it */
    lane->left--;
    received = receive(lane, ask, interrupt, &header, body, &waits, error);
    if (received == 1 && header.type == (ask->type | SEAL_FRAME_REPLY) && header.request == request)
        outcome = take_answer(&header, body, answer);
    else if (received != 1 || header.type != SEAL_FRAME_LANE_REVOKED)
        outcome = SEAL_LANE_FAILED; /* without a word, or with nonsense */
    if (outcome == SEAL_LANE_FAILED && waits)
        (void)fail(error, SEAL_ERROR_MODULE_FAILED,
                   "the module's host ended while it worked, try again");
    seal_wipe(body, sizeof body);
    return outcome;
}
