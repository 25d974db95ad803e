/* DESIGN rule 3: the agent never spends a token's last PIN try by itself and never submits a
 * refused PIN again. The token is the moody module's: a counter of three tries in a file, told as
 * OpenSC tells it, and a log of the calls that reached the token. */
#include <string.h>
#include <unistd.h>

#include "tests/agent/unlock-scene.h"
#include "tests/support/process.h"

static const SealUnlockSceneOptions counted = {.moods = "", .tries = "3"};
static const SealUnlockSceneOptions last_try = {.moods = "", .tries = "1"};

static void
answer_pin(SealUnlockScene *scene)
{
    seal_test_pinentry_answer(scene->home, "pin %s\n", scene->pin);
}

/* -- the last try ------------------------------------------------------------------- */

static void
test_program_gets_no_last_try(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &last_try);
    ask = seal_unlock_scene_ask(&scene);
    answer_pin(&scene);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_INCORRECT, "only one PIN try is left");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_INCORRECT, "privyseal unlock 'Alice'");
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "START"), ==, 0);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 0);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_dialogue_stops_before_the_last_try(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &counted);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin 00000002\npin 00000003\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_INCORRECT, "only one PIN try is left");
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 2);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 2);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 1);
    g_assert_cmpint(scene.token->tries_left, ==, 1);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    seal_unlock_scene_close(&scene);
}

static void
test_last_try_declined(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &last_try);
    ask = seal_unlock_scene_ask(&scene);
    ask.last_try = TRUE;
    seal_test_pinentry_answer(scene.home, "cancel\npin %s\n", scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "CONFIRM"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 0);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_last_try_confirmed_and_right(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &last_try);
    ask = seal_unlock_scene_ask(&scene);
    ask.last_try = TRUE;
    seal_test_pinentry_answer(scene.home, "yes\npin 1\npin %s\n", scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    /* The PIN that was too short cost no try, so the confirmation still held */
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "CONFIRM"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "Tries left: 1, this is the last try"), >=,
                     1);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 3);
    g_assert_cmpint(scene.token->tries_left, ==, -1);
    seal_unlock_scene_close(&scene);
}

static void
test_last_try_confirmed_and_wrong(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &last_try);
    ask = seal_unlock_scene_ask(&scene);
    ask.last_try = TRUE;
    seal_test_pinentry_answer(scene.home, "yes\npin 00000001\npin %s\n", scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_BLOCKED, "token 'Alice' is blocked: unblock it");
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_BLOCKED);
    g_assert_cmpint(scene.token->tries_left, ==, 0);
    /* From here on the token is left alone */
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_BLOCKED, NULL);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_blocked_from_the_start(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.moods = "", .tries = "0"});
    ask = seal_unlock_scene_ask(&scene);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_BLOCKED);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_BLOCKED, "unblock");
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 0);
    seal_unlock_scene_close(&scene);
}

/* A token that never tells how many tries are left: after two refusals the next may be the last. */
static void
test_silent_token(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &counted);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000001\ncancel\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_CANCELLED, NULL);
    seal_unlock_scene_set_tries(&scene,
                                "3"); /* so that it sets no flag at the next refusal either */
    seal_test_pinentry_answer(scene.home, "pin 00000002\npin 00000003\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_INCORRECT, "the last PIN try may be left");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_INCORRECT, "the last PIN try may be left");
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 2);
    ask.last_try = TRUE;
    seal_test_pinentry_answer(scene.home, "yes\npin %s\n", scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    seal_unlock_scene_close(&scene);
}

/* -- refused PINs -------------------------------------------------------------------- */

static void
test_refused_pin_is_not_sent_again(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &counted);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin 00000001\npin 00000001\ncancel\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 2);
    /* Nor for another request */
    seal_test_pinentry_answer(scene.home, "pin 00000001\ncancel\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_asker_leaves_during_the_login(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) left = {0}, stays = {0};
    SealUnlock *request = NULL;

    seal_unlock_scene_open(&scene, &counted);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin %s\n", scene.pin);
    request = seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &left);
    (void)seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &stays);
    seal_unlock_scene_wait_call(&scene, "C_Login", 1);
    seal_unlock_cancel(request);
    seal_unlock_expect(&stays, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(left.calls, ==, 0);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 2);
    seal_unlock_scene_close(&scene);
}

