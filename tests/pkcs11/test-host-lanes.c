/* Lanes of a real host as their clients see them, who bend the rules in every way. Whether the
 * token was used is read in the log of the moody module. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/pkcs11/lane-scene.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* -- signing --------------------------------------------------------------------------------------
 */

static void
test_signature_is_the_keys(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = seal_test_lane_sign(lane, 7);
    const SealKeyInfo *key = seal_test_host_key(scene->host, KEY);
    const unsigned char *at = g_bytes_get_data(key->public_key, NULL);
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &at, (long)g_bytes_get_size(key->public_key));
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public_key, NULL);
    const guint8 digest[32] = {7};

    g_assert_cmpstr(answer->message, ==, NULL);
    g_assert_cmpint(EVP_PKEY_verify_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_verify(context, g_bytes_get_data(answer->body, NULL),
                                    g_bytes_get_size(answer->body), digest, sizeof digest),
                    ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(public_key);
}

static void
test_lanes_beside_each_other(Scene *scene, gconstpointer mood)
{
    SealTestLane *lanes[20];

    for (gsize i = 0; i < G_N_ELEMENTS(lanes); i++)
        lanes[i] = open_lane(scene);
    for (guint round = 0; round < 3; round++)
        for (gsize i = 0; i < G_N_ELEMENTS(lanes); i++)
            seal_test_lane_expect_signature(lanes[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(lanes); i++)
        seal_test_lane_free(lanes[i]);
    seal_test_host_wait_for(scene->host, &scene->host->n_closed, G_N_ELEMENTS(lanes));
    g_assert_cmpint(scene->host->closed_why, ==, SEAL_LANE_CLOSED);
}

/* All of them are at the token at once: it holds them there. */
static void
test_window_is_served_at_once(Scene *scene, gconstpointer mood)
{
    const guint window = 4;
    g_autoptr(SealTestLane) lane = NULL;
    g_autoptr(GBytes) body = seal_test_lane_body(1);

    scene->grant.window = window;
    lane = open_lane(scene);
    seal_test_mood(scene->home, INSTANT "\nhold=sign");
    for (guint i = 0; i < window + 2; i++) {
        SealFrameHeader header = seal_test_lane_header(lane);

        header.load = i + 1;
        (void)seal_test_lane_send(lane, &header, body);
        if (i == 0)
            wait_until_held(scene);
    }
    seal_test_mood(scene->home, INSTANT);
    for (guint i = 0; i < window + 2; i++) {
        g_autoptr(SealTestAnswer) answer = seal_test_lane_wait(lane);

        g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    }
    g_assert_cmpuint(seal_test_mood_count(scene->home, "Held"), <=, window);
}

/* -- frames that no lane takes --------------------------------------------------------------------
 */

/* Sends the frame as bent by the test; the lane ends as broken, and the token was not used. */
static void
expect_broken(Scene *scene, const SealFrameHeader *header, gsize len)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autofree guint8 *frame = g_malloc0(len + sizeof *header);
    SealFrameHeader bent = *header;
    g_autoptr(SealTestAnswer) answer = NULL;

    if (bent.lane == 0)
        bent.lane = lane->number;
    memcpy(frame, &bent, sizeof bent);
    g_assert_cmpint(send(lane->fd, frame, len, 0), ==, len);
    answer = seal_test_lane_wait(lane);
    g_assert_null(answer);
    g_assert_cmpint(lane->end, ==, SEAL_LANE_BROKEN);
    g_assert_cmpuint(count_signatures(scene), ==, 0);
}

static void
test_malformed_frames_end_the_lane(Scene *scene, gconstpointer mood)
{
    const gsize whole = sizeof(SealFrameHeader);
    const SealFrameHeader good = {
        .type = SEAL_FRAME_SIGN, .request = 1, .mechanism = SEAL_MECHANISM_ECDSA, .length = 16};
    SealFrameHeader bent[9];
    g_autoptr(SealTestLane) other = open_lane(scene);

    for (gsize i = 0; i < G_N_ELEMENTS(bent); i++)
        bent[i] = good;
    bent[0].request = 0;
    bent[1].flags = 1;
    bent[2].lane = 0x7fffffff;
    bent[3].key = 1;
    bent[4].generation = 1;
    bent[5].status = 1;
    bent[6].type |= SEAL_FRAME_REPLY;
    bent[7].type = SEAL_FRAME_UNWRAP;
    bent[8].length = 15;
    for (gsize i = 0; i < G_N_ELEMENTS(bent); i++)
        expect_broken(scene, &bent[i], whole + bent[i].length);
    expect_broken(scene, &good, whole);      /* shorter than it says */
    expect_broken(scene, &good, whole + 17); /* longer */
    expect_broken(scene, &good, whole - 1);  /* no header */
    bent[0] = good;
    bent[0].length = SEAL_FRAME_MAX + 1;
    expect_broken(scene, &bent[0], whole + SEAL_FRAME_MAX + 1);
    seal_test_lane_expect_signature(other);
}

