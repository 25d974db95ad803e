/* Unlocking and locking SoftHSM's tokens through a real host, with a person played by the fake
 * pinentry. What needs a retry counter or a log of the module's calls is in test-retries.c. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/agent/unlock-scene.h"
#include "tests/support/process.h"

static const SealUnlockSceneOptions plain = {0};

static gboolean
is_not_unlocked(gpointer data)
{
    return ((SealTokenObject *)data)->state != SEAL_TOKEN_STATE_UNLOCKED;
}

/* Unlocks with the right PIN. */
static void
unlock(SealUnlockScene *scene)
{
    SealUnlockAsk ask = seal_unlock_scene_ask(scene);

    seal_test_pinentry_answer(scene->home, "pin %s\n", scene->pin);
    seal_unlock_scene_try(scene, &ask, SEAL_ERROR_NONE, NULL);
    g_assert_cmpint(scene->token->state, ==, SEAL_TOKEN_STATE_UNLOCKED);
}

/* -- PIN ------------------------------------------------------------------------- */

static void
test_right_pin(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &plain);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    g_assert_false(seal_unlocker_is_active(scene.unlocker));
    unlock(&scene);
    g_assert_true(seal_unlocker_is_active(scene.unlocker));
    seal_unlock_scene_close(&scene);
}

static void
test_unlocked_is_answered_at_once(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) answer = {0};

    seal_unlock_scene_open(&scene, &plain);
    unlock(&scene);
    ask = seal_unlock_scene_ask(&scene);
    ask.interactive = FALSE;
    g_assert_null(
        seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &answer));
    g_assert_cmpuint(answer.calls, ==, 1);
    g_assert_cmpint(answer.status, ==, SEAL_ERROR_NONE);
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_prompt_says_who_and_what_for(void)
{
    SealUnlockScene scene;
    g_autofree char *program = NULL, *line = NULL;

    seal_unlock_scene_open(&scene, &plain);
    unlock(&scene);
    program = seal_caller_describe(scene.caller);
    line = g_strdup_printf("Program: %s%%0AToken: Alice%%0A", program);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, line), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "%0AKey: work%0A"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "%0APurpose: sign%0A"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "Tries left: unknown"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_wrong_then_right(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000000\npin %s\n", scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "START"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "GETPIN\n"), ==, 2);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR the PIN was wrong\n"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "Tries left: more than one"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_wrong_three_times(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home,
                              "pin 00000001\npin 00000002\npin 00000003\npin 00000004\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_INCORRECT, "3 times");
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 3);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    g_assert_false(seal_unlocker_is_active(scene.unlocker));
    seal_unlock_scene_close(&scene);
}

/* SoftHSM takes 4 to 255 characters. Nothing of this can be seen by the token: its "count low"
 * flag, which it sets with the first wrong PIN, stays unset. */
static void
test_impossible_pins_are_not_sent(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_autofree char *long_pin = g_strnfill(256, '7');

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin \npin 123\npin %s\npin %s\n", long_pin, scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR no PIN was entered\n"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR a PIN of this token has 4 to 255"),
                     ==, 2);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "Tries left: more than one"), ==, 0);
    seal_unlock_scene_close(&scene);
}

static void
test_refused_pin_is_told(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin 00000001\ncancel\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR this PIN was refused before"), ==,
                     1);
    /* In another dialogue, too */
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin %s\n", scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR this PIN was refused before"), ==,
                     2);
    seal_unlock_scene_close(&scene);
}

static void
test_no_usable_pin_ends(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "always pin 1\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_INCORRECT, "no usable PIN");
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 8);
    seal_unlock_scene_close(&scene);
}

/* -- no PIN ------------------------------------------------------------------------ */

static void
test_endings(void)
{
    static const struct {
        const char *answer;
        SealErrorCode status;
        const char *message;
    } cases[] = {
        {"cancel", SEAL_ERROR_CANCELLED, "cancelled at the prompt"},
        {"close", SEAL_ERROR_CANCELLED, "the prompt was closed"},
        {"timeout", SEAL_ERROR_TIMED_OUT, "in time"},
        {"no-tty", SEAL_ERROR_NO_PROMPTER, "privyseal unlock"},
    };
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &plain);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SealUnlockAsk ask = seal_unlock_scene_ask(&scene);

        seal_test_pinentry_answer(scene.home, "%s\n", cases[i].answer);
        seal_unlock_scene_try(&scene, &ask, cases[i].status, cases[i].message);
        g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
        g_assert_false(seal_unlocker_is_active(scene.unlocker));
    }
    seal_unlock_scene_close(&scene);
}

