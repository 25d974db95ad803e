/* Changing and unblocking PINs: what a person is asked, what the token is sent and how often. Over
 * SoftHSM with a counter of tries as cards have it; whether a PIN is the token's now shows at its
 * login. */
#include <string.h>

#include "agent/pin-change.h"
#include "tests/agent/unlock-scene.h"

#define FRESH "2468101214"

static const SealUnlockSceneOptions counted = {.moods = "", .tries = "3"};

static SealPinChange *
start(SealUnlockScene *scene, SealPinStep step, SealUnlockAnswer *answer)
{
    SealUnlockAsk ask = seal_unlock_scene_ask(scene);

    return seal_pin_change_async(seal_unlocker_pin_changer(scene->unlocker), scene->token, step,
                                 &ask, seal_unlock_on_answer, answer);
}

static void
try_step(SealUnlockScene *scene, SealPinStep step, SealErrorCode status, const char *part)
{
    g_auto(SealUnlockAnswer) answer = {0};

    (void)start(scene, step, &answer);
    seal_unlock_expect(&answer, status, part);
    g_assert_false(seal_pin_changer_is_active(seal_unlocker_pin_changer(scene->unlocker)));
}

static char *
puk_of(SealUnlockScene *scene)
{
    return seal_test_home_read(scene->home, "fixture/so-pin");
}

static void
unlock_with(SealUnlockScene *scene, const char *pin)
{
    SealUnlockAsk ask = seal_unlock_scene_ask(scene);

    seal_test_pinentry_answer(scene->home, "pin %s\n", pin);
    seal_unlock_scene_try(scene, &ask, SEAL_ERROR_NONE, NULL);
}

/* -- change ------------------------------------------------------------------------------- */

static void
test_change(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &counted);
    seal_test_pinentry_answer(scene.home, "pin %s\npin %s\npin %s\n", scene.pin, FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_NONE, NULL);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "START"), ==, 1); /* one dialogue */
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETPROMPT New PIN:"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETPROMPT Repeat the new PIN:"), ==, 1);
    unlock_with(&scene, FRESH);
    seal_unlock_scene_close(&scene);
}

static void
test_change_while_unlocked(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &counted);
    unlock_with(&scene, scene.pin);
    seal_test_pinentry_answer(scene.home, "pin %s\npin %s\npin %s\n", scene.pin, FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_NONE, NULL);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_UNLOCKED);
    seal_unlock_scene_close(&scene);
}

/* None of these costs a call at the token, let alone a try. */
static void
test_new_pins_that_cannot_be(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &counted);
    seal_test_pinentry_answer(scene.home,
                              "pin %s\n"
                              "pin %s\n" /* the one it has */
                              "pin 1\n"  /* too short */
                              "pin 1234\x01"
                              "5678\n" /* a control character */
                              "pin 1234\xff"
                              "5678\n"                        /* no UTF-8 */
                              "pin " FRESH "\npin 99999999\n" /* not repeated */
                              "pin " FRESH "\npin " FRESH "\n",
                              scene.pin, scene.pin);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(
        seal_unlock_scene_prompts(&scene, "SETERROR the new PIN is the one that the token has"), ==,
        1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR a PIN of this token has 4 to 255"),
                     ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR a PIN has no control characters"),
                     ==, 2);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR the two entries differ"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_SetPIN"), ==, 1);
    seal_unlock_scene_close(&scene);
}

/* Somebody who never gives a PIN that can be is not asked for ever. */
static void
test_no_usable_new_pin(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &counted);
    seal_test_pinentry_answer(scene.home, "pin %s\nalways pin 1\n", scene.pin);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_INVALID_INPUT, "no usable new PIN");
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 0);
    seal_unlock_scene_close(&scene);
}

/* The token's own rules: CKR_PIN_INVALID. */
static void
test_token_refuses_the_new_pin(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "set-pin-rv=0xa1\n", .tries = "3"});
    seal_test_pinentry_answer(scene.home, "pin %s\nalways pin %s\n", scene.pin, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_INVALID_INPUT, "does not take the new PIN");
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR the token does not take this PIN"),
                     ==, 2);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 3);
    seal_unlock_scene_close(&scene);
}

static void
test_module_cannot(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "set-pin-rv=0x54\n", .tries = "3"});
    seal_test_pinentry_answer(scene.home, "pin %s\npin %s\npin %s\n", scene.pin, FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_NOT_SUPPORTED, "FUNCTION_NOT_SUPPORTED");
    seal_unlock_scene_close(&scene);
}

