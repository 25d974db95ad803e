/* The agent's view of hosts that die, hang, flood, talk nonsense or cannot be started. */
#include "pkcs11/token/token.h"

#include <signal.h>
#include <string.h>

#include "tests/support/wait.h"
#include "tests/token/fixture.h"

/* -- mishaps in operation --------------------------------------------------------------------- */

/* `data`: what a sign request makes the host do wrong. The request fails, also the one beside it,
 * and the next works at a new host. */
static void
test_mishap_fails_then_recovers(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) beside = {0};
    g_auto(Answer) answer = {0};
    pid_t pid = 0;

    start(fixture, "good");
    pid = seal_module_host_pid(fixture->module);
    ask(fixture, "hang", &beside);
    ask(fixture, data, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_nonnull(strstr(answer.message, "'good'"));
    g_assert_cmpint(beside.status, ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_cmpuint(beside.calls, ==, 1);
    expect_recovery(fixture);
    g_assert_cmpint(seal_module_host_pid(fixture->module), !=, pid);
    g_assert_true(g_str_has_prefix(fixture->events->str, "+Fake running waiting -Fake starting "));
}

static void
test_flood_of_events_ends_the_host(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, "flood", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_true(seal_test_wait_until(is_running, fixture));
}

static void
test_hung_operation_times_out_and_recovers(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) hung = {0};
    gint64 began = 0;

    start_with(fixture, "good", (SealModuleConfig){.operation_timeout_ms = 200});
    g_assert_true(seal_test_wait_until(is_settled, fixture));
    began = g_get_monotonic_time();
    ask_and_wait(fixture, data, &hung);
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 200 * 1000);
    g_assert_cmpint(hung.status, ==, SEAL_ERROR_TIMED_OUT);
    expect_recovery(fixture);
}

static gboolean
has_another_host(gpointer data)
{
    return count_starts(data) >= 2;
}

static void
test_cancelled_hang_is_still_noticed(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) hung = {0};

    start_with(fixture, "good", (SealModuleConfig){.operation_timeout_ms = 200});
    g_assert_true(seal_test_wait_until(is_settled, fixture));
    seal_module_cancel(fixture->module, ask(fixture, "freeze", &hung));
    g_assert_true(seal_test_wait_until(has_another_host, fixture));
    expect_recovery(fixture);
    g_assert_cmpuint(hung.calls, ==, 0);
}

/* Somebody types at the reader's pad: a module may hold its lock for that long. */
static void
test_person_at_pad_is_not_cut_off(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) login = {0};
    g_auto(Answer) answer = {0};
    pid_t pid = 0;

    start_with(fixture, "good", (SealModuleConfig){.operation_timeout_ms = 200});
    g_assert_true(seal_test_wait_until(is_settled, fixture));
    pid = seal_module_host_pid(fixture->module);
    ask_and_wait(fixture, "pad", &answer);
    seal_token_login(fixture->token, NULL, on_answer, &login);
    ask_and_wait(fixture, "hang", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_TIMED_OUT);
    g_assert_cmpint(seal_module_host_pid(fixture->module), ==, pid);
    ask_and_wait(fixture, "release", &answer);
    wait_for(&login);
    g_assert_cmpint(login.status, ==, SEAL_ERROR_NONE);
}

/* Late or not: whoever waits for the end of a lane must not be told of it before. */
static void
test_revocation_waits_for_the_pad(Fixture *fixture, gconstpointer data)
{
    const SealAsk revoke = {.type = SEAL_FRAME_LANE_REVOKE, .lane = 1, .timeout_ms = 200};
    g_auto(Answer) revoked = {0};
    g_auto(Answer) login = {0};
    g_auto(Answer) answer = {0};

    start_with(fixture, "good", (SealModuleConfig){.operation_timeout_ms = 200});
    g_assert_true(seal_test_wait_until(is_settled, fixture));
    ask_and_wait(fixture, "pad", &answer);
    seal_channel_ask(seal_module_channel(fixture->module), &revoke, on_answer, &revoked);
    seal_token_login(fixture->token, NULL, on_answer, &login);
    ask_and_wait(fixture, "hang", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_TIMED_OUT);
    g_assert_cmpuint(revoked.calls, ==, 0);
    ask_and_wait(fixture, "release", &answer);
    wait_for(&revoked);
    g_assert_cmpint(revoked.status, ==, SEAL_ERROR_NONE);
    ask_and_wait(fixture, "release", &answer);
    wait_for(&login);
    g_assert_cmpint(login.status, ==, SEAL_ERROR_NONE);
}