static void
test_not_interactive(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) answer = {0};

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    ask.interactive = FALSE;
    g_assert_null(
        seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &answer));
    seal_unlock_expect(&answer, SEAL_ERROR_INTERACTION_REQUIRED, "privyseal unlock");
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "START"), ==, 0);
    seal_unlock_scene_close(&scene);
}

/* -- several who ask --------------------------------------------------------------- */

static void
test_requests_share_a_dialogue(void)
{
    enum { ASKERS = 5 };
    SealUnlockScene scene;
    SealUnlockAsk ask;
    SealUnlockAnswer answers[ASKERS] = {{0}};

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000000\npin %s\n", scene.pin);
    for (guint i = 0; i < ASKERS; i++)
        g_assert_nonnull(seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer,
                                           &answers[i]));
    for (guint i = 0; i < ASKERS; i++) {
        seal_unlock_expect(&answers[i], SEAL_ERROR_NONE, NULL);
        seal_unlock_answer_clear(&answers[i]);
    }
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "START"), ==, 1);
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 2);
    seal_unlock_scene_close(&scene);
}

static void
test_one_of_several_leaves(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) stays = {0}, leaves = {0};
    SealUnlock *leaving = NULL;

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin %s\n", scene.pin);
    (void)seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &stays);
    leaving = seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &leaves);
    seal_unlock_cancel(leaving);
    seal_unlock_expect(&stays, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(leaves.calls, ==, 0);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "START"), ==, 1);
    seal_unlock_scene_close(&scene);
}

/* The dialogue named the one that left: it is opened anew in the name of the one that stays. */
static void
test_the_first_of_several_leaves(void)
{
    SealUnlockScene scene;
    SealUnlockAsk first, second;
    g_auto(SealUnlockAnswer) stays = {0}, leaves = {0};
    SealUnlock *leaving = NULL;

    seal_unlock_scene_open(&scene, &plain);
    first = second = seal_unlock_scene_ask(&scene);
    first.purpose = "decrypt";
    seal_test_pinentry_answer(scene.home, "hang\npin %s\n", scene.pin);
    leaving =
        seal_unlock_async(scene.unlocker, scene.token, &first, seal_unlock_on_answer, &leaves);
    (void)seal_unlock_async(scene.unlocker, scene.token, &second, seal_unlock_on_answer, &stays);
    seal_unlock_scene_wait_prompt(&scene, "-> hang", 1);
    seal_unlock_cancel(leaving);
    seal_unlock_expect(&stays, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(leaves.calls, ==, 0);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "Purpose: decrypt"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "Purpose: sign"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_the_only_one_leaves(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) answer = {0};
    SealUnlock *request = NULL;

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "hang\n");
    request = seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &answer);
    seal_unlock_scene_wait_prompt(&scene, "-> hang", 1);
    seal_unlock_cancel(request);
    g_assert_false(seal_unlocker_is_active(scene.unlocker));
    unlock(&scene);
    g_assert_cmpuint(answer.calls, ==, 0);
    seal_unlock_scene_close(&scene);
}

/* -- locking ------------------------------------------------------------------------ */

static void
test_lock(void)
{
    SealUnlockScene scene;
    g_auto(SealUnlockAnswer) answer = {0};

    seal_unlock_scene_open(&scene, &plain);
    unlock(&scene);
    seal_lock_async(scene.unlocker, scene.token, seal_unlock_on_answer, &answer);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    seal_unlock_expect(&answer, SEAL_ERROR_NONE, NULL);
    /* The host says the same */
    g_assert_false(seal_token_info(scene.token->token)->flags & SEAL_TOKEN_LOGGED_IN);
    unlock(&scene);
    seal_unlock_scene_close(&scene);
}

static void
test_lock_all_closes_dialogues(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) waiting = {0}, locked = {0};

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "hang\n");
    (void)seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &waiting);
    seal_unlock_scene_wait_prompt(&scene, "-> hang", 1);
    seal_lock_all_async(scene.unlocker, seal_unlock_on_answer, &locked);
    seal_unlock_expect(&waiting, SEAL_ERROR_CANCELLED, "locked");
    seal_unlock_expect(&locked, SEAL_ERROR_NONE, NULL);
    seal_unlock_scene_close(&scene);
}

static void
test_idle_token_is_locked(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.limits.idle_s = 1});
    unlock(&scene);
    g_assert_true(seal_test_wait_until(is_not_unlocked, scene.token));
    seal_unlock_scene_close(&scene);
}

/* Used every 50 ms, a token with an idle limit of a second lasts until nobody uses it any more. */
static gboolean
touch(gpointer data)
{
    SealUnlockScene *scene = data;

    seal_unlock_touch(scene->unlocker, scene->token);
    return G_SOURCE_CONTINUE;
}

