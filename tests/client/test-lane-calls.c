/* Asynchronous calls by lanes: several at once on one line, with the real agent and SoftHSM. Which
 * way a call went is read in the agent's audit. */
#include <glib-unix.h>
#include <poll.h>

#include "base/error.h"
#include "ipc/names.h"
#include "tests/client/client-loop.h"
#include "tests/client/lanes-scene.h"
#include "tests/support/wait.h"

/* As many as the library asks for. */
#define WINDOW 32

static void
test_calls_take_the_lane(Scene *scene, gconstpointer data)
{
    Tally tally = {.scene = scene, .to_start = 92};

    open_window(scene);
    start_many(&tally, 8);
    finish(&tally, 100);
    g_assert_cmpuint(tally.answered, ==, 100);
    wait_for_uses(scene, 100);
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 1);
}

/* Without a word from the program, as for blocking calls. */
static void
test_third_call_opens_one(Scene *scene, gconstpointer data)
{
    Tally tally = {.scene = scene};
    g_autoptr(GError) error = NULL;

    (void)seal_client_unlock(scene->client, scene->token, &error);
    g_assert_no_error(error);
    start_many(&tally, 2);
    finish(&tally, 2);
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 0);
    start_many(&tally, 100);
    finish(&tally, 102);
    expect_notes(scene, "open-lane", 1);
    g_assert_cmpuint(tally.answered, ==, 102);
}

static void
test_more_than_the_window_wait(Scene *scene, gconstpointer data)
{
    Tally tally = {.scene = scene};
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_static(digest, sizeof digest);

    open_window(scene);
    start_many(&tally, SEAL_LIMIT_IN_FLIGHT);
    g_assert_null(seal_client_sign_async(scene->client, scene->key, "ecdsa", "sha256", bytes, NULL,
                                         NULL, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED);
    g_assert_cmpuint(tally.finished, ==, 0); /* callbacks come from processing only */
    finish(&tally, SEAL_LIMIT_IN_FLIGHT);
    g_assert_cmpuint(tally.answered, ==, SEAL_LIMIT_IN_FLIGHT);
    wait_for_uses(scene, SEAL_LIMIT_IN_FLIGHT);
}

/* A blocking call has a lane of its own, and calls nobody back. */
static void
test_blocking_call_between(Scene *scene, gconstpointer data)
{
    Tally tally = {.scene = scene};

    open_window(scene);
    start_many(&tally, WINDOW);
    sign(scene, 3);
    g_assert_cmpuint(tally.finished, ==, 0);
    finish(&tally, WINDOW);
    g_assert_cmpuint(tally.answered, ==, WINDOW);
    wait_for_uses(scene, WINDOW + 3);
}

static void
test_descriptor_stays_the_same(Scene *scene, gconstpointer data)
{
    Tally tally = {.scene = scene};
    int before = seal_client_get_fd(scene->client);

    open_window(scene);
    g_assert_cmpint(seal_client_get_fd(scene->client), ==, before);
    start_many(&tally, WINDOW);
    g_assert_cmpint(seal_client_get_fd(scene->client), ==, before);
    g_assert_cmpint(seal_client_get_events(scene->client), ==, POLLIN);
    finish(&tally, WINDOW);
}

static gboolean
on_ready(gint fd, GIOCondition condition, gpointer client)
{
    g_assert_true(seal_client_process(client, NULL));
    return G_SOURCE_CONTINUE;
}

static gboolean
are_100_finished(gpointer tally)
{
    return ((const Tally *)tally)->finished == 100;
}

/* One source of GLib's loop, added once, sees the agent's answers, the lane's opening, and what
 * comes on the lane. */
static void
test_main_loop_of_glib(Scene *scene, gconstpointer data)
{
    Tally tally = {.scene = scene, .to_start = 60};
    guint source = 0;

    g_assert_true(seal_client_unlock(scene->client, scene->token, NULL));
    seal_client_set_bulk(scene->client, TRUE);
    source = g_unix_fd_add(seal_client_get_fd(scene->client), G_IO_IN, on_ready, scene->client);
    start_many(&tally, 40);
    g_assert_true(seal_test_wait_until(are_100_finished, &tally));
    g_assert_cmpuint(tally.answered, ==, 100);
    expect_notes(scene, "open-lane", 1);
    (void)g_source_remove(source);
}

static void
test_variable_turns_them_off(Scene *scene, gconstpointer data)
{
    Tally tally = {.scene = scene, .to_start = 20};
    g_autoptr(GError) error = NULL;

    g_assert_true(g_setenv(SEAL_LANES_VARIABLE, "0", TRUE));
    seal_client_free(scene->client);
    scene->client = seal_client_new(&error);
    g_assert_no_error(error);
    seal_client_set_bulk(scene->client, TRUE);
    start_many(&tally, 4);
    finish(&tally, 24);
    g_assert_cmpuint(tally.answered, ==, 24);
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 0);
}

