/* Key.Raw. The agent answers it on the private socket only, in clear; the received message is wiped
 * as soon as the result is out. */
#include "ipc/client/append.h"
#include "ipc/client/client.h"
#include "ipc/client/session-key.h"
#include "ipc/client/unwrap.h"
#include "ipc/names.h"

typedef struct {
    const char *operation;
    GBytes *input;
} RawRequest;

static int
append_raw(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    const RawRequest *request = data;
    int r = sd_bus_message_append_basic(message, 's', request->operation);

    if (r >= 0)
        r = seal_append_bytes(message, request->input);
    return r >= 0 ? sd_bus_message_append(message, "a{sv}", 0) : r;
}

SealSessionKey *
seal_client_raw(SealClient *client, const char *key, const char *operation, GBytes *input,
                GError **error)
{
    RawRequest raw = {operation, input};
    const SealRequest request = {.path = key,
                                 .interface = SEAL_INTERFACE_KEY,
                                 .member = "Raw",
                                 .append = append_raw,
                                 .data = &raw};
    g_autoptr(sd_bus_message) reply = NULL;

    if (!seal_client_call(client, &request, &reply, error))
        return NULL;
    return seal_session_key_new(seal_unwrap_read_reply(reply, NULL, error));
}
