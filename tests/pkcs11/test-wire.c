/* Frames over a real socketpair, and bodies that lie about their lengths. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/lane.h"
#include "pkcs11/wire/messages.h"

typedef struct {
    int a, b;
    SealFrameHeader header;
    guint8 body[SEAL_FRAME_MAX];
} Pair;

static Pair *
pair_new(void)
{
    Pair *pair = g_new0(Pair, 1);
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    pair->a = ends[0];
    pair->b = ends[1];
    return pair;
}

static void
pair_free(Pair *pair)
{
    (void)close(pair->a);
    (void)close(pair->b);
    g_free(pair);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pair, pair_free)

static int
receive(Pair *pair)
{
    return seal_frame_receive(pair->b, &pair->header, pair->body, sizeof pair->body, FALSE);
}

static void
test_frame_arrives_as_sent(void)
{
    g_autoptr(Pair) pair = pair_new();
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN, .request = 42, .key = 7, .load = 3};
    const struct iovec parts[] = {{(void *)"one", 3}, {NULL, 0}, {(void *)"two!", 4}};

    g_assert_cmpint(seal_frame_send(pair->a, &header, parts, 3, FALSE), ==, 0);
    g_assert_cmpuint(header.length, ==, 7);
    g_assert_cmpint(receive(pair), ==, 1);
    g_assert_cmpmem(&pair->header, sizeof pair->header, &header, sizeof header);
    g_assert_cmpmem(pair->body, 7, "onetwo!", 7);
    g_assert_cmpint(receive(pair), ==, -EAGAIN);
}

static void
test_frame_limits_hold(void)
{
    g_autoptr(Pair) pair = pair_new();
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN};
    g_autofree guint8 *data = g_malloc0(SEAL_FRAME_MAX);
    struct iovec part = {data, SEAL_FRAME_MAX - sizeof header};
    struct iovec many[7] = {{0}};

    g_assert_cmpint(seal_frame_send(pair->a, &header, &part, 1, FALSE), ==, 0);
    g_assert_cmpint(receive(pair), ==, 1);
    part.iov_len++;
    g_assert_cmpint(seal_frame_send(pair->a, &header, &part, 1, FALSE), ==, -EMSGSIZE);
    part.iov_len = SIZE_MAX;
    g_assert_cmpint(seal_frame_send(pair->a, &header, &part, 1, FALSE), ==, -EMSGSIZE);
    g_assert_cmpint(seal_frame_send(pair->a, &header, many, 7, FALSE), ==, -EINVAL);
}

static void
test_full_queue_says_so(void)
{
    g_autoptr(Pair) pair = pair_new();
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN};
    int sent = 0, rv = 0;

    while ((rv = seal_frame_send(pair->a, &header, NULL, 0, FALSE)) == 0 && sent < 100000)
        sent++;
    g_assert_cmpint(rv, ==, -EAGAIN);
    g_assert_cmpint(sent, >, 0);
}

static void
test_closed_peer_is_told(void)
{
    g_autoptr(Pair) pair = pair_new();
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN};

    (void)shutdown(pair->a, SHUT_RDWR);
    g_assert_cmpint(receive(pair), ==, 0);
    g_assert_cmpint(seal_frame_send(pair->a, &header, NULL, 0, FALSE), ==, -EPIPE);
}

static void
send_raw(Pair *pair, const void *data, gsize len)
{
    g_assert_cmpint(send(pair->a, data, len, 0), ==, (gssize)len);
}

static void
test_wrong_lengths_are_a_protocol_error(void)
{
    g_autoptr(Pair) pair = pair_new();
    g_autofree guint8 *large = g_malloc0(SEAL_FRAME_MAX + 4096);
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN, .length = 5};

    send_raw(pair, &header, sizeof header);
    g_assert_cmpint(receive(pair), ==, -EPROTO);
    send_raw(pair, &header, 39);
    g_assert_cmpint(receive(pair), ==, -EPROTO);
    send_raw(pair, "x", 1);
    g_assert_cmpint(receive(pair), ==, -EPROTO);
    header.length = G_MAXUINT32;
    send_raw(pair, &header, sizeof header);
    g_assert_cmpint(receive(pair), ==, -EPROTO);
    send_raw(pair, large, SEAL_FRAME_MAX + 4096);
    g_assert_cmpint(receive(pair), ==, -EPROTO);
    send_raw(pair, large, 0);
    g_assert_cmpint(receive(pair), ==, 0);
}

static void
send_with_descriptor(Pair *pair, SealFrameType type, int fd)
{
    SealFrameHeader header = {.type = (guint16)type, .request = 1};
    struct iovec part = {&header, sizeof header};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);

    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &fd, sizeof fd);
    g_assert_cmpint(sendmsg(pair->a, &message, 0), >, 0);
}

/* A pipe tells by its end whether anybody still has the descriptor that was sent. */
static void
test_descriptors_are_closed(void)
{
    const SealFrameType types[] = {SEAL_FRAME_SIGN, SEAL_FRAME_LANE_OPEN};
    const int expected[] = {-EPROTO, 1};

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(Pair) pair = pair_new();
        int ends[2];
        char byte = 0;

        g_assert_cmpint(pipe(ends), ==, 0);
        send_with_descriptor(pair, types[i], ends[1]);
        (void)close(ends[1]);
        g_assert_cmpint(receive(pair), ==, expected[i]);
        g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
        (void)close(ends[0]);
    }
}

