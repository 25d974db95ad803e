/* A private dbus-daemon. It runs no policy of the system's, only what a session bus grants:
 * eavesdropping too, because tests record the traffic and search it for secrets. */
#include "tests/support/bus.h"

#include <systemd/sd-bus.h>

#include "tests/support/process.h"
#include "tests/support/wait.h"

#define CONFIGURATION                                                                              \
    "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"         \
    " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"                          \
    "<busconfig>\n"                                                                                \
    "  <type>session</type>\n"                                                                     \
    "  <listen>unix:path=%s</listen>\n"                                                            \
    "  <servicedir>%s</servicedir>\n"                                                              \
    "  <policy context=\"default\">\n"                                                             \
    "    <allow send_destination=\"*\" eavesdrop=\"true\"/>\n"                                     \
    "    <allow eavesdrop=\"true\"/>\n"                                                            \
    "    <allow own=\"*\"/>\n"                                                                     \
    "  </policy>\n"                                                                                \
    "</busconfig>\n"

static void
unset_address(SealTestHome *home, gpointer data)
{
    seal_test_home_setenv(home, "DBUS_SESSION_BUS_ADDRESS", NULL);
}

void
seal_test_bus_new(SealTestHome *home)
{
    g_autofree char *socket = seal_test_home_path(home, "run/bus");
    g_autofree char *services = seal_test_home_path(home, "services");
    g_autofree char *address = g_strdup_printf("unix:path=%s", socket);
    g_autofree char *text = g_strdup_printf(CONFIGURATION, socket, services);
    g_autofree char *path = seal_test_home_write(home, "bus.conf", text);
    g_autofree char *config = g_strdup_printf("--config-file=%s", path);
    g_autofree char *log = seal_test_home_path(home, "bus.log");
    const char *argv[] = {"dbus-daemon", "--nofork", "--nopidfile", "--nosyslog",
                          "--print-address", config, NULL};

    (void)g_mkdir_with_parents(services, 0700);
    seal_test_home_setenv(home, "DBUS_SESSION_BUS_ADDRESS", address);
    seal_test_home_on_end(home, unset_address, NULL);
    (void)seal_test_start(home, argv, "bus.log");
    /* It prints its address once it listens. */
    if (!seal_test_wait_for_text(log, "unix:path=")) {
        g_autofree char *said = seal_test_home_read(home, "bus.log");

        g_error("dbus-daemon did not start: %s", said);
    }
}

static sd_bus *
open_bus(void)
{
    sd_bus *bus = NULL;
    int status = sd_bus_open_user(&bus);

    if (status < 0)
        g_error("cannot reach the test's bus: %s", g_strerror(-status));
    return bus;
}

static gboolean
has_owner(sd_bus *bus, const char *name)
{
    sd_bus_creds *creds = NULL;
    gboolean owned = sd_bus_get_name_creds(bus, name, 0, &creds) >= 0;

    sd_bus_creds_unref(creds);
    return owned;
}

gboolean
seal_test_bus_wait_for_name(const char *name, gboolean owned)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    sd_bus *bus = open_bus();
    gboolean reached = FALSE;

    (void)sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus", NULL, "org.freedesktop.DBus",
                              "NameOwnerChanged", NULL, NULL);
    while (!(reached = has_owner(bus, name) == owned)) {
        gint64 left_us = end_us - g_get_monotonic_time();

        if (left_us <= 0 || sd_bus_wait(bus, (uint64_t)left_us) < 0)
            break;
        while (sd_bus_process(bus, NULL) > 0)
            continue;
    }
    sd_bus_flush_close_unref(bus);
    return reached;
}

pid_t
seal_test_bus_pid_of(const char *name)
{
    sd_bus *bus = open_bus();
    sd_bus_creds *creds = NULL;
    pid_t pid = 0;

    if (sd_bus_get_name_creds(bus, name, SD_BUS_CREDS_PID, &creds) < 0 ||
        sd_bus_creds_get_pid(creds, &pid) < 0)
        pid = 0;
    sd_bus_creds_unref(creds);
    sd_bus_flush_close_unref(bus);
    return pid;
}