static void
test_wrong_pin(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &counted);
    /* The second 00000001 is not sent again */
    seal_test_pinentry_answer(scene.home,
                              "pin 00000001\npin %s\npin %s\n"
                              "pin 00000001\npin %s\npin %s\npin %s\n",
                              FRESH, FRESH, scene.pin, FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR the PIN was wrong"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR this PIN was refused before"), ==,
                     1);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 2);
    unlock_with(&scene, FRESH);
    seal_unlock_scene_close(&scene);
}

/* What a change learned of a PIN holds for the next unlocking. */
static void
test_refused_pin_is_remembered(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene, &counted);
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin %s\npin %s\ncancel\n", FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_CANCELLED, "cancelled at the prompt");
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000001\ncancel\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_last_try(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.moods = "", .tries = "1"});
    seal_test_pinentry_answer(scene.home, "cancel\n");
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "CONFIRM"), ==, 1);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 1);
    seal_test_pinentry_answer(scene.home, "yes\npin 00000001\npin %s\npin %s\n", FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_PIN_BLOCKED, "privyseal pin unblock");
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_BLOCKED);
    /* From here on nobody is asked */
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_PIN_BLOCKED, "privyseal pin unblock");
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    seal_unlock_scene_close(&scene);
}

/* The login says that the PIN has expired: the change is what it asks for. */
static void
test_expired_pin(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "login-rv=0xa3\n", .tries = "3"});
    seal_test_pinentry_answer(scene.home, "pin %s\npin %s\npin %s\n", scene.pin, FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_NONE, NULL);
    seal_unlock_scene_set_moods(&scene, "");
    unlock_with(&scene, FRESH);
    seal_unlock_scene_close(&scene);
}

/* Unlocking says what to do; it is no wrong PIN, and the token is not left open. */
static void
test_unlocking_with_expired_pin(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "login-rv=0xa3\n", .tries = "3"});
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin %s\n", scene.pin);
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_PIN_EXPIRED, "privyseal pin change 'Alice'");
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Logout"), ==, 1);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    /* The same PIN may be given again: it was not refused */
    seal_unlock_scene_set_moods(&scene, "");
    unlock_with(&scene, scene.pin);
    seal_unlock_scene_close(&scene);
}

static void
test_pin_to_be_changed(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "must-change=true\n", .tries = "3"});
    g_assert_true(scene.token->flags & SEAL_TOKEN_PIN_TO_BE_CHANGED);
    unlock_with(&scene, scene.pin);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "The token wants another PIN"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_pad(void)
{
    SealUnlockScene scene;
    g_autofree char *moods = NULL;

    seal_unlock_scene_open(
        &scene, &(SealUnlockSceneOptions){.moods = "protected-path=true\n", .tries = "3"});
    moods = g_strdup_printf("protected-path=true\npad-pin=%s\npad-new-pin=%s\n", scene.pin, FRESH);
    seal_unlock_scene_set_moods(&scene, moods);
    seal_test_pinentry_answer(scene.home, "always yes\n");
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "GETPIN"), ==, 0);
    seal_unlock_scene_close(&scene);
}

/* -- unblock ------------------------------------------------------------------------------ */

static void
test_unblock(void)
{
    SealUnlockScene scene;
    g_autofree char *puk = NULL;

    seal_unlock_scene_open(&scene, &(SealUnlockSceneOptions){.moods = "", .tries = "0"});
    puk = puk_of(&scene);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_BLOCKED);
    seal_test_pinentry_answer(scene.home, "pin %s\npin %s\npin %s\n", puk, FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_UNBLOCK, SEAL_ERROR_NONE, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETPROMPT PUK:"), ==, 1);
    g_assert_cmpint(scene.token->state, ==, SEAL_TOKEN_STATE_LOCKED);
    g_assert_cmpint(scene.token->tries_left, ==, -1);
    unlock_with(&scene, FRESH);
    seal_unlock_scene_close(&scene);
}

/* A wrong PUK counts at the PUK alone, and is never sent again; nor is it taken for a wrong PIN. */
static void
test_wrong_puk(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &counted);
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin %s\npin %s\npin 00000001\ncancel\n",
                              FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_UNBLOCK, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR the PUK was wrong"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "SETERROR this PUK was refused before"), ==,
                     1);
    g_assert_cmpint(seal_unlock_scene_puk_tries(&scene), ==, 2);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 3);
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin %s\npin %s\ncancel\n", FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpint(seal_unlock_scene_tries(&scene), ==, 2); /* as a PIN it was new */
    seal_unlock_scene_close(&scene);
}

