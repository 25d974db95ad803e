/* libprivyseal against an agent with moods (fake-agent.c): answers, errors, a vanishing agent, Ctrl-C,
 * time limits, asynchronous calls, forks, and a bus without a private socket. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/client/client.h"
#include "ipc/names.h"
#include "tests/support/bus.h"
#include "tests/support/home.h"
#include "tests/support/wait.h"

#define KEY(mood) SEAL_KEY_PREFIX "/" mood

typedef struct {
    SealTestHome *home;
    SealClient *client;
} Fixture;

static void
stop_fake_agent(SealTestHome *home, gpointer data)
{
    pid_t pid = seal_test_bus_pid_of(SEAL_BUS_NAME);

    if (pid > 0)
        (void)kill(pid, SIGTERM);
}

static void
set_up_home(Fixture *fixture, gconstpointer data)
{
    g_autofree char *program = seal_test_built("tests/client/fake-agent");
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;

    fixture->home = seal_test_home_new();
    if (data)
        seal_test_home_setenv(fixture->home, data, "1");
    text = g_strdup_printf("[D-BUS Service]\nName=%s\nExec=%s\n", SEAL_BUS_NAME, program);
    path = seal_test_home_write(fixture->home, "services/" SEAL_BUS_NAME ".service", text);
    seal_test_bus_new(fixture->home);
    seal_test_home_on_end(fixture->home, stop_fake_agent, NULL);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    set_up_home(fixture, data);
    fixture->client = seal_client_new(&error);
    g_assert_no_error(error);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    seal_client_free(fixture->client);
    if (data)
        seal_test_home_setenv(fixture->home, data, NULL);
    seal_test_home_free(fixture->home);
}

/* Waits until the agent has noted `text`. */
static void
await_note(Fixture *fixture, const char *text)
{
    g_autofree char *path = seal_test_home_path(fixture->home, "run/fake-agent.log");

    g_assert_true(seal_test_wait_for_text(path, text));
}

static guint
count_notes(Fixture *fixture, const char *line)
{
    g_autofree char *log = seal_test_home_read(fixture->home, "run/fake-agent.log");
    g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
    guint count = 0;

    for (char **at = lines; *at; at++)
        count += g_str_equal(*at, line);
    return count;
}

static GBytes *
sign(Fixture *fixture, const char *key, GError **error)
{
    g_autoptr(GBytes) data = g_bytes_new_static("digest", 6);

    return seal_client_sign(fixture->client, key, "ecdsa", "sha256", data, error);
}

static void
assert_echo(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) answer = sign(fixture, KEY("echo"), &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer), "digest", 6);
}

/* -- answers and errors ------------------------------------------------------------ */

static void
test_answer(Fixture *fixture, gconstpointer data)
{
    assert_echo(fixture);
    assert_echo(fixture);
    g_assert_cmpuint(count_notes(fixture, "connected"), ==, 1);
}

static void
test_answer_on_bus(Fixture *fixture, gconstpointer data)
{
    assert_echo(fixture);
    g_assert_cmpuint(count_notes(fixture, "connected"), ==, 0);
}

static void
test_large(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc(SEAL_LIMIT_DATA * 32);
    g_autoptr(GBytes) sent = NULL;
    g_autoptr(GBytes) answer = NULL;

    /* More than a socket's buffer, so that sending needs several turns. */
    memset(bytes, 0x5a, SEAL_LIMIT_DATA * 32);
    sent = g_bytes_new(bytes, SEAL_LIMIT_DATA * 32);
    answer = seal_client_sign(fixture->client, KEY("echo"), "ed25519", NULL, sent, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(sent, answer));
}

