/* The agent's view of a host that does well: what it tells, what is asked of it, and what is left
 * behind. */
#include "pkcs11/token/module.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/fd.h"
#include "pkcs11/wire/frame.h"
#include "tests/support/wait.h"
#include "tests/token/fixture.h"

/* -- the usual -------------------------------------------------------------------------------- */

static void
test_start_tells_state_then_tokens(Fixture *fixture, gconstpointer data)
{
    const SealKeyInfo *key = NULL;

    start(fixture, "good");
    g_assert_cmpstr(fixture->events->str, ==, "+Fake running ");
    g_assert_null(seal_module_reason(fixture->module));
    g_assert_cmpint(seal_module_host_pid(fixture->module), >, 0);
    g_assert_cmpuint(seal_token_keys(fixture->token)->len, ==, 1);
    key = seal_token_keys(fixture->token)->pdata[0];
    g_assert_cmpstr(key->label, ==, "work");
    g_assert_true(seal_token_module(fixture->token) == fixture->module);
}

static void
test_sign_carries_all_its_parts(Fixture *fixture, gconstpointer data)
{
    const SealSignParameters parameters = {.hash = SEAL_HASH_SHA384};
    g_autoptr(SealSecret) pin = seal_secret_new_copy("123456", 6);
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    seal_token_sign(fixture->token, seal_token_keys(fixture->token)->pdata[0],
                    SEAL_MECHANISM_RSA_PSS, &parameters, (SealBytes){(const uint8_t *)"abc", 3},
                    pin, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpstr(answer.body, ==, "key 11.3 mechanism 2 hash 4 pin 6 data 3: abc");
    g_assert_cmpstr(answer.message, ==, "");
}

static void
test_unwrap_carries_all_its_parts(Fixture *fixture, gconstpointer data)
{
    const uint8_t *bytes = (const uint8_t *)"0123456789";
    const SealUnwrapRequest request = {
        .label = {bytes, 1},
        .originator = {bytes, 2},
        .shared_info = {bytes, 3},
        .encrypted = {bytes, 4},
        .pin = {bytes, 9},
    };
    g_autoptr(SealSecret) pin = seal_secret_new_copy("12345", 5);
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    seal_token_unwrap(fixture->token, seal_token_keys(fixture->token)->pdata[0],
                      SEAL_MECHANISM_UNWRAP_ECDH, &request, pin, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpstr(answer.body, ==, "label 1 originator 2 shared 3 encrypted 4 pin 5");
}

static void
test_login_changes_flags(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SealSecret) good = seal_secret_new_copy("1234", 4);
    g_autoptr(SealSecret) bad = seal_secret_new_copy("4321", 4);
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    seal_token_login(fixture->token, bad, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_PIN_INCORRECT);
    g_assert_cmphex(answer.ckr, ==, 0xa0);
    g_assert_cmpstr(answer.message, ==, "the PIN is wrong");
    answer_clear(&answer);
    seal_token_login(fixture->token, good, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_NONE);
    g_assert_true(seal_token_info(fixture->token)->flags & SEAL_TOKEN_LOGGED_IN);
    answer_clear(&answer);
    seal_token_logout(fixture->token, on_answer, &answer);
    wait_for(&answer);
    g_assert_false(seal_token_info(fixture->token)->flags & SEAL_TOKEN_LOGGED_IN);
    g_assert_cmpstr(fixture->events->str, ==, "+Fake running ~Fake ~Fake ");
}

static void
test_readers_are_told_by_name(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, "readers", &answer);
    g_assert_cmpstr(fixture->events->str, ==,
                    "+Fake running readers 'Reader 00 00' 'Reader 00 01' ");
}

static void
test_reread_replaces_objects_at_once(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};
    SealKeyInfo *kept = NULL;

    start(fixture, "good");
    kept = seal_key_info_ref(seal_token_keys(fixture->token)->pdata[0]);
    ask_and_wait(fixture, "reread", &answer);
    g_assert_cmpstr(fixture->events->str, ==, "+Fake running ~Renamed ");
    g_assert_cmpuint(seal_token_keys(fixture->token)->len, ==, 2);
    g_assert_cmpstr(kept->label, ==, "work");
    seal_key_info_unref(kept);
}

static void
test_pulled_token_answers_removed(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, "gone", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_cmpstr(fixture->events->str, ==, "+Fake running -Fake ");
    g_assert_null(seal_token_module(fixture->token));
    ask_and_wait(fixture, "hello", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_TOKEN_REMOVED);
    g_assert_true(is_running(fixture));
    g_assert_cmpuint(count_starts(fixture), ==, 1);
}

