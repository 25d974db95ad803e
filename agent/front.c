/* Connections and their objects. Each connection has one vtable for the agent and one fallback
 * vtable per interface, whose finder looks the last element of the path up in the registry: no
 * object is registered one by one.
 *
 * Until the registry has heard from every module, a gate in front of the vtables puts calls aside;
 * they are dispatched again when it is ready, so that a client that remembers a key's path finds it
 * right after activation. A module that does not start holds up the others for READY_WAIT_US at
 * most. */
#include "agent/front.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent/front-object.h"
#include "agent/leases.h"
#include "ipc/errors.h"
#include "ipc/names.h"

/* OpenSC reads a card in some 50 APDUs: 1 to 5 seconds. Below the 25 s that D-Bus clients wait. */
#define READY_WAIT_S 10

/* Calls that one connection may have waiting for the registry. */
#define GATED_MAX 1024

static void
slot_unref(gpointer slot)
{
    sd_bus_slot_unref(slot);
}

static void
message_unref(gpointer message)
{
    sd_bus_message_unref(message);
}

SealFrontConnection *
seal_front_connection_current(sd_bus *bus)
{
    return sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));
}

int
seal_front_connection_identify(sd_bus_message *message, SealPeer **ret_peer,
                               sd_bus_error *ret_error)
{
    SealFrontConnection *connection =
        seal_front_connection_current(sd_bus_message_get_bus(message));

    return seal_callers_identify(connection->callers, message, ret_peer, ret_error);
}

/* -- objects ------------------------------------------------------------------- */