static void
test_error_name(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(sign(fixture, KEY("refuse"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_PIN_BLOCKED);
    g_assert_cmpstr(error->message, ==, "the PIN of 'Blue' is blocked");
    assert_echo(fixture);
}

static void
test_strange_error(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(sign(fixture, KEY("strange"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_FAILED);
    g_assert_cmpstr(error->message, ==, "something odd");
}

static void
test_wrong_type(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(sign(fixture, KEY("number"), &error));
    g_assert_nonnull(error);
    assert_echo(fixture);
}

static void
test_bad_path(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(sign(fixture, "no path", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    assert_echo(fixture);
}

static void
test_signals(Fixture *fixture, gconstpointer data)
{
    uint64_t queued = 0;

    for (int i = 0; i < 20; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) answer = sign(fixture, KEY("noise"), &error);

        g_assert_no_error(error);
    }
    g_assert_cmpint(sd_bus_get_n_queued_read(fixture->client->connection->bus, &queued), >=, 0);
    g_assert_cmpuint(queued, ==, 0);
}

static void
test_interactive(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GBytes) allowed = sign(fixture, KEY("flags"), NULL);
    g_autoptr(GBytes) quiet = NULL;

    g_assert_cmpmem(g_bytes_get_data(allowed, NULL), g_bytes_get_size(allowed), "interactive", 11);
    seal_client_set_interactive(fixture->client, FALSE);
    quiet = sign(fixture, KEY("flags"), NULL);
    g_assert_cmpmem(g_bytes_get_data(quiet, NULL), g_bytes_get_size(quiet), "quiet", 5);
}

static void
test_environment(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) answer = NULL;
    g_auto(GStrv) lines = NULL;
    g_autofree char *text = NULL;

    seal_client_free(g_steal_pointer(&fixture->client));
    seal_test_home_setenv(fixture->home, "DISPLAY", ":7");
    seal_test_home_setenv(fixture->home, "LC_MESSAGES", "de_DE.UTF-8");
    seal_test_home_setenv(fixture->home, "GPG_TTY", "/dev/pts/77");
    seal_test_home_setenv(fixture->home, "SECRET_OF_MINE", "not for others");
    fixture->client = seal_client_new(&error);
    g_assert_no_error(error);
    answer = sign(fixture, KEY("environment"), &error);
    g_assert_no_error(error);
    text = g_strndup(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer));
    lines = g_strsplit(text, "\n", -1);
    g_assert_true(g_strv_contains((const char *const *)lines, "DISPLAY=:7"));
    g_assert_true(g_strv_contains((const char *const *)lines, "LC_MESSAGES=de_DE.UTF-8"));
    g_assert_true(g_strv_contains((const char *const *)lines, "GPG_TTY=/dev/pts/77"));
    g_assert_null(strstr(text, "SECRET_OF_MINE"));
}

/* -- reaching it ---------------------------------------------------------------------- */

static void
test_no_bus(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    seal_test_home_setenv(fixture->home, SEAL_ADDRESS_VARIABLE, "unix:path=/nonexistent/bus");
    g_assert_null(seal_client_new(&error));
    seal_test_home_setenv(fixture->home, SEAL_ADDRESS_VARIABLE, NULL);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_nonnull(strstr(error->message, "/nonexistent/bus"));
}

static void
test_no_service(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *service = seal_test_home_path(fixture->home, "services/" SEAL_BUS_NAME ".service");

    g_assert_cmpint(unlink(service), ==, 0);
    g_assert_null(seal_client_new(&error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_nonnull(strstr(error->message, "service file"));
}

static void
test_variable(Fixture *fixture, gconstpointer data)
{
    g_autofree char *address = g_strdup(g_getenv("DBUS_SESSION_BUS_ADDRESS"));

    seal_test_home_setenv(fixture->home, "DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    seal_test_home_setenv(fixture->home, SEAL_ADDRESS_VARIABLE, address);
    fixture->client = seal_client_new(NULL);
    g_assert_nonnull(fixture->client);
    assert_echo(fixture);
    seal_test_home_setenv(fixture->home, "DBUS_SESSION_BUS_ADDRESS", address);
}

static void
test_agent_dies(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(sign(fixture, KEY("die"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_cmpuint(count_notes(fixture, "die"), ==, 1); /* not sent again */
    assert_echo(fixture);
    g_assert_cmpuint(count_notes(fixture, "started"), ==, 2);
}

static void
test_agent_left(Fixture *fixture, gconstpointer data)
{
    pid_t pid = seal_test_bus_pid_of(SEAL_BUS_NAME);
    g_autoptr(GBytes) answer = sign(fixture, KEY("leave"), NULL);

    g_assert_nonnull(answer);
    g_assert_true(seal_test_wait_for_end(pid));
    assert_echo(fixture); /* the caller notices nothing */
    g_assert_cmpuint(count_notes(fixture, "echo"), ==, 1);
    g_assert_cmpuint(count_notes(fixture, "started"), ==, 2);
}

/* -- ending calls ------------------------------------------------------------------------ */

static gpointer
interrupt_when_hanging(gpointer data)
{
    Fixture *fixture = data;

    await_note(fixture, "hang");
    seal_client_interrupt(fixture->client);
    return NULL;
}

static void
test_interrupt(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) later = NULL;
    GThread *thread = g_thread_new("interrupt", interrupt_when_hanging, fixture);

    g_assert_null(sign(fixture, KEY("hang"), &error));
    g_thread_join(thread);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED);
    await_note(fixture, "disconnected"); /* the agent knows that nobody waits */
    g_assert_null(sign(fixture, KEY("echo"), &later));
    g_assert_error(later, SEAL_ERROR, SEAL_ERROR_CANCELLED);
}

static SealClient *client_of_handler;

static void
on_signal(int number)
{
    seal_client_interrupt(client_of_handler);
}

static gpointer
signal_when_hanging(gpointer data)
{
    await_note(data, "hang");
    (void)kill(getpid(), SIGUSR1);
    return NULL;
}

static void
test_signal_handler(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    GThread *thread = NULL;

    client_of_handler = fixture->client;
    g_assert_cmpint(sigaction(SIGUSR1, &action, NULL), ==, 0);
    thread = g_thread_new("signal", signal_when_hanging, fixture);
    g_assert_null(sign(fixture, KEY("hang"), &error));
    g_thread_join(thread);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED);
}

static void
test_time_limit(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    seal_client_set_timeout(fixture->client, 50);
    g_assert_null(sign(fixture, KEY("hang"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_TIMED_OUT);
    await_note(fixture, "disconnected");
    seal_client_set_timeout(fixture->client, 0);
    assert_echo(fixture);
}

/* -- asynchronous ---------------------------------------------------------------------- */

typedef struct {
    guint answered, failed;
    gint code; /* of the last error */
    SealClient *blocking_from_callback; /* (nullable) */
} Tally;

static void
on_done(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
        gpointer user_data)
{
    Tally *tally = user_data;

    g_assert_true((result != NULL) != (error != NULL));
    if (error) {
        g_assert_true(error->domain == SEAL_ERROR);
        tally->failed++;
        tally->code = error->code;
        return;
    }
    g_assert_cmpmem(result, result_len, "digest", 6);
    tally->answered++;
    if (tally->blocking_from_callback) {
        g_autoptr(GBytes) data = g_bytes_new_static("inside", 6);
        g_autoptr(GBytes) answer = seal_client_sign(tally->blocking_from_callback, KEY("echo"),
                                                    "ecdsa", "sha256", data, NULL);

        g_assert_cmpmem(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer), "inside", 6);
    }
}

static SealCall *
start(Fixture *fixture, const char *key, Tally *tally, GError **error)
{
    g_autoptr(GBytes) data = g_bytes_new_static("digest", 6);

    return seal_client_sign_async(fixture->client, key, "ecdsa", "sha256", data, on_done, tally,
                                  error);
}

/* Runs the client as a program with a loop of its own would, until `count` are done. */
static void
run_until(Fixture *fixture, const Tally *tally, guint count)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    while (tally->answered + tally->failed < count && g_get_monotonic_time() < deadline) {
        struct pollfd fd = {.fd = seal_client_get_fd(fixture->client),
                            .events = (short)seal_client_get_events(fixture->client)};
        int timeout_ms = seal_client_get_poll_timeout_ms(fixture->client);

        (void)poll(&fd, 1, timeout_ms < 0 ? seal_test_deadline_ms() : timeout_ms);
        (void)seal_client_process(fixture->client, NULL);
    }
    g_assert_cmpuint(tally->answered + tally->failed, ==, count);
}

static void
test_async_many(Fixture *fixture, gconstpointer data)
{
    Tally tally = {0};
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < SEAL_LIMIT_IN_FLIGHT; i++)
        g_assert_nonnull(start(fixture, KEY("echo"), &tally, NULL));
    g_assert_null(start(fixture, KEY("echo"), &tally, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED);
    g_assert_cmpuint(tally.answered, ==, 0); /* callbacks come from processing only */
    run_until(fixture, &tally, SEAL_LIMIT_IN_FLIGHT);
    g_assert_cmpuint(tally.failed, ==, 0);
}

static void
test_async_with_blocking(Fixture *fixture, gconstpointer data)
{
    Tally tally = {0};

    g_assert_nonnull(start(fixture, KEY("echo"), &tally, NULL));
    assert_echo(fixture);
    g_assert_cmpuint(tally.answered, ==, 0);
    /* Its answer was read meanwhile and waits inside: poll() alone would never wake for it. */
    g_assert_cmpint(seal_client_get_poll_timeout_ms(fixture->client), ==, 0);
    run_until(fixture, &tally, 1);
}

static void
test_blocking_in_callback(Fixture *fixture, gconstpointer data)
{
    Tally tally = {.blocking_from_callback = fixture->client};

    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(start(fixture, KEY("echo"), &tally, NULL));
    run_until(fixture, &tally, 3);
    g_assert_cmpuint(tally.answered, ==, 3);
}

static void
test_async_errors(Fixture *fixture, gconstpointer data)
{
    Tally tally = {0};

    g_assert_nonnull(start(fixture, KEY("refuse"), &tally, NULL));
    run_until(fixture, &tally, 1);
    g_assert_cmpint(tally.code, ==, SEAL_ERROR_PIN_BLOCKED);
    g_assert_nonnull(start(fixture, KEY("number"), &tally, NULL));
    run_until(fixture, &tally, 2);
    g_assert_cmpuint(tally.failed, ==, 2);
}

static void
test_cancel_only(Fixture *fixture, gconstpointer data)
{
    Tally tally = {0};
    SealCall *call = start(fixture, KEY("hang"), &tally, NULL);

    await_note(fixture, "hang");
    seal_call_cancel(call);
    await_note(fixture, "disconnected");
    g_assert_true(seal_client_process(fixture->client, NULL));
    g_assert_cmpuint(tally.answered + tally.failed, ==, 0);
    assert_echo(fixture);
}

static void
test_cancel_one(Fixture *fixture, gconstpointer data)
{
    Tally cancelled = {0};
    Tally others = {0};
    SealCall *call = start(fixture, KEY("echo"), &cancelled, NULL);

    for (guint i = 0; i < 5; i++)
        g_assert_nonnull(start(fixture, KEY("echo"), &others, NULL));
    seal_call_cancel(call);
    run_until(fixture, &others, 5);
    g_assert_cmpuint(others.failed, ==, 0);
    g_assert_cmpuint(cancelled.answered + cancelled.failed, ==, 0);
    g_assert_cmpuint(count_notes(fixture, "disconnected"), ==, 0);
}

static void
test_async_agent_dies(Fixture *fixture, gconstpointer data)
{
    Tally tally = {0};
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(start(fixture, KEY("hang"), &tally, NULL));
    g_assert_nonnull(start(fixture, KEY("die"), &tally, NULL));
    while (seal_client_wait(fixture->client, -1, &error))
        ;
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_cmpuint(tally.failed, ==, 4);
    g_assert_cmpint(tally.code, ==, SEAL_ERROR_UNREACHABLE);
    g_assert_nonnull(start(fixture, KEY("echo"), &tally, NULL));
    run_until(fixture, &tally, 5);
    g_assert_cmpuint(tally.answered, ==, 1);
}

/* A blocking call finds the connection gone while others are in flight on it. */
static void
test_async_agent_dies_unseen(Fixture *fixture, gconstpointer data)
{
    Tally tally = {0};
    pid_t pid = seal_test_bus_pid_of(SEAL_BUS_NAME);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(start(fixture, KEY("hang"), &tally, NULL));
    await_note(fixture, "hang");
    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
    g_assert_true(seal_test_wait_for_end(pid));
    g_assert_null(sign(fixture, KEY("echo"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_cmpint(seal_client_get_poll_timeout_ms(fixture->client), ==, 0);
    run_until(fixture, &tally, 1);
    g_assert_cmpint(tally.code, ==, SEAL_ERROR_UNREACHABLE);
    assert_echo(fixture);
}

static void
test_free_in_flight(Fixture *fixture, gconstpointer data)
{
    Tally tally = {0};

    for (guint i = 0; i < 3; i++)
        g_assert_nonnull(start(fixture, KEY("hang"), &tally, NULL));
    await_note(fixture, "hang\nhang\nhang");
    seal_client_free(g_steal_pointer(&fixture->client));
    g_assert_cmpuint(tally.failed, ==, 3);
    g_assert_cmpint(tally.code, ==, SEAL_ERROR_CANCELLED);
    await_note(fixture, "disconnected");
}

/* -- session keys ----------------------------------------------------------------------- */

static const char wrapped_text[] = "a wrapped key of this test";

static GBytes *
expected_hash(void)
{
    guint8 digest[32];
    gsize len = sizeof digest;
    GChecksum *hash = g_checksum_new(G_CHECKSUM_SHA256);
    GBytes *twice = NULL;

    /* The hash of the session key, so that the key itself stands nowhere in this program. */
    g_checksum_update(hash, (const guchar *)wrapped_text, sizeof wrapped_text);
    g_checksum_get_digest(hash, digest, &len);
    g_checksum_reset(hash);
    g_checksum_update(hash, digest, (gssize)len);
    explicit_bzero(digest, sizeof digest);
    g_checksum_get_digest(hash, digest, &len);
    g_checksum_free(hash);
    twice = g_bytes_new(digest, len);
    return twice;
}

static void
assert_session_key(const guint8 *key, gsize len)
{
    g_autoptr(GBytes) expected = expected_hash();
    g_autofree char *want = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, expected);
    g_autofree char *once = NULL;
    g_autoptr(GChecksum) hash = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize digest_len = sizeof digest;

    g_assert_cmpuint(len, ==, 32);
    g_checksum_update(hash, key, (gssize)len);
    g_checksum_get_digest(hash, digest, &digest_len);
    once = g_compute_checksum_for_data(G_CHECKSUM_SHA256, digest, digest_len);
    g_assert_cmpstr(once, ==, want);
}

static SealUnwrapQuery
wrapped_query(GBytes **ret_algorithm, GBytes **ret_key)
{
    *ret_algorithm = g_bytes_new_static("\x30\x00", 2);
    *ret_key = g_bytes_new_static(wrapped_text, sizeof wrapped_text);
    return (SealUnwrapQuery){.algorithm = *ret_algorithm, .encrypted_key = *ret_key,
                             .content_encryption = *ret_algorithm};
}

static void
test_unwrap(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GBytes) algorithm = NULL;
    g_autoptr(GBytes) wrapped = NULL;
    g_autoptr(GError) error = NULL;
    SealUnwrapQuery query = wrapped_query(&algorithm, &wrapped);
    g_autoptr(SealSessionKey) key =
        seal_client_unwrap(fixture->client, KEY("echo"), &query, &error);

    g_assert_no_error(error);
    assert_session_key(seal_session_key_data(key), seal_session_key_len(key));
    /* `data`: the bus is all there is, then the key must have come sealed. */
    g_assert_cmpuint(count_notes(fixture, "sealed"), ==, data ? 1 : 0);
    g_assert_cmpuint(count_notes(fixture, "in clear"), ==, data ? 0 : 1);
}

static void
on_unwrapped(SealCall *call, const guint8 *result, gsize result_len, const GError *error,
             gpointer user_data)
{
    Tally *tally = user_data;

    g_assert_no_error(error);
    assert_session_key(result, result_len);
    tally->answered++;
}

static void
test_unwrap_async(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GBytes) algorithm = NULL;
    g_autoptr(GBytes) wrapped = NULL;
    Tally tally = {0};
    SealUnwrapQuery query = wrapped_query(&algorithm, &wrapped);

    for (guint i = 0; i < 4; i++)
        g_assert_nonnull(seal_client_unwrap_async(fixture->client, KEY("echo"), &query, on_unwrapped,
                                                  &tally, NULL));
    run_until(fixture, &tally, 4);
    g_assert_cmpuint(count_notes(fixture, "sealed"), ==, data ? 4 : 0);
}

static void
test_unwrap_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GBytes) algorithm = NULL;
    g_autoptr(GBytes) wrapped = NULL;
    g_autoptr(GError) error = NULL;
    SealUnwrapQuery query = wrapped_query(&algorithm, &wrapped);

    g_assert_null(seal_client_unwrap(fixture->client, KEY("refuse"), &query, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_PIN_BLOCKED);
}

/* -- forks ------------------------------------------------------------------------------- */

static void
test_fork(Fixture *fixture, gconstpointer data)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GError) own_error = NULL;
        GBytes *answer = sign(fixture, KEY("echo"), &error);
        SealClient *own = NULL;
        gboolean good = !answer && seal_error_is(error, SEAL_ERROR_UNREACHABLE);

        seal_client_free(fixture->client);
        own = seal_client_new(&own_error);
        good = good && own;
        seal_client_free(own);
        _exit(good ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    assert_echo(fixture); /* the parent's connection is untouched */
    g_assert_cmpuint(count_notes(fixture, "connected"), ==, 2);
}

#define ADD(path, function) \
    g_test_add(path, Fixture, NULL, set_up, function, tear_down)
#define ADD_UNCONNECTED(path, function) \
    g_test_add(path, Fixture, NULL, set_up_home, function, tear_down)
#define ADD_ON_BUS(path, function) \
    g_test_add(path, Fixture, "FAKE_AGENT_BUS_ONLY", set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/client/sign/answers-on-one-connection", test_answer);
    ADD("/client/sign/larger-than-the-socket-buffer", test_large);
    ADD("/client/error/keeps-code-and-sentence", test_error_name);
    ADD("/client/error/unknown-name-is-failed", test_strange_error);
    ADD("/client/error/answer-of-wrong-type", test_wrong_type);
    ADD("/client/error/path-that-is-none", test_bad_path);
    ADD("/client/signals/do-not-pile-up", test_signals);
    ADD("/client/interactive/flag-goes-with-each-call", test_interactive);
    ADD("/client/environment/only-what-prompts-need", test_environment);
    ADD_UNCONNECTED("/client/reach/no-bus-names-the-address", test_no_bus);
    ADD_UNCONNECTED("/client/reach/no-service-says-what-is-missing", test_no_service);
    ADD_UNCONNECTED("/client/reach/variable-takes-the-place-of-the-session-bus", test_variable);
    ADD("/client/agent-dies/call-fails-and-next-one-starts-it", test_agent_dies);
    ADD("/client/agent-left/next-call-starts-it-unnoticed", test_agent_left);
    ADD("/client/interrupt/thread-ends-blocking-call", test_interrupt);
    ADD("/client/interrupt/signal-handler-ends-blocking-call", test_signal_handler);
    ADD("/client/time-limit/ends-the-wait-in-the-agent", test_time_limit);
    ADD("/client/async/limit-of-calls-in-flight", test_async_many);
    ADD("/client/async/blocking-call-keeps-callbacks-for-later", test_async_with_blocking);
    ADD("/client/async/blocking-call-in-callback", test_blocking_in_callback);
    ADD("/client/async/errors", test_async_errors);
    ADD("/client/async/cancel-only-call-ends-it-in-the-agent", test_cancel_only);
    ADD("/client/async/cancel-one-leaves-others", test_cancel_one);
    ADD("/client/async/agent-dies-calls-every-callback", test_async_agent_dies);
    ADD("/client/async/agent-dies-during-blocking-call", test_async_agent_dies_unseen);
    ADD("/client/async/free-calls-back-cancelled", test_free_in_flight);
    ADD("/client/unwrap/private-socket-in-clear", test_unwrap);
    ADD("/client/unwrap/asynchronous", test_unwrap_async);
    ADD("/client/unwrap/refused", test_unwrap_refused);
    ADD_ON_BUS("/client/bus-only/sign", test_answer_on_bus);
    ADD_ON_BUS("/client/bus-only/unwrap-comes-sealed", test_unwrap);
    ADD_ON_BUS("/client/bus-only/unwrap-asynchronous-comes-sealed", test_unwrap_async);
    ADD("/client/fork/child-leaves-the-parent-alone", test_fork);
    return g_test_run();
}