/* -- a reader with a pad ---------------------------------------------------------------- */

static char *
pad_moods(const char *pin)
{
    return g_strdup_printf("protected-path=true\npad-pin=%s\n", pin);
}

static void
test_pad(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_autofree char *moods = NULL;

    seal_unlock_scene_open(
        &scene, &(SealUnlockSceneOptions){.moods = "protected-path=true\n", .tries = "3"});
    ask = seal_unlock_scene_ask(&scene);
    moods = pad_moods(scene.pin);
    seal_unlock_scene_set_moods(&scene, moods);
    seal_test_pinentry_answer(scene.home, "yes\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "GETPIN"), ==, 0);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_wrong_pin_at_the_pad(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_autofree char *moods = pad_moods("00000001");

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.moods = moods, .tries = "3"});
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "always yes\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_INCORRECT, "only one PIN try is left");
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 1);
    seal_unlock_scene_close(&scene);
}

/* The message of the second try still stands there when the last one has to be confirmed. */
static void
test_last_try_at_the_pad(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    SealUnlock *unlock = NULL;
    g_auto(SealUnlockAnswer) answer = {0};
    g_autofree char *moods = pad_moods("00000001");

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.moods = moods, .tries = "3"});
    ask = seal_unlock_scene_ask(&scene);
    ask.last_try = TRUE;
    seal_test_pinentry_answer(scene.home, "always hang\n");
    unlock = seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &answer);
    seal_unlock_scene_wait_prompt(&scene, "CONFIRM", 1);
    g_assert_cmpuint(answer.calls, ==, 0);
    seal_unlock_cancel(unlock);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 2);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 1);
    seal_unlock_scene_close(&scene);
}

/* -- logouts --------------------------------------------------------------------------- */

static void
test_lock_logs_out(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) answer = {0};

    seal_unlock_scene_open(&scene, &counted);
    ask = seal_unlock_scene_ask(&scene);
    answer_pin(&scene);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Logout"), ==, 0);
    seal_lock_async(scene.unlocker, scene.token, seal_unlock_on_answer, &answer);
    seal_unlock_expect(&answer, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Logout 0x0\n"), ==, 1);
    /* A second time there is nothing to do */
    seal_lock_async(scene.unlocker, scene.token, seal_unlock_on_answer, &answer);
    seal_unlock_expect(&answer, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Logout"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_limits_log_out(gconstpointer data)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, data);
    ask = seal_unlock_scene_ask(&scene);
    answer_pin(&scene);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    seal_unlock_scene_wait_call(&scene, "C_Logout 0x0\n", 1);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    seal_unlock_scene_close(&scene);
}

static void
test_end_logs_out(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &counted);
    ask = seal_unlock_scene_ask(&scene);
    answer_pin(&scene);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    g_clear_pointer(&scene.unlocker, seal_unlocker_free);
    seal_unlock_scene_wait_call(&scene, "C_Logout 0x0\n", 1);
    seal_unlock_scene_close(&scene);
}

/* A lock that comes while the login is under way wins. */
static void
test_lock_overtakes_the_login(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) unlocked = {0}, locked = {0};

    seal_unlock_scene_open(&scene, &counted);
    ask = seal_unlock_scene_ask(&scene);
    answer_pin(&scene);
    (void)seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &unlocked);
    seal_unlock_scene_wait_call(&scene, "C_Login", 1);
    seal_lock_all_async(scene.unlocker, seal_unlock_on_answer, &locked);
    seal_unlock_expect(&locked, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(unlocked.calls, ==, 1);
    /* The host may serve the lock before the login: once that is over, another logout follows */
    seal_unlock_scene_wait_call(&scene, "C_Logout", unlocked.status == SEAL_ERROR_NONE ? 1 : 2);
    seal_unlock_scene_wait_state(&scene, SEAL_TOKEN_STATE_LOCKED);
    seal_unlock_scene_close(&scene);
}

