/* FindKeys: which keys match. The agent answers from its memory; an empty answer is no error, so
 * that a caller can try the next recipient. */
#include "ipc/client/append.h"
#include "ipc/client/client.h"
#include "ipc/client/fault.h"
#include "ipc/names.h"

static int
append_query(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    const SealKeyQuery *query = data;
    const struct {
        const char *name;
        GBytes *value;
    } bytes[] = {
        {"issuer", query->issuer},
        {"serial", query->serial},
        {"subject-key-id", query->subject_key_id},
        {"public-key-hash", query->public_key_hash},
    };
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    for (guint i = 0; r >= 0 && i < G_N_ELEMENTS(bytes); i++) {
        if (bytes[i].value)
            r = seal_append_option(message, bytes[i].name, bytes[i].value);
    }
    if (r >= 0 && query->address)
        r = sd_bus_message_append(message, "{sv}", "address", "s", query->address);
    if (r >= 0 && query->purpose)
        r = sd_bus_message_append(message, "{sv}", "purpose", "s", query->purpose);
    return r >= 0 ? sd_bus_message_close_container(message) : r;
}

char **
seal_client_find_keys(SealClient *client, const SealKeyQuery *query, GError **error)
{
    const SealRequest request = {.path = SEAL_ROOT_PATH,
                                 .interface = SEAL_INTERFACE_AGENT,
                                 .member = "FindKeys",
                                 .append = append_query,
                                 .data = (gpointer)query};
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GStrvBuilder) keys = g_strv_builder_new();
    const char *path = NULL;
    int r = 0;

    if (!seal_client_call(client, &request, &reply, error))
        return NULL;
    r = sd_bus_message_enter_container(reply, 'a', "o");
    while (r >= 0 && (r = sd_bus_message_read_basic(reply, 'o', &path)) > 0)
        g_strv_builder_add(keys, path);
    if (r < 0) {
        seal_fault_set_errno(error, r, "read the agent's answer");
        return NULL;
    }
    return g_strv_builder_end(keys);
}
