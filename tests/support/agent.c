/* The agent as a user meets it: nothing but a service file, a configuration and a bus. */
#include "tests/support/agent.h"

#include <signal.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "tests/support/bus.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

/* SEAL_TEST_AGENT_WRAPPER (say, "valgrind -q") runs the agent. */
static void
write_service(SealTestHome *home)
{
    g_autofree char *program = seal_test_built("agent/privyseald");
    const char *wrapper = g_getenv("SEAL_TEST_AGENT_WRAPPER");
    g_autofree char *text =
        g_strdup_printf("[D-BUS Service]\nName=%s\nExec=%s%s%s\n", SEAL_TEST_AGENT_NAME,
                        wrapper != NULL ? wrapper : "", wrapper != NULL ? " " : "", program);
    g_autofree char *path =
        seal_test_home_write(home, "services/" SEAL_TEST_AGENT_NAME ".service", text);
}

static void
check_for_sanitizers(SealTestHome *home)
{
    static const char *const complaints[] = {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                                             "runtime error:", "WARNING: ThreadSanitizer"};
    g_autofree char *log = seal_test_agent_log(home);

    for (size_t i = 0; i < G_N_ELEMENTS(complaints); i++)
        if (strstr(log, complaints[i]) != NULL)
            g_error("a sanitizer complains about the agent or its host:\n%s", log);
}

static void
stop_agent(SealTestHome *home, gpointer data)
{
    pid_t pid = seal_test_bus_pid_of(SEAL_TEST_AGENT_NAME);

    if (pid > 0)
        seal_test_stop(pid);
    check_for_sanitizers(home);
}

void
seal_test_agent_new(SealTestHome *home)
{
    g_autofree char *pinentry = seal_test_pinentry_new(home);

    if (g_getenv("SOFTHSM2_CONF") == NULL)
        seal_test_fixture_new(home);
    seal_test_agent_configure(home, NULL, NULL);
    write_service(home);
    if (g_getenv("DBUS_SESSION_BUS_ADDRESS") == NULL)
        seal_test_bus_new(home);
    seal_test_home_on_end(home, stop_agent, NULL);
}

void
seal_test_agent_configure(SealTestHome *home, const char *agent_lines, const char *groups)
{
    g_autofree char *pinentry = seal_test_home_path(home, "pinentry/pinentry");
    g_autofree char *module = seal_test_fixture_module(home);
    g_autofree char *softhsm = g_strdup_printf("[module softhsm]\npath=%s\n", module);
    g_autofree char *text = g_strdup_printf("[agent]\npinentry=%s\n%s\n%s", pinentry,
                                            agent_lines != NULL ? agent_lines : "",
                                            groups != NULL ? groups : softhsm);
    g_autofree char *path = seal_test_home_write(home, "config/privyseal/privyseal.conf", text);
}

void
seal_test_agent_add_groups(SealTestHome *home, const char *groups)
{
    g_autofree char *module = seal_test_fixture_module(home);
    g_autofree char *all = g_strdup_printf("[module softhsm]\npath=%s\n%s", module, groups);

    seal_test_agent_configure(home, NULL, all);
}

pid_t
seal_test_agent_pid(SealTestHome *home)
{
    sd_bus *bus = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    pid_t pid = 0;

    if (sd_bus_open_user(&bus) < 0 ||
        sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "StartServiceByName", &error, NULL, "su",
                           SEAL_TEST_AGENT_NAME, 0) < 0) {
        g_autofree char *log = seal_test_agent_log(home);

        g_error("the agent does not start: %s\n%s", error.message, log);
    }
    sd_bus_flush_close_unref(bus);
    pid = seal_test_bus_pid_of(SEAL_TEST_AGENT_NAME);
    if (pid == 0)
        g_error("the agent went away at once");
    return pid;
}

char *
seal_test_agent_log(SealTestHome *home)
{
    return seal_test_home_read(home, "bus.log");
}
