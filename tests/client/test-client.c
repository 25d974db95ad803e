/* Blocking calls of libprivyseal against an agent with moods (fake-agent.c): answers, errors, a
 * vanishing agent, Ctrl-C, time limits, forks. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "ipc/client/client.h"
#include "tests/client/client-fixture.h"
#include "tests/support/bus.h"
#include "tests/support/wait.h"

/* -- answers and errors ------------------------------------------------------------ */

static void
test_answer(SealClientTest *fixture, gconstpointer data)
{
    seal_client_test_assert_echo(fixture);
    seal_client_test_assert_echo(fixture);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "connected"), ==, 1);
}

static void
test_answer_on_bus(SealClientTest *fixture, gconstpointer data)
{
    seal_client_test_assert_echo(fixture);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "connected"), ==, 0);
}

static void
test_large(SealClientTest *fixture, gconstpointer data)
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
test_error_name(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_client_test_sign(fixture, KEY("refuse"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_PIN_BLOCKED);
    g_assert_cmpstr(error->message, ==, "the PIN of 'Blue' is blocked");
    seal_client_test_assert_echo(fixture);
}

static void
test_strange_error(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_client_test_sign(fixture, KEY("strange"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_FAILED);
    g_assert_cmpstr(error->message, ==, "something odd");
}

static void
test_wrong_type(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_client_test_sign(fixture, KEY("number"), &error));
    g_assert_nonnull(error);
    seal_client_test_assert_echo(fixture);
}

static void
test_bad_path(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_client_test_sign(fixture, "no path", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    seal_client_test_assert_echo(fixture);
}

static void
test_signals(SealClientTest *fixture, gconstpointer data)
{
    uint64_t queued = 0;

    for (int i = 0; i < 20; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) answer = seal_client_test_sign(fixture, KEY("noise"), &error);

        g_assert_no_error(error);
    }
    g_assert_cmpint(sd_bus_get_n_queued_read(fixture->client->connection->bus, &queued), >=, 0);
    g_assert_cmpuint(queued, ==, 0);
}

static void
test_interactive(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GBytes) allowed = seal_client_test_sign(fixture, KEY("flags"), NULL);
    g_autoptr(GBytes) quiet = NULL;

    g_assert_cmpmem(g_bytes_get_data(allowed, NULL), g_bytes_get_size(allowed), "interactive", 11);
    seal_client_set_interactive(fixture->client, FALSE);
    quiet = seal_client_test_sign(fixture, KEY("flags"), NULL);
    g_assert_cmpmem(g_bytes_get_data(quiet, NULL), g_bytes_get_size(quiet), "quiet", 5);
}

static void
test_environment(SealClientTest *fixture, gconstpointer data)
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
    answer = seal_client_test_sign(fixture, KEY("environment"), &error);
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
test_no_bus(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    seal_test_home_setenv(fixture->home, SEAL_ADDRESS_VARIABLE, "unix:path=/nonexistent/bus");
    g_assert_null(seal_client_new(&error));
    seal_test_home_setenv(fixture->home, SEAL_ADDRESS_VARIABLE, NULL);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_nonnull(strstr(error->message, "/nonexistent/bus"));
}

static void
test_no_service(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *service =
        seal_test_home_path(fixture->home, "services/" SEAL_BUS_NAME ".service");

    g_assert_cmpint(unlink(service), ==, 0);
    g_assert_null(seal_client_new(&error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_nonnull(strstr(error->message, "service file"));
}

static void
test_variable(SealClientTest *fixture, gconstpointer data)
{
    g_autofree char *address = g_strdup(g_getenv("DBUS_SESSION_BUS_ADDRESS"));

    seal_test_home_setenv(fixture->home, "DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    seal_test_home_setenv(fixture->home, SEAL_ADDRESS_VARIABLE, address);
    fixture->client = seal_client_new(NULL);
    g_assert_nonnull(fixture->client);
    seal_client_test_assert_echo(fixture);
    seal_test_home_setenv(fixture->home, "DBUS_SESSION_BUS_ADDRESS", address);
}

static void
test_agent_dies(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_client_test_sign(fixture, KEY("die"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "die"), ==, 1); /* not sent again */
    seal_client_test_assert_echo(fixture);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "started"), ==, 2);
}

static void
test_agent_left(SealClientTest *fixture, gconstpointer data)
{
    pid_t pid = seal_test_bus_pid_of(SEAL_BUS_NAME);
    g_autoptr(GBytes) answer = seal_client_test_sign(fixture, KEY("leave"), NULL);

    g_assert_nonnull(answer);
    g_assert_true(seal_test_wait_for_end(pid));
    seal_client_test_assert_echo(fixture); /* the caller notices nothing */
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "echo"), ==, 1);
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "started"), ==, 2);
}

