/* Lanes of a real host as its agent sees them: how they are taken back, what is recorded of their
 * uses, and what a client that is no good costs. */
#include <openssl/evp.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/pkcs11/lane-scene.h"

/* -- taking back
 * ----------------------------------------------------------------------------------- */

static void
test_word_is_enough(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);

    seal_test_lane_expect_signature(lane);
    seal_test_lane_write_word(lane, SEAL_LANE_LOCKED);
    seal_test_lane_expect_end(lane, SEAL_LANE_LOCKED);
    g_assert_cmpuint(count_signatures(scene), ==, 1);
}

static void
test_word_of_another_is_no_permission(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);

    __atomic_store_n(&scene->host->words[lane->word], lane->number + 1, __ATOMIC_RELEASE);
    seal_test_lane_expect_end(lane, SEAL_LANE_REVOKED);
    g_assert_cmpuint(count_signatures(scene), ==, 0);
}

static void
test_idle_lane_is_told(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = NULL;

    seal_test_lane_revoke(lane, SEAL_LANE_REMOVED);
    answer = seal_test_lane_wait(lane);
    g_assert_null(answer);
    g_assert_cmpint(lane->end, ==, SEAL_LANE_REMOVED);
    g_assert_cmpuint(scene->host->n_closed, ==, 0);
    seal_test_lane_revoke(lane, SEAL_LANE_REMOVED); /* of one that is gone: answered, too */
}

static guint64
hold_one(Scene *scene, SealTestLane *lane, const char *mood)
{
    SealFrameHeader header = seal_test_lane_header(lane);
    g_autoptr(GBytes) body = seal_test_lane_body(1);

    seal_test_mood(scene->home, mood);
    (void)seal_test_lane_send(lane, &header, body);
    wait_until_held(scene);
    return header.request;
}

/* The token signs, but the lane is taken back meanwhile: nobody gets the signature. */
static void
test_result_after_revocation_is_kept(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = NULL;
    SealLaneRecord failure = {0};

    hold_one(scene, lane, INSTANT "\nhold=sign");
    seal_test_lane_write_word(lane, SEAL_LANE_LOCKED);
    seal_test_mood(scene->home, INSTANT);
    answer = seal_test_lane_wait(lane);
    g_assert_null(answer);
    g_assert_cmpint(lane->end, ==, SEAL_LANE_LOCKED);
    g_assert_cmpuint(count_signatures(scene), ==, 1);
    g_assert_cmpuint(count_records(scene, SEAL_LANE_USE_FAILED, &failure), ==, 1);
    g_assert_cmpint(failure.status, ==, SEAL_ERROR_PIN_REQUIRED);
}

/* The one session is taken: what waits for it when the lane is taken back does not start. */
static void
test_wait_for_session_is_followed_by_a_look(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) first = open_lane(scene);
    g_autoptr(SealTestLane) second = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = NULL, none = NULL;
    SealFrameHeader header = seal_test_lane_header(second);
    g_autoptr(GBytes) body = seal_test_lane_body(1);
    SealLaneRecord record = {0};

    hold_one(scene, first, INSTANT "\nsession-limit=1\nhold=sign");
    (void)seal_test_lane_send(second, &header, body);
    while (record.lane != second->number) /* it has passed every check before */
        if (!seal_test_host_record(scene->host, &record))
            g_thread_yield();
    seal_test_lane_write_word(second, SEAL_LANE_LOCKED);
    seal_test_mood(scene->home, INSTANT "\nsession-limit=1");
    answer = seal_test_lane_wait(first);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    none = seal_test_lane_wait(second);
    g_assert_null(none);
    g_assert_cmpint(second->end, ==, SEAL_LANE_LOCKED);
    g_assert_cmpuint(count_signatures(scene), ==, 1);
}

static void
test_logout_ends_uses(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) logout = NULL, answer = NULL;

    seal_test_lane_expect_signature(lane);
    logout = seal_test_host_logout(scene->host, "Alice");
    g_assert_cmpint(logout->status, ==, SEAL_ERROR_NONE);
    answer = seal_test_lane_sign(lane, 1);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_PIN_REQUIRED);
}

/* -- clients that are no good
 * ---------------------------------------------------------------------- */

static void
test_client_that_does_not_read(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) deaf = open_lane(scene);
    g_autoptr(SealTestLane) good = open_lane(scene);
    g_autoptr(GBytes) body = seal_test_lane_body(1);
    guint sent = 0;

    while (sent < 1000) {
        SealFrameHeader header = seal_test_lane_header(deaf);
        SealLaneRecord record;

        if (seal_test_lane_send(deaf, &header, body) == 0)
            break;
        sent++;
        while (seal_test_host_record(scene->host, &record))
            ;
    }
    seal_test_host_wait_for(scene->host, &scene->host->n_closed, 1);
    g_assert_cmpuint(scene->host->closed_lane, ==, deaf->number);
    g_assert_cmpint(scene->host->closed_why, ==, SEAL_LANE_NOT_READ);
    seal_test_lane_expect_signature(good);
}

