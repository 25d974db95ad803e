/* Cards, readers and the smart card service come and go, and the agent knows it at once: what it
 * shows is what lies in the readers, and the next use works with one PIN. */
#include <signal.h>

#include "tests/card/scene.h"
#include "tests/support/agent.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define SKIPPED(scene) (!(scene)->connection)
/* pcscd looks at these readers every 0.4 s; the rest is room for a busy machine. */
#define SOON_MS 2000

static void
assert_signs(SealCardScene *scene, const char *key)
{
    g_autoptr(GError) error = NULL;

    seal_card_scene_sign(scene, key, &error);
    g_assert_no_error(error);
}

static guint
prompts(SealCardScene *scene)
{
    return seal_test_pinentry_count(scene->home);
}

static void
cards_come_and_go(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    seal_test_cards_tell(scene->home, "insert bob 1");
    g_assert_cmpuint(seal_card_scene_wait(scene, "bob-rsa-sign", "locked"), <, SOON_MS);
    seal_test_cards_tell(scene->home, "pull alice");
    g_assert_cmpuint(seal_card_scene_wait(scene, "alice-rsa-sign", "absent"), <, SOON_MS);
    assert_signs(scene, "bob-rsa-sign");
    seal_test_cards_tell(scene->home, "insert alice 0");
    g_assert_cmpuint(seal_card_scene_wait(scene, "alice-rsa-sign", "locked"), <, SOON_MS);
    assert_signs(scene, "alice-rsa-sign");
    g_assert_cmpuint(prompts(scene), ==, 2);
}

static void
replugged_elsewhere(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    assert_signs(scene, "alice-rsa-sign");
    seal_test_cards_tell(scene->home, "pull alice");
    seal_test_cards_tell(scene->home, "insert alice 1");
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    assert_signs(scene, "alice-rsa-sign");
    g_assert_cmpuint(prompts(scene), ==, 2);
}

static void
put_back_between_two_looks(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    assert_signs(scene, "alice-rsa-sign");
    seal_test_cards_tell(scene->home, "pull alice");
    seal_test_cards_tell(scene->home, "insert alice 0");
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    assert_signs(scene, "alice-rsa-sign");
    g_assert_cmpuint(prompts(scene), ==, 2);
}

static void
service_restarted(SealCardScene *scene, gconstpointer data)
{
    int how = GPOINTER_TO_INT(data);

    if (SKIPPED(scene))
        return;
    assert_signs(scene, "alice-rsa-sign");
    seal_test_cards_stop_pcscd(scene->home, how);
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    seal_test_cards_start_pcscd(scene->home);
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    assert_signs(scene, "alice-rsa-sign");
    g_assert_cmpuint(prompts(scene), ==, 2);
}

static void
service_restarted_by_a_signal(SealCardScene *scene, gconstpointer data)
{
    service_restarted(scene, GINT_TO_POINTER(SIGTERM));
}

/* Its socket stays, and nobody listens there. */
static void
service_killed(SealCardScene *scene, gconstpointer data)
{
    service_restarted(scene, GINT_TO_POINTER(SIGKILL));
}

static void
set_up_without_service(SealCardScene *scene, gconstpointer data)
{
    if (!seal_card_scene_open(scene))
        return;
    seal_test_cards_tell(scene->home, "insert alice 0");
    seal_test_cards_stop_pcscd(scene->home, SIGTERM);
    seal_card_scene_start_agent(scene, NULL);
}

static void
service_comes_after_the_agent(SealCardScene *scene, gconstpointer data)
{
    if (SKIPPED(scene))
        return;
    g_assert_null(seal_card_scene_key_path(scene, "alice-rsa-sign"));
    seal_test_cards_start_pcscd(scene->home);
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    assert_signs(scene, "alice-rsa-sign");
}

static void
swapped_unseen(SealCardScene *scene, gconstpointer data)
{
    GError *error = NULL;

    if (SKIPPED(scene))
        return;
    assert_signs(scene, "alice-rsa-sign");
    seal_test_cards_tell(scene->home, "swap alice bob");
    g_assert_false(seal_card_scene_sign(scene, "alice-rsa-sign", &error));
    seal_test_assert_error(error, SEAL_ERROR_TOKEN_REMOVED, "the token was exchanged");
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    assert_signs(scene, "bob-rsa-sign");
}

/* Each command fails: what a card answers that has not woken, or whose contacts are dirty. */
static void
spoil(SealCardScene *scene, const char *card)
{
    enum { COMMANDS = 500 }; /* more than all looks at it need */

    for (int i = 0; i < COMMANDS; i++)
        seal_test_cards_tell(scene->home, "status %s any 1 6f00", card);
}

/* Others that use the card meanwhile change what PC/SC says of the reader: that must not use up the
 * looks. */
static void
unreadable_for_a_while(SealCardScene *scene, gconstpointer data)
{
    const char *const argv[] = {"opensc-tool", "--reader", "1", "--atr", NULL};

    if (SKIPPED(scene))
        return;
    spoil(scene, "bob");
    seal_test_cards_tell(scene->home, "insert bob 1");
    seal_test_cards_tell(scene->home, "wait bob any 1");
    for (int i = 0; i < 8; i++) {
        g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);

        g_assert_cmpint(result->status, ==, 0);
    }
    g_assert_null(seal_card_scene_key_path(scene, "bob-rsa-sign"));
    seal_test_cards_tell(scene->home, "calm bob");
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    assert_signs(scene, "bob-rsa-sign");
}

/* The exchange is over when the hosts run again: the reader has a card as before. */
static void
exchanged_while_nobody_ran(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *log = seal_test_home_path(scene->home, "pcscd.log");

    if (SKIPPED(scene))
        return;
    seal_test_cards_tell(scene->home, "pull alice");
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    seal_test_cards_stop_pcscd(scene->home, SIGTERM);
    seal_test_cards_tell(scene->home, "insert alice 0");
    seal_test_cards_start_pcscd(scene->home); /* with a log that begins anew */
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    seal_card_scene_signal_hosts(scene, SIGSTOP);
    seal_test_cards_tell(scene->home, "pull alice");
    g_assert_true(seal_test_wait_for_text(log, "Card Removed From"));
    seal_test_cards_tell(scene->home, "insert bob 0");
    seal_card_scene_wait_for_reader(scene, 0, TRUE);
    seal_card_scene_signal_hosts(scene, SIGCONT);
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    assert_signs(scene, "bob-rsa-sign");
}

#define ADD(path, set_up, test)                                                                    \
    g_test_add(path, SealCardScene, NULL, set_up, test, seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("/card/presence/cards-come-and-go", seal_card_scene_set_up, cards_come_and_go);
    ADD("/card/presence/put-back-between-two-looks", seal_card_scene_set_up,
        put_back_between_two_looks);
    ADD("/card/presence/replugged-into-another-reader", seal_card_scene_set_up,
        replugged_elsewhere);
    ADD("/card/presence/service-restarted", seal_card_scene_set_up, service_restarted_by_a_signal);
    ADD("/card/presence/service-killed", seal_card_scene_set_up, service_killed);
    ADD("/card/presence/service-comes-after-the-agent", set_up_without_service,
        service_comes_after_the_agent);
    ADD("/card/presence/swapped-unseen/never-signs-with-the-other", seal_card_scene_set_up,
        swapped_unseen);
    ADD("/card/presence/unreadable-for-a-while/is-read-when-it-can-be", seal_card_scene_set_up,
        unreadable_for_a_while);
    ADD("/card/presence/exchanged-while-nobody-ran/is-found-out", seal_card_scene_set_up,
        exchanged_while_nobody_ran);
    return g_test_run();
}
