/* The agent over YubiKeys, by Yubico's own module: what a card user does in a day, with the
 * firmware that tells what lies in its slots (5.4.3) and one that does not (4.3.5). The YubiKeys
 * are cards of ours that answer as those do (yubikey.h). */
#include <signal.h>
#include <string.h>

#include "ipc/names.h"
#include "tests/card/scene.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define SKIPPED(scene) (!(scene)->connection)
#define FRESH          "654321"

static void
set_up(SealCardScene *scene, gconstpointer firmware)
{
    scene->firmware = firmware;
    seal_card_scene_set_up(scene, NULL);
}

static guint
prompts(SealCardScene *scene)
{
    return seal_test_pinentry_count(scene->home);
}

static void
assert_signs(SealCardScene *scene, const char *key)
{
    g_autoptr(GError) error = NULL;

    seal_card_scene_sign(scene, key, &error);
    g_assert_no_error(error);
}

typedef struct {
    const char *command;
    const char *new_says, *old_says; /* part of the answer: firmware 5.4.3, 4.3.5 */
} Dialogue;

/* Yubico's instructions, and an object that wants the PIN (developers.yubico.com, PIV extensions;
 * SP 800-73-4 part 1, table 2). */
static const Dialogue dialogues[] = {
    {"00FD000000", "05 04 03", "04 03 05"},                     /* version */
    {"00F8000000", "SW1=0x90", "SW1=0x6D"},                     /* serial */
    {"00F7009A00", "SW1=0x90", "SW1=0x6D"},                     /* metadata */
    {"00F7008700", "SW1=0x6A, SW2=0x88", "SW1=0x6D"},           /* ... of an empty slot */
    {"00F99A0000", "SW1=0x6A, SW2=0x80", "SW1=0x6A, SW2=0x80"}, /* attestation */
    {"00CB3FFF055C035FC10900", "SW1=0x69, SW2=0x82", "SW1=0x69, SW2=0x82"}, /* printed */
};

static void
card_answers_as_a_yubikey(SealCardScene *scene, gconstpointer firmware)
{
    gboolean is_new = g_str_equal(firmware, "5.4.3");

    if (SKIPPED(scene))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(dialogues); i++) {
        const char *expected = is_new ? dialogues[i].new_says : dialogues[i].old_says;
        g_autofree char *said = seal_card_scene_send(scene, dialogues[i].command);

        if (!strstr(said, expected))
            g_error("%s: expected '%s', got: %s", dialogues[i].command, expected, said);
    }
}

static void
signs_and_unwraps_with_one_pin(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    for (guint i = 0; i < 2; i++) {
        assert_signs(scene, "alice-rsa-sign");
        assert_signs(scene, "alice-p384-sign");
    }
    seal_card_scene_unwrap(scene, "alice-rsa-decrypt", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(prompts(scene), ==, 1);
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "tries alice"), ==, 3);
}

static void
asks_once_for_each_9c_signature(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    for (guint i = 1; i <= 3; i++) {
        assert_signs(scene, "alice-p256-sign");
        g_assert_cmpuint(prompts(scene), ==, i);
    }
    assert_signs(scene, "alice-rsa-sign"); /* the token was opened on the way */
    g_assert_cmpuint(prompts(scene), ==, 3);
}

/* Of which the newer firmware tells in the slot's metadata, the older nothing. */
static void
key_without_certificate_is_known_from_its_metadata(SealCardScene *scene, gconstpointer firmware)
{
    g_autofree char *key = NULL;

    if (SKIPPED(scene))
        return;
    key = seal_card_scene_key_path(scene, "carol-p256-decrypt");
    if (g_str_equal(firmware, "5.4.3"))
        assert_signs(scene, "carol-p256-decrypt");
    else
        g_assert_null(key);
}

/* -- economy
 * ---------------------------------------------------------------------------------------- */

static guint
commands(SealCardScene *scene)
{
    return seal_test_cards_tell(scene->home, "count alice any");
}

static guint
commands_of(SealCardScene *scene, const char *key)
{
    seal_test_cards_tell(scene->home, "forget alice");
    assert_signs(scene, key);
    return commands(scene);
}

/* An RSA block in two commands and a third for the end of the answer; VERIFY and a P-256 signature.
 */
static void
card_is_asked_for_what_is_needed(SealCardScene *scene, gconstpointer firmware)
{
    g_autofree char *key = NULL;

    if (SKIPPED(scene))
        return;
    g_test_message("the first reading is %u commands", commands(scene));
    (void)commands_of(scene, "alice-rsa-sign");
    seal_test_cards_tell(scene->home, "forget alice");
    key = seal_card_scene_key_path(scene, "alice-rsa-sign"); /* asks for all there is */
    g_assert_nonnull(key);
    g_assert_cmpuint(commands(scene), ==, 0);
    g_assert_cmpuint(commands_of(scene, "alice-rsa-sign"), <=, 3);
    g_assert_cmpuint(commands_of(scene, "alice-p256-sign"), <=, 2);
}