/* -- records --------------------------------------------------------------------------------------
 */

static void
test_record_tells_the_use(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = NULL, second = NULL;
    const SealKeyInfo *key = seal_test_host_key(scene->host, KEY);
    const guint8 digest[32] = {9};
    guint8 hash[32];
    SealLaneRecord record = {0};

    answer = seal_test_lane_sign(lane, 1);
    second = seal_test_lane_sign(lane, 9);
    g_assert_cmpuint(count_records(scene, SEAL_LANE_USE_STARTS, &record), ==, 2);
    g_assert_cmpuint(record.lane, ==, lane->number);
    g_assert_cmpuint(record.lane_sequence, ==, 2);
    g_assert_cmpuint(record.key, ==, key->reference);
    g_assert_cmpuint(record.mechanism, ==, SEAL_MECHANISM_ECDSA);
    g_assert_cmpuint(record.request, ==, lane->last_request);
    g_assert_cmpuint(record.status, ==, 0);
    g_assert_cmpuint(record.boottime_us, >, 0);
    g_assert_cmpint(EVP_Digest(digest, sizeof digest, hash, NULL, EVP_sha256(), NULL), ==, 1);
    g_assert_cmpmem(record.input_hash, sizeof record.input_hash, hash, sizeof record.input_hash);
}

static void
test_bell_rings(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);

    seal_test_lane_expect_signature(lane);
    seal_test_host_wait_for(scene->host, &scene->host->n_bells, 1);
    seal_test_lane_expect_signature(lane);
    seal_test_host_wait_for(scene->host, &scene->host->n_bells, 2);
}

static void
test_failures_are_recorded(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = NULL;
    SealLaneRecord failure = {0};

    seal_test_mood(scene->home, "absent=true");
    answer = seal_test_lane_sign(lane, 1);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_cmpuint(count_records(scene, SEAL_LANE_USE_FAILED, &failure), ==, 1);
    g_assert_cmpint(failure.status, ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_cmpuint(failure.lane_sequence, ==, 1);
}

/* Nobody takes the records: what has none is not done. */
static void
test_no_use_without_a_record(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = NULL;
    guint done = 0;

    for (;;) {
        answer = seal_test_lane_sign(lane, 1);
        g_assert_nonnull(answer);
        if (answer->status != SEAL_ERROR_NONE)
            break;
        done++;
        g_clear_pointer(&answer, seal_test_answer_free);
    }
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_BUSY);
    g_assert_cmpuint(count_signatures(scene), ==, done);
    g_assert_cmpuint(count_records(scene, SEAL_LANE_USE_STARTS, NULL), ==, done);
    seal_test_lane_expect_signature(lane); /* there is room again */
}

static void
test_no_use_without_an_agent(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);

    (void)shutdown(scene->host->audit, SHUT_RDWR);
    seal_test_lane_expect_end(lane, SEAL_LANE_UNRECORDED);
    g_assert_cmpuint(count_signatures(scene), ==, 0);
}

/* What was done before the host died is still in the socket. */
static void
test_records_survive_the_host(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestLane) lane = open_lane(scene);
    g_autoptr(SealTestAnswer) answer = NULL;

    for (guint i = 0; i < 5; i++)
        seal_test_lane_expect_signature(lane);
    seal_test_mood(scene->home, "crash=sign");
    answer = seal_test_lane_sign(lane, 1);
    g_assert_null(answer);
    g_assert_cmpint(lane->end, ==, SEAL_LANE_OPEN); /* it could not say */
    g_assert_cmpint(seal_test_host_stop(scene->host), !=, 0);
    g_assert_cmpuint(count_records(scene, SEAL_LANE_USE_STARTS, NULL), ==, 6);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/lanes/revoke/word-is-enough", INSTANT, test_word_is_enough);
    ADD("/lanes/revoke/word-of-another-is-no-permission", INSTANT,
        test_word_of_another_is_no_permission);
    ADD("/lanes/revoke/idle-lane-is-told", INSTANT, test_idle_lane_is_told);
    ADD("/lanes/revoke/result-is-kept-back", INSTANT, test_result_after_revocation_is_kept);
    ADD("/lanes/revoke/wait-for-a-session-is-followed-by-a-look", INSTANT,
        test_wait_for_session_is_followed_by_a_look);
    ADD("/lanes/revoke/logout-ends-uses", "", test_logout_ends_uses);
    ADD("/lanes/client/that-does-not-read-loses-its-lane", INSTANT, test_client_that_does_not_read);
    ADD("/lanes/records/tell-the-use", INSTANT, test_record_tells_the_use);
    ADD("/lanes/records/bell-rings", INSTANT, test_bell_rings);
    ADD("/lanes/records/failures-too", INSTANT, test_failures_are_recorded);
    ADD("/lanes/records/no-use-without-one", INSTANT, test_no_use_without_a_record);
    ADD("/lanes/records/no-use-without-an-agent", INSTANT, test_no_use_without_an_agent);
    ADD("/lanes/records/survive-the-host", "", test_records_survive_the_host);
    return g_test_run();
}