static void
test_rescan_answers_after_its_events(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, "gone", &answer);
    answer_clear(&answer);
    seal_module_rescan(fixture->module, on_answer, &answer);
    wait_for(&answer);
    g_assert_cmpstr(fixture->events->str, ==, "+Fake running -Fake +Fake ");
}

static void
test_cancelled_request_is_not_called_back(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) cancelled = {0};
    g_auto(Answer) answer = {0};
    guint64 id = 0;

    start(fixture, "good");
    id = ask(fixture, "hang", &cancelled);
    seal_module_cancel(fixture->module, id);
    seal_token_cancel(fixture->token, id);
    ask_and_wait(fixture, "release", &answer);
    g_assert_cmpstr(answer.body, ==, "released");
    g_assert_cmpuint(cancelled.calls, ==, 0);
    g_assert_true(is_running(fixture));
}

static void
test_stray_reply_is_dropped(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, "stray-reply", &answer);
    g_assert_cmpstr(answer.body, ==, "after a stray one");
}

static void
test_failure_carries_the_hosts_words(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, "fail", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_PIN_REQUIRED);
    g_assert_cmphex(answer.ckr, ==, 0x101);
    g_assert_cmpstr(answer.message, ==, "the token wants a login");
}

/* -- load ------------------------------------------------------------------------------------- */

static void
test_narrow_window_is_kept(Fixture *fixture, gconstpointer data)
{
    Answer answers[5] = {{0}};

    start(fixture, "narrow");
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++)
        ask(fixture, "load", &answers[i]);
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
        wait_for(&answers[i]);
        g_assert_cmpstr(answers[i].body, ==, "1");
        answer_clear(&answers[i]);
    }
}

static void
test_load_counts_what_is_in_flight(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) hung = {0};
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask(fixture, "hang", &hung);
    ask_and_wait(fixture, "load", &answer);
    g_assert_cmpstr(answer.body, ==, "2");
    ask_and_wait(fixture, "release", &answer);
    g_assert_cmpstr(hung.body, ==, "late");
    ask_and_wait(fixture, "load", &answer);
    g_assert_cmpstr(answer.body, ==, "1");
}

static gboolean
are_all_answered(gpointer data)
{
    GArray *answers = data;

    for (guint i = 0; i < answers->len; i++)
        if (g_array_index(answers, Answer, i).calls == 0)
            return FALSE;
    return TRUE;
}

/* A queue of 26 frames of 4 KiB is full (measured); the agent must neither block nor lose one. */
static void
test_full_queue_waits_without_blocking(Fixture *fixture, gconstpointer data)
{
    g_autofree char *large = g_strnfill(4096, 'x');
    g_autoptr(GArray) answers = g_array_new(FALSE, TRUE, sizeof(Answer));

    start(fixture, "good");
    g_assert_no_errno(kill(seal_module_host_pid(fixture->module), SIGSTOP));
    g_array_set_size(answers, 400);
    for (guint i = 0; i < answers->len; i++)
        ask(fixture, large, &g_array_index(answers, Answer, i));
    g_assert_no_errno(kill(seal_module_host_pid(fixture->module), SIGCONT));
    g_assert_true(seal_test_wait_until(are_all_answered, answers));
    for (guint i = 0; i < answers->len; i++) {
        Answer *answer = &g_array_index(answers, Answer, i);

        g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
        g_assert_cmpuint(answer->calls, ==, 1);
        g_assert_nonnull(strstr(answer->body, "data 4096: xxxx"));
        answer_clear(answer);
    }
}

static void
test_waiting_pin_arrives(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SealSecret) pin = seal_secret_new_copy("1234", 4);
    g_auto(Answer) first = {0};
    g_auto(Answer) login = {0};

    start(fixture, "narrow");
    ask(fixture, "hello", &first);
    seal_token_login(fixture->token, pin, on_answer, &login);
    seal_secret_wipe(pin);
    wait_for(&login);
    g_assert_cmpint(login.status, ==, SEAL_ERROR_NONE);
}

static void
test_too_many_requests_are_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GArray) answers = g_array_new(FALSE, TRUE, sizeof(Answer));
    g_auto(Answer) answer = {0};
    g_auto(Answer) released = {0};

    start(fixture, "narrow");
    g_array_set_size(answers, 1024);
    for (guint i = 0; i < answers->len; i++)
        ask(fixture, "hello", &g_array_index(answers, Answer, i));
    ask_and_wait(fixture, "hello", &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_LIMIT_EXCEEDED);
    g_assert_true(seal_test_wait_until(are_all_answered, answers));
    ask_and_wait(fixture, "hello", &released);
    g_assert_cmpint(released.status, ==, SEAL_ERROR_NONE);
    for (guint i = 0; i < answers->len; i++)
        answer_clear(&g_array_index(answers, Answer, i));
}

