/* The agent's life: how it starts or refuses to, how it ends, and what it survives. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/names.h"
#include "tests/agent/dbus.h"
#include "tests/support/agent.h"
#include "tests/support/bus.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

static SealTestResult *
run_agent(SealTestHome *home, const char *argument)
{
    g_autofree char *program = seal_test_built("agent/privyseald");
    const char *argv[] = {program, argument, NULL};

    return seal_test_run(home, argv, NULL);
}

static void
assert_version_answered(void)
{
    g_autoptr(GDBusConnection) bus = seal_test_shared();
    g_autoptr(GVariant) version =
        seal_test_property(bus, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Version");

    g_assert_cmpuint(strlen(g_variant_get_string(version, NULL)), >, 0);
}

/* -- start ----------------------------------------------------------------------------- */

static void
help_and_version_need_no_bus(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) help = run_agent(home, "--help");
    g_autoptr(SealTestResult) version = run_agent(home, "--version");
    g_autoptr(SealTestResult) wrong = run_agent(home, "--colour");

    g_assert_cmpint(help->status, ==, 0);
    g_assert_nonnull(strstr(help->out, "--config FILE"));
    g_assert_cmpint(version->status, ==, 0);
    g_assert_true(g_str_has_prefix(version->out, "privyseald "));
    g_assert_cmpint(wrong->status, ==, 2);
    g_assert_nonnull(strstr(wrong->err, "--colour"));
}

static void
wrong_configuration_names_its_line(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(SealTestResult) missing = NULL;
    g_autofree char *path = seal_test_home_write(home, "config/privyseal/privyseal.conf",
                                                 "[agent]\npinentri=/bin/true\n");

    seal_test_bus_new(home);
    result = run_agent(home, "--verbose");
    g_assert_cmpint(result->status, ==, 1);
    g_assert_nonnull(strstr(result->err, "privyseal.conf:2:"));
    g_assert_nonnull(strstr(result->err, "pinentri"));
    missing = run_agent(home, "--config=/nowhere/privyseal.conf");
    g_assert_cmpint(missing->status, ==, 1);
    g_assert_nonnull(strstr(missing->err, "/nowhere/privyseal.conf"));
}

static void
configuration_in_force_can_be_printed(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(SealTestResult) wrong = NULL;
    g_autofree char *path =
        seal_test_home_write(home, "config/privyseal/privyseal.conf",
                             "[agent]\nidle-lock=7\n[module one]\npath=/one.so\n");
    g_autofree char *broken = seal_test_home_write(home, "broken.conf", "[agent]\nidle-lock=x\n");
    g_autofree char *option = g_strconcat("--config=", broken, NULL);
    const char *argv[] = {NULL, option, "--print-config", NULL};
    g_autofree char *program = seal_test_built("agent/privyseald");

    /* no bus is there, and none is asked for */
    result = run_agent(home, "--print-config");
    g_assert_cmpint(result->status, ==, 0);
    g_assert_cmpstr(result->out, ==,
                    "[agent]\npinentry=pinentry\npin-timeout=120\nidle-lock=7\n"
                    "max-unlocked=28800\nmax-uses=0\nidle-exit=300\nlock-on-screen-lock=yes\n"
                    "lock-on-session-end=yes\nlock-on-suspend=yes\n[module one]\npath=/one.so\n");
    argv[0] = program;
    wrong = seal_test_run(home, argv, NULL);
    g_assert_cmpint(wrong->status, ==, 1);
    g_assert_nonnull(strstr(wrong->err, "broken.conf:2:"));
}

static void
memory_that_cannot_be_locked_is_told(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;
    g_autofree char *program = seal_test_built("agent/privyseald");
    /* Without the capability root has a limit, too */
    const char *as_root[] = {"setpriv",     "--bounding-set", "-ipc_lock",         "prlimit",
                             "--memlock=0", program,          "--config=/nowhere", NULL};

    result = seal_test_run(home, getuid() == 0 ? as_root : as_root + 3, NULL);
    g_assert_cmpint(result->status, ==, 1);
    g_assert_nonnull(strstr(result->err, "RLIMIT_MEMLOCK"));
}

