/* PINs of cards, by the agent and OpenSC's module, and of YubiKeys by Yubico's: changed, unblocked
 * by the PUK, and told of. What the card counts says how often it was asked. */
#include <string.h>

#include "ipc/names.h"
#include "tests/card/scene.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"

#define SKIPPED(scene) (!(scene)->connection)
#define FRESH          "654321"

/* Calls a method of alice's token; its error, if any. */
static GError *
try_call(SealCardScene *scene, const char *method)
{
    g_autofree char *token = seal_card_scene_token_path(scene, "alice-rsa-sign");
    GError *error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(scene->connection, token, SEAL_INTERFACE_TOKEN, method,
                       g_variant_new("(a{sv})", NULL), TRUE, &error);

    return error;
}

static void
call(SealCardScene *scene, const char *method)
{
    g_autoptr(GError) error = try_call(scene, method);

    g_assert_no_error(error);
}

static guint
tries(SealCardScene *scene)
{
    return seal_test_cards_tell(scene->home, "tries alice");
}

static void
assert_signs_with(SealCardScene *scene, const char *pin)
{
    g_autoptr(GError) error = NULL;

    seal_test_pinentry_answer(scene->home, "pin %s\n", pin);
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
}

static gboolean
is_open_to_another(SealCardScene *scene)
{
    g_autofree char *said = seal_card_scene_use_by_another(scene);

    return strstr(said, "SW1=0x90") != NULL;
}

static void
change(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    seal_test_pinentry_answer(scene->home,
                              "pin " SEAL_TEST_CARD_PIN "\npin " FRESH "\npin " FRESH "\n");
    call(scene, "ChangePin");
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    g_assert_false(is_open_to_another(scene));
    assert_signs_with(scene, FRESH);
    g_assert_cmpuint(tries(scene), ==, 3);
}

/* The card hears of no PIN twice, and never of a new one that no PIV card takes. */
static void
wrong_pin(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *log = NULL;

    if (SKIPPED(scene))
        return;
    seal_test_pinentry_answer(scene->home, "pin 111111\npin " FRESH "\npin " FRESH "\n" /* wrong */
                                           "pin 111111\n" /* not sent again */
                                           "pin " SEAL_TEST_CARD_PIN "\n"
                                           "pin 123456789\n" /* too long */
                                           "pin " FRESH "\npin " FRESH "\n");
    call(scene, "ChangePin");
    assert_signs_with(scene, FRESH);
    log = seal_test_pinentry_log(scene->home);
    g_assert_nonnull(strstr(log, "SETERROR this PIN was refused before"));
    g_assert_nonnull(strstr(log, "SETERROR a PIN of this token has"));
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "count alice 24"), ==, 1);
}

static void
block(SealCardScene *scene)
{
    seal_test_pinentry_answer(scene->home, "pin 111111\npin 222222\nyes\npin 333333\n");
    seal_test_assert_error(try_call(scene, "Unlock"), SEAL_ERROR_PIN_BLOCKED,
                           "privyseal pin unblock");
    g_assert_cmpuint(tries(scene), ==, 0);
    seal_card_scene_wait(scene, "alice-rsa-sign", "blocked");
}

static void
unblock(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    block(scene);
    seal_test_pinentry_answer(scene->home,
                              "pin 87654321\npin " FRESH "\npin " FRESH "\n" /* a wrong PUK */
                              "pin 87654321\n"                               /* not sent again */
                              "pin " SEAL_TEST_CARD_PUK "\npin " FRESH "\npin " FRESH "\n");
    call(scene, "UnblockPin");
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    g_assert_false(is_open_to_another(scene));
    assert_signs_with(scene, FRESH);
    g_assert_cmpuint(tries(scene), ==, 3);
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "count alice 2C"), ==, 2);
}