/* -- the token or its module fails ------------------------------------------------------ */

static gboolean
has_no_pinentry(gpointer data)
{
    g_autoptr(GArray) children = seal_test_children(getpid());

    return children->len <= 1; /* the host */
}

static void
test_removal_during_the_dialogue(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) answer = {0};

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "events=true\nremovable=true\n"});
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "hang\n");
    (void)seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &answer);
    seal_unlock_scene_wait_prompt(&scene, "-> hang", 1);
    seal_unlock_scene_set_moods(&scene, "events=true\nremovable=true\nabsent=true\n");
    seal_unlock_expect(&answer, SEAL_ERROR_TOKEN_REMOVED, "removed");
    g_assert_true(seal_test_wait_until(has_no_pinentry, NULL));
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_ABSENT);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_TOKEN_REMOVED, "insert it");
    seal_unlock_scene_close(&scene);
}

static void
test_hanging_login(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(
        &scene, &(SealUnlockSceneOptions){.moods = "hang=login\n", .login_timeout_ms = 1500});
    ask = seal_unlock_scene_ask(&scene);
    answer_pin(&scene);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_TIMED_OUT, NULL);
    g_assert_false(seal_unlocker_is_active(scene.unlocker));
    /* The host is started again, and the next request works with one new PIN entry */
    seal_unlock_scene_set_moods(&scene, "");
    seal_unlock_scene_wait_state(&scene, SEAL_TOKEN_STATE_LOCKED);
    answer_pin(&scene);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 2);
    seal_unlock_scene_close(&scene);
}

static void
test_crashing_login(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.moods = "crash=login\n"});
    ask = seal_unlock_scene_ask(&scene);
    answer_pin(&scene);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_MODULE_FAILED, NULL);
    seal_unlock_scene_close(&scene);
}

int
main(int argc, char **argv)
{
    static const SealUnlockSceneOptions idle = {.moods = "", .limits.idle_s = 1};
    static const SealUnlockSceneOptions old = {.moods = "", .limits.max_s = 1};

    g_test_init(&argc, &argv, NULL);
    /* A host that dies is worth a warning: here it is meant to. */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    g_test_add_func("/retries/last-try/program/leaves-token-untouched",
                    test_program_gets_no_last_try);
    g_test_add_func("/retries/last-try/dialogue-stops-before-it",
                    test_dialogue_stops_before_the_last_try);
    g_test_add_func("/retries/last-try/declined/leaves-token-untouched", test_last_try_declined);
    g_test_add_func("/retries/last-try/confirmed/right-pin", test_last_try_confirmed_and_right);
    g_test_add_func("/retries/last-try/confirmed/wrong-pin-blocks",
                    test_last_try_confirmed_and_wrong);
    g_test_add_func("/retries/blocked/from-the-start", test_blocked_from_the_start);
    g_test_add_func("/retries/silent-token/two-refusals-are-enough", test_silent_token);
    g_test_add_func("/retries/refused-pin/is-not-sent-again", test_refused_pin_is_not_sent_again);
    g_test_add_func("/retries/asker-leaves/during-the-login", test_asker_leaves_during_the_login);
    g_test_add_func("/retries/pad/right", test_pad);
    g_test_add_func("/retries/pad/wrong-stops-before-the-last-try", test_wrong_pin_at_the_pad);
    g_test_add_func("/retries/pad/last-try-is-confirmed", test_last_try_at_the_pad);
    g_test_add_func("/retries/logout/lock", test_lock_logs_out);
    g_test_add_data_func("/retries/logout/idle", &idle, test_limits_log_out);
    g_test_add_data_func("/retries/logout/age", &old, test_limits_log_out);
    g_test_add_func("/retries/logout/end-of-the-agent", test_end_logs_out);
    g_test_add_func("/retries/logout/overtakes-the-login", test_lock_overtakes_the_login);
    g_test_add_func("/retries/removal/during-the-dialogue", test_removal_during_the_dialogue);
    g_test_add_func("/retries/login/hangs", test_hanging_login);
    g_test_add_func("/retries/login/crashes", test_crashing_login);
    return g_test_run();
}