/* It wished for it: what was asked of it fails with its reason. */
static void
test_retired_host_is_replaced(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, "retire", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_nonnull(strstr(answer.message, "the card service has ended"));
    expect_recovery(fixture);
    g_assert_cmpuint(count_starts(fixture), ==, 2);
}

static void
test_other_module_goes_on(Fixture *fixture, gconstpointer data)
{
    Fixture other = {0};
    g_auto(Answer) dying = {0};
    g_auto(Answer) answer = {0};
    g_auto(Answer) hung = {0};
    pid_t pid = 0;

    start(fixture, "good");
    other.loop = fixture->loop;
    other.journal = seal_test_home_write(fixture->home, "other", "");
    other.events = g_string_new(NULL);
    start(&other, "good");
    pid = seal_module_host_pid(other.module);
    ask(&other, "hang", &hung);
    ask(fixture, "die", &dying);
    wait_for(&dying);
    ask_and_wait(&other, "release", &answer);
    g_assert_cmpstr(hung.body, ==, "late");
    g_assert_cmpint(seal_module_host_pid(other.module), ==, pid);
    seal_module_free(other.module);
    seal_token_unref(other.token);
    g_string_free(other.events, TRUE);
    g_free(other.journal);
}

/* -- mishaps at the start --------------------------------------------------------------------- */

/* `data`: the mood. The module is unusable after one host, with a reason, until it is asked again.
 */
static void
test_unloadable_module_is_unusable(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};

    start_with(fixture, data, (SealModuleConfig){0});
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_nonnull(seal_module_reason(fixture->module));
    g_assert_cmpint(seal_module_host_pid(fixture->module), ==, 0);
    g_assert_cmpuint(count_starts(fixture), ==, 1);
    seal_module_rescan(fixture->module, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_cmpuint(count_starts(fixture), ==, 2);
}

static void
test_refusal_is_the_reason(Fixture *fixture, gconstpointer data)
{
    start_with(fixture, "refuses", (SealModuleConfig){0});
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_cmpstr(seal_module_reason(fixture->module), ==, "it is no PKCS#11 module");
}

static void
test_missing_host_program_is_unusable(Fixture *fixture, gconstpointer data)
{
    start_with(fixture, "good",
               (SealModuleConfig){.host_program = (char *)"/nowhere/privyseal-host"});
    g_assert_true(is_unusable(fixture));
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "/nowhere/privyseal-host"));
}

static void
test_crash_while_loading_is_tried_three_times(Fixture *fixture, gconstpointer data)
{
    start_with(fixture, "crashes", (SealModuleConfig){0});
    g_assert_true(seal_test_wait_until(is_unusable, fixture));
    g_assert_cmpuint(count_starts(fixture), ==, 3);
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "signal 10"));
}

static void
test_crash_that_passes_is_survived(Fixture *fixture, gconstpointer data)
{
    start_with(fixture, "crashes-twice", (SealModuleConfig){0});
    g_assert_true(seal_test_wait_until(is_running, fixture));
    g_assert_cmpuint(count_starts(fixture), ==, 3);
}

typedef struct {
    Fixture *fixture;
    guint starts;
} Starts;

static gboolean
has_started(gpointer data)
{
    Starts *starts = data;

    return count_starts(starts->fixture) >= starts->starts;
}

static gboolean
wake(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

/* Says nothing of the module: somebody ends processes, or memory is short. */
static void
test_killed_while_loading_is_started_again(Fixture *fixture, gconstpointer data)
{
    /* nothing tells that a silent host has come so far as to note its start */
    guint waker = g_timeout_add(20, wake, NULL);

    start_with(fixture, "never-greets", (SealModuleConfig){0});
    for (guint i = 1; i <= 4; i++) {
        Starts starts = {fixture, i};
        pid_t pid = 0;

        g_assert_true(seal_test_wait_until(has_started, &starts));
        pid = seal_module_host_pid(fixture->module);
        g_assert_cmpint(pid, >, 0);
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(seal_module_state(fixture->module), !=, SEAL_MODULE_UNUSABLE);
    }
    g_source_remove(waker);
}

static void
test_silent_host_is_given_up_at_the_deadline(Fixture *fixture, gconstpointer data)
{
    start_with(fixture, data, (SealModuleConfig){.start_timeout_ms = 100});
    g_assert_true(seal_test_wait_until(is_settled, fixture));
    g_assert_cmpint(seal_module_state(fixture->module), ==, SEAL_MODULE_WAITING);
    g_assert_nonnull(strstr(seal_module_reason(fixture->module), "in time"));
}

static gboolean
has_started_thrice(gpointer data)
{
    return count_starts(data) >= 3;
}

static void
test_restarts_pause_longer_and_longer(Fixture *fixture, gconstpointer data)
{
    gint64 began = g_get_monotonic_time();

    start_with(fixture, "dies-in-scan", (SealModuleConfig){0});
    g_assert_true(seal_test_wait_until(has_started_thrice, fixture));
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 500 * 1000);
}