static void
test_pin_ends_the_lane(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    SealFrameHeader header = seal_test_lane_header(lane);
    const struct {
        SealSignParameters parameters;
        guint8 digest[32];
        char pin[4];
    } sign = {{.hash = SEAL_HASH_SHA256, .data_len = 32, .pin_len = 4}, {0}, "1234"};
    g_autoptr(GBytes) body = g_bytes_new(&sign, sizeof sign);
    g_autoptr(SealTestAnswer) answer = NULL;

    (void)seal_test_lane_send(lane, &header, body);
    answer = seal_test_lane_wait(lane);
    g_assert_null(answer);
    g_assert_cmpint(lane->end, ==, SEAL_LANE_BROKEN);
    g_assert_cmpuint(count_signatures(scene), ==, 0);
}

static void
test_empty_frame_closes(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = NULL;

    g_assert_cmpint(send(lane->fd, "", 0, 0), ==, 0);
    answer = seal_test_lane_wait(lane);
    g_assert_null(answer);
    seal_test_host_wait_for(scene->host, &scene->host->n_closed, 1);
    g_assert_cmpint(scene->host->closed_why, ==, SEAL_LANE_CLOSED);
    g_assert_cmpuint(scene->host->closed_lane, ==, lane->number);
}

static void
test_unknown_types_are_answered(Scene *scene, gconstpointer mood)
{
    const guint16 types[] = {SEAL_FRAME_HELLO,
                             SEAL_FRAME_LOGIN,
                             SEAL_FRAME_LOGOUT,
                             SEAL_FRAME_RAW,
                             SEAL_FRAME_LANE_OPEN,
                             SEAL_FRAME_LANE_REVOKE,
                             0x7fff};
    g_autoptr(SealTestLane) lane = open_lane(scene);

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        SealFrameHeader header = seal_test_lane_header(lane);
        g_autoptr(SealTestAnswer) answer = NULL;

        header.type = types[i];
        (void)seal_test_lane_send(lane, &header, NULL);
        answer = seal_test_lane_wait(lane);
        g_assert_nonnull(answer);
        g_assert_cmpint(answer->status, ==, SEAL_ERROR_NOT_SUPPORTED);
    }
    seal_test_lane_expect_signature(lane);
}

static int
send_descriptor(SealTestLane *lane, SealFrameType type, int fd)
{
    SealFrameHeader header = seal_test_lane_header(lane);
    g_autoptr(GBytes) body = seal_test_lane_body(1);
    struct iovec part = {(void *)g_bytes_get_data(body, NULL), g_bytes_get_size(body)};

    header.type = (guint16)type;
    header.request = 1;
    return seal_frame_send_descriptor(lane->fd, &header, &part, 1, fd);
}

/* The kernel refuses to carry it (Linux 6.16), or the lane ends; in no case does the host keep it.
 */
static void
test_descriptor_is_not_taken(Scene *scene, gconstpointer mood)
{
    const SealFrameType types[] = {SEAL_FRAME_SIGN, SEAL_FRAME_LANE_OPEN};

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(SealTestLane) lane = open_lane(scene);
        int ends[2], sent = 0;
        char byte = 0;

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        sent = send_descriptor(lane, types[i], ends[1]);
        (void)close(ends[1]);
        if (sent == 0) {
            g_autoptr(SealTestAnswer) answer = seal_test_lane_wait(lane);

            g_assert_null(answer);
            g_assert_cmpint(lane->end, ==, SEAL_LANE_BROKEN);
        } else {
            g_assert_cmpint(sent, ==, -EPERM);
        }
        g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
        (void)close(ends[0]);
    }
    g_assert_cmpuint(count_signatures(scene), ==, 0);
}

/* -- beyond the grant
 * ------------------------------------------------------------------------------ */

static void
expect_not_permitted(Scene *scene, SealTestLane *lane, guint32 mechanism, guint32 hash,
                     guint32 salt_len)
{
    SealFrameHeader header = seal_test_lane_header(lane);
    const struct {
        SealSignParameters parameters;
        guint8 digest[32];
    } sign = {{.hash = hash, .salt_len = salt_len, .data_len = 32}, {0}};
    g_autoptr(GBytes) body = g_bytes_new(&sign, sizeof sign);
    g_autoptr(SealTestAnswer) answer = NULL;

    header.mechanism = mechanism;
    (void)seal_test_lane_send(lane, &header, body);
    answer = seal_test_lane_wait(lane);
    g_assert_nonnull(answer);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NOT_PERMITTED);
}