static void
on_unwrapped(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
             gpointer user_data)
{
    g_assert_no_error(error);
    g_assert_cmpmem(result, result_len, session_key, sizeof session_key);
    (*(guint *)user_data)++;
}

static void
test_session_keys_come_by_lanes(Scene *scene, gconstpointer data)
{
    /* rsaEncryption with its NULL (RFC 8017 A.1) */
    static const guint8 rsa_encryption[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                            0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    g_autoptr(GBytes) algorithm = g_bytes_new_static(rsa_encryption, sizeof rsa_encryption);
    g_autoptr(GBytes) encrypted = NULL;
    SealUnwrapQuery query = {.algorithm = algorithm};
    guint finished = 0;

    find_key(scene, "Alice RSA decryption");
    query.encrypted_key = encrypted = encrypt(scene);
    seal_client_set_bulk(scene->client, TRUE);
    for (guint wanted = 1; wanted <= 60; wanted++) {
        g_assert_nonnull(seal_client_unwrap_async(scene->client, scene->key, &query, on_unwrapped,
                                                  &finished, NULL));
        if (wanted % 20 == 0)
            seal_client_test_run_until(scene->client, &finished, wanted);
        if (wanted == 20) /* opened by the first, answered by now */
            expect_notes(scene, "open-lane", 1);
    }
    while (count_notes(scene, "on lane ") == 0)
        g_thread_yield();
}

/* -- taken back
 * ------------------------------------------------------------------------------------
 */

static void
test_cancelled_call_is_not_called_back(Scene *scene, gconstpointer lines)
{
    Tally cancelled = {.scene = scene}, others = {.scene = scene};
    SealCall *sent = NULL, *waiting = NULL;

    open_window_and_hold(scene);
    sent = start(&cancelled);
    start_many(&others, WINDOW);
    waiting = start(&cancelled);
    seal_call_cancel(sent);
    seal_call_cancel(waiting);
    set_mood(scene, "");
    finish(&others, WINDOW);
    g_assert_cmpuint(others.answered, ==, WINDOW);
    g_assert_cmpuint(cancelled.finished, ==, 0);
    wait_for_uses(scene, WINDOW + 1); /* the one that waited has never been sent */
    g_assert_cmpuint(count_lanes(scene), ==, 1);
}

/* Nobody waits in the agent: the lane stays. */
static void
test_all_cancelled_leave_the_lane(Scene *scene, gconstpointer lines)
{
    Tally cancelled = {.scene = scene}, next = {.scene = scene};
    SealCall *calls[3];

    open_window_and_hold(scene);
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
        calls[i] = start(&cancelled);
    for (guint i = 0; i < G_N_ELEMENTS(calls); i++)
        seal_call_cancel(calls[i]);
    set_mood(scene, "");
    start_many(&next, 1);
    finish(&next, 1);
    g_assert_cmpuint(next.answered, ==, 1);
    g_assert_cmpuint(cancelled.finished, ==, 0);
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 1);
    wait_for_uses(scene, 4);
}

static void
test_free_calls_back_cancelled(Scene *scene, gconstpointer lines)
{
    Tally tally = {.scene = scene};

    open_window_and_hold(scene);
    start_many(&tally, WINDOW + 5);
    wait_until_held(scene);
    seal_client_free(g_steal_pointer(&scene->client));
    g_assert_cmpuint(tally.finished, ==, WINDOW + 5);
    g_assert_cmpuint(tally.failed[SEAL_ERROR_CANCELLED], ==, WINDOW + 5);
    set_mood(scene, "");
}