/* -- locking
 * ---------------------------------------------------------------------------------------- */

/* Calls a method of alice's token; its error, if any. */
static GError *
try_call(SealCardScene *scene, const char *method, GVariant *arguments)
{
    g_autofree char *token = seal_card_scene_token_path(scene, "alice-rsa-sign");
    GError *error = NULL;
    g_autoptr(GVariant) answer = seal_test_call(scene->connection, token, SEAL_INTERFACE_TOKEN,
                                                method, arguments, TRUE, &error);

    return error;
}

static void
lock(SealCardScene *scene)
{
    g_assert_no_error(try_call(scene, "Lock", NULL));
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
}

static void
locked_card_is_locked_to_everybody(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *open = NULL, *locked = NULL;

    if (SKIPPED(scene))
        return;
    assert_signs(scene, "alice-rsa-sign");
    open = seal_card_scene_use_by_another(scene);
    g_assert_nonnull(strstr(open, "SW1=0x90"));
    lock(scene);
    locked = seal_card_scene_use_by_another(scene);
    g_assert_nonnull(strstr(locked, "SW1=0x69, SW2=0x82"));
    assert_signs(scene, "alice-rsa-sign");
    g_assert_cmpuint(prompts(scene), ==, 2);
}

static void
reset_by_another_program(SealCardScene *scene)
{
    const char *const argv[] = {"opensc-tool", "--reader", "0", "--reset", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);

    g_assert_cmpint(result->status, ==, 0);
}

/* CHANGE REFERENCE DATA from 123456 to 654321 (SP 800-73-4 part 2, 3.2.2). */
static void
change_pin_by_another_program(SealCardScene *scene)
{
    static const char command[] = "0024008010313233343536FFFF363534333231FFFF";
    g_autofree char *said = seal_card_scene_send(scene, command);

    g_assert_nonnull(strstr(said, "SW1=0x90"));
}

/* ykcs11 would give it to a card that was reset, at the next command of whatever kind. */
static void
locked_card_is_not_given_the_pin_again(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    assert_signs(scene, "alice-rsa-sign");
    lock(scene);
    change_pin_by_another_program(scene);
    seal_test_pinentry_answer(scene->home, "pin 87654321\npin 111111\npin 111111\ncancel\n");
    seal_test_assert_error(try_call(scene, "UnblockPin", g_variant_new("(a{sv})", NULL)),
                           SEAL_ERROR_CANCELLED, "");
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "tries alice"), ==, 3);
}

/* The same while it is open: the module fails, and would hold the card for good. */
static void
card_is_held_by_nobody_after_a_failure(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    assert_signs(scene, "alice-rsa-sign");
    change_pin_by_another_program(scene);
    reset_by_another_program(scene);
    g_assert_false(seal_card_scene_sign(scene, "alice-rsa-sign", &error));
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    seal_test_pinentry_answer(scene->home, "pin " FRESH "\n");
    assert_signs(scene, "alice-rsa-sign");
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "tries alice"), ==, 3);
}

/* -- presence
 * ---------------------------------------------------------------------------------------- */

/* The module would not look at it again. */
static void
card_that_fails_at_first_is_read(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    seal_test_cards_tell(scene->home, "status bob A4 1 6f00");
    seal_test_cards_tell(scene->home, "insert bob 1");
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    assert_signs(scene, "bob-rsa-sign");
}

/* The module knows no events: PC/SC tells. Its process goes with an open card, for it keeps the
 * PIN. */
static void
pulled_card_is_known_and_its_pin_gone(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GArray) hosts = NULL;

    if (SKIPPED(scene))
        return;
    assert_signs(scene, "alice-rsa-sign");
    hosts = seal_test_children(seal_test_agent_pid(scene->home));
    g_assert_cmpuint(hosts->len, ==, 1);
    seal_test_cards_tell(scene->home, "pull alice");
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    g_assert_true(seal_test_wait_for_end(g_array_index(hosts, pid_t, 0)));
    seal_test_cards_tell(scene->home, "insert bob 0");
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    assert_signs(scene, "bob-rsa-sign");
    seal_test_cards_tell(scene->home, "insert alice 1");
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    assert_signs(scene, "alice-rsa-sign");
    g_assert_cmpuint(prompts(scene), ==, 3);
}

/* -- others
 * ---------------------------------------------------------------------------------------- */

static void
set_up_late(SealCardScene *scene, gconstpointer firmware)
{
    scene->firmware = firmware;
    if (!seal_card_scene_open(scene))
        return;
    seal_test_cards_tell(scene->home, "insert alice 0");
    seal_test_cards_stop_pcscd(scene->home, SIGTERM);
    seal_card_scene_start_agent(scene, NULL);
}

static void
service_comes_after_the_agent(SealCardScene *scene, gconstpointer firmware)
{
    g_autofree char *key = NULL;

    if (SKIPPED(scene))
        return;
    key = seal_card_scene_key_path(scene, "alice-rsa-sign");
    g_assert_null(key);
    seal_test_cards_start_pcscd(scene->home);
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    assert_signs(scene, "alice-rsa-sign");
}

