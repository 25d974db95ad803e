/* What a caller on the bus sees of a host that dies, hangs or cannot load its module: one answer
 * within the deadline, and a next request that works, for one new PIN at most. */
#include <signal.h>
#include <string.h>

#include "ipc/names.h"
#include "tests/agent/dbus.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    GDBusConnection *connection;
    char *key;
} Fixture;

static const guint8 digest[32] = {1};

static void
set_mood(Fixture *fixture, const char *mood)
{
    g_autofree char *path = seal_test_home_path(fixture->home, "mood");
    g_autofree char *text = g_strconcat("[mood]\n", mood, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* `data`: the mood at the start. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = NULL;
    g_autofree char *module = seal_test_built("tests/mock/moody.so");
    g_autofree char *group =
        g_strdup_printf("[module moody]\npath=%s\noperation-timeout=1\n", module);
    g_autofree char *pin = NULL;

    fixture->home = seal_test_home_new();
    path = seal_test_home_path(fixture->home, "mood");
    seal_test_home_setenv(fixture->home, "PRIVYSEAL_MOODY", path);
    set_mood(fixture, data ? data : "");
    seal_test_agent_new(fixture->home);
    seal_test_agent_configure(fixture->home, NULL, group);
    pin = seal_test_fixture_pin(fixture->home);
    seal_test_pinentry_answer(fixture->home, "always pin %s", pin);
    fixture->connection = seal_test_private();
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_free(fixture->key);
    g_clear_object(&fixture->connection);
    seal_test_home_free(fixture->home);
}

static GError *
sign(Fixture *fixture)
{
    GError *error = NULL;
    g_autoptr(GBytes) signature = NULL;

    if (!fixture->key)
        fixture->key = seal_test_key(fixture->connection, "Alice P-256 signing");
    signature = seal_test_sign(fixture->connection, fixture->key, "ecdsa", "sha256", digest,
                               sizeof digest, &error);
    return error;
}

static void
expect_signature(Fixture *fixture)
{
    GError *error = sign(fixture);

    g_assert_no_error(error);
}

/* Signs once more; the person was asked for the PIN once at the most. */
static void
expect_recovery(Fixture *fixture)
{
    guint before = seal_test_pinentry_count(fixture->home);

    expect_signature(fixture);
    g_assert_cmpuint(seal_test_pinentry_count(fixture->home), <=, before + 1);
}

/* The agent's only host; a pinentry may be on its way out beside it. */
static pid_t
only_host(Fixture *fixture)
{
    g_autoptr(GArray) children = seal_test_children(seal_test_agent_pid(fixture->home));
    pid_t host = 0;

    for (guint i = 0; i < children->len; i++) {
        pid_t pid = g_array_index(children, pid_t, i);
        g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid);
        g_autofree char *name = NULL;

        if (!g_file_get_contents(path, &name, NULL, NULL) || !g_str_equal(name, "privyseal-host\n"))
            continue;
        g_assert_cmpint(host, ==, 0);
        host = pid;
    }
    g_assert_cmpint(host, !=, 0);
    return host;
}

static void
test_killed_host_costs_one_pin(Fixture *fixture, gconstpointer data)
{
    pid_t host = 0;

    expect_signature(fixture);
    host = only_host(fixture);
    g_assert_no_errno(kill(host, SIGKILL));
    g_assert_true(seal_test_wait_for_end(host));
    expect_recovery(fixture);
}

G_GNUC_UNUSED static void
test_crash_fails_the_operation(Fixture *fixture, gconstpointer data)
{
    expect_signature(fixture);
    set_mood(fixture, "crash=sign\n");
    seal_test_assert_error(sign(fixture), SEAL_ERROR_MODULE_FAILED, "moody");
    set_mood(fixture, "");
    expect_recovery(fixture);
}

static void
test_hang_ends_at_the_deadline(Fixture *fixture, gconstpointer data)
{
    gint64 began = 0;

    expect_signature(fixture);
    set_mood(fixture, "hang=sign\n");
    began = g_get_monotonic_time();
    seal_test_assert_error(sign(fixture), SEAL_ERROR_TIMED_OUT, "");
    g_assert_cmpint(g_get_monotonic_time() - began, >=, G_USEC_PER_SEC);
    set_mood(fixture, "");
    expect_recovery(fixture);
}

