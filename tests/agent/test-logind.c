/* Locking because nobody sits there any more: what logind says, and what the agent makes of it.
 * First what listens to it alone, then the whole agent with a token that is unlocked. */
#include <string.h>
#include <unistd.h>

#include "agent/logind.h"
#include "ipc/names.h"
#include "tests/agent/dbus.h"
#include "tests/mock/logind.h"
#include "tests/support/agent.h"
#include "tests/support/bus.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

#define ALL                                                                                        \
    (1u << SEAL_LOGIND_SCREEN_LOCKED | 1u << SEAL_LOGIND_SESSION_ENDED | 1u << SEAL_LOGIND_SUSPENDS)

typedef struct {
    SealTestHome *home;
    SealMockLogind *mock;
    SealLoop *loop;
    SealLogind *logind;
    guint told[3]; /* by event */
} Scene;

static void
on_event(SealLogindEvent event, gpointer user_data)
{
    ((Scene *)user_data)->told[event]++;
}

static gboolean
has_listed(gpointer data)
{
    return seal_mock_logind_lists(data) > 0;
}

static gboolean
has_inhibitor(gpointer data)
{
    return seal_mock_logind_inhibitors(data) == 1;
}

static gboolean
has_no_inhibitor(gpointer data)
{
    return seal_mock_logind_inhibitors(data) == 0;
}

/* A session at the seat and one over the network; somebody else's, too. */
static void
scene_open(Scene *scene, guint events)
{
    memset(scene, 0, sizeof *scene);
    scene->home = seal_test_home_new();
    seal_test_bus_new(scene->home);
    scene->mock = seal_mock_logind_new();
    seal_mock_logind_begin(scene->mock, "1", getuid(), "seat0");
    seal_mock_logind_begin(scene->mock, "2", getuid(), "");
    seal_mock_logind_begin(scene->mock, "3", getuid() + 1, "seat0");
    scene->loop = seal_loop_new(NULL);
    scene->logind = seal_logind_new(scene->loop, events, on_event, scene);
    if (events & 1u << SEAL_LOGIND_SUSPENDS)
        g_assert_true(seal_test_wait_until(has_inhibitor, scene->mock));
    else
        g_assert_true(seal_test_wait_until(has_listed, scene->mock));
}

static void
scene_close(Scene *scene)
{
    seal_logind_free(scene->logind);
    seal_loop_free(scene->loop);
    seal_mock_logind_free(scene->mock);
    seal_test_home_free(scene->home);
}

static gboolean
is_told_suspend(gpointer data)
{
    return ((Scene *)data)->told[SEAL_LOGIND_SUSPENDS] > 0;
}

/* Signals come in the order they were sent, so what came before a suspend has been heard with it.
 */
static void
expect(Scene *scene, guint screen_locked, guint session_ended)
{
    seal_mock_logind_sleep(scene->mock, TRUE);
    g_assert_true(seal_test_wait_until(is_told_suspend, scene));
    g_assert_cmpuint(scene->told[SEAL_LOGIND_SCREEN_LOCKED], ==, screen_locked);
    g_assert_cmpuint(scene->told[SEAL_LOGIND_SESSION_ENDED], ==, session_ended);
    memset(scene->told, 0, sizeof scene->told);
}

/* -- what is heard -------------------------------------------------------------------------- */

static void
test_screen_lock(void)
{
    Scene scene;

    scene_open(&scene, ALL);
    seal_mock_logind_lock(scene.mock, "1");
    expect(&scene, 1, 0);
    seal_mock_logind_hint(scene.mock, "2", TRUE);
    expect(&scene, 1, 0);
    seal_mock_logind_hint(scene.mock, "2", FALSE);
    expect(&scene, 0, 0);
    scene_close(&scene);
}

static void
test_screens_of_others(void)
{
    Scene scene;

    scene_open(&scene, ALL);
    seal_mock_logind_lock(scene.mock, "3");
    seal_mock_logind_hint(scene.mock, "3", TRUE);
    seal_mock_logind_end(scene.mock, "3");
    seal_mock_logind_lock(scene.mock, "4"); /* which nobody knows */
    expect(&scene, 0, 0);
    scene_close(&scene);
}

static void
test_session_end(void)
{
    Scene scene;

    scene_open(&scene, ALL);
    seal_mock_logind_end(scene.mock, "2"); /* one over the network, while the desk is taken */
    expect(&scene, 0, 0);
    seal_mock_logind_end(scene.mock, "1");
    expect(&scene, 0, 1);
    scene_close(&scene);
}

static gboolean
has_listed_again(gpointer data)
{
    return seal_mock_logind_lists(data) > 1;
}

