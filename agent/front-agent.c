/* org.privyseal.Agent1 at the root: the modules, finding keys, locking everything. */
#include <errno.h>
#include <string.h>

#include "agent/front-object.h"
#include "agent/key-search.h"
#include "agent/leases.h"
#include <config.h>
#include "ipc/names.h"

/* Strings that SetEnvironment takes; seal_caller_set_environment() keeps 64 of them at most. */
#define ENVIRONMENT_MAX 1024

static const char *const module_states[] = {
    [SEAL_MODULE_STARTING] = "starting",
    [SEAL_MODULE_RUNNING] = "running",
    [SEAL_MODULE_WAITING] = "waiting",
    [SEAL_MODULE_UNUSABLE] = "unusable",
};

static int
get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
            sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, "s", SEAL_VERSION);
}

static int
get_private_address(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = user_data;

    return sd_bus_message_append(reply, "s", connection->front->private_address);
}

/* The process for one reader of a module that has one for each: told only if it does not run. */
static gboolean
is_part(const SealModule *module)
{
    const char *reader = seal_module_config(module)->reader;

    return reader && *reader;
}

static int
get_modules(sd_bus *bus, const char *path, const char *interface, const char *property,
            sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = user_data;
    const GPtrArray *modules = seal_registry_modules(connection->front->context->registry);
    int result = sd_bus_message_open_container(reply, 'a', "(ssss)");

    for (guint i = 0; i < modules->len && result >= 0; i++) {
        const SealModule *module = modules->pdata[i];
        const char *reason = seal_module_reason(module);

        if (is_part(module) && !reason)
            continue;
        result = sd_bus_message_append(
            reply, "(ssss)", seal_module_name(module), seal_module_path(module),
            module_states[seal_module_state(module)], reason ? reason : "");
    }
    return result < 0 ? result : sd_bus_message_close_container(reply);
}

/* -- FindKeys ------------------------------------------------------------------ */

static int
read_query_entry(sd_bus_message *message, const char *key, gpointer data, sd_bus_error *ret_error)
{
    SealKeySearch *query = data;
    const struct {
        const char *name;
        SealBytes *bytes;
    } byte_entries[] = {
        {"issuer", &query->issuer},
        {"serial", &query->serial},
        {"subject-key-id", &query->subject_key_id},
        {"public-key-hash", &query->public_key_hash},
    };
    const char **text = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(byte_entries); i++)
        if (strcmp(key, byte_entries[i].name) == 0)
            return seal_front_read_bytes(message, byte_entries[i].bytes);
    if (strcmp(key, "address") == 0)
        text = &query->address;
    else if (strcmp(key, "purpose") == 0)
        text = &query->purpose;
    else
        return 0;
    return sd_bus_message_read(message, "v", "s", text);
}

static int
append_matches(sd_bus_message *reply, SealRegistry *registry, const SealKeySearch *query)
{
    g_autoptr(GPtrArray) keys = seal_registry_keys(registry);
    int result = sd_bus_message_open_container(reply, 'a', "o");

    for (guint i = 0; i < keys->len && result >= 0; i++) {
        const SealKeyObject *key = keys->pdata[i];

        if (seal_key_search_matches(query, key))
            result = sd_bus_message_append(reply, "o", key->path);
    }
    return result < 0 ? result : sd_bus_message_close_container(reply);
}

static int
on_find_keys(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = user_data;
    SealKeySearch query = {0};
    sd_bus_message *reply = NULL;
    g_autoptr(GError) error = NULL;
    int result = seal_front_read_options(message, "query key", read_query_entry, &query, ret_error);

    if (result < 0)
        return result;
    if (!seal_key_search_check(&query, &error))
        return seal_front_refuse(ret_error, SEAL_ERROR_INVALID_INPUT, "%s", error->message);
    result = sd_bus_message_new_method_return(message, &reply);
    if (result >= 0)
        result = append_matches(reply, connection->front->context->registry, &query);
    if (result >= 0)
        result = sd_bus_send(NULL, reply, NULL);
    sd_bus_message_unref(reply);
    return result < 0 ? result : 1;
}

/* -- the others ----------------------------------------------------------------- */

static int
on_lock_all(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = user_data;
    SealPeer *peer = NULL;
    int result = seal_callers_identify(connection->callers, message, &peer, ret_error);

    if (result <= 0)
        return result < 0 ? result : 1;
    seal_lock_all_async(connection->front->context->unlocker, seal_front_on_locked,
                        seal_front_lock_lanes(connection, NULL, seal_peer_call_new(peer, message)));
    return 1;
}

static gboolean
on_rescanned(gpointer user_data)
{
    seal_peer_call_answer(user_data, SEAL_ERROR_NONE, NULL);
    return G_SOURCE_REMOVE;
}

static int
on_rescan(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = user_data;
    SealPeer *peer = NULL;
    int result = seal_callers_identify(connection->callers, message, &peer, ret_error);

    if (result <= 0)
        return result < 0 ? result : 1;
    seal_registry_rescan(connection->front->context->registry, on_rescanned,
                         seal_peer_call_new(peer, message));
    return 1;
}

static int
on_set_environment(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = user_data;
    SealPeer *peer = NULL;
    g_auto(GStrv) environment = NULL;
    int result = seal_callers_identify(connection->callers, message, &peer, ret_error);

    if (result <= 0)
        return result < 0 ? result : 1;
    result = sd_bus_message_read_strv(message, &environment);
    if (result < 0)
        return result;
    if (environment && g_strv_length(environment) > ENVIRONMENT_MAX)
        return seal_front_refuse(ret_error, SEAL_ERROR_LIMIT_EXCEEDED,
                                 "the environment has more than %d strings", ENVIRONMENT_MAX);
    seal_caller_set_environment(peer->caller, (const char *const *)environment);
    return sd_bus_reply_method_return(message, NULL);
}

const sd_bus_vtable seal_front_agent_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("PrivateAddress", "s", get_private_address, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Modules", "a(ssss)", get_modules, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Lanes", "a(usuosuuu)", seal_front_get_lanes, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
    SD_BUS_METHOD_WITH_ARGS("FindKeys", SD_BUS_ARGS("a{sv}", query), SD_BUS_RESULT("ao", keys),
                            on_find_keys, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("LockAll", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_lock_all,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Rescan", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_rescan,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("RevokeLanes", SD_BUS_ARGS("a{sv}", which), SD_BUS_RESULT("u", revoked),
                            seal_front_on_revoke_lanes, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("SetEnvironment", SD_BUS_ARGS("as", environment), SD_BUS_NO_RESULT,
                            on_set_environment, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};