static void
second_agent_says_that_one_runs(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;
    pid_t first = 0;

    seal_test_agent_new(home);
    first = seal_test_agent_pid(home);
    result = run_agent(home, "--verbose");
    g_assert_cmpint(result->status, ==, 1);
    g_assert_nonnull(strstr(result->err, "another agent"));
    g_assert_cmpint(seal_test_agent_pid(home), ==, first);
    {
        /* the private socket is still the first one's */
        g_autoptr(GDBusConnection) connection = seal_test_private();

        g_assert_nonnull(connection);
    }
}

static void
missing_bus_is_told(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = run_agent(home, "--verbose");

    g_assert_cmpint(result->status, ==, 1);
    g_assert_nonnull(strstr(result->err, "session bus"));
}

/* A module that is missing, one that is no module, and a good one. */
static void
broken_modules_leave_the_others_alone(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *module = NULL;
    g_autofree char *text_file = NULL;
    g_autofree char *groups = NULL;
    g_autoptr(GDBusConnection) connection = NULL;
    g_autoptr(GVariant) modules = NULL;
    g_autofree char *key = NULL;
    guint n_unusable = 0;

    seal_test_agent_new(home);
    module = seal_test_fixture_module(home);
    text_file = seal_test_home_write(home, "no-module.so", "hello");
    groups = g_strdup_printf("[module good]\npath=%s\n[module missing]\npath=/nowhere/module.so\n"
                             "[module text]\npath=%s\n",
                             module, text_file);
    seal_test_agent_configure(home, NULL, groups);
    connection = seal_test_private();
    key = seal_test_key(connection, "Alice P-256 signing");
    modules = seal_test_property(connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Modules");
    g_assert_cmpuint(g_variant_n_children(modules), ==, 3);
    for (gsize i = 0; i < 3; i++) {
        const char *name = NULL, *path = NULL, *state = NULL, *reason = NULL;

        g_variant_get_child(modules, i, "(&s&s&s&s)", &name, &path, &state, &reason);
        if (g_str_equal(name, "good")) {
            g_assert_cmpstr(state, ==, "running");
            continue;
        }
        g_assert_cmpstr(state, ==, "unusable");
        g_assert_cmpuint(strlen(reason), >, 0);
        n_unusable++;
    }
    g_assert_cmpuint(n_unusable, ==, 2);
}

/* -- end -------------------------------------------------------------------------------- */

/* SIGTERM: exit status 0, no host left, no socket left, and the token logged out. */
static void
terminated_agent_leaves_nothing(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *program = seal_test_built("agent/privyseald");
    const char *argv[] = {program, "--verbose", NULL};
    g_autofree char *socket_path = seal_test_socket_path(home);
    g_autofree char *pin = NULL;
    g_autoptr(GArray) hosts = NULL;
    pid_t agent = 0;
    int status = 0;

    seal_test_agent_new(home);
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s", pin);
    agent = seal_test_start(home, argv, "agent.log");
    g_assert_true(seal_test_bus_wait_for_name(SEAL_BUS_NAME, TRUE));
    {
        g_autoptr(GDBusConnection) connection = seal_test_private();
        g_autofree char *key = seal_test_key(connection, "Alice P-256 signing");
        g_autoptr(GError) error = NULL;
        guint8 digest[32] = {0};
        g_autoptr(GBytes) signature =
            seal_test_sign(connection, key, "ecdsa", "sha256", digest, sizeof digest, &error);

        g_assert_no_error(error);
    }
    hosts = seal_test_children(agent);
    g_assert_cmpuint(hosts->len, >=, 1);
    g_assert_cmpint(kill(agent, SIGTERM), ==, 0);
    g_assert_cmpint(waitpid(agent, &status, 0), ==, agent);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    for (guint i = 0; i < hosts->len; i++)
        g_assert_true(seal_test_wait_for_end(g_array_index(hosts, pid_t, i)));
    g_assert_cmpint(access(socket_path, F_OK), !=, 0);
}

/* A killed agent leaves its socket; the next one takes its place. */
static void
stale_socket_is_replaced(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *socket_path = seal_test_socket_path(home);
    pid_t first = 0;

    seal_test_agent_new(home);
    first = seal_test_agent_pid(home);
    g_assert_cmpint(kill(first, SIGKILL), ==, 0);
    g_assert_true(seal_test_bus_wait_for_name(SEAL_BUS_NAME, FALSE));
    g_assert_cmpint(access(socket_path, F_OK), ==, 0);
    {
        g_autoptr(GDBusConnection) connection = seal_test_private();
        g_autoptr(GVariant) version =
            seal_test_property(connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Version");
        struct stat info;

        g_assert_cmpint(seal_test_agent_pid(home), !=, first);
        g_assert_cmpint(stat(socket_path, &info), ==, 0);
        g_assert_cmpuint(info.st_mode & 0777, ==, 0600);
    }
}

static void
idle_agent_ends_and_comes_back(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *socket_path = seal_test_socket_path(home);
    pid_t first = 0;

    seal_test_agent_new(home);
    seal_test_agent_configure(home, "idle-exit=1", NULL);
    first = seal_test_agent_pid(home);
    g_assert_true(seal_test_bus_wait_for_name(SEAL_BUS_NAME, FALSE));
    g_assert_true(seal_test_wait_for_end(first));
    g_assert_cmpint(access(socket_path, F_OK), !=, 0);
    assert_version_answered();
    g_assert_cmpint(seal_test_agent_pid(home), !=, first);
}

/* FALSE at the deadline. */
static gboolean
wait_until_gone(const char *path)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    while (access(path, F_OK) == 0 && g_get_monotonic_time() < deadline)
        g_thread_yield();
    return access(path, F_OK) != 0;
}

/* Calls that come just when the agent gives up its socket and its name are answered all the same.
 */
static void
idle_end_loses_no_call(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *socket_path = seal_test_socket_path(home);

    seal_test_agent_new(home);
    seal_test_agent_configure(home, "idle-exit=1", NULL);
    for (int i = 0; i < 4; i++) {
        assert_version_answered();
        g_assert_true(wait_until_gone(socket_path));
        for (int burst = 0; burst < 5; burst++)
            assert_version_answered();
    }
}

static void
unlocked_token_keeps_the_agent(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *pin = NULL;
    g_autoptr(GDBusConnection) connection = NULL;
    g_autofree char *token = NULL;
    g_autoptr(GError) error = NULL;
    pid_t first = 0;

    seal_test_agent_new(home);
    /* the lock comes long after the idle end would have */
    seal_test_agent_configure(home, "idle-exit=1\nidle-lock=3", NULL);
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s", pin);
    connection = seal_test_shared();
    token = seal_test_token(connection, "Alice");
    first = seal_test_agent_pid(home);
    {
        g_autoptr(GVariant) answer =
            seal_test_call(connection, token, SEAL_INTERFACE_TOKEN, "Unlock",
                           g_variant_new_parsed("(@a{sv} {},)"), TRUE, &error);

        g_assert_no_error(error);
    }
    {
        gint64 unlocked = g_get_monotonic_time();

        g_assert_true(seal_test_wait_for_end(first));
        g_assert_cmpint(g_get_monotonic_time() - unlocked, >=, 3 * G_USEC_PER_SEC);
    }
}

/* -- what it survives ----------------------------------------------------------------------- */

static void
sign_once(GDBusConnection *connection, const char *key)
{
    g_autoptr(GError) error = NULL;
    guint8 digest[32] = {1};
    g_autoptr(GBytes) signature =
        seal_test_sign(connection, key, "ecdsa", "sha256", digest, sizeof digest, &error);

    g_assert_no_error(error);
}

static gboolean
is_denied(GDBusConnection *connection, const char *key)
{
    g_autoptr(GError) error = NULL;
    guint8 digest[32] = {1};
    g_autoptr(GBytes) signature =
        seal_test_sign(connection, key, "ecdsa", "sha256", digest, sizeof digest, &error);

    return signature == NULL && strstr(error->message, "closed") != NULL;
}

/* SIGHUP: other rules are in force, unless they cannot be read. */
static void
policy_is_read_anew(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *log = seal_test_home_path(home, "bus.log");
    g_autofree char *pin = NULL;
    g_autofree char *key = NULL;
    g_autoptr(GDBusConnection) connection = NULL;
    pid_t agent = 0;

    seal_test_agent_new(home);
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s", pin);
    connection = seal_test_private();
    key = seal_test_key(connection, "Alice P-256 signing");
    sign_once(connection, key);
    agent = seal_test_agent_pid(home);
    seal_test_agent_add_groups(home, "[policy closed]\naction=deny\n");
    g_assert_no_errno(kill(agent, SIGHUP));
    while (!is_denied(connection, key))
        g_thread_yield();
    seal_test_agent_add_groups(home, "[policy open]\naction=perhaps\n");
    g_assert_no_errno(kill(agent, SIGHUP));
    g_assert_true(seal_test_wait_for_text(log, "the policy stays as it was"));
    g_assert_true(is_denied(connection, key));
    seal_test_agent_configure(home, NULL, NULL);
    g_assert_no_errno(kill(agent, SIGHUP));
    while (is_denied(connection, key))
        g_thread_yield();
    sign_once(connection, key);
    g_assert_cmpint(seal_test_agent_pid(home), ==, agent);
}

typedef struct {
    GDBusConnection *connection;
    const char *key;
} Signing;

static gpointer
sign_in_vain(gpointer data)
{
    const Signing *signing = data;
    const guint8 digest[32] = {1};
    GError *error = NULL;
    g_autoptr(GBytes) signature = seal_test_sign(signing->connection, signing->key, "ecdsa",
                                                 "sha256", digest, sizeof digest, &error);

    g_assert_null(signature);
    return error;
}

/* The person types when the test has written the answer into the pipe. */
static void
request_that_waits_for_a_pin_is_judged_anew(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *log = seal_test_home_path(home, "bus.log");
    g_autofree char *answers = seal_test_home_path(home, "pinentry/pinentry.answers");
    g_autoptr(GDBusConnection) connection = NULL;
    g_autofree char *pin = NULL;
    g_autofree char *key = NULL;
    Signing signing = {0};
    GThread *signer = NULL;
    FILE *pipe = NULL;

    seal_test_agent_new(home);
    pin = seal_test_fixture_pin(home);
    g_assert_no_errno(unlink(answers));
    g_assert_no_errno(mkfifo(answers, 0600));
    connection = seal_test_private();
    key = seal_test_key(connection, "Alice P-256 signing");
    signing = (Signing){connection, key};
    signer = g_thread_new("signer", sign_in_vain, &signing);
    g_assert_true(seal_test_pinentry_wait(home, "GETPIN"));
    seal_test_agent_add_groups(home, "[policy closed]\naction=deny\n");
    g_assert_no_errno(kill(seal_test_agent_pid(home), SIGHUP));
    g_assert_true(seal_test_wait_for_text(log, "rules of policy are in force"));
    pipe = fopen(answers, "we");
    g_assert_nonnull(pipe);
    (void)fprintf(pipe, "pin %s\n", pin);
    g_assert_no_errno(fclose(pipe));
    seal_test_assert_error(g_thread_join(signer), SEAL_ERROR_DENIED, "closed");
}

/* A token that wants another PIN is shown as such: by the bus and by the list. */
static void
pin_to_be_changed_is_told(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *control = seal_test_home_write(home, "mood", "[mood]\nmust-change=true\n");
    g_autofree char *moody = seal_test_built("tests/mock/moody.so");
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autofree char *groups = g_strdup_printf("[module moody]\npath=%s\n", moody);
    const char *argv[] = {program, "list", "tokens", NULL};
    g_autoptr(GDBusConnection) connection = NULL;
    g_autoptr(GVariant) wants = NULL;
    g_autoptr(SealTestResult) list = NULL;
    g_autofree char *token = NULL;

    seal_test_home_setenv(home, "PRIVYSEAL_MOODY", control);
    seal_test_agent_new(home);
    seal_test_agent_configure(home, NULL, groups);
    connection = seal_test_private();
    token = seal_test_token(connection, "Alice");
    wants = seal_test_property(connection, token, SEAL_INTERFACE_TOKEN, "PinToBeChanged");
    g_assert_true(g_variant_get_boolean(wants));
    list = seal_test_run(home, argv, NULL);
    g_assert_cmpint(list->status, ==, 0);
    g_assert_nonnull(strstr(list->out, "locked, wants another PIN"));
}

/* What cannot be used is named with its reason by the bus, the list and the doctor; the token's other
 * keys are there. */
static void
left_out_objects_are_told(void)
{
    static const char sentence[] =
        "certificate 'Alice RSA signing' is left out: it is no X.509 certificate";
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *control =
        seal_test_home_write(home, "mood", "[mood]\ngarbage=Alice RSA signing\n");
    g_autofree char *moody = seal_test_built("tests/mock/moody.so");
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autofree char *groups = g_strdup_printf("[module moody]\npath=%s\n", moody);
    const char *list_argv[] = {program, "list", NULL};
    const char *json_argv[] = {program, "list", "--json", NULL};
    const char *doctor_argv[] = {program, "doctor", NULL};
    g_autoptr(GDBusConnection) connection = NULL;
    g_autoptr(GVariant) left_out = NULL;
    g_autoptr(SealTestResult) list = NULL, json = NULL, doctor = NULL;
    g_autofree char *token = NULL;
    const char *told = NULL;

    seal_test_home_setenv(home, "PRIVYSEAL_MOODY", control);
    seal_test_agent_new(home);
    seal_test_agent_configure(home, NULL, groups);
    connection = seal_test_private();
    token = seal_test_token(connection, "Alice");
    left_out = seal_test_property(connection, token, SEAL_INTERFACE_TOKEN, "LeftOut");
    g_assert_cmpuint(g_variant_n_children(left_out), ==, 1);
    g_variant_get_child(left_out, 0, "&s", &told);
    g_assert_cmpstr(told, ==, sentence);
    list = seal_test_run(home, list_argv, NULL);
    g_assert_nonnull(strstr(list->out, sentence));
    g_assert_nonnull(strstr(list->out, "Alice P-256 signing"));
    json = seal_test_run(home, json_argv, NULL);
    g_assert_nonnull(strstr(json->out, sentence));
    doctor = seal_test_run(home, doctor_argv, NULL);
    g_assert_nonnull(strstr(doctor->out, "1 of its objects cannot be used"));
}

/* With max-uses=2 every third signature needs the PIN, and no lane makes uses that nobody counts. */
static void
uses_are_limited(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(GDBusConnection) connection = NULL;
    g_autoptr(GVariant) lane = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *pin = NULL, *key = NULL;

    seal_test_agent_new(home);
    seal_test_agent_configure(home, "max-uses=2", NULL);
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s", pin);
    connection = seal_test_private();
    key = seal_test_key(connection, "Alice P-256 signing");
    for (guint i = 0; i < 5; i++) {
        sign_once(connection, key);
        g_assert_cmpuint(seal_test_pinentry_count(home), ==, 1 + i / 2);
    }
    lane = seal_test_call(connection, key, SEAL_INTERFACE_KEY, "OpenLane",
                          g_variant_new_parsed("({'mechanisms': <['ecdsa']>},)"), TRUE, &error);
    g_assert_null(lane);
    seal_test_assert_error(g_steal_pointer(&error), SEAL_ERROR_NOT_SUPPORTED, "max-uses");
}

/* Ends the hosts of the agent (a pinentry may be its child, too); returns how many. */
static guint
kill_hosts(pid_t agent)
{
    g_autoptr(GArray) children = seal_test_children(agent);
    guint n = 0;

    for (guint i = 0; i < children->len; i++) {
        pid_t child = g_array_index(children, pid_t, i);
        g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)child);
        g_autofree char *name = NULL;

        if (!g_file_get_contents(path, &name, NULL, NULL) ||
            !g_str_has_prefix(name, "privyseal-host"))
            continue;
        g_assert_cmpint(kill(child, SIGKILL), ==, 0);
        g_assert_true(seal_test_wait_for_end(child));
        n++;
    }
    return n;
}

