/* Key.OpenLane by a stock client: who gets a lane, what it can do with it, and every way in which
 * it loses it again. The frames on the lane are written by the test. */
#include <errno.h>
#include <gio/gunixfdlist.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ipc/names.h"
#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/lane.h"
#include "pkcs11/wire/messages.h"
#include "tests/agent/lane-scene.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* -- asking --------------------------------------------------------------------------------------
 */

static void
expect_refusal(GDBusConnection *connection, const char *label, const char *options,
               SealErrorCode code, const char *words)
{
    GError *error = NULL;
    g_auto(Lane) lane = {0};

    g_assert_false(open_on(connection, label, options, &lane, &error));
    seal_test_assert_error(error, code, words);
}

/* -- using ---------------------------------------------------------------------------------------
 */

static const guint8 digest[32] = {3, 1, 4};

static gboolean
ask(Lane *lane)
{
    SealFrameHeader header = {.type = SEAL_FRAME_SIGN,
                              .request = ++lane->last_request,
                              .lane = lane->number,
                              .mechanism = SEAL_MECHANISM_ECDSA,
                              .load = 1};
    SealSignParameters parameters = {.hash = SEAL_HASH_SHA256, .data_len = sizeof digest};
    struct iovec parts[] = {{&parameters, sizeof parameters}, {(void *)digest, sizeof digest}};

    return seal_frame_send(lane->fd, &header, parts, 2, FALSE) == 0;
}