static gboolean
is_pausing(gpointer data)
{
    Fixture *fixture = data;

    return seal_module_state(fixture->module) == SEAL_MODULE_WAITING && count_starts(fixture) >= 2;
}

static void
test_wake_ends_the_pause(Fixture *fixture, gconstpointer data)
{
    start_with(fixture, "dies-in-scan", (SealModuleConfig){0});
    g_assert_true(seal_test_wait_until(is_pausing, fixture));
    seal_module_wake(fixture->module);
    g_assert_cmpint(seal_module_state(fixture->module), ==, SEAL_MODULE_STARTING);
}

static void
add_mishaps(void)
{
    static const char *const mishaps[] = {
        "die",        "leave",         "die-half-way",    "crowd",
        "wrong-type", "wrong-status",  "no-words",        "empty",
        "short",      "wrong-length",  "descriptor",      "unknown-event",
        "stray-key",  "retire-mutely", "too-few-readers", NULL,
    };
    static const char *const unloadable[] = {"refuses", "exits", "other-version", "short-hello",
                                             NULL};

    for (const char *const *mishap = mishaps; *mishap; mishap++) {
        g_autofree char *path =
            g_strconcat("/module/mishap/", *mishap, "/fails-then-recovers", NULL);

        g_test_add(path, Fixture, *mishap, set_up, test_mishap_fails_then_recovers, tear_down);
    }
    for (const char *const *mood = unloadable; *mood; mood++) {
        g_autofree char *path = g_strconcat("/module/start/", *mood, "/is-unusable", NULL);

        g_test_add(path, Fixture, *mood, set_up, test_unloadable_module_is_unusable, tear_down);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Warnings about hosts are what these tests are made of. */
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    add_mishaps();
    ADD("mishap/flood/ends-the-host", test_flood_of_events_ends_the_host, NULL);
    ADD("mishap/hang/times-out", test_hung_operation_times_out_and_recovers, "hang");
    ADD("mishap/freeze/times-out", test_hung_operation_times_out_and_recovers, "freeze");
    ADD("mishap/cancelled-hang/is-noticed", test_cancelled_hang_is_still_noticed, NULL);
    ADD("mishap/pad/person-is-not-cut-off", test_person_at_pad_is_not_cut_off, NULL);
    ADD("mishap/pad/revocation-waits", test_revocation_waits_for_the_pad, NULL);
    ADD("mishap/retired-host/is-replaced", test_retired_host_is_replaced, NULL);
    ADD("mishap/other-module-goes-on", test_other_module_goes_on, NULL);
    ADD("start/refusal-is-the-reason", test_refusal_is_the_reason, NULL);
    ADD("start/missing-host-program-is-unusable", test_missing_host_program_is_unusable, NULL);
    ADD("start/crash-is-tried-three-times", test_crash_while_loading_is_tried_three_times, NULL);
    ADD("start/crash-that-passes-is-survived", test_crash_that_passes_is_survived, NULL);
    ADD("start/killed-by-others/is-started-again", test_killed_while_loading_is_started_again,
        NULL);
    ADD("start/silent-host-is-given-up", test_silent_host_is_given_up_at_the_deadline,
        "never-greets");
    ADD("start/hanging-scan-is-given-up", test_silent_host_is_given_up_at_the_deadline,
        "hangs-in-scan");
    ADD("restart/pauses-grow", test_restarts_pause_longer_and_longer, NULL);
    ADD("restart/wake-ends-the-pause", test_wake_ends_the_pause, NULL);
    return g_test_run();
}
