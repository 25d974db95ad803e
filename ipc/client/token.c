/* Unlocking and locking tokens. */
#include "ipc/client/client.h"
#include "ipc/names.h"

/* Unlock's options; none are known yet. */
static int
append_no_options(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    return sd_bus_message_append(message, "a{sv}", 0);
}

static gboolean
call_plain(SealClient *client, const char *path, const char *interface, const char *member,
           GError **error)
{
    const SealRequest request = {.path = path, .interface = interface, .member = member};

    return seal_client_call(client, &request, NULL, error);
}

gboolean
seal_client_unlock(SealClient *client, const char *token, GError **error)
{
    const SealRequest request = {.path = token,
                                 .interface = SEAL_INTERFACE_TOKEN,
                                 .member = "Unlock",
                                 .append = append_no_options};

    return seal_client_call(client, &request, NULL, error);
}

gboolean
seal_client_lock(SealClient *client, const char *token, GError **error)
{
    return call_plain(client, token, SEAL_INTERFACE_TOKEN, "Lock", error);
}

gboolean
seal_client_lock_all(SealClient *client, GError **error)
{
    return call_plain(client, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "LockAll", error);
}
