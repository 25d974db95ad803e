/* What a host could answer on a lane, or not: each call ends once. What says that nothing came of
 * it is asked of the agent, which echoes; what says nothing, or makes no sense, has failed, for it
 * may have been done. The host is fake-lane.c. */
#include "base/error.h"
#include "ipc/client/client.h"
#include "tests/client/client-fixture.h"
#include "tests/client/client-loop.h"

#define CALLS 8 /* the window of a fake lane */

static const guint8 digest[32] = "thirty-two octets to be signed..";

typedef struct {
    guint finished; /* first: seal_client_test_run_until() looks at it */
    guint by_lane, by_agent;
    guint failed;
    gint code; /* of the last error */
} Tally;

/* What must become of CALLS calls. */
typedef struct {
    const char *mood;
    guint by_lane, by_agent, failed; /* asynchronous ones, all given before the first is answered */
    gint code;
    SealErrorCode blocking; /* a blocking one: NONE for an answer */
    gboolean some_unsent;   /* some of those that failed may go to the agent instead */
} Row;

static const Row rows[] = {
    {"answers", .by_lane = CALLS},
    {"backwards", .by_lane = CALLS, .blocking = SEAL_ERROR_TIMED_OUT},
    {"refuses", .by_agent = CALLS},
    {"revoked", .by_agent = CALLS},
    {"none", .by_agent = CALLS},
    {"version", .by_agent = CALLS},
    /* What is sent after it closed has not been seen. */
    {"silent", .failed = CALLS, .code = SEAL_ERROR_MODULE_FAILED, SEAL_ERROR_MODULE_FAILED,
     .some_unsent = TRUE},
    {"stranger", .failed = CALLS, .code = SEAL_ERROR_MODULE_FAILED, SEAL_ERROR_MODULE_FAILED},
    {"other", .failed = CALLS, .code = SEAL_ERROR_MODULE_FAILED, SEAL_ERROR_MODULE_FAILED},
    {"short", .failed = CALLS, .code = SEAL_ERROR_MODULE_FAILED, SEAL_ERROR_MODULE_FAILED},
    {"long", .failed = CALLS, .code = SEAL_ERROR_MODULE_FAILED, SEAL_ERROR_MODULE_FAILED},
    {"empty", .failed = CALLS, .code = SEAL_ERROR_MODULE_FAILED, SEAL_ERROR_MODULE_FAILED},
    {"attached", .failed = CALLS, .code = SEAL_ERROR_MODULE_FAILED, SEAL_ERROR_MODULE_FAILED},
    /* The first is answered; that answer again is no other's. */
    {"twice", .by_lane = 1, .failed = CALLS - 1, .code = SEAL_ERROR_MODULE_FAILED},
    /* The first is given up; the agent takes the lane back, which is the others' last word. */
    {"late", .by_agent = CALLS - 1, .failed = 1, .code = SEAL_ERROR_TIMED_OUT,
     SEAL_ERROR_TIMED_OUT},
    /* Nothing ends the lane: none waits for ever. */
    {"deaf", .failed = CALLS, .code = SEAL_ERROR_TIMED_OUT, SEAL_ERROR_TIMED_OUT},
};

static void
on_done(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
        gpointer user_data)
{
    Tally *tally = user_data;

    g_assert_true((result != NULL) != (error != NULL));
    tally->finished++;
    if (error) {
        tally->failed++;
        tally->code = error->code;
    } else if (result_len == sizeof digest) {
        tally->by_agent++;
    } else {
        g_assert_cmpmem(result, result_len, "by lane", 7);
        tally->by_lane++;
    }
}

static void
start(SealClientTest *fixture, const char *key, guint n, Tally *tally)
{
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);

    for (guint i = 0; i < n; i++)
        g_assert_nonnull(seal_client_sign_async(fixture->client, key, "ecdsa", "sha256", data,
                                                on_done, tally, NULL));
}

/* The first call asks for the lane, and goes to the agent. */
static void
open_window(SealClientTest *fixture, const char *key)
{
    Tally tally = {0};

    seal_client_set_bulk(fixture->client, TRUE);
    start(fixture, key, 1, &tally);
    seal_client_test_run_until(fixture->client, &tally.finished, 1);
    g_assert_cmpuint(tally.by_agent, ==, 1);
    seal_client_test_assert_echo(fixture); /* behind the lane's answer on the same connection */
}

static void
test_asynchronous(SealClientTest *fixture, gconstpointer data)
{
    const Row *row = data;
    g_autofree char *key = g_strconcat(SEAL_KEY_PREFIX "/", row->mood, NULL);
    Tally tally = {0};

    open_window(fixture, key);
    if (row->code == SEAL_ERROR_TIMED_OUT)
        fixture->client->patience_us = 100 * 1000;
    if (row->failed == CALLS)
        fixture->client->notice_us = 100 * 1000;
    start(fixture, key, CALLS, &tally);
    seal_client_test_run_until(fixture->client, &tally.finished, CALLS);
    g_assert_true(seal_client_wait(fixture->client, 0, NULL)); /* nobody is called back twice */
    g_assert_cmpuint(tally.finished, ==, CALLS);
    g_assert_cmpuint(tally.by_lane, ==, row->by_lane);
    if (row->some_unsent && tally.failed > 0) {
        tally.failed += tally.by_agent;
        tally.by_agent = 0;
    }
    g_assert_cmpuint(tally.by_agent, ==, row->by_agent);
    g_assert_cmpuint(tally.failed, ==, row->failed);
    g_assert_cmpint(tally.code, ==, row->code);
    if (row->code == SEAL_ERROR_TIMED_OUT)
        g_assert_cmpuint(seal_client_test_count_notes(fixture, "revoke lanes"), ==, 1);
    seal_client_test_assert_echo(fixture);
}

static void
test_blocking(SealClientTest *fixture, gconstpointer data)
{
    const Row *row = data;
    g_autofree char *key = g_strconcat(SEAL_KEY_PREFIX "/", row->mood, NULL);
    g_autoptr(GBytes) bytes = g_bytes_new_static(digest, sizeof digest);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) signature = NULL;

    seal_client_set_bulk(fixture->client, TRUE);
    if (row->blocking == SEAL_ERROR_TIMED_OUT)
        fixture->client->patience_us = 100 * 1000;
    signature = seal_client_sign(fixture->client, key, "ecdsa", "sha256", bytes, &error);
    if (row->blocking != SEAL_ERROR_NONE)
        g_assert_error(error, SEAL_ERROR, (gint)row->blocking);
    else if (row->by_lane > 0)
        g_assert_cmpmem(g_bytes_get_data(signature, NULL), g_bytes_get_size(signature), "by lane",
                        7);
    else
        g_assert_true(g_bytes_equal(signature, bytes));
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "open lane"), ==, 1);
    seal_client_test_assert_echo(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *calls =
            g_strdup_printf("/client/lane-answers/%s/asynchronous-calls-end-once", rows[i].mood);
        g_autofree char *call =
            g_strdup_printf("/client/lane-answers/%s/blocking-call-ends", rows[i].mood);

        g_test_add(calls, SealClientTest, &rows[i], seal_client_test_set_up, test_asynchronous,
                   seal_client_test_tear_down);
        g_test_add(call, SealClientTest, &rows[i], seal_client_test_set_up, test_blocking,
                   seal_client_test_tear_down);
    }
    return g_test_run();
}
