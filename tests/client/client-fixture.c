/* The fake agent is started by D-Bus activation on a bus of the test's own, as the real one is. */
#include "tests/client/client-fixture.h"

#include <signal.h>

#include "tests/support/bus.h"
#include "tests/support/wait.h"

static void
stop_fake_agent(SealTestHome *home, gpointer data)
{
    pid_t pid = seal_test_bus_pid_of(SEAL_BUS_NAME);

    if (pid > 0)
        (void)kill(pid, SIGTERM);
}

void
seal_client_test_set_up_unconnected(SealClientTest *fixture, gconstpointer data)
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

void
seal_client_test_set_up(SealClientTest *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    seal_client_test_set_up_unconnected(fixture, data);
    fixture->client = seal_client_new(&error);
    g_assert_no_error(error);
}

void
seal_client_test_tear_down(SealClientTest *fixture, gconstpointer data)
{
    seal_client_free(fixture->client);
    if (data)
        seal_test_home_setenv(fixture->home, data, NULL);
    seal_test_home_free(fixture->home);
}

/* Waits until the agent has noted `text`. */
void
seal_client_test_await_note(SealClientTest *fixture, const char *text)
{
    g_autofree char *path = seal_test_home_path(fixture->home, "run/fake-agent.log");

    g_assert_true(seal_test_wait_for_text(path, text));
}

guint
seal_client_test_count_notes(SealClientTest *fixture, const char *line)
{
    g_autofree char *log = seal_test_home_read(fixture->home, "run/fake-agent.log");
    g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
    guint count = 0;

    for (char **at = lines; *at; at++)
        count += g_str_equal(*at, line);
    return count;
}

GBytes *
seal_client_test_sign(SealClientTest *fixture, const char *key, GError **error)
{
    g_autoptr(GBytes) data = g_bytes_new_static("digest", 6);

    return seal_client_sign(fixture->client, key, "ecdsa", "sha256", data, error);
}

void
seal_client_test_assert_echo(SealClientTest *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) answer = seal_client_test_sign(fixture, KEY("echo"), &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer), "digest", 6);
}