static void
test_beyond_the_grant(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);

    expect_not_permitted(scene, lane, SEAL_MECHANISM_RSA_PKCS, SEAL_HASH_SHA256, 0);
    expect_not_permitted(scene, lane, SEAL_MECHANISM_ED25519, SEAL_HASH_NONE, 0);
    expect_not_permitted(scene, lane, SEAL_MECHANISM_RAW_RSA_SIGN, SEAL_HASH_NONE, 0);
    expect_not_permitted(scene, lane, 32 + SEAL_MECHANISM_ECDSA, SEAL_HASH_SHA256, 0);
    expect_not_permitted(scene, lane, SEAL_MECHANISM_ECDSA, SEAL_HASH_SHA1, 0);
    expect_not_permitted(scene, lane, SEAL_MECHANISM_ECDSA, SEAL_HASH_SHA512, 0);
    expect_not_permitted(scene, lane, SEAL_MECHANISM_ECDSA, 33, 0);
    expect_not_permitted(scene, lane, SEAL_MECHANISM_ECDSA, SEAL_HASH_SHA256, 1);
    expect_not_permitted(scene, lane, SEAL_MECHANISM_RSA_PSS, SEAL_HASH_SHA256, 33);
    g_assert_cmpuint(count_signatures(scene), ==, 0);
    g_assert_cmpuint(count_records(scene, SEAL_LANE_USE_STARTS, NULL), ==, 0);
    seal_test_lane_expect_signature(lane);
}

static void
test_count_is_kept(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = NULL;

    scene->grant.count = 3;
    lane = open_lane(scene);
    for (guint i = 0; i < 3; i++)
        seal_test_lane_expect_signature(lane);
    seal_test_lane_expect_end(lane, SEAL_LANE_USED_UP);
    g_assert_cmpuint(count_signatures(scene), ==, 3);
    seal_test_host_wait_for(scene->host, &scene->host->n_closed, 1);
    g_assert_cmpint(scene->host->closed_why, ==, SEAL_LANE_USED_UP);
}

/* With all of the window in flight, no more operations run than were granted. */
static void
test_count_is_kept_among_many(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = NULL;
    g_autoptr(GBytes) body = seal_test_lane_body(1);
    g_autoptr(SealTestAnswer) answer = NULL;

    scene->grant.count = 50;
    scene->grant.window = 8;
    lane = open_lane(scene);
    for (guint i = 0; i < 80; i++) {
        SealFrameHeader header = seal_test_lane_header(lane);

        header.load = 8;
        (void)seal_test_lane_send(lane, &header, body);
    }
    while ((answer = seal_test_lane_wait(lane)))
        g_clear_pointer(&answer, seal_test_answer_free);
    g_assert_cmpint(lane->end, ==, SEAL_LANE_USED_UP);
    g_assert_cmpuint(count_signatures(scene), ==, 50);
}

static void
test_time_is_kept(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = NULL;

    scene->grant.expires_us = 1;
    lane = open_lane(scene);
    seal_test_lane_expect_end(lane, SEAL_LANE_EXPIRED);
    g_assert_cmpuint(count_signatures(scene), ==, 0);
}

/* -- opening --------------------------------------------------------------------------------------
 */

static void
expect_refused(Scene *scene, guint32 number, const char *label, SealErrorCode status)
{
    g_autoptr(SealTestAnswer) answer = NULL;
    g_autoptr(SealTestLane) lane = seal_test_lane_try(
        scene->host, number, seal_test_host_key(scene->host, label), &scene->grant, &answer);
    g_autoptr(SealTestAnswer) end = NULL;

    g_assert_nonnull(answer);
    g_assert_cmpint(answer->status, ==, status);
    end = seal_test_lane_wait(lane);
    g_assert_null(end);
}

static void
test_number_is_given_once(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);

    expect_refused(scene, lane->number, KEY, SEAL_ERROR_INVALID_INPUT);
    expect_refused(scene, 0, KEY, SEAL_ERROR_INVALID_INPUT);
    expect_refused(scene, SEAL_LANE_WORD_ENDED, KEY, SEAL_ERROR_INVALID_INPUT);
    seal_test_lane_expect_signature(lane);
}

