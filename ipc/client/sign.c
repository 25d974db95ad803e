/* Key.Sign, waited for or not. */
#include "ipc/client/call.h"
#include "ipc/client/fault.h"
#include "ipc/client/lanes.h"
#include "ipc/names.h"
#include "pkcs11/wire/messages.h"

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

/* What the agent would refuse is left to it: it says why. */
static gboolean
fits_lane(const SignRequest *sign, SealMechanism mechanism, SealHash hash)
{
    gsize len = g_bytes_get_size(sign->data);

    if (mechanism == SEAL_MECHANISM_NONE || len > SEAL_DATA_MAX)
        return FALSE;
    if (mechanism == SEAL_MECHANISM_ED25519)
        return !sign->hash;
    return hash >= SEAL_HASH_SHA256 && len == seal_hash_len(hash) &&
           (!sign->has_salt_len || mechanism == SEAL_MECHANISM_RSA_PSS);
}

static SealLanesResult
ask_on_lane(SealClient *client, const char *key, const SignRequest *sign, GBytes **ret_signature,
            GError **error)
{
    SealMechanism mechanism = seal_mechanism_from_name(sign->mechanism);
    SealHash hash = sign->hash ? seal_hash_from_name(sign->hash) : SEAL_HASH_NONE;
    gsize len = 0;
    const void *data = g_bytes_get_data(sign->data, &len);
    SealSignParameters parameters = {.hash = hash, .data_len = (guint32)len};
    const struct iovec parts[] = {{&parameters, sizeof parameters}, {(void *)data, len}};
    const SealLaneUseAsk ask = {key, SEAL_FRAME_SIGN, mechanism, parts, G_N_ELEMENTS(parts)};
    g_autoptr(SealSecret) answer = NULL;
    SealLanesResult result = SEAL_LANES_NOT_USED;

    if (!fits_lane(sign, mechanism, hash))
        return SEAL_LANES_NOT_USED;
    if (mechanism == SEAL_MECHANISM_RSA_PSS)
        parameters.salt_len = sign->has_salt_len ? sign->salt_len : (guint32)len;
    result = seal_lanes_try(client, &ask, &answer, error);
    if (result == SEAL_LANES_ANSWERED)
        *ret_signature = g_bytes_new(seal_secret_peek(answer), seal_secret_len(answer));
    return result;
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
    GBytes *made = NULL;
    size_t len = 0;
    int r = 0;

    if (ask_on_lane(client, key, sign, &made, error) != SEAL_LANES_NOT_USED)
        return made;
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
