/* Asynchronous calls of libprivyseal: driven by a loop of the program's own, cancelled, and called
 * back whatever happens to the agent. */
#include <signal.h>

#include "base/error.h"
#include "tests/client/client-fixture.h"
#include "tests/client/client-loop.h"
#include "tests/support/bus.h"
#include "tests/support/wait.h"

typedef struct {
    guint finished; /* first: seal_client_test_run_until() looks at it */
    guint answered, failed;
    gint code;                          /* of the last error */
    SealClient *blocking_from_callback; /* (nullable) */
} Tally;

static void
on_done(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
        gpointer user_data)
{
    Tally *tally = user_data;

    g_assert_true((result != NULL) != (error != NULL));
    if (error) {
        g_assert_true(error->domain == SEAL_ERROR);
        tally->failed++;
        tally->finished++;
        tally->code = error->code;
        return;
    }
    g_assert_cmpmem(result, result_len, "digest", 6);
    tally->answered++;
    tally->finished++;
    if (tally->blocking_from_callback) {
        g_autoptr(GBytes) data = g_bytes_new_static("inside", 6);
        g_autoptr(GBytes) answer = seal_client_sign(tally->blocking_from_callback, KEY("echo"),
                                                    "ecdsa", "sha256", data, NULL);

        g_assert_cmpmem(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer), "inside", 6);
    }
}

static SealCall *
start(SealClientTest *fixture, const char *key, Tally *tally, GError **error)
{
    g_autoptr(GBytes) data = g_bytes_new_static("digest", 6);

    return seal_client_sign_async(fixture->client, key, "ecdsa", "sha256", data, on_done, tally,
                                  error);
}

static void
test_async_many(SealClientTest *fixture, gconstpointer data)
{
    Tally tally = {0};
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < SEAL_LIMIT_IN_FLIGHT; i++)
        g_assert_nonnull(start(fixture, KEY("echo"), &tally, NULL));
    g_assert_null(start(fixture, KEY("echo"), &tally, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED);
    g_assert_cmpuint(tally.answered, ==, 0); /* callbacks come from processing only */
    seal_client_test_run_until(fixture->client, &tally.finished, SEAL_LIMIT_IN_FLIGHT);
    g_assert_cmpuint(tally.failed, ==, 0);
}

static void
test_async_with_blocking(SealClientTest *fixture, gconstpointer data)
{
    Tally tally = {0};

    g_assert_nonnull(start(fixture, KEY("echo"), &tally, NULL));
    seal_client_test_assert_echo(fixture);
    g_assert_cmpuint(tally.answered, ==, 0);
    /* Its answer was read meanwhile and waits inside: poll() alone would never wake for it. */
    g_assert_cmpint(seal_client_get_poll_timeout_ms(fixture->client), ==, 0);
    seal_client_test_run_until(fixture->client, &tally.finished, 1);
}

static void
test_blocking_in_callback(SealClientTest *fixture, gconstpointer data)
{
    Tally tally = {.blocking_from_callback = fixture->client};

    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(start(fixture, KEY("echo"), &tally, NULL));
    seal_client_test_run_until(fixture->client, &tally.finished, 3);
    g_assert_cmpuint(tally.answered, ==, 3);
}

static void
test_async_errors(SealClientTest *fixture, gconstpointer data)
{
    Tally tally = {0};

    g_assert_nonnull(start(fixture, KEY("refuse"), &tally, NULL));
    seal_client_test_run_until(fixture->client, &tally.finished, 1);
    g_assert_cmpint(tally.code, ==, SEAL_ERROR_PIN_BLOCKED);
    g_assert_nonnull(start(fixture, KEY("number"), &tally, NULL));
    seal_client_test_run_until(fixture->client, &tally.finished, 2);
    g_assert_cmpuint(tally.failed, ==, 2);
}