/* Exactly one comes out of a LANE_OPEN. Without one, or with two, it is malformed, and none stays. */
static void
test_lane_open_has_one_descriptor(void)
{
    g_autoptr(Pair) pair = pair_new();
    SealFrameHeader header = {.type = SEAL_FRAME_LANE_OPEN, .request = 1};
    int ends[2], got = -1;

    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(seal_frame_send_descriptor(pair->a, &header, NULL, 0, ends[1]), ==, 0);
    g_assert_cmpint(seal_frame_receive_descriptor(pair->b, &pair->header, pair->body,
                                                  sizeof pair->body, FALSE, &got),
                    ==, 1);
    g_assert_cmpint(got, >=, 0);
    g_assert_cmpint(write(got, "x", 1), ==, 1);
    (void)close(got);
    g_assert_cmpint(seal_frame_send(pair->a, &header, NULL, 0, FALSE), ==, 0);
    g_assert_cmpint(seal_frame_receive_descriptor(pair->b, &pair->header, pair->body,
                                                  sizeof pair->body, FALSE, &got),
                    ==, -EPROTO);
    g_assert_cmpint(got, ==, -1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* From a peer that nobody trusts: with SO_PASSCRED every frame would look like one with a
 * descriptor, so lanes leave it off. */
static void
test_bare_receive_takes_no_descriptor(void)
{
    g_autoptr(Pair) pair = pair_new();
    SealFrameHeader header = {.type = SEAL_FRAME_LANE_OPEN, .request = 1};
    int ends[2];
    char byte = 0;

    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(seal_frame_send_descriptor(pair->a, &header, NULL, 0, ends[1]), ==, 0);
    (void)close(ends[1]);
    g_assert_cmpint(seal_frame_receive_bare(pair->b, &pair->header, pair->body, sizeof pair->body,
                                            FALSE),
                    ==, -EPROTO);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
    (void)close(ends[0]);
    g_assert_cmpint(seal_frame_send(pair->a, &header, NULL, 0, FALSE), ==, 0);
    g_assert_cmpint(seal_frame_receive_bare(pair->b, &pair->header, pair->body, sizeof pair->body,
                                            FALSE),
                    ==, 1);
}

/* -- bodies ------------------------------------------------------------------------------------ */

static gboolean
decode_pin(guint32 given_len, guint32 fresh_len, gsize follows)
{
    SealPinParameters parameters = {1, given_len, fresh_len};
    g_autofree guint8 *body = g_malloc0(sizeof parameters + follows);
    SealPinRequest request;

    memcpy(body, &parameters, sizeof parameters);
    if (!seal_pin_request_decode(body, sizeof parameters + follows, &request))
        return FALSE;
    g_assert_cmpuint(request.given.len, ==, given_len);
    g_assert_cmpuint(request.fresh.len, ==, fresh_len);
    return TRUE;
}

static void
test_pin_request_lengths_must_add_up(void)
{
    SealPinRequest request;

    g_assert_true(decode_pin(0, 0, 0));
    g_assert_true(decode_pin(6, 7, 13));
    g_assert_true(decode_pin(SEAL_PIN_MAX, SEAL_PIN_MAX, 2 * SEAL_PIN_MAX));
    g_assert_false(decode_pin(6, 7, 12));
    g_assert_false(decode_pin(6, 7, 14));
    g_assert_false(decode_pin(SEAL_PIN_MAX + 1, 0, SEAL_PIN_MAX + 1));
    g_assert_false(decode_pin(0, SEAL_PIN_MAX + 1, SEAL_PIN_MAX + 1));
    g_assert_false(decode_pin(G_MAXUINT32, 1, 0));
    g_assert_false(seal_pin_request_decode("short", 5, &request));
}

static gboolean
decode_raw(guint32 input_len, guint32 pin_len, gsize follows)
{
    SealRawParameters parameters = {input_len, pin_len};
    g_autofree guint8 *body = g_malloc0(sizeof parameters + follows);
    SealRawRequest request;

    memcpy(body, &parameters, sizeof parameters);
    if (!seal_raw_request_decode(body, sizeof parameters + follows, &request))
        return FALSE;
    g_assert_true(request.input.data == body + sizeof parameters);
    g_assert_cmpuint(request.input.len, ==, input_len);
    g_assert_cmpuint(request.pin.len, ==, pin_len);
    return TRUE;
}

static void
test_raw_request_lengths_must_add_up(void)
{
    SealRawRequest request;

    g_assert_true(decode_raw(65, 4, 69));
    g_assert_true(decode_raw(SEAL_DATA_MAX, SEAL_PIN_MAX, SEAL_DATA_MAX + SEAL_PIN_MAX));
    g_assert_false(decode_raw(65, 4, 68));
    g_assert_false(decode_raw(65, 4, 70));
    g_assert_false(decode_raw(SEAL_DATA_MAX + 1, 0, SEAL_DATA_MAX + 1));
    g_assert_false(decode_raw(0, SEAL_PIN_MAX + 1, SEAL_PIN_MAX + 1));
    g_assert_false(decode_raw(G_MAXUINT32, 1, 0));
    g_assert_false(seal_raw_request_decode("short", 5, &request));
}

static gboolean
decode_sign(guint32 data_len, guint32 pin_len, gsize follows)
{
    SealSignParameters parameters = {SEAL_HASH_SHA256, 0, data_len, pin_len};
    g_autofree guint8 *body = g_malloc0(sizeof parameters + follows);
    SealSignRequest request;

    memcpy(body, &parameters, sizeof parameters);
    return seal_sign_request_decode(body, sizeof parameters + follows, &request);
}

static void
test_sign_request_lengths_must_add_up(void)
{
    SealSignRequest request;

    g_assert_true(decode_sign(32, 4, 36));
    g_assert_true(decode_sign(0, 0, 0));
    g_assert_true(decode_sign(SEAL_DATA_MAX, SEAL_PIN_MAX, SEAL_DATA_MAX + SEAL_PIN_MAX));
    g_assert_false(decode_sign(32, 4, 35));
    g_assert_false(decode_sign(32, 4, 37));
    g_assert_false(decode_sign(SEAL_DATA_MAX + 1, 0, SEAL_DATA_MAX + 1));
    g_assert_false(decode_sign(0, SEAL_PIN_MAX + 1, SEAL_PIN_MAX + 1));
    g_assert_false(decode_sign(G_MAXUINT32, 1, 0));
    g_assert_false(seal_sign_request_decode("short", 5, &request));
    g_assert_false(seal_sign_request_decode(NULL, 0, &request));
}

static void
test_unwrap_request_parts_are_cut_in_order(void)
{
    SealUnwrapParameters parameters = {.label_len = 1,
                                       .originator_len = 2,
                                       .shared_info_len = 3,
                                       .encrypted_len = 4,
                                       .pin_len = 5};
    guint8 body[sizeof parameters + 15];
    SealUnwrapRequest request;

    memcpy(body, &parameters, sizeof parameters);
    memcpy(body + sizeof parameters, "abbcccddddeeeee", 15);
    g_assert_true(seal_unwrap_request_decode(body, sizeof body, &request));
    g_assert_cmpmem(request.label.data, request.label.len, "a", 1);
    g_assert_cmpmem(request.originator.data, request.originator.len, "bb", 2);
    g_assert_cmpmem(request.shared_info.data, request.shared_info.len, "ccc", 3);
    g_assert_cmpmem(request.encrypted.data, request.encrypted.len, "dddd", 4);
    g_assert_cmpmem(request.pin.data, request.pin.len, "eeeee", 5);
    g_assert_false(seal_unwrap_request_decode(body, sizeof body - 1, &request));
}

static char *sample_addresses[] = {(char *)"alice@example.org", (char *)"a@example.com", NULL};
static char *sample_purposes[] = {(char *)"emailProtection", NULL};

static GByteArray *
sample_certificate(void)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr(GBytes) bytes = g_bytes_new("0123456789", 10);
    const SealCertificateInfo info = {
        .token = 3,
        .flags = SEAL_CERTIFICATE_SIGN,
        .not_before = -1,
        .not_after = G_MAXINT64,
        .id = bytes,
        .label = (char *)"work",
        .certificate = bytes,
        .subject = (char *)"CN=Alice \xc3\x84",
        .issuer = (char *)"CN=CA",
        .issuer_name = bytes,
        .serial = bytes,
        .subject_key_id = NULL,
        .public_key = bytes,
        .addresses = sample_addresses,
        .purposes = sample_purposes,
    };

    seal_certificate_info_encode(out, &info);
    return out;
}

static void
test_certificate_comes_back_whole(void)
{
    g_autoptr(GByteArray) body = sample_certificate();
    g_autoptr(GByteArray) again = g_byte_array_new();
    SealCertificateInfo info = {0};

    g_assert_true(seal_certificate_info_decode(body->data, body->len, &info));
    g_assert_cmpint(info.not_before, ==, -1);
    g_assert_cmpstr(info.subject, ==, "CN=Alice \xc3\x84");
    g_assert_cmpuint(g_bytes_get_size(info.subject_key_id), ==, 0);
    g_assert_cmpuint(g_strv_length(info.addresses), ==, 2);
    g_assert_cmpstr(info.addresses[1], ==, "a@example.com");
    seal_certificate_info_encode(again, &info);
    g_assert_cmpmem(again->data, again->len, body->data, body->len);
    seal_certificate_info_clear(&info);
}

/* Every truncation and every extension is refused, and leaves the result alone. */
static void
test_damaged_certificate_is_refused(void)
{
    g_autoptr(GByteArray) body = sample_certificate();
    SealCertificateInfo info = {.token = 77};

    for (guint len = 0; len < body->len; len++)
        g_assert_false(seal_certificate_info_decode(body->data, len, &info));
    g_byte_array_append(body, (const guint8 *)"", 1);
    g_assert_false(seal_certificate_info_decode(body->data, body->len, &info));
    g_assert_cmpuint(info.token, ==, 77);
    g_assert_null(info.subject);
}

static void
test_text_is_cut_at_a_character(void)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autofree char *text = g_strnfill(SEAL_TEXT_MAX + 10, 'x');
    SealFailure failure = {0};

    memcpy(text + SEAL_TEXT_MAX - 1, "\xc3\xa4", 2); /* across the border */
    seal_failure_encode(body, 5, text);
    g_assert_true(seal_failure_decode(body->data, body->len, &failure));
    g_assert_cmpuint(failure.ckr, ==, 5);
    g_assert_cmpuint(strlen(failure.message), ==, SEAL_TEXT_MAX - 1);
    seal_failure_clear(&failure);
}

