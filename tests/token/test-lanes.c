/* Lanes between the agent's view of a module and the real privyseal-host, over a module with moods:
 * opened, used by this test as their client, taken back, and lost with their host. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkcs11/wire/frame.h"
#include "tests/support/fixture.h"
#include "tests/support/wait.h"
#include "tests/token/fixture.h"

#define LANE 41

static void
change_mood(Fixture *fixture, const char *mood)
{
    g_autofree char *text = g_strconcat("[mood]\ninstant=true\n", mood, NULL);
    g_autofree char *file = seal_test_home_path(fixture->home, "mood");

    g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

/* A host over the moody module, logged in to Alice's token. `data`: NULL, or a short time for
 * operations. */
static void
set_up_lanes(Fixture *fixture, gconstpointer data)
{
    g_autofree char *host = seal_test_built("pkcs11/host/privyseal-host");
    g_autofree char *mood = NULL;
    g_autofree char *text = NULL;
    g_autoptr(SealSecret) pin = NULL;
    g_auto(Answer) answer = {0};

    set_up(fixture, data);
    seal_test_fixture_new(fixture->home);
    fixture->wanted = "Alice";
    change_mood(fixture, "");
    mood = seal_test_home_path(fixture->home, "mood");
    seal_test_home_setenv(fixture->home, "PRIVYSEAL_MOODY", mood);
    g_free(fixture->journal);
    fixture->journal = seal_test_built("tests/mock/moody.so");
    start_with(
        fixture, "module",
        (SealModuleConfig){.host_program = host, .operation_timeout_ms = GPOINTER_TO_UINT(data)});
    g_assert_true(seal_test_wait_until(is_running, fixture));
    text = seal_test_fixture_pin(fixture->home);
    pin = seal_secret_new_copy(text, strlen(text));
    seal_token_login(fixture->token, pin, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_NONE);
}

static const SealKeyInfo *
p256_key(Fixture *fixture)
{
    const GPtrArray *keys = seal_token_keys(fixture->token);

    for (guint i = 0; i < keys->len; i++) {
        const SealKeyInfo *key = keys->pdata[i];

        if (key->curve == SEAL_CURVE_P256 && (key->flags & SEAL_KEY_SIGN))
            return key;
    }
    g_error("the token has no P-256 key that signs");
}

/* Returns the client's end. */
static int
open_lane(Fixture *fixture, guint32 number, Answer *answer)
{
    const SealLaneGrant grant = {.expires_us = G_MAXUINT64,
                                 .count = 100,
                                 .mechanisms = 1u << SEAL_MECHANISM_ECDSA,
                                 .hashes = 1u << SEAL_HASH_SHA256,
                                 .window = 1};
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    seal_token_open_lane(fixture->token, p256_key(fixture), number, &grant, &ends[1], on_answer,
                         answer);
    g_assert_cmpint(ends[1], ==, -1);
    wait_for(answer);
    return ends[0];
}

static int
open_good_lane(Fixture *fixture)
{
    g_auto(Answer) answer = {0};
    int fd = open_lane(fixture, LANE, &answer);

    g_assert_cmpint(answer.status, ==, SEAL_ERROR_NONE);
    return fd;
}

static void
send_request(int fd)
{
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN,
                              .request = 1,
                              .lane = LANE,
                              .mechanism = SEAL_MECHANISM_ECDSA,
                              .load = 1};
    const struct {
        SealSignParameters parameters;
        guint8 digest[32];
    } sign = {{.hash = SEAL_HASH_SHA256, .data_len = 32}, {1}};
    struct iovec part = {(void *)&sign, sizeof sign};

    (void)seal_frame_send(fd, &header, &part, 1, FALSE);
}

/* The type of the next frame; 0 at the end. */
static guint
next_frame(int fd)
{
    guint8 body[SEAL_DATA_MAX];
    SealFrameHeader header;
    struct pollfd ready = {fd, POLLIN, 0};
    int received = 0;

    do {
        g_assert_cmpint(poll(&ready, 1, seal_test_deadline_ms()), ==, 1);
        received = seal_frame_receive_bare(fd, &header, body, sizeof body, FALSE);
    } while (received == -ECONNRESET);
    return received == 1 ? header.type : 0;
}

