/* The frames of a client that plays by the rules, unless the test bends them. */
#include "tests/pkcs11/lane-client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/wait.h"

static guint64
boottime_us(void)
{
    struct timespec now = {0};

    g_assert_cmpint(clock_gettime(CLOCK_BOOTTIME, &now), ==, 0);
    return (guint64)now.tv_sec * G_USEC_PER_SEC + (guint64)now.tv_nsec / 1000;
}

SealLaneGrant
seal_test_lane_grant(void)
{
    return (SealLaneGrant){
        .expires_us = boottime_us() + (guint64)3600 * G_USEC_PER_SEC,
        .count = 1000,
        .mechanisms = 1u << SEAL_MECHANISM_ECDSA | 1u << SEAL_MECHANISM_RSA_PSS |
                      1u << SEAL_MECHANISM_UNWRAP_RSA_PKCS,
        .hashes = 1u << SEAL_HASH_SHA256,
        .salt_max = 32,
        .window = 1,
    };
}

SealTestLane *
seal_test_lane_try(SealTestHost *host, guint32 number, const SealKeyInfo *key,
                   const SealLaneGrant *grant, SealTestAnswer **ret_answer)
{
    SealTestLane *lane = g_new0(SealTestLane, 1);
    SealLaneGrant sent = *grant;
    SealFrameHeader header = {.type = SEAL_FRAME_LANE_OPEN,
                              .request = ++host->last_request,
                              .lane = number,
                              .key = key->reference,
                              .generation = key->generation};
    struct iovec part = {&sent, sizeof sent};
    int ends[2];

    lane->host = host;
    lane->number = number;
    lane->word = number % SEAL_LANES_MAX;
    sent.word = lane->word;
    __atomic_store_n(&host->words[lane->word], number, __ATOMIC_RELEASE);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    lane->fd = ends[0];
    g_assert_cmpint(seal_frame_send_descriptor(host->channel, &header, &part, 1, ends[1]), ==, 0);
    (void)close(ends[1]);
    *ret_answer = seal_test_host_wait(host, header.request);
    return lane;
}

SealTestLane *
seal_test_lane_new(SealTestHost *host, guint32 number, const char *label,
                   const SealLaneGrant *grant)
{
    g_autoptr(SealTestAnswer) answer = NULL;
    SealTestLane *lane =
        seal_test_lane_try(host, number, seal_test_host_key(host, label), grant, &answer);

    g_assert_nonnull(answer);
    g_assert_cmpstr(answer->message, ==, NULL);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    return lane;
}

void
seal_test_lane_free(SealTestLane *lane)
{
    if (!lane)
        return;
    (void)close(lane->fd);
    g_free(lane);
}

SealFrameHeader
seal_test_lane_header(const SealTestLane *lane)
{
    return (SealFrameHeader){.type = SEAL_FRAME_SIGN,
                             .lane = lane->number,
                             .mechanism = SEAL_MECHANISM_ECDSA,
                             .load = 1};
}

GBytes *
seal_test_lane_body(guint8 mark)
{
    SealSignParameters parameters = {.hash = SEAL_HASH_SHA256, .data_len = 32};
    guint8 body[sizeof parameters + 32] = {0};

    memcpy(body, &parameters, sizeof parameters);
    body[sizeof parameters] = mark;
    return g_bytes_new(body, sizeof body);
}

guint64
seal_test_lane_send(SealTestLane *lane, SealFrameHeader *header, GBytes *body)
{
    gsize len = 0;
    const void *data = body ? g_bytes_get_data(body, &len) : NULL;
    struct iovec part = {(void *)data, len};
    int sent = 0;

    header->request = ++lane->last_request;
    sent = seal_frame_send(lane->fd, header, &part, 1, TRUE);
    g_assert_true(sent == 0 || sent == -EPIPE || sent == -ECONNRESET);
    return sent == 0 ? header->request : 0;
}

SealTestAnswer *
seal_test_lane_wait(SealTestLane *lane)
{
    g_autofree guint8 *body = g_malloc(SEAL_FRAME_MAX);
    SealFrameHeader header;

    while (!lane->is_over) {
        struct pollfd ready = {lane->fd, POLLIN, 0};
        int received = 0;

        if (poll(&ready, 1, seal_test_deadline_ms()) <= 0)
            g_error("nothing comes on the lane");
        received = seal_frame_receive_bare(lane->fd, &header, body, SEAL_FRAME_MAX, FALSE);
        if (received == -ECONNRESET) /* requests were left unread; what the host said comes next */
            continue;
        if (received <= 0) {
            g_assert_cmpint(received, ==, 0);
            lane->is_over = TRUE;
        } else if (header.type == SEAL_FRAME_LANE_REVOKED) {
            g_autoptr(SealTestAnswer) end = seal_test_answer_read(&header, body);

            lane->end = (SealLaneEnd)end->ckr;
            g_assert_cmpint(end->status, ==, seal_lane_end_code(lane->end));
            g_assert_cmpstr(end->message, ==, seal_lane_end_phrase(lane->end));
        } else {
            g_assert_true(header.type & SEAL_FRAME_REPLY);
            g_assert_cmpuint(header.lane, ==, lane->number);
            return seal_test_answer_read(&header, body);
        }
    }
    return NULL;
}

SealTestAnswer *
seal_test_lane_sign(SealTestLane *lane, guint8 mark)
{
    SealFrameHeader header = seal_test_lane_header(lane);
    g_autoptr(GBytes) body = seal_test_lane_body(mark);

    (void)seal_test_lane_send(lane, &header, body);
    return seal_test_lane_wait(lane);
}

void
seal_test_lane_expect_signature(SealTestLane *lane)
{
    g_autoptr(SealTestAnswer) answer = seal_test_lane_sign(lane, 1);

    g_assert_nonnull(answer);
    g_assert_cmpstr(answer->message, ==, NULL);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
}

void
seal_test_lane_expect_end(SealTestLane *lane, SealLaneEnd why)
{
    g_autoptr(SealTestAnswer) answer = seal_test_lane_sign(lane, 1);

    g_assert_null(answer);
    g_assert_cmpint(lane->end, ==, why);
}

void
seal_test_lane_write_word(SealTestLane *lane, SealLaneEnd why)
{
    __atomic_store_n(&lane->host->words[lane->word], seal_lane_word(why), __ATOMIC_RELEASE);
}

void
seal_test_lane_revoke(SealTestLane *lane, SealLaneEnd why)
{
    guint32 number = why;
    g_autoptr(GBytes) body = g_bytes_new(&number, sizeof number);
    SealFrameHeader header = {.type = SEAL_FRAME_LANE_REVOKE, .lane = lane->number};
    g_autoptr(SealTestAnswer) answer = NULL;

    seal_test_lane_write_word(lane, why);
    answer = seal_test_host_ask(lane->host, &header, body);
    g_assert_nonnull(answer);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
}

gboolean
seal_test_host_record(SealTestHost *host, SealLaneRecord *ret_record)
{
    ssize_t len = recv(host->audit, ret_record, sizeof *ret_record, MSG_DONTWAIT | MSG_TRUNC);

    if (len <= 0)
        return FALSE;
    g_assert_cmpint(len, ==, sizeof *ret_record);
    return TRUE;
}
