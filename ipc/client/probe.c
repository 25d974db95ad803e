/* The steps that connection.c takes, one by one and with their results kept: a connection that
 * fails says one sentence, which is not enough to find out why. */
#include "ipc/client/probe.h"

#include <errno.h>

#include "ipc/client/client.h"
#include "ipc/client/exchange.h"
#include "ipc/client/fault.h"
#include "ipc/names.h"

/* Who the bus itself is. */
#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

typedef sd_bus SealBus;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealBus, sd_bus_close_unref)

void
seal_probe_clear(SealProbe *probe)
{
    g_clear_pointer(&probe->version, g_free);
    g_clear_error(&probe->error);
}

static gint64
deadline_in(guint ms)
{
    return g_get_monotonic_time() + (gint64)ms * 1000;
}

/* The reply, if it is no error (transfer full); NULL with what went wrong in `probe` (nullable). */
static sd_bus_message *
ask(sd_bus *bus, sd_bus_message *question, gint64 deadline_us, SealProbe *probe)
{
    g_autoptr(sd_bus_message) reply = NULL;
    gboolean sent = FALSE;
    int r = seal_exchange(bus, question, deadline_us, &reply, &sent);

    if (r >= 0 && sd_bus_message_is_method_error(reply, NULL) <= 0)
        return g_steal_pointer(&reply);
    if (probe && r >= 0)
        seal_fault_set_reply(&probe->error, sd_bus_message_get_error(reply));
    else if (probe)
        seal_fault_set_errno(&probe->error, r, "reach the agent");
    if (probe)
        probe->is_late = r == -ETIMEDOUT;
    return NULL;
}

/* TRUE if the agent's name is among those that the bus can start. */
static gboolean
is_activatable(sd_bus *bus, gint64 deadline_us)
{
    g_autoptr(sd_bus_message) question = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    g_auto(GStrv) names = NULL;

    if (sd_bus_message_new_method_call(bus, &question, BUS_NAME, BUS_PATH, BUS_NAME,
                                       "ListActivatableNames") < 0)
        return FALSE;
    reply = ask(bus, question, deadline_us, NULL);
    return reply && sd_bus_message_read_strv(reply, &names) >= 0 && names &&
           g_strv_contains((const char *const *)names, SEAL_BUS_NAME);
}

/* 0 if nobody owns the agent's name. */
static guint32
pid_of_agent(sd_bus *bus, gint64 deadline_us)
{
    g_autoptr(sd_bus_message) question = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    guint32 pid = 0;

    if (sd_bus_message_new_method_call(bus, &question, BUS_NAME, BUS_PATH, BUS_NAME,
                                       "GetConnectionUnixProcessID") < 0 ||
        sd_bus_message_append(question, "s", SEAL_BUS_NAME) < 0)
        return 0;
    reply = ask(bus, question, deadline_us, NULL);
    return reply && sd_bus_message_read(reply, "u", &pid) >= 0 ? pid : 0;
}

static void
ask_agent(sd_bus *bus, gint64 deadline_us, SealProbe *probe)
{
    g_autoptr(sd_bus_message) question = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    const char *version = NULL;
    int r = sd_bus_message_new_method_call(bus, &question, SEAL_BUS_NAME, SEAL_ROOT_PATH,
                                           "org.freedesktop.DBus.Properties", "Get");

    if (r >= 0)
        r = sd_bus_message_append(question, "ss", SEAL_INTERFACE_AGENT, "Version");
    if (r >= 0) {
        reply = ask(bus, question, deadline_us, probe);
        if (!reply)
            return;
        r = sd_bus_message_read(reply, "v", "s", &version);
    }
    if (r >= 0)
        probe->version = g_strdup(version);
    else
        seal_fault_set_errno(&probe->error, r, "understand the agent");
}

void
seal_client_probe(SealClient *client, guint bus_ms, guint agent_ms, SealProbe *ret_probe)
{
    gint64 deadline_us = deadline_in(bus_ms);
    g_autoptr(SealBus) bus = NULL;

    *ret_probe = (SealProbe){0};
    bus = seal_connection_open_bus(&client->interrupt, deadline_us, &ret_probe->error);
    ret_probe->bus_answers = bus != NULL;
    if (!bus) {
        ret_probe->is_late = g_get_monotonic_time() >= deadline_us;
        return;
    }
    ret_probe->is_activatable = is_activatable(bus, deadline_us);
    ret_probe->pid = pid_of_agent(bus, deadline_us);
    ask_agent(bus, deadline_in(agent_ms), ret_probe);
    seal_interrupt_hang_up(&client->interrupt);
}