static void
rescan(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = seal_test_call(fixture->connection, SEAL_ROOT_PATH,
                                                SEAL_INTERFACE_AGENT, "Rescan", NULL, FALSE, &error);

    g_assert_no_error(error);
    g_assert_nonnull(answer);
}

/* A signature that nobody awaits hangs at the token, which is pulled: its caller has asked and
 * gone. */
static void
leave_during_a_signature(Fixture *fixture)
{
    g_autofree char *calls = seal_test_home_path(fixture->home, "calls");
    g_autofree char *mood = g_strdup_printf("hold=sign\nlog=%s\n", calls);
    g_autofree char *absent = g_strconcat(mood, "absent=true\n", NULL);
    GDBusConnection *other = seal_test_private();

    set_mood(fixture, mood);
    g_dbus_connection_call(
        other, NULL, fixture->key, SEAL_INTERFACE_KEY, "Sign",
        g_variant_new("(s@a{sv}@ay)", "ecdsa", g_variant_new_parsed("{'hash': <'sha256'>}"),
                      seal_test_bytes(digest, sizeof digest)),
        NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
    g_assert_true(seal_test_wait_for_text(calls, "Held"));
    set_mood(fixture, absent);
    rescan(fixture);
    g_assert_true(g_dbus_connection_close_sync(other, NULL, NULL));
    g_object_unref(other);
}

static gboolean
is_token_locked(gpointer data)
{
    Fixture *fixture = data;
    g_autofree char *token = NULL;
    g_autoptr(GVariant) state = NULL;

    rescan(fixture); /* the host may have looked while the token was away */
    token = seal_test_token(fixture->connection, "Alice");
    state = seal_test_property(fixture->connection, token, SEAL_INTERFACE_TOKEN, "State");
    return g_str_equal(g_variant_get_string(state, NULL), "locked");
}

/* The host's answer, or its end, finds a request that nobody waits for on a token that is gone. */
static void
test_pulled_token_and_gone_caller(Fixture *fixture, gconstpointer data)
{
    pid_t agent = 0, host = 0;

    expect_signature(fixture);
    agent = seal_test_agent_pid(fixture->home);
    host = only_host(fixture);
    leave_during_a_signature(fixture);
    g_assert_true(seal_test_wait_for_end(host)); /* the deadline is over */
    set_mood(fixture, "");
    g_assert_true(seal_test_wait_until(is_token_locked, fixture));
    expect_recovery(fixture);
    g_assert_cmpint(seal_test_agent_pid(fixture->home), ==, agent);
}

static GVariant *
only_module(Fixture *fixture)
{
    g_autoptr(GVariant) modules =
        seal_test_property(fixture->connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Modules");

    g_assert_cmpuint(g_variant_n_children(modules), ==, 1);
    return g_variant_get_child_value(modules, 0);
}

/* The agent runs on and says what is wrong. */
static void
test_unloadable_module_is_listed(Fixture *fixture, gconstpointer data)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    const char *name = NULL, *path = NULL, *state = NULL, *reason = NULL;
    g_autoptr(GVariant) module = NULL;

    do {
        g_clear_pointer(&module, g_variant_unref);
        module = only_module(fixture);
        g_variant_get(module, "(&s&s&s&s)", &name, &path, &state, &reason);
    } while (!g_str_equal(state, "unusable") && g_get_monotonic_time() < end_us);
    g_assert_cmpstr(name, ==, "moody");
    g_assert_true(g_str_has_suffix(path, "/moody.so"));
    g_assert_cmpstr(state, ==, "unusable");
    g_assert_cmpstr(reason, !=, "");
}

#define ADD(path, function, mood)                                                                  \
    g_test_add("/isolation/" path, Fixture, mood, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("killed-host/costs-one-pin", test_killed_host_costs_one_pin, NULL);
#ifndef __SANITIZE_ADDRESS__ /* it reports a crash that is wanted, and the home counts its reports \
                              */
    ADD("crash/fails-the-operation", test_crash_fails_the_operation, NULL);
    ADD("crash-while-loading/is-listed", test_unloadable_module_is_listed, "crash=init\n");
#endif
    ADD("hang/ends-at-the-deadline", test_hang_ends_at_the_deadline, NULL);
    ADD("hang/pulled-token-and-gone-caller", test_pulled_token_and_gone_caller, NULL);
    ADD("refused-initialize/is-listed", test_unloadable_module_is_listed, "init-rv=0x30\n");
    return g_test_run();
}
