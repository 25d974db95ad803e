/* Every way in which an agent takes lanes back, from clients that never stop signing: with the real
 * agent and host, over a module that tells each start as it happens (starts.h). Where the agent
 * says when it has done so, nothing starts after that; in any case nothing does once the client was
 * told why, which it always is. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ipc/names.h"
#include "tests/agent/lane-load.h"
#include "tests/support/agent.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* Rounds with one agent, but for what waits a second each time; SEAL_TEST_ROUNDS takes the place of
 * it for long runs. */
#define ROUNDS 4u

typedef struct {
    const char *path;
    SealLaneEnd why;
    const char *agent_lines; /* (nullable) of the configuration */
    const char *options;     /* (nullable) more of OpenLane */
    /* (nullable) Takes all lanes back. TRUE: it has happened, FALSE: it will. */
    gboolean (*order)(Load *load);
} Row;

/* -- orders ---------------------------------------------------------------------------------------
 */

static gboolean
call(Load *load, const char *path, const char *interface, const char *method, GVariant *arguments)
{
    GError *error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(load->world.connection, path, interface, method, arguments, FALSE, &error);

    g_assert_no_error(error);
    return TRUE;
}

static gboolean
lock(Load *load)
{
    g_autofree char *token = seal_test_token(load->world.connection, "Alice");

    return call(load, token, SEAL_INTERFACE_TOKEN, "Lock", NULL);
}