static gboolean
is_closed(gpointer data)
{
    return ((Fixture *)data)->n_lanes_closed > 0;
}

static gboolean
is_used(gpointer data)
{
    return ((Fixture *)data)->n_lane_uses > 0;
}

static void
on_ended(gpointer user_data)
{
    ++*(guint *)user_data;
}

static void
test_uses_are_told(Fixture *fixture, gconstpointer data)
{
    int fd = open_good_lane(fixture);

    send_request(fd);
    g_assert_cmpuint(next_frame(fd), ==, SEAL_FRAME_SIGN | SEAL_FRAME_REPLY);
    g_assert_true(seal_test_wait_until(is_used, fixture));
    g_assert_cmpuint(fixture->lane_use.lane, ==, LANE);
    g_assert_cmpuint(fixture->lane_use.key, ==, p256_key(fixture)->reference);
    (void)close(fd);
    g_assert_true(seal_test_wait_until(is_closed, fixture));
    g_assert_cmpint(fixture->lane_end, ==, SEAL_LANE_CLOSED);
    g_assert_cmpuint(fixture->n_lane_uses, ==, 1);
}

static void
test_revoked_lane_ends(Fixture *fixture, gconstpointer data)
{
    int fd = open_good_lane(fixture);
    guint ended = 0;

    seal_module_revoke_lane(fixture->module, LANE, SEAL_LANE_LOCKED, on_ended, &ended);
    g_assert_true(seal_test_wait_until(is_closed, fixture));
    g_assert_cmpuint(ended, ==, 1);
    g_assert_cmpint(fixture->lane_end, ==, SEAL_LANE_LOCKED);
    g_assert_cmpuint(next_frame(fd), ==, SEAL_FRAME_LANE_REVOKED);
    g_assert_cmpuint(next_frame(fd), ==, 0);
    seal_module_revoke_lane(fixture->module, LANE, SEAL_LANE_LOCKED, on_ended, &ended);
    g_assert_cmpuint(ended, ==, 2);
    (void)close(fd);
}

/* Its first use was killed with the host; the record of it was not. */
static void
test_killed_host_ends_lanes(Fixture *fixture, gconstpointer data)
{
    int fd = open_good_lane(fixture);

    change_mood(fixture, "crash=sign\n");
    send_request(fd);
    g_assert_cmpuint(next_frame(fd), ==, 0);
    g_assert_true(seal_test_wait_until(is_closed, fixture));
    g_assert_cmpint(fixture->lane_end, ==, SEAL_LANE_HOST_ENDED);
    g_assert_cmpuint(fixture->n_lane_uses, ==, 1);
    (void)close(fd);
}

/* The host knows one request for each lane: who comes later waits for the same end. */
static void
test_all_revocations_are_told(Fixture *fixture, gconstpointer data)
{
    int fd = open_good_lane(fixture);
    g_autofree char *log = seal_test_home_path(fixture->home, "calls");
    g_autofree char *mood = g_strdup_printf("log=%s\nhold=sign\n", log);
    guint ended = 0;

    change_mood(fixture, mood);
    send_request(fd);
    g_assert_true(seal_test_wait_for_text(log, "Held"));
    seal_module_revoke_lane(fixture->module, LANE, SEAL_LANE_REVOKED, on_ended, &ended);
    seal_module_revoke_lane(fixture->module, LANE, SEAL_LANE_LOCKED, on_ended, &ended);
    g_assert_cmpuint(ended, ==, 0);
    change_mood(fixture, "");
    g_assert_true(seal_test_wait_until(is_closed, fixture));
    g_assert_cmpuint(ended, ==, 2);
    g_assert_cmpint(fixture->lane_end, ==, SEAL_LANE_REVOKED);
    g_assert_cmpuint(next_frame(fd), ==, SEAL_FRAME_LANE_REVOKED);
    (void)close(fd);
}