static gboolean
note_passed(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

static gboolean
is_set(gpointer data)
{
    return *(gboolean *)data;
}

static void
test_used_token_stays_unlocked(void)
{
    SealUnlockScene scene;
    gboolean passed = FALSE;
    guint toucher = 0;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.limits.idle_s = 1});
    unlock(&scene);
    toucher = g_timeout_add(50, touch, &scene);
    g_timeout_add(2500, note_passed, &passed);
    g_assert_true(seal_test_wait_until(is_set, &passed));
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_UNLOCKED);
    g_source_remove(toucher);
    g_assert_true(seal_test_wait_until(is_not_unlocked, scene.token));
    seal_unlock_scene_close(&scene);
}

/* The last use that is allowed ends the login, but not before others that are under way have ended. */
static void
test_number_of_uses(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.limits.uses = 2});
    unlock(&scene);
    seal_unlock_use_begins(scene.unlocker, scene.token);
    seal_unlock_use_begins(scene.unlocker, scene.token);
    seal_unlock_use_ends(scene.unlocker, scene.token);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_UNLOCKED);
    seal_unlock_use_ends(scene.unlocker, scene.token);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    /* The next PIN is good for two again */
    unlock(&scene);
    seal_unlock_use_begins(scene.unlocker, scene.token);
    seal_unlock_use_ends(scene.unlocker, scene.token);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_UNLOCKED);
    seal_unlock_scene_close(&scene);
}

/* Who asks while the last use is under way needs the PIN, and has the token to itself. */
static void
test_no_use_beyond_the_number(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.limits.uses = 1});
    unlock(&scene);
    seal_unlock_use_begins(scene.unlocker, scene.token);
    ask = seal_unlock_scene_ask(&scene);
    ask.interactive = FALSE;
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_INTERACTION_REQUIRED, "locked");
    ask.interactive = TRUE;
    seal_test_pinentry_answer(scene.home, "pin %s\n", scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_NONE, NULL);
    seal_unlock_use_ends(scene.unlocker, scene.token); /* of the first login */
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_UNLOCKED);
    seal_unlock_use_begins(scene.unlocker, scene.token);
    seal_unlock_use_ends(scene.unlocker, scene.token);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    seal_unlock_scene_close(&scene);
}

static void
test_old_login_ends_although_used(void)
{
    SealUnlockScene scene;
    guint toucher = 0;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.limits.idle_s = 60, .limits.max_s = 1});
    unlock(&scene);
    toucher = g_timeout_add(50, touch, &scene);
    g_assert_true(seal_test_wait_until(is_not_unlocked, scene.token));
    g_source_remove(toucher);
    seal_unlock_scene_close(&scene);
}

/* -- the host dies ------------------------------------------------------------------- */

static void
test_dead_host_means_locked(void)
{
    SealUnlockScene scene;
    const GPtrArray *modules = NULL;

    seal_unlock_scene_open(&scene, &plain);
    unlock(&scene);
    modules = seal_registry_modules(scene.registry);
    g_assert_cmpint(kill(seal_module_host_pid(modules->pdata[0]), SIGKILL), ==, 0);
    seal_unlock_scene_wait_state(&scene, SEAL_TOKEN_STATE_LOCKED);
    unlock(&scene);
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 2);
    seal_unlock_scene_close(&scene);
}

static void
test_host_dies_during_the_dialogue(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) answer = {0};
    const GPtrArray *modules = NULL;

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    modules = seal_registry_modules(scene.registry);
    seal_test_pinentry_answer(scene.home, "hang\n");
    (void)seal_unlock_async(scene.unlocker, scene.token, &ask, seal_unlock_on_answer, &answer);
    seal_unlock_scene_wait_prompt(&scene, "-> hang", 1);
    g_assert_cmpint(kill(seal_module_host_pid(modules->pdata[0]), SIGKILL), ==, 0);
    seal_unlock_expect(&answer, SEAL_ERROR_TOKEN_REMOVED, "Alice");
    seal_unlock_scene_close(&scene);
}

/* -- a PIN for one operation ----------------------------------------------------------- */

typedef struct {
    guint calls;
    SealErrorCode status;
    SealSecret *pin;
} PinAnswer;

static void
on_pin(SealErrorCode status, SealSecret *pin, const char *message, gpointer user_data)
{
    PinAnswer *answer = user_data;

    answer->calls++;
    answer->status = status;
    answer->pin = pin;
}

static gboolean
has_pin(gpointer data)
{
    return ((PinAnswer *)data)->calls > 0;
}

