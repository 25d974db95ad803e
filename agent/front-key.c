/* org.privyseal.Agent1.Key: what is known of a key, and its uses. */
#include <string.h>

#include "agent/front-object.h"
#include "agent/raw.h"
#include "agent/sign.h"
#include "agent/unwrap.h"
#include "ipc/names.h"

/* RFC 7512 2.3: the token's URI with the key's attributes. */
static int
get_uri(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealKeyPlace *place = seal_key_object_place(user_data);
    g_autoptr(GString) uri = g_string_new(place->token->uri);
    g_autofree char *label = g_uri_escape_string(place->info->label, NULL, FALSE);
    gsize len = 0;
    const guint8 *id = g_bytes_get_data(place->info->id, &len);

    g_string_append(uri, len > 0 ? ";id=" : "");
    for (gsize i = 0; i < len; i++)
        g_string_append_printf(uri, "%%%02x", id[i]);
    if (*label)
        g_string_append_printf(uri, ";object=%s", label);
    g_string_append(uri, ";type=private");
    return sd_bus_message_append(reply, "s", uri->str);
}

static int
get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
         sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealKeyInfo *info = seal_key_object_place(user_data)->info;
    const char *text = info->label;

    if (strcmp(property, "Algorithm") == 0)
        text = seal_algorithm_name((SealAlgorithm)info->algorithm);
    else if (strcmp(property, "Curve") == 0)
        text = seal_curve_name((SealCurve)info->curve);
    return sd_bus_message_append(reply, "s", text);
}

static int
get_bytes(sd_bus *bus, const char *path, const char *interface, const char *property,
          sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealKeyInfo *info = seal_key_object_place(user_data)->info;

    return seal_front_append_bytes(reply,
                                   strcmp(property, "Id") == 0 ? info->id : info->public_key);
}

static int
get_bits(sd_bus *bus, const char *path, const char *interface, const char *property,
         sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, "u", seal_key_object_place(user_data)->info->bits);
}

static int
get_certificates(sd_bus *bus, const char *path, const char *interface, const char *property,
                 sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealKeyObject *key = user_data;
    int result = sd_bus_message_open_container(reply, 'a', "o");

    for (guint i = 0; i < key->certificates->len && result >= 0; i++) {
        const SealCertificateObject *certificate = key->certificates->pdata[i];

        result = sd_bus_message_append(reply, "o", certificate->path);
    }
    return result < 0 ? result : sd_bus_message_close_container(reply);
}

static int
get_token(sd_bus *bus, const char *path, const char *interface, const char *property,
          sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, "o", seal_key_object_place(user_data)->token->path);
}

static int
get_purposes(sd_bus *bus, const char *path, const char *interface, const char *property,
             sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const char *purposes[3] = {NULL};
    size_t n = 0;

    if (seal_key_object_serves(user_data, SEAL_PURPOSE_SIGN))
        purposes[n++] = seal_purpose_name(SEAL_PURPOSE_SIGN);
    if (seal_key_object_serves(user_data, SEAL_PURPOSE_DECRYPT))
        purposes[n++] = seal_purpose_name(SEAL_PURPOSE_DECRYPT);
    return sd_bus_message_append_strv(reply, (char **)purposes);
}

static int
get_fault(sd_bus *bus, const char *path, const char *interface, const char *property,
          sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, "s", seal_key_object_fault(user_data));
}

/* What the one who reads may do: nothing of it is ever done on the shared bus. */
static int
get_raw_operations(sd_bus *bus, const char *path, const char *interface, const char *property,
                   sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = seal_front_connection_current(bus);
    const SealCaller *caller = seal_callers_private(connection->callers);
    const char *names[SEAL_RAW_OPERATIONS + 1] = {NULL};

    if (caller)
        seal_raw_operations_opened(connection->front->context, user_data, caller, names);
    return sd_bus_message_append_strv(reply, (char **)names);
}

static int
get_flag(sd_bus *bus, const char *path, const char *interface, const char *property,
         sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    guint32 flag =
        strcmp(property, "Imported") == 0 ? SEAL_KEY_IMPORTED : SEAL_KEY_ALWAYS_AUTHENTICATE;

    return sd_bus_message_append(reply, "b",
                                 (seal_key_object_place(user_data)->info->flags & flag) != 0);
}

