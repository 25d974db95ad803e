/* A card that another program holds: the request ends in time, its error names the program and says
 * what to do, and all works again when that has let go. */
#include <signal.h>
#include <string.h>

#include "tests/card/scene.h"
#include "tests/support/agent.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#define SKIPPED(scene) (!(scene)->connection)
#define READER         "Seal Reader 00 00"

static pid_t
start_holder(SealCardScene *scene, const char *how)
{
    g_autofree char *program = seal_test_built("tests/card/card-holder");
    g_autofree char *log = seal_test_home_path(scene->home, "holder.log");
    const char *const argv[] = {program, how, READER, NULL};
    pid_t pid = seal_test_start(scene->home, argv, "holder.log");

    if (!seal_test_wait_for_text(log, "held")) {
        g_autofree char *text = seal_test_home_read(scene->home, "holder.log");

        g_error("the card cannot be held: %s", text);
    }
    return pid;
}

static char *
clause_of(pid_t holder)
{
    return g_strdup_printf(
        "'card-holder' (pid %d) works with cards as well: close it and try again", (int)holder);
}

static void
expect_signature(SealCardScene *scene)
{
    g_autoptr(GError) error = NULL;

    seal_card_scene_sign(scene, "alice-rsa-sign", &error);
    g_assert_no_error(error);
}

/* The other program is faster than the agent's host, which is stopped meanwhile. */
static pid_t
hold_before_the_host(SealCardScene *scene)
{
    pid_t holder = 0;

    seal_test_cards_tell(scene->home, "pull alice");
    seal_card_scene_wait(scene, "alice-rsa-sign", "absent");
    seal_card_scene_signal_hosts(scene, SIGSTOP);
    seal_test_cards_tell(scene->home, "insert alice 0");
    seal_card_scene_wait_for_reader(scene, 0, TRUE);
    holder = start_holder(scene, "exclusive");
    seal_card_scene_signal_hosts(scene, SIGCONT);
    return holder;
}

/* The agent's hosts may not have told yet that there is a card. */
static void
expect_named(SealCardScene *scene, pid_t holder)
{
    g_autofree char *clause = clause_of(holder);
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    gboolean is_named = FALSE;

    while (!is_named) {
        GError *error = NULL;

        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
        g_assert_false(seal_card_scene_sign(scene, "alice-rsa-sign", &error));
        is_named = strstr(error->message, clause) != NULL;
        seal_test_assert_error(error, SEAL_ERROR_TOKEN_REMOVED, "not present, insert it");
        seal_card_scene_doze(scene);
    }
}

static void
held_for_itself(SealCardScene *scene, gconstpointer data)
{
    pid_t holder = 0;

    if (SKIPPED(scene))
        return;
    holder = hold_before_the_host(scene);
    expect_named(scene, holder);
    seal_test_stop(holder);
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    expect_signature(scene);
}

static void
long_transaction(SealCardScene *scene, gconstpointer data)
{
    g_autofree char *clause = NULL;
    GError *error = NULL;
    pid_t holder = 0;

    if (SKIPPED(scene))
        return;
    expect_signature(scene);
    holder = start_holder(scene, "transaction");
    g_assert_false(seal_card_scene_sign(scene, "alice-rsa-sign", &error));
    clause = clause_of(holder);
    seal_test_assert_error(error, SEAL_ERROR_TIMED_OUT, clause);
    seal_test_stop(holder);
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    expect_signature(scene);
}

#define ADD(path, test)                                                                            \
    g_test_add(path, SealCardScene, "operation-timeout=2\nlogin-timeout=2\n",                      \
               seal_card_scene_set_up, test, seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("/card/holders/card-held-exclusively/program-is-named", held_for_itself);
    ADD("/card/holders/long-transaction/program-is-named", long_transaction);
    return g_test_run();
}