static void
test_cancel_only(SealClientTest *fixture, gconstpointer data)
{
    Tally tally = {0};
    SealCall *call = start(fixture, KEY("hang"), &tally, NULL);

    seal_client_test_await_note(fixture, "hang");
    seal_call_cancel(call);
    seal_client_test_await_note(fixture, "disconnected");
    g_assert_true(seal_client_process(fixture->client, NULL));
    g_assert_cmpuint(tally.answered + tally.failed, ==, 0);
    seal_client_test_assert_echo(fixture);
}

static void
test_cancel_one(SealClientTest *fixture, gconstpointer data)
{
    Tally cancelled = {0};
    Tally others = {0};
    SealCall *call = start(fixture, KEY("echo"), &cancelled, NULL);

    for (guint i = 0; i < 5; i++)
        g_assert_nonnull(start(fixture, KEY("echo"), &others, NULL));
    seal_call_cancel(call);
    seal_client_test_run_until(fixture->client, &others.finished, 5);
    g_assert_cmpuint(others.failed, ==, 0);
    g_assert_cmpuint(cancelled.answered + cancelled.failed, ==, 0);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "disconnected"), ==, 0);
}

static void
test_async_agent_dies(SealClientTest *fixture, gconstpointer data)
{
    Tally tally = {0};
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(start(fixture, KEY("hang"), &tally, NULL));
    g_assert_nonnull(start(fixture, KEY("die"), &tally, NULL));
    while (seal_client_wait(fixture->client, -1, &error))
        ;
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_cmpuint(tally.failed, ==, 4);
    g_assert_cmpint(tally.code, ==, SEAL_ERROR_UNREACHABLE);
    g_assert_nonnull(start(fixture, KEY("echo"), &tally, NULL));
    seal_client_test_run_until(fixture->client, &tally.finished, 5);
    g_assert_cmpuint(tally.answered, ==, 1);
}

/* A blocking call finds the connection gone while others are in flight on it. */
static void
test_async_agent_dies_unseen(SealClientTest *fixture, gconstpointer data)
{
    Tally tally = {0};
    pid_t pid = seal_test_bus_pid_of(SEAL_BUS_NAME);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(start(fixture, KEY("hang"), &tally, NULL));
    seal_client_test_await_note(fixture, "hang");
    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
    g_assert_true(seal_test_wait_for_end(pid));
    g_assert_null(seal_client_test_sign(fixture, KEY("echo"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_cmpint(seal_client_get_poll_timeout_ms(fixture->client), ==, 0);
    seal_client_test_run_until(fixture->client, &tally.finished, 1);
    g_assert_cmpint(tally.code, ==, SEAL_ERROR_UNREACHABLE);
    seal_client_test_assert_echo(fixture);
}

static void
test_free_in_flight(SealClientTest *fixture, gconstpointer data)
{
    Tally tally = {0};

    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(start(fixture, KEY("hang"), &tally, NULL));
    seal_client_test_await_note(fixture, "hang\nhang\nhang");
    seal_client_free(g_steal_pointer(&fixture->client));
    g_assert_cmpuint(tally.failed, ==, 3);
    g_assert_cmpint(tally.code, ==, SEAL_ERROR_CANCELLED);
    seal_client_test_await_note(fixture, "disconnected");
}

#define ADD(path, function)                                                                        \
    g_test_add(path, SealClientTest, NULL, seal_client_test_set_up, function,                      \
               seal_client_test_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/client/async/limit-of-calls-in-flight", test_async_many);
    ADD("/client/async/blocking-call-keeps-callbacks-for-later", test_async_with_blocking);
    ADD("/client/async/blocking-call-in-callback", test_blocking_in_callback);
    ADD("/client/async/errors", test_async_errors);
    ADD("/client/async/cancel-only-call-ends-it-in-the-agent", test_cancel_only);
    ADD("/client/async/cancel-one-leaves-others", test_cancel_one);
    ADD("/client/async/agent-dies-calls-every-callback", test_async_agent_dies);
    ADD("/client/async/agent-dies-during-blocking-call", test_async_agent_dies_unseen);
    ADD("/client/async/free-calls-back-cancelled", test_free_in_flight);
    return g_test_run();
}
