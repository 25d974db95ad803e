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

/* The same for a lane. */
typedef struct {
    SealSignParameters parameters;
    struct iovec parts[2];
    SealLaneUseAsk use;
} LaneSign;

/* FALSE if it is nothing for a lane. */
static gboolean
fill(const char *key, const SignRequest *sign, LaneSign *ret_lane_sign)
{
    SealMechanism mechanism = seal_mechanism_from_name(sign->mechanism);
    SealHash hash = sign->hash ? seal_hash_from_name(sign->hash) : SEAL_HASH_NONE;
    gsize len = 0;
    const void *data = g_bytes_get_data(sign->data, &len);
    LaneSign *lane_sign = ret_lane_sign;

    if (!fits_lane(sign, mechanism, hash))
        return FALSE;
    lane_sign->parameters = (SealSignParameters){.hash = hash, .data_len = (guint32)len};
    if (mechanism == SEAL_MECHANISM_RSA_PSS)
        lane_sign->parameters.salt_len = sign->has_salt_len ? sign->salt_len : (guint32)len;
    lane_sign->parts[0] = (struct iovec){&lane_sign->parameters, sizeof lane_sign->parameters};
    lane_sign->parts[1] = (struct iovec){(void *)data, len};
    lane_sign->use = (SealLaneUseAsk){key, SEAL_FRAME_SIGN, mechanism, lane_sign->parts,
                                      G_N_ELEMENTS(lane_sign->parts)};
    return TRUE;
}

static SealLanesResult
ask_on_lane(SealClient *client, const char *key, const SignRequest *sign, GBytes **ret_signature,
            GError **error)
{
    LaneSign lane_sign;
    g_autoptr(SealSecret) answer = NULL;
    SealLanesResult result = SEAL_LANES_NOT_USED;

    if (!fill(key, sign, &lane_sign))
        return SEAL_LANES_NOT_USED;
    result = seal_lanes_try(client, &lane_sign.use, &answer, error);
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

/* Of a request that went on a lane, so the names are known ones. */
static gpointer
keep_request(gconstpointer data)
{
    SignRequest *kept = g_memdup2(data, sizeof(SignRequest));

    kept->mechanism = seal_mechanism_name(seal_mechanism_from_name(kept->mechanism));
    if (kept->hash)
        kept->hash = seal_hash_name(seal_hash_from_name(kept->hash));
    kept->data = g_bytes_ref(kept->data);
    return kept;
}

static void
drop_request(gpointer data)
{
    SignRequest *kept = data;

    g_bytes_unref(kept->data);
    g_free(kept);
}

SealCall *
seal_client_sign_async(SealClient *client, const char *key, const char *mechanism, const char *hash,
                       GBytes *data, SealCallFunc done, gpointer user_data, GError **error)
{
    SignRequest sign = {.mechanism = mechanism, .hash = hash, .data = data};
    LaneSign lane_sign;
    const SealCallAsk ask = {.request = {.path = key,
                                         .interface = SEAL_INTERFACE_KEY,
                                         .member = "Sign",
                                         .append = append_sign,
                                         .data = &sign},
                             .on_lane = fill(key, &sign, &lane_sign) ? &lane_sign.use : NULL,
                             .keep = keep_request,
                             .drop = drop_request};

    return seal_call_submit(client, &ask, done, user_data, error);
}
