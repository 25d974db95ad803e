/* The lanes that programs of the user have open, and taking them back: for those who look after the
 * agent. A program's own lanes are no concern of this file (lanes.c). */
#include "ipc/client/client.h"
#include "ipc/client/fault.h"
#include "ipc/names.h"

static void
lease_free(gpointer data)
{
    SealClientLease *lease = data;

    g_free(lease->program);
    g_free(lease->key);
    g_free(lease->operation);
    g_free(lease);
}

static int
append_property(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    return sd_bus_message_append(message, "ss", SEAL_INTERFACE_AGENT, "Lanes");
}

static int
read_leases(sd_bus_message *message, GPtrArray *leases)
{
    SealClientLease lease = {0};
    int r = sd_bus_message_enter_container(message, 'v', "a(usuosuuu)");

    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'a', "(usuosuuu)");
    while (r >= 0 &&
           (r = sd_bus_message_read(message, "(usuosuuu)", &lease.lane, &lease.program, &lease.pid,
                                    &lease.key, &lease.operation, &lease.count, &lease.used,
                                    &lease.seconds_left)) > 0) {
        SealClientLease *kept = g_memdup2(&lease, sizeof lease);

        kept->program = g_strdup(lease.program);
        kept->key = g_strdup(lease.key);
        kept->operation = g_strdup(lease.operation);
        g_ptr_array_add(leases, kept);
    }
    return MIN(r, 0);
}

GPtrArray *
seal_client_list_lanes(SealClient *client, GError **error)
{
    const SealRequest request = {.path = SEAL_ROOT_PATH,
                                 .interface = "org.freedesktop.DBus.Properties",
                                 .member = "Get",
                                 .append = append_property};
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GPtrArray) leases = g_ptr_array_new_with_free_func(lease_free);
    int r = 0;

    if (!seal_client_call(client, &request, &reply, error))
        return NULL;
    r = read_leases(reply, leases);
    if (r >= 0)
        return g_steal_pointer(&leases);
    seal_fault_set_errno(error, r, "read what the agent listed");
    return NULL;
}

static int
append_which(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    const SealLaneQuery *query = data;
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    if (r >= 0 && query->lane != 0)
        r = sd_bus_message_append(message, "{sv}", "lane", "u", query->lane);
    if (r >= 0 && query->key)
        r = sd_bus_message_append(message, "{sv}", "key", "o", query->key);
    if (r >= 0 && query->token)
        r = sd_bus_message_append(message, "{sv}", "token", "o", query->token);
    return r >= 0 ? sd_bus_message_close_container(message) : r;
}

gboolean
seal_client_revoke_lanes(SealClient *client, const SealLaneQuery *query, guint *ret_revoked,
                         GError **error)
{
    const SealRequest request = {.path = SEAL_ROOT_PATH,
                                 .interface = SEAL_INTERFACE_AGENT,
                                 .member = "RevokeLanes",
                                 .append = append_which,
                                 .data = (gpointer)query};
    g_autoptr(sd_bus_message) reply = NULL;
    guint revoked = 0;
    int r = 0;

    if (!seal_client_call(client, &request, &reply, error))
        return FALSE;
    r = sd_bus_message_read(reply, "u", &revoked);
    if (r < 0) {
        seal_fault_set_errno(error, r, "read the agent's answer");
        return FALSE;
    }
    *ret_revoked = revoked;
    return TRUE;
}