/* One that began after the agent; and the last one, over the network. */
static void
test_later_session(void)
{
    Scene scene;

    scene_open(&scene, ALL);
    seal_mock_logind_begin(scene.mock, "5", getuid(), "");
    g_assert_true(seal_test_wait_until(has_listed_again, scene.mock));
    seal_mock_logind_lock(scene.mock, "5");
    expect(&scene, 1, 0);
    seal_mock_logind_end(scene.mock, "2");
    seal_mock_logind_end(scene.mock, "1");
    expect(&scene, 0, 1);
    seal_mock_logind_end(scene.mock, "5");
    expect(&scene, 0, 1);
    scene_close(&scene);
}

static void
test_only_what_is_wanted(void)
{
    Scene scene;

    scene_open(&scene, 1u << SEAL_LOGIND_SUSPENDS);
    seal_mock_logind_lock(scene.mock, "1");
    seal_mock_logind_end(scene.mock, "1");
    expect(&scene, 0, 0);
    scene_close(&scene);
}

/* -- sleep ---------------------------------------------------------------------------------- */

static void
test_inhibitor(void)
{
    Scene scene;

    scene_open(&scene, ALL);
    expect(&scene, 0, 0);
    g_assert_cmpuint(seal_mock_logind_inhibitors(scene.mock), ==, 1); /* until it is allowed */
    seal_logind_allow_sleep(scene.logind);
    g_assert_cmpuint(seal_mock_logind_inhibitors(scene.mock), ==, 0);
    seal_mock_logind_sleep(scene.mock, FALSE);
    g_assert_true(seal_test_wait_until(has_inhibitor, scene.mock));
    scene_close(&scene);
}

/* The locking took longer than the sleep: what it ends with must not let the next sleep begin unlocked. */
static void
test_late_permission(void)
{
    Scene scene;

    scene_open(&scene, ALL);
    expect(&scene, 0, 0);
    seal_mock_logind_sleep(scene.mock, FALSE);
    seal_mock_logind_begin(scene.mock, "5", getuid(), ""); /* heard after it */
    g_assert_true(seal_test_wait_until(has_listed_again, scene.mock));
    seal_logind_allow_sleep(scene.logind);
    g_assert_cmpuint(seal_mock_logind_inhibitors(scene.mock), ==, 1);
    expect(&scene, 0, 0);
    seal_logind_allow_sleep(scene.logind);
    g_assert_cmpuint(seal_mock_logind_inhibitors(scene.mock), ==, 0);
    scene_close(&scene);
}

static void
test_no_inhibitor_that_is_not_wanted(void)
{
    Scene scene;

    scene_open(&scene, 1u << SEAL_LOGIND_SCREEN_LOCKED);
    seal_mock_logind_sleep(scene.mock, TRUE);
    seal_mock_logind_begin(scene.mock, "5", getuid(), "");
    g_assert_true(seal_test_wait_until(has_listed_again, scene.mock));
    g_assert_cmpuint(seal_mock_logind_inhibitors(scene.mock), ==, 0);
    g_assert_cmpuint(scene.told[SEAL_LOGIND_SUSPENDS], ==, 0);
    scene_close(&scene);
}

static void
test_logind_restarts(void)
{
    Scene scene;

    scene_open(&scene, ALL);
    seal_mock_logind_restart(scene.mock);
    g_assert_true(seal_test_wait_until(has_listed_again, scene.mock));
    g_assert_true(seal_test_wait_until(has_inhibitor, scene.mock));
    seal_mock_logind_lock(scene.mock, "1");
    expect(&scene, 1, 0);
    scene_close(&scene);
}

static void
test_no_system_bus(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealLoop) loop = seal_loop_new(NULL);
    Scene scene = {0};
    g_autoptr(SealLogind) logind = seal_logind_new(loop, ALL, on_event, &scene);

    seal_logind_allow_sleep(logind);
    for (guint i = 0; i < G_N_ELEMENTS(scene.told); i++)
        g_assert_cmpuint(scene.told[i], ==, 0);
    g_clear_pointer(&logind, seal_logind_free); /* before its loop */
}

/* -- the agent ------------------------------------------------------------------------------ */

typedef struct {
    SealTestHome *home;
    SealMockLogind *mock;
    GDBusConnection *connection;
    char *token;
} AgentScene;