/* With SoftHSM beside it, whose tokens hold other keys. */
static void
set_up_beside_softhsm(SealCardScene *scene, gconstpointer firmware)
{
    const char *const argv[] = {"softhsm2-util", "--delete-token", "--token", "Bob", NULL};
    g_autoptr(SealTestResult) result = NULL;
    g_autofree char *groups = NULL, *module = NULL;

    scene->firmware = firmware;
    if (!seal_card_scene_open(scene))
        return;
    result = seal_test_run(scene->home, argv, NULL);
    g_assert_cmpint(result->status, ==, 0);
    module = seal_test_fixture_module(scene->home);
    groups = g_strdup_printf("operation-timeout=2\n[module softhsm]\npath=%s\n", module);
    seal_test_cards_tell(scene->home, "insert bob 0");
    seal_card_scene_start_agent(scene, groups);
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    seal_card_scene_wait(scene, "alice-rsa3072-sign", "locked");
}

static gpointer
sign_beside(gpointer data)
{
    SealCardScene *scene = data;
    SealCardScene own = {scene->home, seal_test_private()};
    enum { SIGNATURES = 10 };

    seal_test_cards_tell(scene->home, "wait bob 87 1");
    for (guint i = 0; i < SIGNATURES; i++)
        assert_signs(&own, "alice-rsa3072-sign");
    g_clear_object(&own.connection);
    return NULL;
}

/* The card goes on only after its request has ended. */
static void
hanging_card_costs_its_deadline(SealCardScene *scene, gconstpointer firmware)
{
    g_autofree char *pin = NULL;
    GThread *beside = NULL;
    GError *error = NULL;

    if (SKIPPED(scene))
        return;
    pin = seal_test_fixture_pin(scene->home);
    seal_test_pinentry_answer(scene->home, "pin %s\nalways pin %s", pin, SEAL_TEST_CARD_PIN);
    assert_signs(scene, "alice-rsa3072-sign");
    assert_signs(scene, "bob-rsa-sign");
    seal_test_cards_tell(scene->home, "calm bob");
    seal_test_cards_tell(scene->home, "hang bob 87 1");
    beside = g_thread_new("beside", sign_beside, scene);
    g_assert_false(seal_card_scene_sign(scene, "bob-rsa-sign", &error));
    seal_test_assert_error(error, SEAL_ERROR_TIMED_OUT, "in time");
    g_thread_join(beside);
    assert_signs(scene, "alice-rsa3072-sign");
    g_assert_cmpuint(prompts(scene), ==, 2);
    seal_test_cards_tell(scene->home, "release bob");
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    assert_signs(scene, "bob-rsa-sign");
    g_assert_cmpuint(prompts(scene), ==, 3);
}

#define ADD(path, test)                                                                            \
    g_test_add("/card/ykcs11/5.4.3/" path, SealCardScene, "5.4.3", set_up, test,                   \
               seal_card_scene_tear_down)
#define ADD_OLD(path, test)                                                                        \
    g_test_add("/card/ykcs11/4.3.5/" path, SealCardScene, "4.3.5", set_up, test,                   \
               seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("card-answers-as-a-yubikey", card_answers_as_a_yubikey);
    ADD_OLD("card-answers-as-a-yubikey", card_answers_as_a_yubikey);
    ADD("signs-and-unwraps-with-one-pin", signs_and_unwraps_with_one_pin);
    ADD_OLD("signs-and-unwraps-with-one-pin", signs_and_unwraps_with_one_pin);
    ADD("asks-once-for-each-9c-signature", asks_once_for_each_9c_signature);
    ADD("key-without-certificate/is-known-from-its-metadata",
        key_without_certificate_is_known_from_its_metadata);
    ADD_OLD("key-without-certificate/is-unknown",
            key_without_certificate_is_known_from_its_metadata);
    ADD("economy/card-is-asked-for-what-is-needed", card_is_asked_for_what_is_needed);
    ADD("locked-card/is-locked-to-everybody", locked_card_is_locked_to_everybody);
    ADD("locked-card/is-not-given-the-pin-again", locked_card_is_not_given_the_pin_again);
    ADD("failure/leaves-the-card-to-others", card_is_held_by_nobody_after_a_failure);
    ADD("first-command-fails/card-is-read", card_that_fails_at_first_is_read);
    ADD_OLD("first-command-fails/card-is-read", card_that_fails_at_first_is_read);
    ADD("pulled-card/is-known-and-its-pin-gone", pulled_card_is_known_and_its_pin_gone);
    g_test_add("/card/ykcs11/service-comes-after-the-agent", SealCardScene, "5.4.3", set_up_late,
               service_comes_after_the_agent, seal_card_scene_tear_down);
    g_test_add("/card/ykcs11/hanging-card/costs-its-deadline-and-no-other-token", SealCardScene,
               "5.4.3", set_up_beside_softhsm, hanging_card_costs_its_deadline,
               seal_card_scene_tear_down);
    return g_test_run();
}