/* -- uses ---------------------------------------------------------------------- */

static void
cancel_use(gpointer use)
{
    seal_key_use_cancel(use);
}

/* Of a call: who asks for which key. The id lies in the message's path, which stays with it. */
static SealKeyUseAsk
ask_of(const SealPeer *peer, sd_bus_message *message)
{
    return (SealKeyUseAsk){
        .caller = peer->caller,
        .interactive = sd_bus_message_get_allow_interactive_authorization(message) > 0,
        .key_id = sd_bus_message_get_path(message) + strlen(SEAL_KEY_PREFIX "/"),
    };
}

/* One of the calls below. */
typedef struct {
    /* Fills in `query`; as a handler where it fails. */
    int (*read)(sd_bus_message *message, gpointer query, sd_bus_error *ret_error);
    /* Begins the use; the answer goes to `request`, perhaps at once (NULL then). */
    SealKeyUse *(*start)(const SealKeyUseContext *context, const SealKeyUseAsk *ask, gpointer query,
                         SealPeerCall *request);
} UseCall;

static int
serve_use(sd_bus_message *message, const UseCall *call, gpointer query, sd_bus_error *ret_error)
{
    SealFrontConnection *connection =
        seal_front_connection_current(sd_bus_message_get_bus(message));
    SealPeer *peer = NULL;
    SealPeerCall *request = NULL;
    SealKeyUse *use = NULL;
    SealKeyUseAsk ask = {0};
    int result = seal_callers_identify(connection->callers, message, &peer, ret_error);

    if (result <= 0)
        return result < 0 ? result : 1;
    result = call->read(message, query, ret_error);
    if (result < 0)
        return result;
    ask = ask_of(peer, message);
    request = seal_peer_call_new(peer, message);
    use = call->start(connection->front->context, &ask, query, request);
    if (use) /* else it has been answered */
        seal_peer_call_on_cancel(request, cancel_use, use);
    return 1;
}

/* TRUE if the answer crosses the shared bus. */
static gboolean
is_shared(sd_bus_message *message)
{
    return !seal_front_connection_current(sd_bus_message_get_bus(message))->is_private;
}

/* -- Sign ----------------------------------------------------------------------- */

static int
read_sign_parameter(sd_bus_message *message, const char *key, gpointer data,
                    sd_bus_error *ret_error)
{
    SealSignAsk *query = data;

    if (strcmp(key, "hash") == 0)
        return sd_bus_message_read(message, "v", "s", &query->hash);
    if (strcmp(key, "salt-length") != 0)
        return 0;
    query->has_salt_len = TRUE;
    return sd_bus_message_read(message, "v", "u", &query->salt_len);
}

static int
read_sign_query(sd_bus_message *message, gpointer data, sd_bus_error *ret_error)
{
    SealSignAsk *query = data;
    int result = sd_bus_message_read(message, "s", &query->mechanism);

    if (result >= 0)
        result =
            seal_front_read_options(message, "parameter", read_sign_parameter, query, ret_error);
    if (result >= 0)
        result = seal_front_read_bytes_argument(message, &query->data);
    return result;
}

static void
on_signed(SealErrorCode status, const char *message, SealBytes signature, gpointer user_data)
{
    if (status == SEAL_ERROR_NONE)
        seal_peer_call_answer_bytes(user_data, signature, FALSE);
    else
        seal_peer_call_answer(user_data, status, message);
}

static SealKeyUse *
start_sign(const SealKeyUseContext *context, const SealKeyUseAsk *ask, gpointer query,
           SealPeerCall *request)
{
    return seal_sign_async(context, ask, query, on_signed, request);
}

static int
on_sign(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    static const UseCall call = {read_sign_query, start_sign};
    SealSignAsk query = {0};

    return serve_use(message, &call, &query, ret_error);
}

/* -- Unwrap --------------------------------------------------------------------- */