/* The id at the end of `path` below `prefix`, or NULL. */
static const char *
id_of_path(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(path, prefix, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

static SealRegistry *
registry_of(gpointer user_data)
{
    const SealFrontConnection *connection = user_data;

    return connection->front->context->registry;
}

static int
find_token(sd_bus *bus, const char *path, const char *interface, void *user_data, void **ret_found,
           sd_bus_error *ret_error)
{
    const char *id = id_of_path(path, SEAL_TOKEN_PREFIX);

    *ret_found = id ? seal_registry_token(registry_of(user_data), id) : NULL;
    return *ret_found != NULL;
}

static int
find_key(sd_bus *bus, const char *path, const char *interface, void *user_data, void **ret_found,
         sd_bus_error *ret_error)
{
    const char *id = id_of_path(path, SEAL_KEY_PREFIX);

    *ret_found = id ? seal_registry_key(registry_of(user_data), id) : NULL;
    return *ret_found != NULL;
}

static int
find_certificate(sd_bus *bus, const char *path, const char *interface, void *user_data,
                 void **ret_found, sd_bus_error *ret_error)
{
    const char *id = id_of_path(path, SEAL_CERTIFICATE_PREFIX);

    *ret_found = id ? seal_registry_certificate(registry_of(user_data), id) : NULL;
    return *ret_found != NULL;
}

/* Every path, for Introspect and GetManagedObjects; sd-bus frees the list with free(). */
static int
list_paths(sd_bus *bus, const char *prefix, void *user_data, char ***ret_paths,
           sd_bus_error *ret_error)
{
    SealRegistry *registry = registry_of(user_data);
    g_autoptr(GPtrArray) tokens = seal_registry_tokens(registry);
    g_autoptr(GPtrArray) keys = seal_registry_keys(registry);
    g_autoptr(GPtrArray) certificates = seal_registry_certificates(registry);
    size_t n = 0;
    char **paths = calloc((size_t)tokens->len + keys->len + certificates->len + 1, sizeof *paths);

    if (!paths)
        return -ENOMEM;
    for (guint i = 0; i < tokens->len; i++)
        paths[n++] = strdup(((SealTokenObject *)tokens->pdata[i])->path);
    for (guint i = 0; i < keys->len; i++)
        paths[n++] = strdup(((SealKeyObject *)keys->pdata[i])->path);
    for (guint i = 0; i < certificates->len; i++)
        paths[n++] = strdup(((SealCertificateObject *)certificates->pdata[i])->path);
    *ret_paths = paths;
    return 0;
}

static const struct {
    const char *prefix;
    const char *interface;
    const sd_bus_vtable *vtable;
    sd_bus_object_find_t find;
} kinds[] = {
    {SEAL_TOKEN_PREFIX, SEAL_INTERFACE_TOKEN, seal_front_token_vtable, find_token},
    {SEAL_KEY_PREFIX, SEAL_INTERFACE_KEY, seal_front_key_vtable, find_key},
    {SEAL_CERTIFICATE_PREFIX, SEAL_INTERFACE_CERTIFICATE, seal_front_certificate_vtable,
     find_certificate},
};

static void
add_objects(SealFrontConnection *connection)
{
    sd_bus *bus = seal_bus_peek(connection->link);
    sd_bus_slot *slot = NULL;

    if (sd_bus_add_object_vtable(bus, &slot, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT,
                                 seal_front_agent_vtable, connection) >= 0)
        g_ptr_array_add(connection->slots, slot);
    if (sd_bus_add_object_manager(bus, &slot, SEAL_ROOT_PATH) >= 0)
        g_ptr_array_add(connection->slots, slot);
    if (sd_bus_add_node_enumerator(bus, &slot, SEAL_ROOT_PATH, list_paths, connection) >= 0)
        g_ptr_array_add(connection->slots, slot);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (sd_bus_add_fallback_vtable(bus, &slot, kinds[i].prefix, kinds[i].interface,
                                       kinds[i].vtable, kinds[i].find, connection) >= 0)
            g_ptr_array_add(connection->slots, slot);
}

/* -- waiting for the registry -------------------------------------------------- */

static int
on_gated_call(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    SealFrontConnection *connection = user_data;

    if (connection->gated->len >= GATED_MAX)
        return seal_front_refuse(ret_error, SEAL_ERROR_LIMIT_EXCEEDED,
                                 "too many calls wait for the tokens to be read");
    g_ptr_array_add(connection->gated, sd_bus_message_ref(message));
    return 1;
}

static void
close_gate(SealFrontConnection *connection)
{
    static const char *const prefixes[] = {SEAL_ROOT_PATH, SEAL_TOKEN_PREFIX, SEAL_KEY_PREFIX,
                                           SEAL_CERTIFICATE_PREFIX};
    sd_bus_slot *slot = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (sd_bus_add_fallback(seal_bus_peek(connection->link), &slot, prefixes[i], on_gated_call,
                                connection) >= 0)
            g_ptr_array_add(connection->gates, slot);
}

static void
open_gate(SealFrontConnection *connection)
{
    sd_bus *bus = seal_bus_peek(connection->link);

    g_ptr_array_set_size(connection->gates, 0);
    for (guint i = 0; i < connection->gated->len; i++)
        (void)sd_bus_enqueue_for_read(bus, connection->gated->pdata[i]);
    g_ptr_array_set_size(connection->gated, 0);
    seal_bus_kick(connection->link);
}

static void
become_ready(SealFront *front)
{
    if (front->ready || front->closed)
        return;
    front->ready = TRUE;
    g_clear_pointer(&front->patience, seal_watch_free);
    for (guint i = 0; i < front->connections->len; i++)
        open_gate(front->connections->pdata[i]);
}

static gboolean
on_registry_ready(gpointer user_data)
{
    become_ready(user_data);
    return G_SOURCE_REMOVE;
}

static void
on_patience_ended(uint32_t events, gpointer user_data)
{
    become_ready(user_data);
}

/* -- connections ---------------------------------------------------------------- */

static void
connection_free(gpointer data)
{
    SealFrontConnection *connection = data;

    connection->front->n_messages += seal_bus_n_messages(connection->link);
    if (connection->front->context->leases)
        seal_leases_end_owner(connection->front->context->leases, connection);
    seal_callers_free(connection->callers);
    g_ptr_array_unref(connection->gated);
    g_ptr_array_unref(connection->gates);
    g_ptr_array_unref(connection->slots);
    seal_bus_free(connection->link);
    g_free(connection);
}

static void
on_closed(SealBus *link, int error, gpointer user_data)
{
    SealFrontConnection *connection = user_data;
    SealFront *front = connection->front;
    gboolean is_shared = !connection->is_private;

    g_ptr_array_remove_fast(front->connections, connection);
    if (is_shared)
        front->lost(front->user_data);
}

void
seal_front_add(SealFront *front, sd_bus *bus, const struct ucred *peer)
{
    SealFrontConnection *connection = g_new0(SealFrontConnection, 1);

    connection->front = front;
    connection->slots = g_ptr_array_new_with_free_func(slot_unref);
    connection->gates = g_ptr_array_new_with_free_func(slot_unref);
    connection->gated = g_ptr_array_new_with_free_func(message_unref);
    connection->link = seal_bus_new(front->loop, bus, peer != NULL, on_closed, connection);
    connection->is_private = peer != NULL;
    connection->pid = peer ? peer->pid : 0;
    connection->callers =
        peer ? seal_callers_new_private(connection->link, &front->orphans, peer->uid, peer->pid)
             : seal_callers_new_shared(connection->link, &front->orphans);
    add_objects(connection);
    if (!front->ready)
        close_gate(connection);
    g_ptr_array_add(front->connections, connection);
}

guint
seal_front_n_in_flight(const SealFront *front)
{
    guint n = 0;

    for (guint i = 0; i < front->connections->len; i++) {
        const SealFrontConnection *connection = front->connections->pdata[i];

        n += seal_callers_n_in_flight(connection->callers) + connection->gated->len;
    }
    return n;
}

guint64
seal_front_n_messages(const SealFront *front)
{
    guint64 n = front->n_messages;

    for (guint i = 0; i < front->connections->len; i++) {
        const SealFrontConnection *connection = front->connections->pdata[i];

        n += seal_bus_n_messages(connection->link);
    }
    return n;
}

gboolean
seal_front_has_input(const SealFront *front)
{
    for (guint i = 0; i < front->connections->len; i++) {
        const SealFrontConnection *connection = front->connections->pdata[i];
        sd_bus *bus = seal_bus_peek(connection->link);
        uint64_t queued = 0;
        int waiting = 0;

        if ((sd_bus_get_n_queued_read(bus, &queued) >= 0 && queued > 0) ||
            (ioctl(sd_bus_get_fd(bus), FIONREAD, &waiting) == 0 && waiting > 0))
            return TRUE;
    }
    return FALSE;
}

void
seal_front_kick(SealFront *front)
{
    for (guint i = 0; i < front->connections->len; i++) {
        const SealFrontConnection *connection = front->connections->pdata[i];

        seal_bus_kick(connection->link);
    }
}

guint
seal_front_n_private(const SealFront *front, pid_t pid)
{
    guint n = 0;

    for (guint i = 0; i < front->connections->len; i++) {
        const SealFrontConnection *connection = front->connections->pdata[i];

        n += connection->is_private && (pid == 0 || connection->pid == pid);
    }
    return n;
}

/* -- life ----------------------------------------------------------------------- */

SealFront *
seal_front_new(SealLoop *loop, const SealKeyUseContext *context, const char *private_address,
               SealFrontLostFunc lost, gpointer user_data)
{
    SealFront *front = g_new0(SealFront, 1);

    front->loop = loop;
    front->context = context;
    front->private_address = g_strdup(private_address);
    front->lost = lost;
    front->user_data = user_data;
    g_queue_init(&front->orphans);
    front->connections = g_ptr_array_new_with_free_func(connection_free);
    front->ready = seal_registry_is_ready(context->registry);
    seal_registry_listen(context->registry, &seal_front_registry_events, front);
    if (context->leases)
        seal_leases_follow(context->leases, seal_front_lanes_changed, front);
    if (!front->ready) {
        front->patience = seal_loop_watch(loop, -1, 0, on_patience_ended, front);
        seal_watch_set_deadline(front->patience,
                                g_get_monotonic_time() + READY_WAIT_S * G_USEC_PER_SEC);
        seal_registry_when_ready(context->registry, on_registry_ready, front);
    }
    return front;
}

void
seal_front_close(SealFront *front)
{
    front->closed = TRUE;
    g_clear_pointer(&front->patience, seal_watch_free);
    g_ptr_array_set_size(front->connections, 0);
}

void
seal_front_free(SealFront *front)
{
    if (!front)
        return;
    seal_front_close(front);
    while (front->orphans.head)
        seal_peer_call_free(front->orphans.head->data);
    g_ptr_array_unref(front->connections);
    g_free(front->private_address);
    g_free(front);
}
