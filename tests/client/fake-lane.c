/* What a host could do to its clients, after the last word of a key's name:
 *
 *   answers    answers each request with "by lane"
 *   backwards  waits for eight requests, and answers the last one first
 *   refuses    refuses each request
 *   revoked    says that the lane is over instead of answering
 *   silent     closes the lane instead of answering
 *   late       does not answer
 *   deaf       does not answer, and stays open when it is taken back
 *   stranger   answers a request that nobody made
 *   twice      answers each request twice
 *   other      sends a frame of another type
 *   short, long, empty, attached
 *              sends what is no frame: too short, longer than an answer may be, of no bytes, with a
 *              descriptor
 *   version    speaks another version than the client knows
 *   none       there is no lane */
#include "tests/client/fake-lane.h"

#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/names.h"
#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/lane.h"
#include "pkcs11/wire/messages.h"

#define BACKWARDS 8

typedef struct {
    int fd;
    char mood[16];
    guint64 held[BACKWARDS];
    guint n_held;
    sd_event_source *source;
} Lane;

static GPtrArray *lanes;

static void
answer(const Lane *lane, guint64 request, SealErrorCode status)
{
    static const char text[] = "by lane";
    g_autoptr(GByteArray) failure = g_byte_array_new();
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN | SEAL_FRAME_REPLY,
                              .request = request,
                              .lane = 7,
                              .status = status};
    struct iovec part = {(void *)text, strlen(text)};

    if (status != SEAL_ERROR_NONE) {
        seal_failure_encode(failure, 0, "not today");
        part = (struct iovec){failure->data, failure->len};
    }
    (void)seal_frame_send(lane->fd, &header, &part, 1, FALSE);
}

static void
close_lane(Lane *lane)
{
    lane->source = sd_event_source_unref(lane->source);
    (void)close(lane->fd);
    lane->fd = -1;
}

static void
say_end(Lane *lane)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    SealFrameHeader header = {.type = SEAL_FRAME_LANE_REVOKED,
                              .lane = 7,
                              .status = seal_lane_end_code(SEAL_LANE_REVOKED)};
    struct iovec part;

    seal_failure_encode(body, SEAL_LANE_REVOKED, seal_lane_end_phrase(SEAL_LANE_REVOKED));
    part = (struct iovec){body->data, body->len};
    (void)seal_frame_send(lane->fd, &header, &part, 1, FALSE);
    close_lane(lane);
}

static void
take_back(Lane *lane)
{
    if (lane->fd >= 0 && !g_str_equal(lane->mood, "deaf"))
        say_end(lane);
}

void
fake_lanes_revoke(void)
{
    for (guint i = 0; lanes && i < lanes->len; i++)
        take_back(lanes->pdata[i]);
}

static void
answer_backwards(Lane *lane, guint64 request)
{
    lane->held[lane->n_held++] = request;
    if (lane->n_held < BACKWARDS)
        return;
    while (lane->n_held > 0)
        answer(lane, lane->held[--lane->n_held], SEAL_ERROR_NONE);
}

/* What is no frame. */
static void
send_nonsense(const Lane *lane)
{
    guint8 bytes[SEAL_FRAME_MAX / 10] = {0};
    size_t len = g_str_equal(lane->mood, "short")   ? 10
                 : g_str_equal(lane->mood, "empty") ? 0
                                                    : sizeof bytes;

    (void)send(lane->fd, bytes, len, MSG_NOSIGNAL);
}

static void
send_attached(const Lane *lane)
{
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN | SEAL_FRAME_REPLY, .request = 1, .lane = 7};

    (void)seal_frame_send_descriptor(lane->fd, &header, NULL, 0, lane->fd);
}

static void
follow_mood(Lane *lane, const SealFrameHeader *header)
{
    const char *mood = lane->mood;
    SealFrameHeader other = {.type = SEAL_FRAME_DOORBELL, .lane = 7};

    if (g_str_equal(mood, "answers") || g_str_equal(mood, "twice"))
        answer(lane, header->request, SEAL_ERROR_NONE);
    if (g_str_equal(mood, "twice"))
        answer(lane, header->request, SEAL_ERROR_NONE);
    else if (g_str_equal(mood, "backwards"))
        answer_backwards(lane, header->request);
    else if (g_str_equal(mood, "refuses"))
        answer(lane, header->request, SEAL_ERROR_BUSY);
    else if (g_str_equal(mood, "revoked"))
        say_end(lane);
    else if (g_str_equal(mood, "silent"))
        close_lane(lane);
    else if (g_str_equal(mood, "stranger"))
        answer(lane, header->request + 1000, SEAL_ERROR_NONE);
    else if (g_str_equal(mood, "other"))
        (void)seal_frame_send(lane->fd, &other, NULL, 0, FALSE);
    else if (g_str_equal(mood, "attached"))
        send_attached(lane);
    else if (g_str_equal(mood, "short") || g_str_equal(mood, "long") || g_str_equal(mood, "empty"))
        send_nonsense(lane);
}

static int
on_frame(sd_event_source *source, int fd, uint32_t events, void *user_data)
{
    Lane *lane = user_data;
    SealFrameHeader header;
    guint8 body[4096];
    int received = seal_frame_receive_bare(fd, &header, body, sizeof body, FALSE);

    if (received == 1)
        follow_mood(lane, &header);
    else
        close_lane(lane);
    return 0;
}

static int
append_granted(sd_bus_message *reply, const char *mood)
{
    return sd_bus_message_append(reply, "a{sv}", 6, "version", "u",
                                 SEAL_LANE_VERSION + (g_str_equal(mood, "version") ? 1 : 0), "lane",
                                 "u", 7, "count", "u", 1000, "seconds", "u", 300, "window", "u", 8,
                                 "of-tomorrow", "s", "unknown");
}

int
fake_lane_open(sd_bus_message *call, sd_event *event, const char *mood)
{
    sd_bus_message *reply = NULL;
    int pair[2] = {-1, -1};
    Lane *lane = g_new0(Lane, 1);
    int r = 0;

    if (g_str_equal(mood, "none")) {
        g_free(lane);
        return sd_bus_reply_method_errorf(call, SEAL_ERROR_PREFIX "NotPermitted", "no lane");
    }
    if (!lanes)
        lanes = g_ptr_array_new();
    g_ptr_array_add(lanes, lane);
    g_strlcpy(lane->mood, mood, sizeof lane->mood);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return -1;
    lane->fd = pair[0];
    r = sd_bus_message_new_method_return(call, &reply);
    if (r >= 0)
        r = sd_bus_message_append(reply, "h", pair[1]);
    if (r >= 0)
        r = append_granted(reply, mood);
    if (r >= 0)
        r = sd_event_add_io(event, &lane->source, lane->fd, EPOLLIN, on_frame, lane);
    if (r >= 0)
        r = sd_bus_send(NULL, reply, NULL);
    (void)close(pair[1]);
    sd_bus_message_unref(reply);
    return r;
}
