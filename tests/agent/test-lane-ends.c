/* Every way in which an agent takes lanes back, from clients that never stop signing: with the real
 * agent and host, over a module that tells each start as it happens (starts.h). Where the agent says
 * when it has done so, nothing starts after that; in any case nothing does once the client was told
 * why, which it always is. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ipc/names.h"
#include "tests/agent/lane-scene.h"
#include "tests/pkcs11/lane-signer.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/starts.h"
#include "tests/support/wait.h"

#define CLIENTS 3u
/* Rounds with one agent, but for what waits a second each time; SEAL_TEST_ROUNDS takes the place of it
 * for long runs. */
#define ROUNDS 4u

typedef struct {
    World world;
    GDBusConnection *owner; /* whose lanes they are */
    const guint32 *starts;
    Lane lanes[CLIENTS];
    SealTestSigner *signers[CLIENTS];
} Scene;

typedef struct {
    const char *path;
    SealLaneEnd why;
    const char *agent_lines; /* (nullable) of the configuration */
    const char *options;     /* (nullable) more of OpenLane */
    /* (nullable) Takes all lanes back. TRUE: it has happened, FALSE: it will. */
    gboolean (*order)(Scene *scene);
} Row;

/* -- the world ------------------------------------------------------------------------------------
 */

static void
set_mood(Scene *scene, const char *lines)
{
    g_autofree char *starts = seal_test_home_path(scene->world.home, "starts");
    g_autofree char *path = seal_test_home_path(scene->world.home, "mood");
    g_autofree char *text =
        g_strdup_printf("[mood]\ninstant=true\nevents=true\nstarts=%s\n%s", starts, lines);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
configure(Scene *scene, const char *agent_lines, const char *rules)
{
    g_autofree char *moody = seal_test_built("tests/mock/moody.so");
    g_autofree char *groups = g_strdup_printf("[module moody]\npath=%s\n%s", moody, rules);

    seal_test_agent_configure(scene->world.home, agent_lines, groups);
}

static void
set_up(Scene *scene, gconstpointer data)
{
    const Row *row = data;
    g_autofree char *pin = NULL;
    g_autofree char *mood = NULL;

    scene->world.home = seal_test_home_new();
    scene->starts = seal_test_starts_new(scene->world.home);
    mood = seal_test_home_path(scene->world.home, "mood");
    seal_test_home_setenv(scene->world.home, "PRIVYSEAL_MOODY", mood);
    set_mood(scene, "");
    seal_test_agent_new(scene->world.home);
    configure(scene, row->agent_lines, "");
    pin = seal_test_fixture_pin(scene->world.home);
    seal_test_pinentry_answer(scene->world.home, "always pin %s", pin);
    scene->world.connection = seal_test_private();
}

static void
tear_down(Scene *scene, gconstpointer data)
{
    g_clear_object(&scene->owner);
    world_clear(&scene->world);
}

static guint32
count_starts(const Scene *scene)
{
    guint32 n = 0;

    for (guint mark = 0; mark < CLIENTS; mark++)
        n += seal_test_starts(scene->starts, (guint8)mark);
    return n;
}

static void
start_clients(Scene *scene, const char *more)
{
    scene->owner = seal_test_private();
    for (guint i = 0; i < CLIENTS; i++) {
        g_autofree char *options =
            g_strdup_printf("{'mechanisms': <['ecdsa']>, 'window': <uint32 %u>%s}", i + 1, more);
        GError *error = NULL;

        scene->lanes[i] = (Lane){0};
        (void)open_on(scene->owner, KEY, options, &scene->lanes[i], &error);
        g_assert_no_error(error);
    }
    for (guint i = 0; i < CLIENTS; i++)
        scene->signers[i] =
            seal_test_signer_new(scene->lanes[i].fd, scene->lanes[i].number, i + 1, (guint8)i);
}

static void
wait_for_load(Scene *scene)
{
    for (guint i = 0; i < CLIENTS; i++) {
        guint32 before = seal_test_starts(scene->starts, (guint8)i);

        while (seal_test_starts(scene->starts, (guint8)i) < before + 5)
            g_thread_yield();
    }
}

/* -- orders ---------------------------------------------------------------------------------------
 */

static gboolean
call(Scene *scene, const char *path, const char *interface, const char *method, GVariant *arguments)
{
    GError *error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(scene->world.connection, path, interface, method, arguments, FALSE, &error);

    g_assert_no_error(error);
    return TRUE;
}

static gboolean
lock(Scene *scene)
{
    g_autofree char *token = seal_test_token(scene->world.connection, "Alice");

    return call(scene, token, SEAL_INTERFACE_TOKEN, "Lock", NULL);
}

static gboolean
lock_all(Scene *scene)
{
    return call(scene, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll", NULL);
}

static gboolean
revoke_by_command(Scene *scene)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *argv[] = {program, "grants", "revoke", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene->world.home, argv, NULL);

    g_assert_cmpint(result->status, ==, 0);
    g_assert_nonnull(strstr(result->out, "3 lanes are taken back"));
    return TRUE;
}

static gboolean
pull_token(Scene *scene)
{
    set_mood(scene, "absent=true\n");
    return FALSE;
}

static gboolean
change_policy(Scene *scene)
{
    configure(scene, NULL, "[policy closed]\naction=deny\n");
    g_assert_no_errno(kill(seal_test_agent_pid(scene->world.home), SIGHUP));
    return FALSE;
}

static gboolean
close_connection(Scene *scene)
{
    GError *error = NULL;

    (void)g_dbus_connection_close_sync(scene->owner, NULL, &error);
    g_assert_no_error(error);
    return FALSE;
}

/* The lanes' time, or the token's, is over by itself. */
static gboolean
wait(Scene *scene)
{
    return FALSE;
}

/* What was done is undone, and the agent gives lanes again. */
static void
make_good(Scene *scene, const Row *row)
{
    g_autofree char *token = NULL;

    set_mood(scene, "");
    if (row->order == change_policy) {
        GError *error = NULL;
        g_auto(Lane) lane = {0};

        g_assert_false(open_on(scene->world.connection, KEY, ECDSA, &lane, &error));
        seal_test_assert_error(error, SEAL_ERROR_DENIED, "closed");
        configure(scene, NULL, "");
        g_assert_no_errno(kill(seal_test_agent_pid(scene->world.home), SIGHUP));
    }
    g_clear_object(&scene->owner);
}

static gboolean
is_good(gpointer data)
{
    Scene *scene = data;
    g_auto(Lane) lane = {0};

    return open_on(scene->world.connection, KEY, ECDSA, &lane, NULL);
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
take_back(Scene *scene, const Row *row)
{
    guint32 started = 0;
    gboolean done = row->order(scene);

    if (done)
        started = count_starts(scene);
    for (guint i = 0; i < CLIENTS; i++) {
        SealTestSigned had = seal_test_signer_join(scene->signers[i]);

        g_assert_cmpint(had.end, ==, row->why);
        lane_clear(&scene->lanes[i]);
    }
    if (done)
        g_assert_cmpuint(count_starts(scene), ==, started);
    started = count_starts(scene);
    while (count_listed(scene->world.connection, NULL) > 0)
        g_thread_yield();
    g_assert_cmpuint(count_starts(scene), ==, started);
}

static void
test_lanes_end(Scene *scene, gconstpointer data)
{
    const Row *row = data;

    for (guint i = 0; i < rounds(row); i++) {
        start_clients(scene, row->options ? row->options : "");
        if (row->order != wait)
            wait_for_load(scene);
        take_back(scene, row);
        make_good(scene, row);
        while (!is_good(scene))
            g_thread_yield();
    }
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
        {"/agent/lanes/under-load/end-of-connection", SEAL_LANE_ABANDONED, NULL, NULL, close_connection},
        {"/agent/lanes/under-load/expiry", SEAL_LANE_EXPIRED, NULL, ", 'seconds': <uint32 1>", wait},
        {"/agent/lanes/under-load/age-limit", SEAL_LANE_LOCKED, "max-unlocked=1", NULL, wait},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_test_add(rows[i].path, Scene, &rows[i], set_up, test_lanes_end, tear_down);
    return g_test_run();
}