/* The host dies between two signatures: the second starts it again and asks for the PIN once. */
static void
killed_host_costs_one_more_pin(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *pin = NULL;
    g_autoptr(GDBusConnection) connection = NULL;
    g_autofree char *key = NULL;

    seal_test_agent_new(home);
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s", pin);
    connection = seal_test_private();
    key = seal_test_key(connection, "Alice P-256 signing");
    sign_once(connection, key);
    g_assert_cmpuint(kill_hosts(seal_test_agent_pid(home)), ==, 1);
    sign_once(connection, key);
    g_assert_cmpuint(seal_test_pinentry_count(home), ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent/start/help-and-version-need-no-bus", help_and_version_need_no_bus);
    g_test_add_func("/agent/start/wrong-configuration-names-its-line",
                    wrong_configuration_names_its_line);
    g_test_add_func("/agent/start/configuration-in-force-can-be-printed",
                    configuration_in_force_can_be_printed);
    g_test_add_func("/agent/start/memory-that-cannot-be-locked-is-told",
                    memory_that_cannot_be_locked_is_told);
    g_test_add_func("/agent/start/second-agent-says-that-one-runs",
                    second_agent_says_that_one_runs);
    g_test_add_func("/agent/start/missing-bus-is-told", missing_bus_is_told);
    g_test_add_func("/agent/start/broken-modules-leave-the-others-alone",
                    broken_modules_leave_the_others_alone);
    g_test_add_func("/agent/end/terminated-agent-leaves-nothing", terminated_agent_leaves_nothing);
    g_test_add_func("/agent/end/stale-socket-is-replaced", stale_socket_is_replaced);
    g_test_add_func("/agent/policy/hangup-reads-it-anew", policy_is_read_anew);
    g_test_add_func("/agent/policy/request-that-waits-for-a-pin-is-judged-anew",
                    request_that_waits_for_a_pin_is_judged_anew);
    g_test_add_func("/agent/pin-to-be-changed/is-told", pin_to_be_changed_is_told);
    g_test_add_func("/agent/left-out-objects/are-told", left_out_objects_are_told);
    g_test_add_func("/agent/limits/number-of-uses", uses_are_limited);
    g_test_add_func("/agent/end/idle-agent-ends-and-comes-back", idle_agent_ends_and_comes_back);
    g_test_add_func("/agent/end/idle-end-loses-no-call", idle_end_loses_no_call);
    g_test_add_func("/agent/end/unlocked-token-keeps-the-agent", unlocked_token_keeps_the_agent);
    g_test_add_func("/agent/survives/killed-host-costs-one-more-pin",
                    killed_host_costs_one_more_pin);
    return g_test_run();
}