static gboolean
lock_all(Load *load)
{
    return call(load, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll", NULL);
}

static gboolean
revoke_by_command(Load *load)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *argv[] = {program, "grants", "revoke", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(load->world.home, argv, NULL);

    g_assert_cmpint(result->status, ==, 0);
    g_assert_nonnull(strstr(result->out, "3 lanes are taken back"));
    return TRUE;
}

static gboolean
pull_token(Load *load)
{
    load_set_mood(load, "absent=true\n");
    return FALSE;
}

static gboolean
change_policy(Load *load)
{
    load_configure(load, NULL, "[policy closed]\naction=deny\n");
    g_assert_no_errno(kill(seal_test_agent_pid(load->world.home), SIGHUP));
    return FALSE;
}

static gboolean
close_connection(Load *load)
{
    GError *error = NULL;

    (void)g_dbus_connection_close_sync(load->owner, NULL, &error);
    g_assert_no_error(error);
    return FALSE;
}

/* The lanes' time, or the token's, is over by itself. */
static gboolean
wait(Load *load)
{
    return FALSE;
}

/* What was done is undone, and the agent gives lanes again. */
static void
make_good(Load *load, const Row *row)
{
    g_autofree char *token = NULL;

    load_set_mood(load, "");
    if (row->order == change_policy) {
        GError *error = NULL;
        g_auto(Lane) lane = {0};

        g_assert_false(open_on(load->world.connection, KEY, ECDSA, &lane, &error));
        seal_test_assert_error(error, SEAL_ERROR_DENIED, "closed");
        load_configure(load, NULL, "");
        g_assert_no_errno(kill(seal_test_agent_pid(load->world.home), SIGHUP));
    }
    g_clear_object(&load->owner);
}

static gboolean
is_good(gpointer data)
{
    Load *load = data;
    g_auto(Lane) lane = {0};

    return open_on(load->world.connection, KEY, ECDSA, &lane, NULL);
}

/* -- the test -------------------------------------------------------------------------------------
 */

static guint
rounds(const Row *row)
{
    const char *wanted = g_getenv("SEAL_TEST_ROUNDS");

    if (wanted)
        return (guint)g_ascii_strtoull(wanted, NULL, 10);
    return row->order == wait ? 1 : ROUNDS;
}

static void
take_back(Load *load, const Row *row)
{
    guint32 started = 0;
    gboolean done = row->order(load);

    if (done)
        started = load_count(load);
    for (guint i = 0; i < CLIENTS; i++) {
        SealTestSigned had = seal_test_signer_join(load->signers[i]);

        g_assert_cmpint(had.end, ==, row->why);
        lane_clear(&load->lanes[i]);
    }
    if (done)
        g_assert_cmpuint(load_count(load), ==, started);
    started = load_count(load);
    while (count_listed(load->world.connection, NULL) > 0)
        g_thread_yield();
    g_assert_cmpuint(load_count(load), ==, started);
}

static void
test_lanes_end(Load *load, gconstpointer data)
{
    const Row *row = data;

    for (guint i = 0; i < rounds(row); i++) {
        load_start(load, row->options ? row->options : "");
        if (row->order != wait)
            load_wait(load);
        take_back(load, row);
        make_good(load, row);
        while (!is_good(load)) /* the module tells of a token only to who waits for it just then */
            (void)call(load, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Rescan", NULL);
    }
}

/* -- a lock after another end ---------------------------------------------------------------------
 */

static void
on_answer(GObject *connection, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    g_autoptr(GVariant) answer =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(connection), result, &error);

    g_assert_no_error(error);
    *(gboolean *)user_data = TRUE;
}

static void
call_async(Load *load, const char *path, const char *interface, const char *method,
           GVariant *arguments, gboolean *ret_answered)
{
    g_dbus_connection_call(load->world.connection, SEAL_BUS_NAME, path, interface, method,
                           arguments, NULL, G_DBUS_CALL_FLAGS_NONE, seal_test_deadline_ms(), NULL,
                           on_answer, ret_answered);
}

static gboolean
is_true(gpointer data)
{
    return *(gboolean *)data;
}

/* The lanes are revoked, and not over, while the module holds an operation: a lock then waits for
 * it as a lock of open lanes would, and both calls are answered. The module's log tells that
 * nothing else is left to wait for. */
static void
test_lock_of_revoked(Load *load, gconstpointer data)
{
    const Row *row = data;
    g_autofree char *token = seal_test_token(load->world.connection, "Alice");
    g_autofree char *log = seal_test_home_path(load->world.home, "calls");
    g_autofree char *mood = g_strdup_printf("hold=sign\nlog=%s\n", log);
    gboolean is_revoked = FALSE, is_locked = FALSE;
    guint32 started = 0;

    load_set_mood(load, mood);
    load_start(load, "");
    g_assert_true(seal_test_wait_for_text(log, "Held"));
    call_async(load, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "RevokeLanes",
               g_variant_new("(a{sv})", NULL), &is_revoked);
    if (row->order == lock)
        call_async(load, token, SEAL_INTERFACE_TOKEN, "Lock", NULL, &is_locked);
    else
        call_async(load, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll", NULL, &is_locked);
    g_assert_true(seal_test_wait_for_text(log, "C_Logout"));
    (void)call(load, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Rescan", NULL);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_false(is_locked);
    load_set_mood(load, "");
    g_assert_true(seal_test_wait_until(is_true, &is_locked));
    started = load_count(load);
    g_assert_true(seal_test_wait_until(is_true, &is_revoked));
    for (guint i = 0; i < CLIENTS; i++) {
        SealTestSigned had = seal_test_signer_join(load->signers[i]);

        g_assert_cmpint(had.end, ==, row->why);
        lane_clear(&load->lanes[i]);
    }
    g_assert_cmpuint(load_count(load), ==, started);
}

static void
set_up(Load *load, gconstpointer data)
{
    load_init(load, ((const Row *)data)->agent_lines);
}

static void
tear_down(Load *load, gconstpointer data)
{
    load_clear(load);
}

int
main(int argc, char **argv)
{
    static const Row rows[] = {
        {"/agent/lanes/under-load/lock", SEAL_LANE_LOCKED, NULL, NULL, lock},
        {"/agent/lanes/under-load/lock-all", SEAL_LANE_LOCKED, NULL, NULL, lock_all},
        {"/agent/lanes/under-load/grants-revoke", SEAL_LANE_REVOKED, NULL, NULL, revoke_by_command},
        {"/agent/lanes/under-load/removal", SEAL_LANE_REMOVED, NULL, NULL, pull_token},
        {"/agent/lanes/under-load/other-policy", SEAL_LANE_FORBIDDEN, NULL, NULL, change_policy},
        {"/agent/lanes/under-load/end-of-connection", SEAL_LANE_ABANDONED, NULL, NULL,
         close_connection},
        {"/agent/lanes/under-load/expiry", SEAL_LANE_EXPIRED, NULL, ", 'seconds': <uint32 1>",
         wait},
        {"/agent/lanes/under-load/age-limit", SEAL_LANE_LOCKED, "max-unlocked=1", NULL, wait},
    };
    static const Row locks_of_revoked[] = {
        {"/agent/lanes/revoked-and-under-way/lock-waits", SEAL_LANE_REVOKED, NULL, NULL, lock},
        {"/agent/lanes/revoked-and-under-way/lock-all-waits", SEAL_LANE_REVOKED, NULL, NULL,
         lock_all},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_test_add(rows[i].path, Load, &rows[i], set_up, test_lanes_end, tear_down);
    for (gsize i = 0; i < G_N_ELEMENTS(locks_of_revoked); i++)
        g_test_add(locks_of_revoked[i].path, Load, &locks_of_revoked[i], set_up,
                   test_lock_of_revoked, tear_down);
    return g_test_run();
}