static void
test_keys_with_a_pin_each_time(Scene *scene, gconstpointer mood)
{
    expect_refused(scene, 1000000, KEY, SEAL_ERROR_NOT_SUPPORTED);
}

static void
test_key_that_is_gone(Scene *scene, gconstpointer mood)
{
    SealKeyInfo key = *seal_test_host_key(scene->host, KEY);
    g_autoptr(SealTestAnswer) answer = NULL;
    g_autoptr(SealTestLane) lane = NULL;

    key.generation++;
    lane = seal_test_lane_try(scene->host, 1000001, &key, &scene->grant, &answer);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_TOKEN_REMOVED);
}

/* An agent that grants nonsense is out of step: the channel ends. */
static void
test_nonsense_grants_end_the_channel(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestAnswer) answer = NULL;
    g_autoptr(SealTestLane) lane = NULL;

    scene->grant.mechanisms = 1u << SEAL_MECHANISM_RAW_ECDH;
    lane = seal_test_lane_try(scene->host, 1000002, seal_test_host_key(scene->host, KEY),
                              &scene->grant, &answer);
    g_assert_null(answer);
    g_assert_cmpint(seal_test_host_stop(scene->host), !=, 0);
}

/* A busy host has more threads, each with a descriptor of its own; what is lost would be thousands. */
#define THREADS_MAX 100

/* As many as there may be are open, and go on; none of the rest leaves a descriptor. */
static void
test_ten_thousand_lanes(Scene *scene, gconstpointer mood)
{
    SealTestLane *lanes[SEAL_LANES_MAX];
    const guint before = seal_test_count_descriptors(scene->host->pid);
    gint64 until_us = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(lanes); i++)
        lanes[i] = open_lane(scene);
    g_assert_true(before == 0 ||
                  seal_test_count_descriptors(scene->host->pid) >= before + SEAL_LANES_MAX);
    for (guint i = SEAL_LANES_MAX; i < 10000; i++) {
        const guint word = (2000000 + i) % SEAL_LANES_MAX;
        const guint32 number = scene->host->words[word];

        expect_refused(scene, 2000000 + i, KEY, SEAL_ERROR_LIMIT_EXCEEDED);
        scene->host->words[word] = number; /* an agent gives no word twice */
    }
    for (gsize i = 0; i < G_N_ELEMENTS(lanes); i += 100)
        seal_test_lane_expect_signature(lanes[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(lanes); i++)
        seal_test_lane_free(lanes[i]);
    seal_test_host_wait_for(scene->host, &scene->host->n_closed, SEAL_LANES_MAX);
    until_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    /* the last lanes close as we look */
    while (seal_test_count_descriptors(scene->host->pid) > before + THREADS_MAX)
        g_assert_cmpint(g_get_monotonic_time(), <, until_us);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/lanes/sign/signature-is-the-keys", "", test_signature_is_the_keys);
    ADD("/lanes/sign/beside-each-other", "", test_lanes_beside_each_other);
    ADD("/lanes/window/is-served-at-once", INSTANT, test_window_is_served_at_once);
    ADD("/lanes/frame/malformed-ends-the-lane", INSTANT, test_malformed_frames_end_the_lane);
    ADD("/lanes/frame/pin-ends-the-lane", INSTANT, test_pin_ends_the_lane);
    ADD("/lanes/frame/empty-closes", INSTANT, test_empty_frame_closes);
    ADD("/lanes/frame/unknown-types-are-answered", INSTANT, test_unknown_types_are_answered);
    ADD("/lanes/frame/descriptor-is-not-taken", INSTANT, test_descriptor_is_not_taken);
    ADD("/lanes/grant/beyond-it-leaves-token-untouched", INSTANT, test_beyond_the_grant);
    ADD("/lanes/count/is-kept", INSTANT, test_count_is_kept);
    ADD("/lanes/count/is-kept-among-many", INSTANT, test_count_is_kept_among_many);
    ADD("/lanes/time/is-kept", INSTANT, test_time_is_kept);
    ADD("/lanes/open/number-is-given-once", INSTANT, test_number_is_given_once);
    ADD("/lanes/open/not-for-keys-with-a-pin-each-time", "always-authenticate=true",
        test_keys_with_a_pin_each_time);
    ADD("/lanes/open/key-that-is-gone", INSTANT, test_key_that_is_gone);
    ADD("/lanes/open/nonsense-ends-the-channel", INSTANT, test_nonsense_grants_end_the_channel);
    ADD("/lanes/open/ten-thousand-disturb-nothing", INSTANT, test_ten_thousand_lanes);
    return g_test_run();
}