static void
test_last_try_of_the_puk(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "", .tries = "0", .puk_tries = "1"});
    seal_test_pinentry_answer(scene.home, "cancel\n");
    try_step(&scene, SEAL_PIN_STEP_UNBLOCK, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "CONFIRM"), ==, 1);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 0);
    seal_test_pinentry_answer(scene.home, "yes\npin 00000001\npin %s\npin %s\n", FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_UNBLOCK, SEAL_ERROR_PIN_BLOCKED, "the PUK is blocked, too");
    try_step(&scene, SEAL_PIN_STEP_UNBLOCK, SEAL_ERROR_PIN_BLOCKED, "the PUK is blocked, too");
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static gboolean
on_rescanned(gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
    return G_SOURCE_REMOVE;
}

static gboolean
is_true(gpointer data)
{
    return *(gboolean *)data;
}

/* The second PUK was wrong, one try was left; now the counter says that there are three. */
static void
test_counter_of_the_puk_runs_backwards(void)
{
    SealUnlockScene scene;
    gboolean is_rescanned = FALSE;

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "", .tries = "0", .puk_tries = "2"});
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin %s\npin %s\ncancel\n", FRESH, FRESH);
    try_step(&scene, SEAL_PIN_STEP_UNBLOCK, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "CONFIRM"), ==, 1);
    seal_unlock_scene_set_puk_tries(&scene, "3");
    seal_registry_rescan(scene.registry, on_rescanned, &is_rescanned);
    g_assert_true(seal_test_wait_until(is_true, &is_rescanned));
    seal_test_pinentry_answer(scene.home, "cancel\n");
    try_step(&scene, SEAL_PIN_STEP_UNBLOCK, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "CONFIRM"), ==, 2);
    seal_unlock_scene_close(&scene);
}

/* -- its end ------------------------------------------------------------------------------ */

static void
test_nobody_may_be_asked(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) answer = {0};

    seal_unlock_scene_open(&scene, &counted);
    ask = seal_unlock_scene_ask(&scene);
    ask.interactive = FALSE;
    g_assert_null(seal_pin_change_async(seal_unlocker_pin_changer(scene.unlocker), scene.token,
                                        SEAL_PIN_STEP_CHANGE, &ask, seal_unlock_on_answer,
                                        &answer));
    seal_unlock_expect(&answer, SEAL_ERROR_INTERACTION_REQUIRED, "allow interaction");
    seal_unlock_scene_close(&scene);
}

static void
test_sandboxed_program(void)
{
    SealUnlockScene scene;

    seal_unlock_scene_open(&scene, &counted);
    g_free(scene.caller->flatpak_id);
    scene.caller->flatpak_id = g_strdup("org.example.Mail");
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_NOT_PERMITTED, "in a sandbox");
    try_step(&scene, SEAL_PIN_STEP_UNBLOCK, SEAL_ERROR_NOT_PERMITTED, "in a sandbox");
    g_assert_cmpuint(seal_unlock_scene_prompts(&scene, "START"), ==, 0);
    seal_unlock_scene_close(&scene);
}

static void
test_one_at_a_time(void)
{
    SealUnlockScene scene;
    g_auto(SealUnlockAnswer) first = {0}, second = {0};

    seal_unlock_scene_open(&scene, &counted);
    seal_test_pinentry_answer(scene.home, "hang\n");
    g_assert_nonnull(start(&scene, SEAL_PIN_STEP_CHANGE, &first));
    g_assert_null(start(&scene, SEAL_PIN_STEP_UNBLOCK, &second));
    seal_unlock_expect(&second, SEAL_ERROR_BUSY, "under way already");
    seal_lock_all_async(scene.unlocker, NULL, NULL);
    seal_unlock_expect(&first, SEAL_ERROR_CANCELLED, "the token was locked");
    seal_unlock_scene_close(&scene);
}

static void
test_asker_leaves(void)
{
    SealUnlockScene scene;
    g_auto(SealUnlockAnswer) answer = {0};
    SealPinChange *change = NULL;

    seal_unlock_scene_open(&scene, &counted);
    seal_test_pinentry_answer(scene.home, "pin %s\nhang\n", scene.pin);
    change = start(&scene, SEAL_PIN_STEP_CHANGE, &answer);
    seal_unlock_scene_wait_prompt(&scene, "-> hang", 1);
    seal_pin_change_cancel(change);
    g_assert_cmpuint(answer.calls, ==, 0);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 0);
    /* Another may be asked for at once */
    seal_test_pinentry_answer(scene.home, "cancel\n");
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_CANCELLED, NULL);
    seal_unlock_scene_close(&scene);
}