static int
read_unwrap_option(sd_bus_message *message, const char *key, gpointer data, sd_bus_error *ret_error)
{
    SealUnwrapAsk *query = data;
    const struct {
        const char *name;
        SealBytes *bytes;
    } options[] = {
        {"originator", &query->originator},
        {"ukm", &query->ukm},
        {"content-encryption", &query->content_encryption},
        {"seal-to", &query->seal_to},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
        if (strcmp(key, options[i].name) == 0)
            return seal_front_read_bytes(message, options[i].bytes);
    return 0;
}

static int
read_unwrap_query(sd_bus_message *message, gpointer data, sd_bus_error *ret_error)
{
    SealUnwrapAsk *query = data;
    int result = seal_front_read_bytes_argument(message, &query->algorithm);

    if (result >= 0)
        result = seal_front_read_bytes_argument(message, &query->encrypted_key);
    if (result >= 0)
        result = seal_front_read_options(message, "option", read_unwrap_option, query, ret_error);
    return result;
}

/* Of Unwrap and Raw. */
static void
on_secret(SealErrorCode status, const char *message, SealBytes secret, gpointer user_data)
{
    if (status == SEAL_ERROR_NONE)
        seal_peer_call_answer_bytes(user_data, secret, TRUE);
    else
        seal_peer_call_answer(user_data, status, message);
}

static SealKeyUse *
start_unwrap(const SealKeyUseContext *context, const SealKeyUseAsk *ask, gpointer query,
             SealPeerCall *request)
{
    return seal_unwrap_async(context, ask, query, on_secret, request);
}

static int
on_unwrap(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    static const UseCall call = {read_unwrap_query, start_unwrap};
    SealUnwrapAsk query = {.must_seal = is_shared(message)};

    return serve_use(message, &call, &query, ret_error);
}

/* -- Raw ------------------------------------------------------------------------ */

static int
read_raw_query(sd_bus_message *message, gpointer data, sd_bus_error *ret_error)
{
    SealRawAsk *query = data;
    const char *name = NULL;
    int result = sd_bus_message_read(message, "s", &name);

    if (result >= 0)
        result = seal_front_read_bytes_argument(message, &query->input);
    if (result >= 0)
        result = seal_front_read_options(message, "option", seal_front_no_option, NULL, ret_error);
    if (result < 0)
        return result;
    query->operation = seal_raw_operation_find(name);
    if (query->operation)
        return 1;
    return seal_front_refuse(
        ret_error, SEAL_ERROR_NOT_SUPPORTED,
        "operation '%.64s' is not served, expected ecdh, rsa-sign or rsa-decrypt", name);
}

static SealKeyUse *
start_raw(const SealKeyUseContext *context, const SealKeyUseAsk *ask, gpointer query,
          SealPeerCall *request)
{
    return seal_raw_async(context, ask, query, on_secret, request);
}

static int
on_raw(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    static const UseCall call = {read_raw_query, start_raw};
    SealRawAsk query = {.is_shared = is_shared(message)};

    return serve_use(message, &call, &query, ret_error);
}

const sd_bus_vtable seal_front_key_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Uri", "s", get_uri, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Label", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Id", "ay", get_bytes, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Algorithm", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Bits", "u", get_bits, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Curve", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("PublicKey", "ay", get_bytes, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Certificates", "ao", get_certificates, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Token", "o", get_token, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Purposes", "as", get_purposes, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("AlwaysAuthenticate", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Imported", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Fault", "s", get_fault, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("RawOperations", "as", get_raw_operations, 0, 0),
    SD_BUS_METHOD_WITH_ARGS("Sign", SD_BUS_ARGS("s", mechanism, "a{sv}", parameters, "ay", data),
                            SD_BUS_RESULT("ay", signature), on_sign, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Unwrap",
                            SD_BUS_ARGS("ay", algorithm, "ay", encrypted_key, "a{sv}", options),
                            SD_BUS_RESULT("ay", session_key), on_unwrap,
                            SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
    SD_BUS_METHOD_WITH_ARGS("Raw", SD_BUS_ARGS("s", operation, "ay", input, "a{sv}", options),
                            SD_BUS_RESULT("ay", output), on_raw,
                            SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
    SD_BUS_METHOD_WITH_ARGS("OpenLane", SD_BUS_ARGS("a{sv}", options),
                            SD_BUS_RESULT("h", lane, "a{sv}", granted), seal_front_on_open_lane,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};
