/* Key.Sign, waited for or not. */
#include "ipc/client/call.h"
#include "ipc/client/fault.h"
#include "ipc/names.h"

typedef struct {
    const char *mechanism, *hash;
    GBytes *data;
} SignRequest;

static int
append_sign(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    const SignRequest *request = data;
    gsize len = 0;
    const void *bytes = g_bytes_get_data(request->data, &len);
    int r = 0;

    if (request->hash)
        r = sd_bus_message_append(message, "sa{sv}", request->mechanism, 1, "hash", "s",
                                  request->hash);
    else
        r = sd_bus_message_append(message, "sa{sv}", request->mechanism, 0);
    return r >= 0 ? sd_bus_message_append_array(message, 'y', bytes, len) : r;
}

GBytes *
seal_client_sign(SealClient *client, const char *key, const char *mechanism, const char *hash,
                 GBytes *data, GError **error)
{
    SignRequest sign = {.mechanism = mechanism, .hash = hash, .data = data};
    const SealRequest request = {.path = key,
                                 .interface = SEAL_INTERFACE_KEY,
                                 .member = "Sign",
                                 .append = append_sign,
                                 .data = &sign};
    g_autoptr(sd_bus_message) reply = NULL;
    const void *signature = NULL;
    size_t len = 0;
    int r = 0;

    if (!seal_client_call(client, &request, &reply, error))
        return NULL;
    r = sd_bus_message_read_array(reply, 'y', &signature, &len);
    if (r < 0) {
        seal_fault_set_errno(error, r, "read the agent's answer");
        return NULL;
    }
    return g_bytes_new(signature, len);
}

SealCall *
seal_client_sign_async(SealClient *client, const char *key, const char *mechanism, const char *hash,
                       GBytes *data, SealCallFunc done, gpointer user_data, GError **error)
{
    SignRequest sign = {.mechanism = mechanism, .hash = hash, .data = data};
    const SealRequest request = {.path = key,
                                 .interface = SEAL_INTERFACE_KEY,
                                 .member = "Sign",
                                 .append = append_sign,
                                 .data = &sign};

    return seal_call_submit(client, &request, done, user_data, error);
}
