/* Key.Unwrap. On the private socket the session key comes in clear: nobody else reads that socket.
 * On a bus every monitor reads along, so there a fresh X25519 key goes with the request and the
 * answer comes sealed to it (base/seal-box.h). The received message is wiped as soon as the key is
 * out. */
#include "ipc/client/unwrap.h"

#include <errno.h>

#include "base/error.h"
#include "base/seal-box.h"
#include "ipc/client/append.h"
#include "ipc/client/call.h"
#include "ipc/client/fault.h"
#include "ipc/client/session-key.h"
#include "ipc/names.h"

/* -- the request -------------------------------------------------------------- */

typedef struct {
    SealUnwrapQuery query;
    SealSecret *box_key; /* (nullable) made by append_unwrap() where the answer must be sealed */
} UnwrapRequest;

static int
append_seal_to(sd_bus_message *message, UnwrapRequest *request)
{
    uint8_t public_key[SEAL_BOX_KEY_LEN];
    g_autoptr(GBytes) seal_to = NULL;

    g_clear_pointer(&request->box_key, seal_secret_free);
    request->box_key = seal_box_key_new(public_key, NULL);
    if (!request->box_key)
        return -EIO;
    seal_to = g_bytes_new(public_key, sizeof public_key);
    return seal_append_option(message, "seal-to", seal_to);
}

static int
append_options(const SealConnection *connection, sd_bus_message *message, UnwrapRequest *request)
{
    const SealUnwrapQuery *query = &request->query;
    const struct {
        const char *name;
        GBytes *value;
    } options[] = {
        {"originator", query->originator},
        {"ukm", query->ukm},
        {"content-encryption", query->content_encryption},
    };
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    for (guint i = 0; r >= 0 && i < G_N_ELEMENTS(options); i++) {
        if (options[i].value)
            r = seal_append_option(message, options[i].name, options[i].value);
    }
    if (r >= 0 && !connection->is_private)
        r = append_seal_to(message, request);
    return r >= 0 ? sd_bus_message_close_container(message) : r;
}

static int
append_unwrap(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    UnwrapRequest *request = data;
    int r = seal_append_bytes(message, request->query.algorithm);

    if (r >= 0)
        r = seal_append_bytes(message, request->query.encrypted_key);
    return r >= 0 ? append_options(connection, message, request) : r;
}

/* -- the answer ----------------------------------------------------------------- */

SealSecret *
seal_unwrap_read_reply(sd_bus_message *reply, const SealSecret *box_key, GError **error)
{
    SealSecret *secret = NULL;
    const void *data = NULL;
    size_t len = 0;
    int r = sd_bus_message_read_array(reply, 'y', &data, &len);

    if (r < 0) {
        seal_fault_set_errno(error, r, "read the agent's answer");
        return NULL;
    }
    /* A secret that is too large for locked memory would end this program. */
    if (len > SEAL_LIMIT_DATA) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "cannot read the agent's answer: it has %zu bytes, at most %d are right", len,
                    SEAL_LIMIT_DATA);
        return NULL;
    }
    if (box_key)
        return seal_box_open(box_key, (SealBytes){.data = data, .len = len}, error);
    secret = seal_secret_new_copy(data, len);
    /* The received message is ours alone; sd-bus hands out a const view of its own buffer. */
    seal_wipe((void *)(uintptr_t)data, len);
    return secret;
}

SealSessionKey *
seal_client_unwrap(SealClient *client, const char *key, const SealUnwrapQuery *query,
                   GError **error)
{
    UnwrapRequest unwrap = {.query = *query};
    const SealRequest request = {.path = key,
                                 .interface = SEAL_INTERFACE_KEY,
                                 .member = "Unwrap",
                                 .append = append_unwrap,
                                 .data = &unwrap};
    g_auto(SealLaneUnwrap) by_lane = {0};
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(SealSecret) box_key = NULL;
    SealSecret *on_lane = NULL;
    gboolean answered = FALSE;

    if (seal_lane_unwrap_fill(&by_lane, key, query) &&
        seal_lanes_try(client, &by_lane.use, &on_lane, error) != SEAL_LANES_NOT_USED)
        return seal_session_key_new(on_lane);
    answered = seal_client_call(client, &request, &reply, error);
    box_key = unwrap.box_key;
    if (!answered)
        return NULL;
    return seal_session_key_new(seal_unwrap_read_reply(reply, box_key, error));
}

/* -- not waited for ------------------------------------------------------------------------- */

static GBytes *
keep_bytes(GBytes *bytes)
{
    return bytes ? g_bytes_ref(bytes) : NULL;
}

/* Of a request that went on a lane: there is no key to seal its answer to. */
static gpointer
keep_request(gconstpointer data)
{
    UnwrapRequest *kept = g_memdup2(data, sizeof(UnwrapRequest));

    kept->query.algorithm = keep_bytes(kept->query.algorithm);
    kept->query.encrypted_key = keep_bytes(kept->query.encrypted_key);
    kept->query.originator = keep_bytes(kept->query.originator);
    kept->query.ukm = keep_bytes(kept->query.ukm);
    kept->query.content_encryption = keep_bytes(kept->query.content_encryption);
    return kept;
}

static void
drop_request(gpointer data)
{
    UnwrapRequest *kept = data;

    g_bytes_unref(kept->query.algorithm);
    g_bytes_unref(kept->query.encrypted_key);
    g_bytes_unref(kept->query.originator);
    g_bytes_unref(kept->query.ukm);
    g_bytes_unref(kept->query.content_encryption);
    g_free(kept);
}

SealCall *
seal_client_unwrap_async(SealClient *client, const char *key, const SealUnwrapQuery *query,
                         SealCallFunc done, gpointer user_data, GError **error)
{
    UnwrapRequest unwrap = {.query = *query};
    g_auto(SealLaneUnwrap) by_lane = {0};
    const SealCallAsk ask = {.request = {.path = key,
                                         .interface = SEAL_INTERFACE_KEY,
                                         .member = "Unwrap",
                                         .append = append_unwrap,
                                         .data = &unwrap},
                             .on_lane =
                                 seal_lane_unwrap_fill(&by_lane, key, query) ? &by_lane.use : NULL,
                             .keep = keep_request,
                             .drop = drop_request};
    SealCall *call = seal_call_submit(client, &ask, done, user_data, error);

    if (call)
        seal_call_expect_session_key(call, unwrap.box_key);
    else
        seal_secret_free(unwrap.box_key);
    return call;
}
