/* A desktop that locks the screen and tells the session bus, not logind: played by names on the
 * test's bus, as GNOME's and Plasma's screen savers have them. */
#include "ipc/names.h"
#include "tests/agent/dbus.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    GDBusConnection *connection;
    GDBusConnection *desktop;
    char *token;
} Scene;

/* What comes on one connection comes in its order: when the agent answers on the bus, it listens
 * there, and has heard what was said before. */
static void
await_answer(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = g_dbus_connection_call_sync(
        scene->desktop, SEAL_BUS_NAME, SEAL_ROOT_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL,
        NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

    g_assert_no_error(error);
}

static void
set_up(Scene *scene, gconstpointer configuration)
{
    g_autofree char *pin = NULL;

    scene->home = seal_test_home_new();
    seal_test_agent_new(scene->home);
    seal_test_agent_configure(scene->home, configuration, NULL);
    pin = seal_test_fixture_pin(scene->home);
    seal_test_pinentry_answer(scene->home, "always pin %s\n", pin);
    scene->connection = seal_test_private();
    scene->desktop = seal_test_shared();
    scene->token = seal_test_token(scene->connection, "Alice");
    await_answer(scene);
}

static void
tear_down(Scene *scene, gconstpointer configuration)
{
    g_object_unref(scene->desktop);
    g_object_unref(scene->connection);
    g_free(scene->token);
    seal_test_home_free(scene->home);
}

static gboolean
has_state(const Scene *scene, const char *name)
{
    return seal_test_token_is(scene->connection, scene->token, name);
}

static gboolean
is_locked(gpointer data)
{
    return has_state(data, "locked");
}

static void
take_name(Scene *scene, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = g_dbus_connection_call_sync(
        scene->desktop, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "RequestName", g_variant_new("(su)", name, 4), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
        &error);

    g_assert_no_error(error);
}

static void
say(Scene *scene, const char *name, const char *path, gboolean is_active)
{
    g_autoptr(GError) error = NULL;

    (void)g_dbus_connection_emit_signal(scene->desktop, NULL, path, name, "ActiveChanged",
                                        g_variant_new("(b)", is_active), &error);
    g_assert_no_error(error);
    g_assert_true(g_dbus_connection_flush_sync(scene->desktop, NULL, NULL));
}

static void
each_desktop_locks(Scene *scene, gconstpointer configuration)
{
    seal_test_unlock(scene->connection, scene->token);
    take_name(scene, "org.gnome.ScreenSaver");
    say(scene, "org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", TRUE);
    g_assert_true(seal_test_wait_until(is_locked, scene));
    seal_test_unlock(scene->connection, scene->token);
    take_name(scene, "org.freedesktop.ScreenSaver");
    say(scene, "org.freedesktop.ScreenSaver", "/ScreenSaver", FALSE);
    g_assert_true(has_state(scene, "unlocked"));
    say(scene, "org.freedesktop.ScreenSaver", "/ScreenSaver", TRUE);
    g_assert_true(seal_test_wait_until(is_locked, scene));
}

static void
others_do_not(Scene *scene, gconstpointer configuration)
{
    seal_test_unlock(scene->connection, scene->token);
    say(scene, "org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", TRUE); /* whose name it has not */
    take_name(scene, "org.gnome.ScreenSaver");
    say(scene, "org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", FALSE);
    await_answer(scene);
    g_assert_true(has_state(scene, "unlocked"));
}

static void
switched_off(Scene *scene, gconstpointer configuration)
{
    seal_test_unlock(scene->connection, scene->token);
    take_name(scene, "org.gnome.ScreenSaver");
    say(scene, "org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", TRUE);
    await_answer(scene);
    g_assert_true(has_state(scene, "unlocked"));
}

#define ADD(path, configuration, test)                                                             \
    g_test_add(path, Scene, configuration, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/screen-saver/each-desktop/locks-the-tokens", NULL, each_desktop_locks);
    ADD("/screen-saver/becomes-inactive-or-has-no-name/locks-nothing", NULL, others_do_not);
    ADD("/screen-saver/configuration-switches-it", "lock-on-screen-lock=no\n", switched_off);
    return g_test_run();
}