static void
test_pin_of_one_operation(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    PinAnswer first = {0}, second = {0};

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 11111111\npin 11111111\npin 22222222\n");
    g_assert_nonnull(seal_unlock_ask_pin_async(scene.unlocker, scene.token, &ask, on_pin, &first));
    g_assert_true(seal_test_wait_until(has_pin, &first));
    g_assert_cmpmem(seal_secret_peek(first.pin), seal_secret_len(first.pin), "11111111", 8);
    seal_unlock_pin_refused(scene.unlocker, scene.token, first.pin, SEAL_ERROR_PIN_INCORRECT);
    /* The refused one is not handed out again */
    (void)seal_unlock_ask_pin_async(scene.unlocker, scene.token, &ask, on_pin, &second);
    g_assert_true(seal_test_wait_until(has_pin, &second));
    g_assert_cmpmem(seal_secret_peek(second.pin), seal_secret_len(second.pin), "22222222", 8);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR the PIN was wrong\n"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR this PIN was refused before"), ==,
                     1);
    seal_secret_free(first.pin);
    seal_secret_free(second.pin);
    seal_unlock_scene_close(&scene);
}

static void
test_pin_of_one_operation_is_cancelled(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    PinAnswer left = {0}, refused = {0};
    SealUnlock *request = NULL;

    seal_unlock_scene_open(&scene, &plain);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "hang\ncancel\n");
    request = seal_unlock_ask_pin_async(scene.unlocker, scene.token, &ask, on_pin, &left);
    seal_unlock_scene_wait_prompt(&scene, "-> hang", 1);
    seal_unlock_cancel(request);
    (void)seal_unlock_ask_pin_async(scene.unlocker, scene.token, &ask, on_pin, &refused);
    g_assert_true(seal_test_wait_until(has_pin, &refused));
    g_assert_cmpint(refused.status, ==, SEAL_ERROR_CANCELLED);
    g_assert_null(refused.pin);
    g_assert_cmpuint(left.calls, ==, 0);
    seal_unlock_scene_close(&scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* A host that dies is worth a warning: here it is meant to. */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    g_test_add_func("/unlock/pin/right", test_right_pin);
    g_test_add_func("/unlock/pin/unlocked-is-answered-at-once", test_unlocked_is_answered_at_once);
    g_test_add_func("/unlock/pin/prompt-says-who-and-what-for", test_prompt_says_who_and_what_for);
    g_test_add_func("/unlock/pin/wrong-then-right/one-dialogue", test_wrong_then_right);
    g_test_add_func("/unlock/pin/wrong-three-times/gives-up", test_wrong_three_times);
    g_test_add_func("/unlock/pin/impossible/is-not-sent", test_impossible_pins_are_not_sent);
    g_test_add_func("/unlock/pin/refused-before/is-told", test_refused_pin_is_told);
    g_test_add_func("/unlock/pin/none-usable/ends", test_no_usable_pin_ends);
    g_test_add_func("/unlock/endings/are-told-apart", test_endings);
    g_test_add_func("/unlock/not-interactive/fails-at-once", test_not_interactive);
    g_test_add_func("/unlock/several/share-a-dialogue", test_requests_share_a_dialogue);
    g_test_add_func("/unlock/several/one-leaves", test_one_of_several_leaves);
    g_test_add_func("/unlock/several/the-first-leaves", test_the_first_of_several_leaves);
    g_test_add_func("/unlock/several/the-only-one-leaves", test_the_only_one_leaves);
    g_test_add_func("/unlock/lock/token", test_lock);
    g_test_add_func("/unlock/lock/all-closes-dialogues", test_lock_all_closes_dialogues);
    g_test_add_func("/unlock/limits/idle-token-is-locked", test_idle_token_is_locked);
    g_test_add_func("/unlock/limits/used-token-stays-unlocked", test_used_token_stays_unlocked);
    g_test_add_func("/unlock/uses/last-one-locks", test_number_of_uses);
    g_test_add_func("/unlock/uses/none-beyond-the-number", test_no_use_beyond_the_number);
    g_test_add_func("/unlock/limits/old-login-ends", test_old_login_ends_although_used);
    g_test_add_func("/unlock/host/dead-means-locked", test_dead_host_means_locked);
    g_test_add_func("/unlock/host/dies-during-the-dialogue", test_host_dies_during_the_dialogue);
    g_test_add_func("/unlock/single-pin/refused-is-not-handed-out-again",
                    test_pin_of_one_operation);
    g_test_add_func("/unlock/single-pin/cancelled", test_pin_of_one_operation_is_cancelled);
    return g_test_run();
}