static void
test_text_that_is_no_text_is_refused(void)
{
    const char *const wrong[] = {"a\xff", "a\0b"};
    const gsize lens[] = {2, 3};

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        SealFailure failure = {0};

        seal_put_u32(body, 1);
        seal_put_sized(body, wrong[i], lens[i]);
        g_assert_false(seal_failure_decode(body->data, body->len, &failure));
    }
}

static gboolean
decodes(SealLaneGrant grant)
{
    SealLaneGrant decoded;

    return seal_lane_grant_decode(&grant, sizeof grant, &decoded) &&
           memcmp(&grant, &decoded, sizeof grant) == 0;
}

static void
test_grants_must_make_sense(void)
{
    const SealLaneGrant good = {.expires_us = 1,
                                .count = 1,
                                .mechanisms = 1u << SEAL_MECHANISM_ECDSA,
                                .hashes = 1u << SEAL_HASH_SHA256,
                                .window = 1};
    SealLaneGrant bad[11], decoded;

    g_assert_true(decodes(good));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        bad[i] = good;
    bad[0].count = 0;
    bad[1].count = SEAL_LANE_COUNT_MAX + 1;
    bad[2].mechanisms = 0;
    bad[3].mechanisms |= 1u << SEAL_MECHANISM_RAW_ECDH;
    bad[4].mechanisms |= 1u << 31;
    bad[5].mechanisms |= 1u << SEAL_MECHANISM_NONE;
    bad[6].hashes |= 1u << 20;
    bad[7].window = 0;
    bad[8].window = SEAL_LANE_WINDOW_MAX + 1;
    bad[9].word = SEAL_LANES_MAX;
    bad[10].reserved = 1;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(decodes(bad[i]));
    g_assert_false(seal_lane_grant_decode(&good, sizeof good - 1, &decoded));
    g_assert_false(seal_lane_grant_decode(&good, sizeof good + 1, &decoded));
}

