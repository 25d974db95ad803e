/* Reaching the agent: the bus starts it and tells the address of its private socket; everything
 * else goes over that socket, which no bus monitor reads. The bus connection is closed again, or
 * kept as the only one where the socket cannot be reached (a sandbox that shows the bus alone).
 *
 * An agent that is just going away may name a socket that is gone a moment later: it is asked
 * twice. */
#include "ipc/client/connection.h"

#include <errno.h>

#include "base/error.h"
#include "ipc/client/environment.h"
#include "ipc/client/exchange.h"
#include "ipc/client/fault.h"
#include "ipc/names.h"

/* Activation includes the first look at every token; a slow card reader needs seconds. */
#define CONNECT_TIMEOUT_US ((gint64)30 * G_USEC_PER_SEC)

typedef sd_bus SealBus;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealBus, sd_bus_close_unref)

static uint64_t
time_left_us(gint64 deadline_us)
{
    gint64 now = g_get_monotonic_time();

    return now < deadline_us ? (uint64_t)(deadline_us - now) : 0;
}

/* Waits until authentication (and Hello, on a bus) is over: sd-bus alone would wait 90 s. */
static int
await_ready(sd_bus *bus, gint64 deadline_us)
{
    for (;;) {
        int r = sd_bus_is_ready(bus);

        if (r != 0)
            return r;
        r = sd_bus_process(bus, NULL);
        if (r < 0)
            return r;
        if (r > 0)
            continue;
        if (time_left_us(deadline_us) == 0)
            return -ETIMEDOUT;
        r = seal_exchange_wait(bus, time_left_us(deadline_us));
        if (r < 0)
            return r;
    }
}

static int
start(sd_bus *bus, SealInterrupt *interrupt, gint64 deadline_us)
{
    int r = sd_bus_start(bus);

    if (r < 0)
        return r;
    r = sd_bus_get_fd(bus);
    if (r < 0)
        return r;
    if (!seal_interrupt_arm(interrupt, r))
        return -ECANCELED;
    r = await_ready(bus, deadline_us);
    return r < 0 && seal_interrupt_is_fired(interrupt) ? -ECANCELED : MIN(r, 0);
}

/* The address of the session bus, as sd_bus_open_user(3) finds it. */
static char *
find_bus_address(void)
{
    const char *address = g_getenv(SEAL_ADDRESS_VARIABLE);
    const char *runtime_dir = g_getenv("XDG_RUNTIME_DIR");

    if (!address || !*address)
        address = g_getenv("DBUS_SESSION_BUS_ADDRESS");
    if (address && *address)
        return g_strdup(address);
    if (runtime_dir && *runtime_dir) {
        g_autofree char *escaped = g_uri_escape_string(runtime_dir, "/", FALSE);

        return g_strdup_printf("unix:path=%s/bus", escaped);
    }
    return NULL;
}

static int
open_address(const char *address, gboolean is_bus, SealInterrupt *interrupt, gint64 deadline_us,
             sd_bus **ret_bus)
{
    g_autoptr(SealBus) bus = NULL;
    int r = sd_bus_new(&bus);

    if (r < 0)
        return r;
    r = sd_bus_set_address(bus, address);
    if (r < 0)
        return r;
    if (is_bus)
        r = sd_bus_set_bus_client(bus, 1);
    else
        r = sd_bus_negotiate_fds(bus, 1); /* lanes */
    if (r < 0)
        return r;
    r = start(bus, interrupt, deadline_us);
    if (r < 0)
        return r;
    *ret_bus = g_steal_pointer(&bus);
    return 0;
}

sd_bus *
seal_connection_open_bus(SealInterrupt *interrupt, gint64 deadline_us, GError **error)
{
    g_autofree char *address = find_bus_address();
    sd_bus *bus = NULL;
    int r = 0;

    if (!address) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE,
                    "cannot reach the agent: this process has no session bus; log in with one, or "
                    "set " SEAL_ADDRESS_VARIABLE " to the address of a D-Bus");
        return NULL;
    }
    r = open_address(address, TRUE, interrupt, deadline_us, &bus);
    if (r == -ECANCELED || r == -ETIMEDOUT) {
        seal_fault_set_errno(error, r, "reach the bus");
    } else if (r < 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE,
                    "cannot reach the agent: the bus at '%s' does not answer: %s; is a session bus "
                    "running, and " SEAL_ADDRESS_VARIABLE " right?",
                    address, g_strerror(-r));
    }
    return bus;
}

