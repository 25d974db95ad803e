/* Unlocking and locking tokens, and their PINs. */
#include "ipc/client/client.h"
#include "ipc/names.h"

/* The options of these calls; none are known yet. */
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

static gboolean
call_with_options(SealClient *client, const char *token, const char *member, GError **error)
{
    const SealRequest request = {.path = token,
                                 .interface = SEAL_INTERFACE_TOKEN,
                                 .member = member,
                                 .append = append_no_options};

    return seal_client_call(client, &request, NULL, error);
}

gboolean
seal_client_unlock(SealClient *client, const char *token, GError **error)
{
    return call_with_options(client, token, "Unlock", error);
}

gboolean
seal_client_change_pin(SealClient *client, const char *token, GError **error)
{
    return call_with_options(client, token, "ChangePin", error);
}

gboolean
seal_client_unblock_pin(SealClient *client, const char *token, GError **error)
{
    return call_with_options(client, token, "UnblockPin", error);
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