/* Nobody watches a lane's operation; a revocation that is not answered shows that it hangs. */
static void
test_hung_use_costs_the_host(Fixture *fixture, gconstpointer data)
{
    int fd = open_good_lane(fixture);
    pid_t pid = seal_module_host_pid(fixture->module);
    g_autofree char *log = seal_test_home_path(fixture->home, "calls");
    g_autofree char *mood = g_strdup_printf("log=%s\nhold=sign\n", log);
    guint ended = 0;

    change_mood(fixture, mood);
    send_request(fd);
    g_assert_true(seal_test_wait_for_text(log, "Held"));
    seal_module_revoke_lane(fixture->module, LANE, SEAL_LANE_LOCKED, on_ended, &ended);
    g_assert_cmpuint(ended, ==, 0);
    g_assert_true(seal_test_wait_until(is_closed, fixture));
    g_assert_cmpuint(ended, ==, 1);
    g_assert_cmpint(seal_module_host_pid(fixture->module), !=, pid);
    g_assert_cmpuint(next_frame(fd), ==, 0);
    change_mood(fixture, "");
    (void)close(fd);
}

/* What holds one has nothing to wait for. */
static void
test_refused_without_the_host_is_not_entered(Fixture *fixture, gconstpointer data)
{
    const SealLaneGrant grant = {.count = 1, .mechanisms = 1u << SEAL_MECHANISM_ECDSA, .window = 1};
    g_auto(Answer) refused = {0};
    g_auto(Answer) asked = {0};
    SealFd none = -1;
    int fd = -1;

    seal_token_open_lane(fixture->token, p256_key(fixture), LANE, &grant, &none, on_answer,
                         &refused);
    g_assert_false(seal_module_has_lane(fixture->module, LANE));
    wait_for(&refused);
    g_assert_cmpint(refused.status, ==, SEAL_ERROR_LIMIT_EXCEEDED);
    fd = open_lane(fixture, LANE, &asked);
    g_assert_true(seal_module_has_lane(fixture->module, LANE));
    (void)close(fd);
    g_assert_true(seal_test_wait_until(is_closed, fixture));
    g_assert_false(seal_module_has_lane(fixture->module, LANE));
}

static void
test_stale_key_is_refused(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};
    SealKeyInfo key = *p256_key(fixture);
    const SealLaneGrant grant = {.count = 1, .mechanisms = 1u << SEAL_MECHANISM_ECDSA, .window = 1};
    int ends[2];
    char byte = 0;

    key.generation++;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    seal_token_open_lane(fixture->token, &key, LANE, &grant, &ends[1], on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
    seal_module_revoke_lane(fixture->module, LANE, SEAL_LANE_REVOKED, NULL, NULL);
    g_assert_true(seal_test_wait_until(is_closed, fixture));
    (void)close(ends[0]);
}

static void
test_end_of_the_agent_tells_all(Fixture *fixture, gconstpointer data)
{
    int fd = open_good_lane(fixture);
    guint type = 0;

    send_request(fd);
    g_assert_cmpuint(next_frame(fd), ==, SEAL_FRAME_SIGN | SEAL_FRAME_REPLY);
    g_clear_pointer(&fixture->token, seal_token_unref);
    g_clear_pointer(&fixture->module, seal_module_free);
    g_assert_cmpuint(fixture->n_lane_uses, ==, 1);
    g_assert_cmpuint(fixture->n_lanes_closed, ==, 1);
    while ((type = next_frame(fd)) != 0)
        g_assert_cmpuint(type, ==, SEAL_FRAME_LANE_REVOKED);
    (void)close(fd);
}

#define ADD_LANE(path, function, timeout_ms)                                                       \
    g_test_add("/module/lanes/" path, Fixture, GUINT_TO_POINTER(timeout_ms), set_up_lanes,         \
               function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Warnings about hosts are expected here. */
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    ADD_LANE("uses-are-told", test_uses_are_told, 0);
    ADD_LANE("revoked-one-ends", test_revoked_lane_ends, 0);
    ADD_LANE("killed-host-ends-them", test_killed_host_ends_lanes, 0);
    ADD_LANE("all-revocations-are-told", test_all_revocations_are_told, 0);
    ADD_LANE("hung-use-costs-the-host", test_hung_use_costs_the_host, 1000);
    ADD_LANE("refused-without-the-host-is-not-entered",
             test_refused_without_the_host_is_not_entered, 0);
    ADD_LANE("stale-key-is-refused", test_stale_key_is_refused, 0);
    ADD_LANE("end-of-the-agent-tells-all", test_end_of_the_agent_tells_all, 0);
    return g_test_run();
}
