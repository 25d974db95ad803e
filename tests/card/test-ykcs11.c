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

#define SKIPPED(scene) (!(scene)->connection)

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

#define ADD(path, test)                                                                            \
    g_test_add("/card/ykcs11/5.4.3/" path, SealCardScene, "5.4.3", set_up, test,                   \
               seal_card_scene_tear_down);                                                         \
    g_test_add("/card/ykcs11/4.3.5/" path, SealCardScene, "4.3.5", set_up, test,                   \
               seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("signs-and-unwraps-with-one-pin", signs_and_unwraps_with_one_pin);
    ADD("asks-once-for-each-9c-signature", asks_once_for_each_9c_signature);
    return g_test_run();
}
