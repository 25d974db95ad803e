/* Key.Sign, waited for or not. */
#include "ipc/client/call.h"
#include "ipc/client/fault.h"
#include "ipc/names.h"

typedef struct {
    const char *mechanism, *hash;
    GBytes *data;
    gboolean has_salt_len;
    guint salt_len;
} SignRequest;

static int
append_sign(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    const SignRequest *request = data;
    gsize len = 0;
    const void *bytes = g_bytes_get_data(request->data, &len);
    int r = 0;

    if (request->has_salt_len)
        r = sd_bus_message_append(message, "sa{sv}", request->mechanism, 2, "hash", "s",
                                  request->hash, "salt-length", "u", request->salt_len);
    else if (request->hash)
        r = sd_bus_message_append(message, "sa{sv}", request->mechanism, 1, "hash", "s",
                                  request->hash);
    else
        r = sd_bus_message_append(message, "sa{sv}", request->mechanism, 0);
    return r >= 0 ? sd_bus_message_append_array(message, 'y', bytes, len) : r;
}

static GBytes *
ask(SealClient *client, const char *key, SignRequest *sign, GError **error)
{
    const SealRequest request = {.path = key,
                                 .interface = SEAL_INTERFACE_KEY,
                                 .member = "Sign",
                                 .append = append_sign,
                                 .data = sign};
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

GBytes *
seal_client_sign(SealClient *client, const char *key, const char *mechanism, const char *hash,
                 GBytes *data, GError **error)
{
    SignRequest sign = {.mechanism = mechanism, .hash = hash, .data = data};

    return ask(client, key, &sign, error);
}

GBytes *
seal_client_sign_salted(SealClient *client, const char *key, const char *hash, guint salt_len,
                        GBytes *digest, GError **error)
{
    SignRequest sign = {.mechanism = "rsa-pss",
                        .hash = hash,
                        .data = digest,
                        .has_salt_len = TRUE,
                        .salt_len = salt_len};

    return ask(client, key, &sign, error);
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