static void
test_ends_have_words(void)
{
    for (guint i = 1; i <= SEAL_LANE_END_LAST; i++) {
        g_assert_cmpstr(seal_lane_end_name((SealLaneEnd)i), !=, "");
        g_assert_cmpstr(seal_lane_end_phrase((SealLaneEnd)i), !=, "");
        g_assert_cmpint(seal_lane_end_code((SealLaneEnd)i), !=, SEAL_ERROR_NONE);
    }
    g_assert_cmpstr(seal_lane_end_name((SealLaneEnd)(SEAL_LANE_END_LAST + 1)), ==, "");
    g_assert_cmpint(seal_lane_end_code((SealLaneEnd)(SEAL_LANE_END_LAST + 1)), ==,
                    SEAL_ERROR_FAILED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/frame/arrives-as-sent", test_frame_arrives_as_sent);
    g_test_add_func("/wire/frame/limits-hold", test_frame_limits_hold);
    g_test_add_func("/wire/frame/full-queue-says-so", test_full_queue_says_so);
    g_test_add_func("/wire/frame/closed-peer-is-told", test_closed_peer_is_told);
    g_test_add_func("/wire/frame/wrong-lengths-are-a-protocol-error",
                    test_wrong_lengths_are_a_protocol_error);
    g_test_add_func("/wire/frame/descriptors-are-closed", test_descriptors_are_closed);
    g_test_add_func("/wire/frame/lane-open-has-one-descriptor", test_lane_open_has_one_descriptor);
    g_test_add_func("/wire/frame/bare-receive-takes-no-descriptor",
                    test_bare_receive_takes_no_descriptor);
    g_test_add_func("/wire/lane/grants-must-make-sense", test_grants_must_make_sense);
    g_test_add_func("/wire/lane/ends-have-words-and-errors", test_ends_have_words);
    g_test_add_func("/wire/pin/lengths-must-add-up", test_pin_request_lengths_must_add_up);
    g_test_add_func("/wire/raw/lengths-must-add-up", test_raw_request_lengths_must_add_up);
    g_test_add_func("/wire/sign/lengths-must-add-up", test_sign_request_lengths_must_add_up);
    g_test_add_func("/wire/unwrap/parts-are-cut-in-order",
                    test_unwrap_request_parts_are_cut_in_order);
    g_test_add_func("/wire/certificate/comes-back-whole", test_certificate_comes_back_whole);
    g_test_add_func("/wire/certificate/damaged-is-refused", test_damaged_certificate_is_refused);
    g_test_add_func("/wire/text/is-cut-at-a-character", test_text_is_cut_at_a_character);
    g_test_add_func("/wire/text/that-is-none-is-refused", test_text_that_is_no_text_is_refused);
    return g_test_run();
}