static void
agent_open(AgentScene *scene, const char *configuration)
{
    g_autofree char *pin = NULL, *bus = NULL, *system_bus = NULL;

    scene->home = seal_test_home_new();
    bus = seal_test_home_path(scene->home, "run/bus");
    system_bus = g_strconcat("unix:path=", bus, NULL);
    /* both before the bus, which starts the agent */
    seal_test_home_setenv(scene->home, "DBUS_SYSTEM_BUS_ADDRESS", system_bus);
    seal_test_fixture_new(scene->home);
    seal_test_bus_new(scene->home);
    scene->mock = seal_mock_logind_new();
    seal_mock_logind_begin(scene->mock, "1", getuid(), "seat0");
    seal_test_agent_new(scene->home);
    seal_test_agent_configure(scene->home, configuration, NULL);
    pin = seal_test_fixture_pin(scene->home);
    seal_test_pinentry_answer(scene->home, "always pin %s\n", pin);
    scene->connection = seal_test_private();
    scene->token = seal_test_token(scene->connection, "Alice");
}

static void
agent_close(AgentScene *scene)
{
    g_object_unref(scene->connection);
    g_free(scene->token);
    seal_mock_logind_free(scene->mock);
    seal_test_home_free(scene->home);
}

static gboolean
has_state(const AgentScene *scene, const char *name)
{
    return seal_test_token_is(scene->connection, scene->token, name);
}

static gboolean
is_locked(gpointer data)
{
    return has_state(data, "locked");
}

static void
test_agent_locks(void)
{
    AgentScene scene = {NULL};

    agent_open(&scene, NULL);
    g_assert_true(seal_test_wait_until(has_inhibitor, scene.mock));
    seal_test_unlock(scene.connection, scene.token);
    seal_mock_logind_lock(scene.mock, "1");
    g_assert_true(seal_test_wait_until(is_locked, &scene));
    seal_test_unlock(scene.connection, scene.token);
    seal_mock_logind_hint(scene.mock, "1", TRUE);
    g_assert_true(seal_test_wait_until(is_locked, &scene));
    seal_test_unlock(scene.connection, scene.token);
    seal_mock_logind_sleep(scene.mock, TRUE);
    g_assert_true(seal_test_wait_until(has_no_inhibitor, scene.mock));
    g_assert_true(has_state(&scene, "locked")); /* before the machine may sleep */
    seal_mock_logind_sleep(scene.mock, FALSE);
    g_assert_true(seal_test_wait_until(has_inhibitor, scene.mock));
    seal_test_unlock(scene.connection, scene.token);
    seal_mock_logind_end(scene.mock, "1");
    g_assert_true(seal_test_wait_until(is_locked, &scene));
    g_assert_cmpuint(seal_test_pinentry_count(scene.home), ==, 4);
    agent_close(&scene);
}

static void
test_agent_is_told_not_to(void)
{
    AgentScene scene = {NULL};

    agent_open(&scene, "lock-on-screen-lock=no\nlock-on-suspend=no\n");
    g_assert_true(seal_test_wait_until(has_listed, scene.mock));
    seal_test_unlock(scene.connection, scene.token);
    seal_mock_logind_lock(scene.mock, "1");
    seal_mock_logind_hint(scene.mock, "1", TRUE);
    seal_mock_logind_sleep(scene.mock, TRUE);
    g_assert_cmpuint(seal_mock_logind_inhibitors(scene.mock), ==, 0);
    /* heard after the others, by the one that is left */
    seal_mock_logind_begin(scene.mock, "2", getuid(), "");
    g_assert_true(seal_test_wait_until(has_listed_again, scene.mock));
    g_assert_true(has_state(&scene, "unlocked"));
    seal_mock_logind_end(scene.mock, "1");
    g_assert_true(seal_test_wait_until(is_locked, &scene));
    agent_close(&scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/logind/screen-lock/own-sessions", test_screen_lock);
    g_test_add_func("/logind/screen-lock/not-those-of-others", test_screens_of_others);
    g_test_add_func("/logind/session-end/at-the-seat", test_session_end);
    g_test_add_func("/logind/session-end/later-session-and-last", test_later_session);
    g_test_add_func("/logind/only-what-is-wanted", test_only_what_is_wanted);
    g_test_add_func("/logind/sleep/waits-until-allowed", test_inhibitor);
    g_test_add_func("/logind/sleep/over-before-it-is-allowed/holds-up-the-next",
                    test_late_permission);
    g_test_add_func("/logind/sleep/not-wanted-not-held-up", test_no_inhibitor_that_is_not_wanted);
    g_test_add_func("/logind/restart", test_logind_restarts);
    g_test_add_func("/logind/no-system-bus", test_no_system_bus);
    g_test_add_func("/logind/agent/locks-its-tokens", test_agent_locks);
    g_test_add_func("/logind/agent/configuration-switches-each", test_agent_is_told_not_to);
    return g_test_run();
}