/* The last try is spent only when a person says so. */
static void
last_try(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    seal_test_pinentry_answer(scene->home, "pin 111111\npin 222222\ncancel\n");
    seal_test_assert_error(try_call(scene, "Unlock"), SEAL_ERROR_CANCELLED, "");
    g_assert_cmpuint(tries(scene), ==, 1);
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    seal_test_assert_error(g_steal_pointer(&error), SEAL_ERROR_PIN_INCORRECT,
                           "one PIN try is left");
    g_assert_cmpuint(tries(scene), ==, 1);
    seal_test_pinentry_answer(scene->home, "yes\npin " SEAL_TEST_CARD_PIN "\n");
    call(scene, "Unlock");
    g_assert_cmpuint(tries(scene), ==, 3);
}

static int
tries_told(SealCardScene *scene)
{
    g_autofree char *token = seal_card_scene_token_path(scene, "alice-rsa-sign");
    g_autoptr(GVariant) told =
        seal_test_property(scene->connection, token, SEAL_INTERFACE_TOKEN, "TriesLeft");

    return g_variant_get_int32(told);
}

static void
call_agent(SealCardScene *scene, const char *method)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(scene->connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, method, NULL, FALSE,
                       &error);

    g_assert_no_error(error);
}

/* Nobody knows what is left: the card takes a PIN only from a person who says so, until one was right. */
static void
backwards(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    seal_test_cards_tell(scene->home, "leave alice 1"); /* two less, and nobody tried */
    call_agent(scene, "Rescan");
    g_assert_cmpint(tries_told(scene), ==, 1);
    seal_test_cards_tell(scene->home, "leave alice 3"); /* two more, and nobody gave the PIN */
    call_agent(scene, "Rescan");
    g_assert_cmpint(tries_told(scene), ==, -1);
    seal_test_cards_tell(scene->home, "forget alice");
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    seal_test_assert_error(g_steal_pointer(&error), SEAL_ERROR_PIN_INCORRECT,
                           "the last PIN try may be left");
    seal_test_pinentry_answer(scene->home, "cancel\n");
    seal_test_assert_error(try_call(scene, "Unlock"), SEAL_ERROR_CANCELLED, "");
    g_assert_cmpuint(tries(scene), ==, 3);
    seal_test_pinentry_answer(scene->home, "yes\npin " SEAL_TEST_CARD_PIN "\n");
    call(scene, "Unlock");
    call_agent(scene, "LockAll");
    assert_signs_with(scene, SEAL_TEST_CARD_PIN); /* it was right: no questions any more */
}

/* What one card refused says nothing of another, and one card's PIN is not given to another. */
static void
two_cards(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    seal_test_cards_tell(scene->home, "insert bob 1");
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    seal_test_pinentry_answer(scene->home, "pin 111111\npin " SEAL_TEST_CARD_PIN "\n");
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
    seal_test_cards_tell(scene->home, "forget bob");
    seal_test_pinentry_answer(scene->home, "pin 111111\npin " SEAL_TEST_CARD_PIN "\n");
    seal_card_scene_sign(scene, "bob-rsa-sign", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "count bob 20"), >=, 2);
}

#define ADD(path, test)                                                                            \
    g_test_add("/card/pin/" path, SealCardScene, NULL, seal_card_scene_set_up, test,               \
               seal_card_scene_tear_down);                                                         \
    g_test_add("/card/pin/ykcs11/" path, SealCardScene, NULL, seal_card_scene_set_up_yubikey,      \
               test, seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("change", change);
    ADD("wrong-pin-is-not-sent-again", wrong_pin);
    ADD("unblock", unblock);
    ADD("last-try-is-confirmed", last_try);
    /* ykcs11 looks at the counter when a PIN was wrong, not before */
    g_test_add("/card/pin/counter-that-runs-backwards-is-not-believed", SealCardScene, NULL,
               seal_card_scene_set_up, backwards, seal_card_scene_tear_down);
    ADD("two-cards-are-apart", two_cards);
    return g_test_run();
}