/* A PIN that was refused after its asker had left is not sent again either. */
static void
test_asker_leaves_too_early(void)
{
    SealUnlockScene scene;
    SealUnlockAsk ask;
    g_auto(SealUnlockAnswer) answer = {0};
    SealPinChange *change = NULL;

    seal_unlock_scene_open(&scene, &counted);
    seal_test_pinentry_answer(scene.home, "pin 00000001\npin %s\npin %s\nhang\n", FRESH, FRESH);
    change = start(&scene, SEAL_PIN_STEP_CHANGE, &answer);
    seal_unlock_scene_wait_call(&scene, "C_Login", 1);
    seal_pin_change_cancel(change);
    ask = seal_unlock_scene_ask(&scene);
    seal_test_pinentry_answer(scene.home, "pin 00000001\ncancel\n");
    seal_unlock_scene_try(&scene, &ask, SEAL_ERROR_CANCELLED, NULL);
    g_assert_cmpuint(answer.calls, ==, 0);
    g_assert_cmpuint(seal_unlock_scene_calls(&scene, "C_Login"), ==, 1);
    seal_unlock_scene_close(&scene);
}

static void
test_token_is_pulled(void)
{
    SealUnlockScene scene;
    g_auto(SealUnlockAnswer) answer = {0};

    seal_unlock_scene_open(&scene,
                           &(SealUnlockSceneOptions){.moods = "events=true\nremovable=true\n"});
    seal_test_pinentry_answer(scene.home, "pin %s\nhang\n", scene.pin);
    (void)start(&scene, SEAL_PIN_STEP_CHANGE, &answer);
    seal_unlock_scene_wait_prompt(&scene, "-> hang", 1);
    seal_unlock_scene_set_moods(&scene, "events=true\nremovable=true\nabsent=true\n");
    seal_unlock_expect(&answer, SEAL_ERROR_TOKEN_REMOVED, "it was removed");
    try_step(&scene, SEAL_PIN_STEP_CHANGE, SEAL_ERROR_TOKEN_REMOVED, "insert it");
    seal_unlock_scene_close(&scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Refusals are recorded as warnings: here they are meant to be. */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    g_test_add_func("/pin-change/locked-token-stays-locked", test_change);
    g_test_add_func("/pin-change/unlocked-token-stays-unlocked", test_change_while_unlocked);
    g_test_add_func("/pin-change/new-pins-that-cannot-be/are-not-sent",
                    test_new_pins_that_cannot_be);
    g_test_add_func("/pin-change/new-pins-that-cannot-be/end-at-last", test_no_usable_new_pin);
    g_test_add_func("/pin-change/token-refuses-the-new-pin", test_token_refuses_the_new_pin);
    g_test_add_func("/pin-change/module-cannot", test_module_cannot);
    g_test_add_func("/pin-change/wrong-pin/is-asked-again", test_wrong_pin);
    g_test_add_func("/pin-change/wrong-pin/is-remembered", test_refused_pin_is_remembered);
    g_test_add_func("/pin-change/last-try/is-confirmed", test_last_try);
    g_test_add_func("/pin-change/expired-pin/is-changed", test_expired_pin);
    g_test_add_func("/pin-change/expired-pin/is-told-at-unlocking",
                    test_unlocking_with_expired_pin);
    g_test_add_func("/pin-change/to-be-changed/is-told-at-unlocking", test_pin_to_be_changed);
    g_test_add_func("/pin-change/pad", test_pad);
    g_test_add_func("/pin-unblock/blocked-token", test_unblock);
    g_test_add_func("/pin-unblock/wrong-puk", test_wrong_puk);
    g_test_add_func("/pin-unblock/last-try/is-confirmed", test_last_try_of_the_puk);
    g_test_add_func("/pin-unblock/last-try/counter-that-runs-backwards-is-not-believed",
                    test_counter_of_the_puk_runs_backwards);
    g_test_add_func("/pin-change/nobody-may-be-asked", test_nobody_may_be_asked);
    g_test_add_func("/pin-change/sandboxed-program/asks-nobody", test_sandboxed_program);
    g_test_add_func("/pin-change/one-at-a-time/until-lock", test_one_at_a_time);
    g_test_add_func("/pin-change/asker-leaves/before-the-token-hears", test_asker_leaves);
    g_test_add_func("/pin-change/asker-leaves/refused-pin-is-remembered",
                    test_asker_leaves_too_early);
    g_test_add_func("/pin-change/token-is-pulled", test_token_is_pulled);
    return g_test_run();
}
