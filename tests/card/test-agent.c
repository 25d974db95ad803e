/* The agent over PIV cards, by OpenSC's module: what a card user does in a day. The card counts
 * what it was asked, the fake pinentry how often a person was. */
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

static guint
prompts(SealCardScene *scene)
{
    return seal_test_pinentry_count(scene->home);
}

static void
signs_and_unwraps_with_one_pin(SealCardScene *scene, gconstpointer data)
{
    static const char *const signers[] = {"alice-rsa-sign", "alice-p384-sign"};
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    for (gsize i = 0; i < 2 * G_N_ELEMENTS(signers); i++) {
        seal_card_scene_sign(scene, signers[i % G_N_ELEMENTS(signers)], &error);
        g_assert_no_error(error);
    }
    seal_card_scene_unwrap(scene, "alice-rsa-decrypt", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(prompts(scene), ==, 1);
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "tries alice"), ==, 3);
}

static void
asks_once_for_each_9c_signature(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    for (guint i = 1; i <= 3; i++) {
        seal_card_scene_sign(scene, "alice-p256-sign", &error);
        g_assert_no_error(error);
        g_assert_cmpuint(prompts(scene), ==, i);
    }
    /* the token was opened on the way */
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(prompts(scene), ==, 3);
}

/* -- locking
 * ---------------------------------------------------------------------------------------- */

static void
lock(SealCardScene *scene)
{
    g_autofree char *token = seal_card_scene_token_path(scene, "alice-rsa-sign");
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(scene->connection, token, SEAL_INTERFACE_TOKEN, "Lock", NULL, FALSE, &error);

    g_assert_no_error(error);
}

static void
locked_card_is_locked_to_everybody(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *open = NULL, *locked = NULL;
    g_autoptr(GError) error = NULL;

    if (SKIPPED(scene))
        return;
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
    open = seal_card_scene_use_by_another(scene);
    g_assert_nonnull(strstr(open, "SW1=0x90"));
    lock(scene);
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    locked = seal_card_scene_use_by_another(scene);
    g_assert_nonnull(strstr(locked, "SW1=0x69, SW2=0x82"));
    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(prompts(scene), ==, 2);
}

/* -- ends that nobody asked for
 * ---------------------------------------------------------------------------------------- */

/* Unlocks the card and returns the processes of the agent's hosts. */
static GArray *
unlock_and_find_hosts(SealCardScene *scene)
{
    g_autofree char *open = NULL;
    g_autoptr(GError) error = NULL;

    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
    open = seal_card_scene_use_by_another(scene);
    g_assert_nonnull(strstr(open, "SW1=0x90"));
    return seal_test_children(seal_test_agent_pid(scene->home));
}

static gboolean
is_locked_to_another(gpointer data)
{
    g_autofree char *said = seal_card_scene_use_by_another(data);

    return strstr(said, "SW1=0x69, SW2=0x82") != NULL;
}

static void
killed_agent_leaves_no_open_card(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GArray) hosts = NULL;

    if (SKIPPED(scene))
        return;
    hosts = unlock_and_find_hosts(scene);
    g_assert_cmpint(kill(seal_test_agent_pid(scene->home), SIGKILL), ==, 0);
    for (guint i = 0; i < hosts->len; i++)
        g_assert_true(seal_test_wait_for_end(g_array_index(hosts, pid_t, i)));
    g_assert_true(is_locked_to_another(scene));
}

static gboolean
wake(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

static void
killed_host_leaves_no_open_card(SealCardScene *scene, gconstpointer data)
{
    g_autoptr(GArray) hosts = NULL;
    guint waker = 0;

    if (SKIPPED(scene))
        return;
    hosts = unlock_and_find_hosts(scene);
    for (guint i = 0; i < hosts->len; i++)
        g_assert_cmpint(kill(g_array_index(hosts, pid_t, i), SIGKILL), ==, 0);
    for (guint i = 0; i < hosts->len; i++)
        g_assert_true(seal_test_wait_for_end(g_array_index(hosts, pid_t, i)));
    /* as soon as another host is there; nothing tells when its logout has come through */
    waker = g_timeout_add(100, wake, NULL);
    g_assert_true(seal_test_wait_until(is_locked_to_another, scene));
    g_source_remove(waker);
}

#define ADD(path, test)                                                                            \
    g_test_add(path, SealCardScene, NULL, seal_card_scene_set_up, test, seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("/card/agent/signs-and-unwraps-with-one-pin", signs_and_unwraps_with_one_pin);
    ADD("/card/agent/asks-once-for-each-9c-signature", asks_once_for_each_9c_signature);
    ADD("/card/agent/locked-card/is-locked-to-everybody", locked_card_is_locked_to_everybody);
    ADD("/card/agent/killed-agent/leaves-no-open-card", killed_agent_leaves_no_open_card);
    ADD("/card/agent/killed-host/leaves-no-open-card", killed_host_leaves_no_open_card);
    return g_test_run();
}