static void
test_oversized_data_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *large = g_strnfill(SEAL_DATA_MAX + 1, 'x');
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, large, &answer);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_LIMIT_EXCEEDED);
    g_assert_true(is_running(fixture));
}

/* -- what is left behind ---------------------------------------------------------------------- */

static void
test_host_inherits_its_sockets_only(Fixture *fixture, gconstpointer data)
{
    g_auto(SealFd) leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC: a careless library's */
    g_auto(Answer) answer = {0};

    start(fixture, "good");
    ask_and_wait(fixture, "descriptors", &answer);
    g_assert_true(g_str_has_prefix(answer.body, "0 1 2 3 4 "));
    g_assert_cmpuint(strlen(answer.body), <=, strlen("0 1 2 3 4 5 "));
}

static void
test_restarts_leak_no_descriptor(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) answer = {0};
    guint before = 0;

    start(fixture, "good");
    ask_and_wait(fixture, "die", &answer);
    expect_recovery(fixture);
    before = count_descriptors();
    ask_and_wait(fixture, "die", &answer);
    expect_recovery(fixture);
    g_assert_cmpuint(count_descriptors(), ==, before);
}

static void
test_free_fails_what_is_in_flight(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) hung = {0};

    start(fixture, "good");
    ask(fixture, "hang", &hung);
    g_clear_pointer(&fixture->module, seal_module_free);
    g_assert_cmpuint(hung.calls, ==, 1);
    g_assert_cmpint(hung.status, ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_false(seal_token_is_alive(fixture->token));
    g_assert_cmpstr(fixture->events->str, ==, "+Fake running ");
}

/* Logouts that were sent are done before the host is ended. */
static void
test_free_lets_the_host_finish(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = NULL;
    g_auto(Answer) logout = {0};

    start(fixture, "good");
    seal_token_logout(fixture->token, on_answer, &logout);
    g_clear_pointer(&fixture->module, seal_module_free);
    text = seal_test_home_read(fixture->home, "module");
    g_assert_cmpstr(text, ==, "started\nleft\n");
}

static void
test_free_ends_a_frozen_host(Fixture *fixture, gconstpointer data)
{
    g_auto(Answer) frozen = {0};
    pid_t pid = 0;

    start(fixture, "good");
    pid = seal_module_host_pid(fixture->module);
    ask(fixture, "freeze", &frozen);
    g_clear_pointer(&fixture->module, seal_module_free);
    g_assert_cmpint(kill(pid, 0), <, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Warnings about hosts are what these tests are made of. */
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    ADD("start/tells-tokens-then-state", test_start_tells_state_then_tokens, NULL);
    ADD("sign/carries-all-its-parts", test_sign_carries_all_its_parts, NULL);
    ADD("unwrap/carries-all-its-parts", test_unwrap_carries_all_its_parts, NULL);
    ADD("login/changes-flags", test_login_changes_flags, NULL);
    ADD("readers/are-told-by-name", test_readers_are_told_by_name, NULL);
    ADD("token/reread-replaces-objects", test_reread_replaces_objects_at_once, NULL);
    ADD("token/pulled-answers-removed", test_pulled_token_answers_removed, NULL);
    ADD("rescan/answers-after-its-events", test_rescan_answers_after_its_events, NULL);
    ADD("request/cancelled-is-not-called-back", test_cancelled_request_is_not_called_back, NULL);
    ADD("request/stray-reply-is-dropped", test_stray_reply_is_dropped, NULL);
    ADD("request/failure-carries-words", test_failure_carries_the_hosts_words, NULL);
    ADD("load/narrow-window-is-kept", test_narrow_window_is_kept, NULL);
    ADD("load/counts-what-is-in-flight", test_load_counts_what_is_in_flight, NULL);
    ADD("load/full-queue-waits", test_full_queue_waits_without_blocking, NULL);
    ADD("load/waiting-pin-arrives", test_waiting_pin_arrives, NULL);
    ADD("load/too-many-are-refused", test_too_many_requests_are_refused, NULL);
    ADD("load/oversized-data-is-refused", test_oversized_data_is_refused, NULL);
    ADD("leak/host-inherits-its-sockets-only", test_host_inherits_its_sockets_only, NULL);
    ADD("leak/restarts-leak-no-descriptor", test_restarts_leak_no_descriptor, NULL);
    ADD("free/fails-what-is-in-flight", test_free_fails_what_is_in_flight, NULL);
    ADD("free/lets-the-host-finish", test_free_lets_the_host_finish, NULL);
    ADD("free/ends-a-frozen-host", test_free_ends_a_frozen_host, NULL);
    return g_test_run();
}