static void
test_interrupt_calls_back_cancelled(Scene *scene, gconstpointer lines)
{
    Tally tally = {.scene = scene};

    open_window_and_hold(scene);
    start_many(&tally, WINDOW + 5);
    wait_until_held(scene);
    seal_client_interrupt(scene->client);
    finish(&tally, WINDOW + 5);
    g_assert_cmpuint(tally.failed[SEAL_ERROR_CANCELLED], ==, WINDOW + 5);
    set_mood(scene, "");
}

/* A blocking call that nobody waits for any more costs the others neither lane nor connection. */
static void
test_blocking_call_is_given_up_alone(Scene *scene, gconstpointer lines)
{
    Tally tally = {.scene = scene};
    g_autoptr(GError) error = NULL;

    open_window(scene);
    sign(scene, 1); /* which has its own lane by now */
    set_mood(scene, "hold=sign");
    start_many(&tally, WINDOW);
    wait_until_held(scene);
    seal_client_set_timeout(scene->client, 100);
    g_assert_null(try_to_sign(scene, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_TIMED_OUT);
    seal_client_set_timeout(scene->client, 0);
    g_assert_cmpuint(tally.finished, ==, 0);
    set_mood(scene, "");
    finish(&tally, WINDOW);
    g_assert_cmpuint(tally.answered, ==, WINDOW);
    expect_notes(scene, ": revoked", 1);
    sign(scene, 1);
}

/* All answers of a window fit into its line: who reads late loses nothing. */
static void
test_slow_reader_keeps_the_lane(Scene *scene, gconstpointer lines)
{
    Tally tally = {.scene = scene};

    open_window(scene);
    start_many(&tally, 200);
    while (count_calls(scene, "C_Sign ") < WINDOW)
        g_thread_yield();
    g_assert_cmpuint(tally.finished, ==, 0);
    finish(&tally, 200);
    g_assert_cmpuint(tally.answered, ==, 200);
    g_assert_cmpuint(count_notes(scene, "open-lane"), ==, 1);
    g_assert_cmpuint(count_lanes(scene), ==, 1);
}

#define ADD(path, test) g_test_add(path, Scene, NULL, scene_set_up, test, scene_tear_down)
#define ADD_MOODY(path, test)                                                                      \
    g_test_add(path, Scene, NULL, scene_set_up_moody, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/client/lane-calls/take-the-lane", test_calls_take_the_lane);
    ADD("/client/lane-calls/third-opens-one", test_third_call_opens_one);
    ADD("/client/lane-calls/more-than-the-window-wait", test_more_than_the_window_wait);
    ADD("/client/lane-calls/blocking-call-between", test_blocking_call_between);
    ADD("/client/lane-calls/descriptor-stays-the-same", test_descriptor_stays_the_same);
    ADD("/client/lane-calls/main-loop-of-glib", test_main_loop_of_glib);
    ADD("/client/lane-calls/variable-turns-them-off", test_variable_turns_them_off);
    ADD("/client/lane-calls/session-keys-come-by-them", test_session_keys_come_by_lanes);
    ADD_MOODY("/client/lane-calls/cancelled-one-is-not-called-back",
              test_cancelled_call_is_not_called_back);
    ADD_MOODY("/client/lane-calls/all-cancelled-leave-the-lane", test_all_cancelled_leave_the_lane);
    ADD_MOODY("/client/lane-calls/free-calls-back-cancelled", test_free_calls_back_cancelled);
    ADD_MOODY("/client/lane-calls/interrupt-calls-back-cancelled",
              test_interrupt_calls_back_cancelled);
    ADD_MOODY("/client/lane-calls/blocking-call-is-given-up-alone",
              test_blocking_call_is_given_up_alone);
    ADD_MOODY("/client/lane-calls/slow-reader-keeps-the-lane", test_slow_reader_keeps_the_lane);
    return g_test_run();
}