static void
expect_signature(World *world, Lane *lane)
{
    g_autofree char *path = seal_test_key(world->connection, KEY);
    EVP_PKEY *key = world_public_key(world, path);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    guint8 body[4096];
    SealFrameHeader header;

    g_assert_true(ask(lane));
    g_assert_cmpint(next(lane, &header, body, sizeof body), ==, 1);
    g_assert_cmpint(header.status, ==, SEAL_ERROR_NONE);
    g_assert_cmpint(EVP_PKEY_verify_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_verify(context, body, header.length, digest, sizeof digest), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
}

static gboolean
has_no_lanes(gpointer data)
{
    return count_listed(((World *)data)->connection, NULL) == 0;
}

/* -- good -------------------------------------------------------------------------------------- */

static void
test_lane_signs(void)
{
    g_auto(World) world = {0};
    g_auto(Lane) lane = {0};

    world_init(&world, NULL);
    open_lane(&world, "{'mechanisms': <['ecdsa']>, 'count': <uint32 9>, 'window': <uint32 3>}",
              &lane);
    g_assert_cmpuint(lane.count, ==, 9);
    g_assert_cmpuint(lane.window, ==, 3);
    g_assert_cmpuint(lane.seconds, ==, 300);
    for (guint i = 0; i < 9; i++)
        expect_signature(&world, &lane);
    expect_end(&lane, SEAL_LANE_USED_UP);
}

static gboolean
are_five_used(gpointer data)
{
    guint32 used = 0;

    return count_listed(((World *)data)->connection, &used) == 1 && used == 5;
}

static void
test_lanes_are_listed_and_recorded(void)
{
    g_auto(World) world = {0};
    g_auto(Lane) lane = {0};
    g_autoptr(GVariant) lanes = NULL;
    g_autofree char *program = NULL;
    g_autofree char *purpose = NULL;
    g_autofree char *path = NULL;
    g_autofree char *key = NULL;
    g_autofree char *log = NULL;
    g_autofree char *words = NULL;
    guint32 number = 0, pid = 0, count = 0, left = 0;

    world_init(&world, NULL);
    open_lane(&world, ECDSA, &lane);
    for (guint i = 0; i < 5; i++)
        expect_signature(&world, &lane);
    while (!are_five_used(&world)) /* the bell rings when the lane falls silent */
        g_thread_yield();
    lanes = seal_test_property(world.connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Lanes");
    g_variant_get_child(lanes, 0, "(usuosuuu)", &number, &program, &pid, &path, &purpose, &count,
                        NULL, &left);
    key = seal_test_key(world.connection, KEY);
    g_assert_cmpuint(number, ==, lane.number);
    g_assert_cmpstr(program, ==, "test-lanes");
    g_assert_cmpuint(pid, ==, getpid());
    g_assert_cmpstr(path, ==, key);
    g_assert_cmpstr(purpose, ==, "sign");
    g_assert_cmpuint(count, ==, 1000000);
    g_assert_cmpuint(left, <=, 300);
    log = seal_test_agent_log(world.home);
    words = g_strdup_printf("on lane %u (use 5) for test-lanes (pid %d): started, rule same-user",
                            lane.number, (int)getpid());
    g_assert_nonnull(strstr(log, words));
}

static void
test_closed_lane_is_forgotten(void)
{
    g_auto(World) world = {0};
    g_auto(Lane) lane = {0};

    world_init(&world, NULL);
    open_lane(&world, ECDSA, &lane);
    g_assert_cmpuint(count_listed(world.connection, NULL), ==, 1);
    (void)close(lane.fd);
    lane.fd = -1;
    while (!has_no_lanes(&world))
        g_thread_yield();
}

/* -- refused -------------------------------------------------------------------------------------
 */

static void
test_bad_questions(void)
{
    g_auto(World) world = {0};
    const struct {
        const char *options;
        SealErrorCode code;
        const char *words;
    } rows[] = {
        {"@a{sv} {}", SEAL_ERROR_INVALID_INPUT, "'mechanisms' is missing"},
        {"{'mechanisms': <@as []>}", SEAL_ERROR_INVALID_INPUT, "'mechanisms' is missing"},
        {"{'mechanisms': <'ecdsa'>}", SEAL_ERROR_INVALID_INPUT, "wrong type"},
        {"{'mechanisms': <['rsa-pss']>}", SEAL_ERROR_NOT_SUPPORTED, "'rsa-pss'"},
        {"{'mechanisms': <['raw-ecdh']>}", SEAL_ERROR_NOT_SUPPORTED, "'raw-ecdh'"},
        {"{'mechanisms': <['ecdsa', 'unwrap-ecdh']>}", SEAL_ERROR_INVALID_INPUT, "or those that"},
        {"{'mechanisms': <['ecdsa']>, 'count': <uint32 0>}", SEAL_ERROR_INVALID_INPUT, "'count'"},
        {"{'mechanisms': <['ecdsa']>, 'count': <uint32 1000000001>}", SEAL_ERROR_LIMIT_EXCEEDED,
         "3600 seconds"},
        {"{'mechanisms': <['ecdsa']>, 'seconds': <uint32 3601>}", SEAL_ERROR_LIMIT_EXCEEDED,
         "3600 seconds"},
        {"{'mechanisms': <['ecdsa']>, 'window': <uint32 65>}", SEAL_ERROR_LIMIT_EXCEEDED,
         "64 requests"},
        {"{'mechanisms': <['ecdsa']>, 'colour': <'red'>}", SEAL_ERROR_INVALID_INPUT, "'colour'"},
    };

    world_init(&world, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        expect_refusal(world.connection, KEY, rows[i].options, rows[i].code, rows[i].words);
    expect_refusal(world.connection, "Alice P-256 decryption", ECDSA, SEAL_ERROR_KEY_USAGE,
                   "key usage");
    g_assert_cmpuint(count_listed(world.connection, NULL), ==, 0);
}

static void
test_shared_bus_gets_none(void)
{
    g_auto(World) world = {0};
    g_autoptr(GDBusConnection) shared = NULL;

    world_init(&world, NULL);
    shared = seal_test_shared();
    expect_refusal(shared, KEY, ECDSA, SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED, "private socket");
}

static void
test_rule_decides(void)
{
    g_auto(World) asked = {0};
    g_auto(World) denied = {0};

    world_init(&asked, "[policy careful]\naction=ask\n");
    expect_refusal(asked.connection, KEY, ECDSA, SEAL_ERROR_NOT_PERMITTED, "careful");
    world_clear(&asked);
    asked = (World){0};
    world_init(&denied, "[policy closed]\naction=deny\n");
    expect_refusal(denied.connection, KEY, ECDSA, SEAL_ERROR_DENIED, "closed");
}

static void
test_too_many_are_refused(void)
{
    g_auto(World) world = {0};
    Lane lanes[64] = {{0}};
    guint descriptors = 0;

    world_init(&world, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(lanes); i++)
        open_lane(&world, ECDSA, &lanes[i]);
    descriptors = seal_test_count_descriptors(seal_test_agent_pid(world.home));
    for (guint i = 0; i < 500; i++)
        expect_refusal(world.connection, KEY, ECDSA, SEAL_ERROR_LIMIT_EXCEEDED, "");
    g_assert_cmpuint(seal_test_count_descriptors(seal_test_agent_pid(world.home)), <=, descriptors);
    g_assert_cmpuint(count_listed(world.connection, NULL), ==, 64);
    expect_signature(&world, &lanes[17]);
    for (gsize i = 0; i < G_N_ELEMENTS(lanes); i++)
        lane_clear(&lanes[i]);
}

/* -- taken back -----------------------------------------------------------------------------------
 */

static void
call(World *world, const char *path, const char *interface, const char *method, GVariant *arguments)
{
    GError *error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(world->connection, path, interface, method, arguments, FALSE, &error);

    g_assert_no_error(error);
}

static void
test_lock_ends_lanes(void)
{
    const char *const methods[] = {"Lock", "LockAll"};
    g_auto(World) world = {0};

    world_init(&world, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
        g_auto(Lane) lane = {0};
        g_autofree char *token = seal_test_token(world.connection, "Alice");

        open_lane(&world, ECDSA, &lane);
        expect_signature(&world, &lane);
        call(&world, i == 0 ? token : SEAL_ROOT_PATH,
             i == 0 ? SEAL_INTERFACE_TOKEN : SEAL_INTERFACE_AGENT, methods[i], NULL);
        expect_end(&lane, SEAL_LANE_LOCKED);
    }
}

static void
test_idle_limit_ends_lanes(void)
{
    g_auto(World) world = {0};
    g_auto(Lane) lane = {0};
    g_autofree char *pin = NULL;

    world.home = seal_test_home_new();
    seal_test_agent_new(world.home);
    seal_test_agent_configure(world.home, "idle-lock=1", NULL);
    pin = seal_test_fixture_pin(world.home);
    seal_test_pinentry_answer(world.home, "always pin %s", pin);
    world.connection = seal_test_private();
    open_lane(&world, ECDSA, &lane);
    expect_signature(&world, &lane);
    expect_end(&lane, SEAL_LANE_LOCKED);
}

static void
test_time_ends_lanes(void)
{
    g_auto(World) world = {0};
    g_auto(Lane) lane = {0};

    world_init(&world, NULL);
    open_lane(&world, "{'mechanisms': <['ecdsa']>, 'seconds': <uint32 1>}", &lane);
    expect_end(&lane, SEAL_LANE_EXPIRED);
}

/* The module's signatures have a length that the key cannot make: the second is the last. */
static void
test_doubted_key_loses_lanes(void)
{
    g_auto(World) world = {0};
    g_auto(Lane) lane = {0};
    g_autofree char *moody = seal_test_built("tests/mock/moody.so");
    g_autofree char *groups = g_strdup_printf("[module moody]\npath=%s\n", moody);
    g_autofree char *mood = NULL;
    g_autofree char *pin = NULL;
    guint8 body[4096];
    SealFrameHeader header;

    world.home = seal_test_home_new();
    mood = seal_test_home_write(world.home, "mood", "[mood]\nanswer-len=17\n");
    seal_test_home_setenv(world.home, "PRIVYSEAL_MOODY", mood);
    seal_test_agent_new(world.home);
    seal_test_agent_configure(world.home, NULL, groups);
    pin = seal_test_fixture_pin(world.home);
    seal_test_pinentry_answer(world.home, "always pin %s", pin);
    world.connection = seal_test_private();
    open_lane(&world, ECDSA, &lane);
    g_assert_true(ask(&lane));
    g_assert_cmpint(next(&lane, &header, body, sizeof body), ==, 1);
    g_assert_cmpint(header.type, !=, SEAL_FRAME_LANE_REVOKED);
    g_assert_cmpint(header.status, ==, SEAL_ERROR_MODULE_FAILED);
    g_assert_true(ask(&lane));
    do { /* the answer, unless the end comes before it */
        g_assert_cmpint(next(&lane, &header, body, sizeof body), ==, 1);
    } while (header.type != SEAL_FRAME_LANE_REVOKED);
    g_assert_cmpint(header.status, ==, seal_lane_end_code(SEAL_LANE_REMOVED));
    expect_refusal(world.connection, KEY, ECDSA, SEAL_ERROR_KEY_USAGE, "do not fit");
}

static void
test_connection_takes_lanes_along(void)
{
    g_auto(World) world = {0};
    g_auto(Lane) lane = {0};
    g_autoptr(GDBusConnection) other = NULL;
    GError *error = NULL;

    world_init(&world, NULL);
    other = seal_test_private();
    g_assert_true(open_on(other, KEY, ECDSA, &lane, &error));
    expect_signature(&world, &lane);
    g_assert_true(g_dbus_connection_close_sync(other, NULL, &error));
    expect_end(&lane, SEAL_LANE_ABANDONED);
}

static void
test_person_takes_lanes_back(void)
{
    g_auto(World) world = {0};
    g_auto(Lane) first = {0};
    g_auto(Lane) second = {0};
    g_autoptr(GVariant) one = NULL;
    g_autoptr(GVariant) rest = NULL;
    GError *error = NULL;
    guint32 revoked = 0;

    world_init(&world, NULL);
    open_lane(&world, ECDSA, &first);
    open_lane(&world, ECDSA, &second);
    one = seal_test_call(world.connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "RevokeLanes",
                         g_variant_new_parsed("({'lane': <%u>},)", first.number), FALSE, &error);
    g_assert_no_error(error);
    g_variant_get(one, "(u)", &revoked);
    g_assert_cmpuint(revoked, ==, 1);
    expect_end(&first, SEAL_LANE_REVOKED);
    expect_signature(&world, &second);
    rest =
        seal_test_call(world.connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "RevokeLanes",
                       g_variant_new_parsed("({'pid': <%u>},)", (guint32)getpid()), FALSE, &error);
    g_assert_no_error(error);
    g_variant_get(rest, "(u)", &revoked);
    g_assert_cmpuint(revoked, ==, 1);
    expect_end(&second, SEAL_LANE_REVOKED);
}

static void
test_revoking_names_what_it_knows(void)
{
    g_auto(World) world = {0};
    GError *error = NULL;
    g_autoptr(GVariant) answer = NULL;

    world_init(&world, NULL);
    answer = seal_test_call(world.connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "RevokeLanes",
                            g_variant_new_parsed("({'colour': <'red'>},)"), FALSE, &error);
    seal_test_assert_error(error, SEAL_ERROR_INVALID_INPUT, "'colour'");
}

/* -- descriptors that clients send
 * ------------------------------------------------------------------ */

/* The kernel refuses it, or the agent ends the connection: it holds nobody's descriptors. */
static void
test_agent_takes_no_descriptor(void)
{
    g_auto(World) world = {0};
    g_autoptr(GDBusConnection) other = NULL;
    g_autoptr(GUnixFDList) list = g_unix_fd_list_new();
    g_autoptr(GVariant) answer = NULL;
    g_autoptr(GError) error = NULL;
    int ends[2];
    char byte = 0;

    world_init(&world, NULL);
    other = seal_test_private();
    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(g_unix_fd_list_append(list, ends[1], NULL), ==, 0);
    (void)close(ends[1]);
    answer = g_dbus_connection_call_with_unix_fd_list_sync(
        other, NULL, SEAL_ROOT_PATH, "org.freedesktop.DBus.Peer", "Ping", g_variant_new("(h)", 0),
        NULL, G_DBUS_CALL_FLAGS_NONE, seal_test_deadline_ms(), list, NULL, NULL, &error);
    g_assert_nonnull(error);
    g_clear_object(&list);
    g_clear_object(&other);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
    (void)close(ends[0]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent/lanes/sign", test_lane_signs);
    g_test_add_func("/agent/lanes/are-listed-and-recorded", test_lanes_are_listed_and_recorded);
    g_test_add_func("/agent/lanes/closed-one-is-forgotten", test_closed_lane_is_forgotten);
    g_test_add_func("/agent/lanes/bad-questions-are-refused", test_bad_questions);
    g_test_add_func("/agent/lanes/shared-bus-gets-none", test_shared_bus_gets_none);
    g_test_add_func("/agent/lanes/rule-decides", test_rule_decides);
    g_test_add_func("/agent/lanes/too-many-are-refused", test_too_many_are_refused);
    g_test_add_func("/agent/lanes/lock-ends-them", test_lock_ends_lanes);
    g_test_add_func("/agent/lanes/idle-limit-ends-them", test_idle_limit_ends_lanes);
    g_test_add_func("/agent/lanes/time-ends-them", test_time_ends_lanes);
    g_test_add_func("/agent/lanes/key-that-lies-loses-them", test_doubted_key_loses_lanes);
    g_test_add_func("/agent/lanes/connection-takes-them-along", test_connection_takes_lanes_along);
    g_test_add_func("/agent/lanes/person-takes-them-back", test_person_takes_lanes_back);
    g_test_add_func("/agent/lanes/revoking-names-what-it-knows", test_revoking_names_what_it_knows);
    g_test_add_func("/agent/lanes/agent-takes-no-descriptor", test_agent_takes_no_descriptor);
    return g_test_run();
}