/* -- ending calls ------------------------------------------------------------------------ */

static gpointer
interrupt_when_hanging(gpointer data)
{
    SealClientTest *fixture = data;

    seal_client_test_await_note(fixture, "hang");
    seal_client_interrupt(fixture->client);
    return NULL;
}

static void
test_interrupt(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) later = NULL;
    GThread *thread = g_thread_new("interrupt", interrupt_when_hanging, fixture);

    g_assert_null(seal_client_test_sign(fixture, KEY("hang"), &error));
    g_thread_join(thread);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED);
    seal_client_test_await_note(fixture, "disconnected"); /* the agent knows that nobody waits */
    g_assert_null(seal_client_test_sign(fixture, KEY("echo"), &later));
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
    seal_client_test_await_note(data, "hang");
    (void)kill(getpid(), SIGUSR1);
    return NULL;
}

static void
test_signal_handler(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    GThread *thread = NULL;

    client_of_handler = fixture->client;
    g_assert_cmpint(sigaction(SIGUSR1, &action, NULL), ==, 0);
    thread = g_thread_new("signal", signal_when_hanging, fixture);
    g_assert_null(seal_client_test_sign(fixture, KEY("hang"), &error));
    g_thread_join(thread);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED);
}

static void
test_time_limit(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    seal_client_set_timeout(fixture->client, 50);
    g_assert_null(seal_client_test_sign(fixture, KEY("hang"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_TIMED_OUT);
    seal_client_test_await_note(fixture, "disconnected");
    seal_client_set_timeout(fixture->client, 0);
    seal_client_test_assert_echo(fixture);
}

/* A bus that takes the connection and says nothing. */
static int
listen_silently(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(bind(fd, (const struct sockaddr *)(const void *)&address, sizeof address), ==,
                    0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    return fd;
}

static void
test_time_limit_to_connect(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = seal_test_home_path(fixture->home, "run/silent");
    g_autofree char *address = g_strconcat("unix:path=", path, NULL);
    gint64 start_us = g_get_monotonic_time();
    g_auto(SealFd) fd = listen_silently(path);

    seal_test_home_setenv(fixture->home, SEAL_ADDRESS_VARIABLE, address);
    fixture->client = seal_client_new_unconnected(&error);
    g_assert_no_error(error);
    seal_client_set_timeout(fixture->client, 50);
    g_assert_null(seal_client_test_sign(fixture, KEY("echo"), &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_TIMED_OUT);
    /* not the 30 s of a client without a limit */
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, 20 * G_USEC_PER_SEC);
    seal_test_home_setenv(fixture->home, SEAL_ADDRESS_VARIABLE, NULL);
}

/* -- forks ------------------------------------------------------------------------------- */

static void
test_fork(SealClientTest *fixture, gconstpointer data)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GError) own_error = NULL;
        GBytes *answer = seal_client_test_sign(fixture, KEY("echo"), &error);
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
    seal_client_test_assert_echo(fixture); /* the parent's connection is untouched */
    g_assert_cmpuint(seal_client_test_count_notes(fixture, "connected"), ==, 2);
}

#define ADD(path, function)                                                                        \
    g_test_add(path, SealClientTest, NULL, seal_client_test_set_up, function,                      \
               seal_client_test_tear_down)
#define ADD_UNCONNECTED(path, function)                                                            \
    g_test_add(path, SealClientTest, NULL, seal_client_test_set_up_unconnected, function,          \
               seal_client_test_tear_down)

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
    ADD_UNCONNECTED("/client/time-limit/holds-for-connecting", test_time_limit_to_connect);
    ADD("/client/fork/child-leaves-the-parent-alone", test_fork);
    g_test_add("/client/bus-only/sign", SealClientTest, "FAKE_AGENT_BUS_ONLY",
               seal_client_test_set_up, test_answer_on_bus, seal_client_test_tear_down);
    return g_test_run();
}