static int
ask_address_once(sd_bus *bus, gint64 deadline_us, sd_bus_error *fault, char **ret_address)
{
    g_autoptr(sd_bus_message) message = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    const char *address = NULL;
    gboolean sent = FALSE;
    int r = sd_bus_message_new_method_call(bus, &message, SEAL_BUS_NAME, SEAL_ROOT_PATH,
                                           "org.freedesktop.DBus.Properties", "Get");

    if (r >= 0)
        r = sd_bus_message_append(message, "ss", SEAL_INTERFACE_AGENT, "PrivateAddress");
    if (r >= 0)
        r = seal_exchange(bus, message, deadline_us, &reply, &sent);
    if (r >= 0 && sd_bus_message_is_method_error(reply, NULL) > 0)
        r = sd_bus_error_copy(fault, sd_bus_message_get_error(reply));
    if (r >= 0)
        r = sd_bus_message_read(reply, "v", "s", &address);
    if (r >= 0)
        *ret_address = g_strdup(address);
    return r;
}

/* Asks the agent, which starts it; "" when it has no private socket. An agent that ends over the
 * question is asked again, which starts the next one. */
static char *
ask_private_address(sd_bus *bus, SealInterrupt *interrupt, gint64 deadline_us, GError **error)
{
    for (guint attempt = 0;; attempt++) {
        g_auto(sd_bus_error) fault = SD_BUS_ERROR_NULL;
        char *address = NULL;
        int r = ask_address_once(bus, deadline_us, &fault, &address);

        if (r >= 0)
            return address;
        if (attempt == 0 && sd_bus_error_has_name(&fault, SD_BUS_ERROR_NO_REPLY))
            continue;
        if (seal_interrupt_is_fired(interrupt))
            seal_fault_set_errno(error, -ECANCELED, "reach the agent");
        else if (seal_fault_is_reply(&fault, r))
            seal_fault_set_reply(error, &fault);
        else
            seal_fault_set_errno(error, r, "reach the agent");
        return NULL;
    }
}

/* No answer is waited for: the agent reads it before anything sent later. */
static int
hand_over_environment(SealConnection *connection)
{
    g_autoptr(sd_bus_message) message = NULL;
    g_auto(GStrv) environment = seal_environment_collect();
    int r = sd_bus_message_new_method_call(connection->bus, &message, connection->destination,
                                           SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "SetEnvironment");

    if (r >= 0)
        r = sd_bus_message_append_strv(message, environment);
    if (r >= 0)
        r = sd_bus_message_set_expect_reply(message, 0);
    if (r >= 0)
        r = sd_bus_send(connection->bus, message, NULL);
    return MIN(r, 0);
}

static SealConnection *
connection_new(sd_bus *bus, gboolean is_private)
{
    SealConnection *connection = g_new0(SealConnection, 1);

    connection->bus = bus;
    connection->is_private = is_private;
    connection->destination = is_private ? NULL : SEAL_BUS_NAME;
    return connection;
}

/* The private socket if it can be had. `ret_connection` stays NULL without an error when only the
 * bus is there. */
static gboolean
open_private(sd_bus *bus, SealInterrupt *interrupt, gint64 deadline_us,
             SealConnection **ret_connection, GError **error)
{
    for (guint attempt = 0; attempt < 2; attempt++) {
        g_autofree char *address = ask_private_address(bus, interrupt, deadline_us, error);
        sd_bus *private_bus = NULL;
        int r = 0;

        if (!address)
            return FALSE;
        if (!*address)
            return TRUE;
        r = open_address(address, FALSE, interrupt, deadline_us, &private_bus);
        if (r >= 0) {
            *ret_connection = connection_new(private_bus, TRUE);
            return TRUE;
        }
        if (r == -ECANCELED || r == -ETIMEDOUT) {
            seal_fault_set_errno(error, r, "reach the agent");
            return FALSE;
        }
    }
    return TRUE;
}

SealConnection *
seal_connection_open(SealInterrupt *interrupt, guint timeout_ms, GError **error)
{
    gint64 timeout_us =
        timeout_ms > 0 ? MIN((gint64)timeout_ms * 1000, CONNECT_TIMEOUT_US) : CONNECT_TIMEOUT_US;
    gint64 deadline_us = g_get_monotonic_time() + timeout_us;
    g_autoptr(SealBus) bus = seal_connection_open_bus(interrupt, deadline_us, error);
    g_autoptr(SealConnection) connection = NULL;
    int r = 0;

    if (!bus || !open_private(bus, interrupt, deadline_us, &connection, error))
        return NULL;
    if (!connection) {
        if (!seal_interrupt_arm(interrupt, sd_bus_get_fd(bus))) {
            seal_fault_set_errno(error, -ECANCELED, "reach the agent");
            return NULL;
        }
        connection = connection_new(g_steal_pointer(&bus), FALSE);
    }
    r = hand_over_environment(connection);
    if (r < 0) {
        seal_fault_set_errno(error, r, "reach the agent");
        return NULL;
    }
    return g_steal_pointer(&connection);
}

void
seal_connection_free(SealConnection *connection)
{
    if (!connection)
        return;
    sd_bus_close_unref(connection->bus);
    g_free(connection);
}
