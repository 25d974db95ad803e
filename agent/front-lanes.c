/* Lanes on D-Bus: Key.OpenLane, and at the root the list of lanes and their revocation. */
#include <string.h>

#include "agent/front-object.h"
#include "agent/lease-open.h"
#include "ipc/names.h"

/* A lane is worth opening for several operations: nobody needs more of them each second. */
#define OPENED_PER_SECOND_MAX 64u

/* -- OpenLane ------------------------------------------------------------------------------------
 */

static int
read_mechanisms(sd_bus_message *message, SealLeaseAsk *query, sd_bus_error *ret_error)
{
    const char *name = NULL;
    int result = sd_bus_message_enter_container(message, 'v', "as");

    if (result >= 0)
        result = sd_bus_message_enter_container(message, 'a', "s");
    while (result >= 0 && (result = sd_bus_message_read_basic(message, 's', &name)) > 0) {
        if (query->n_mechanisms == SEAL_LEASE_MECHANISMS_MAX)
            return seal_front_refuse(ret_error, SEAL_ERROR_LIMIT_EXCEEDED,
                                     "more than %d mechanisms", SEAL_LEASE_MECHANISMS_MAX);
        query->mechanisms[query->n_mechanisms++] = name;
    }
    if (result >= 0)
        result = sd_bus_message_exit_container(message);
    if (result >= 0)
        result = sd_bus_message_exit_container(message);
    return result < 0 ? result : 1;
}

static int
read_option(sd_bus_message *message, const char *key, gpointer data, sd_bus_error *ret_error)
{
    SealLeaseAsk *query = data;
    const struct {
        const char *name;
        guint32 *value;
    } numbers[] = {
        {"count", &query->count},
        {"seconds", &query->seconds},
        {"window", &query->window},
    };

    if (strcmp(key, "mechanisms") == 0)
        return read_mechanisms(message, query, ret_error);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (strcmp(key, numbers[i].name) == 0) {
            int result = sd_bus_message_read(message, "v", "u", numbers[i].value);

            if (result >= 0 && *numbers[i].value == 0)
                return seal_front_refuse(ret_error, SEAL_ERROR_INVALID_INPUT,
                                         "option '%s' must be at least 1", key);
            return result;
        }
    return 0;
}

static int
append_granted(sd_bus_message *reply, const SealLease *lease, int descriptor)
{
    const struct {
        const char *name;
        guint32 value;
    } entries[] = {
        {"version", SEAL_LANE_VERSION},  {"lane", lease->number},
        {"count", lease->grant.count},   {"seconds", seal_lease_seconds_left(lease)},
        {"window", lease->grant.window},
    };
    int result = sd_bus_message_append(reply, "h", descriptor);

    if (result >= 0)
        result = sd_bus_message_open_container(reply, 'a', "{sv}");
    for (size_t i = 0; i < G_N_ELEMENTS(entries) && result >= 0; i++)
        result = sd_bus_message_append(reply, "{sv}", entries[i].name, "u", entries[i].value);
    return result < 0 ? result : sd_bus_message_close_container(reply);
}

/* The message has a copy of the descriptor; ours goes at once. */
static void
on_opened(SealErrorCode status, const char *message, const SealLease *lease, SealFd *descriptor,
          gpointer user_data)
{
    SealPeerCall *call = user_data;
    sd_bus_message *reply = NULL;

    if (status == SEAL_ERROR_NONE && call->peer &&
        sd_bus_message_new_method_return(call->message, &reply) >= 0 &&
        append_granted(reply, lease, *descriptor) >= 0) {
        seal_fd_clear(descriptor);
        seal_peer_call_answer_message(call, reply);
        return;
    }
    sd_bus_message_unref(reply);
    seal_peer_call_answer(call, status == SEAL_ERROR_NONE ? SEAL_ERROR_FAILED : status, message);
}

static gboolean
is_too_fast(SealPeer *peer)
{
    gint64 now = g_get_monotonic_time();

    if (now - peer->lanes_us > G_USEC_PER_SEC) {
        peer->lanes_us = now;
        peer->lanes_opened = 0;
    }
    return ++peer->lanes_opened > OPENED_PER_SECOND_MAX;
}

static int
check_connection(sd_bus_message *message, sd_bus_error *ret_error)
{
    sd_bus *bus = sd_bus_message_get_bus(message);

    if (!seal_front_connection_current(bus)->is_private)
        return seal_front_refuse(ret_error, SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED,
                                 "lanes are opened on the private socket only (PrivateAddress)");
    if (sd_bus_can_send(bus, 'h') <= 0)
        return seal_front_refuse(ret_error, SEAL_ERROR_NOT_SUPPORTED,
                                 "this connection does not pass descriptors, negotiate it "
                                 "(NEGOTIATE_UNIX_FD)");
    return 0;
}

static void
cancel_use(gpointer use)
{
    seal_key_use_cancel(use);
}

int
seal_front_on_open_lane(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    SealFrontConnection *connection =
        seal_front_connection_current(sd_bus_message_get_bus(message));
    SealLeaseAsk query = {.owner = connection};
    SealKeyUseAsk ask = {0};
    SealPeer *peer = NULL;
    SealPeerCall *call = NULL;
    SealKeyUse *use = NULL;
    int result = check_connection(message, ret_error);

    if (result < 0)
        return result;
    result = seal_callers_identify(connection->callers, message, &peer, ret_error);
    if (result <= 0)
        return result < 0 ? result : 1;
    result = seal_front_read_options(message, "option", read_option, &query, ret_error);
    if (result < 0)
        return result;
    if (connection->front->context->config->limits.uses > 0)
        return seal_front_refuse(ret_error, SEAL_ERROR_NOT_SUPPORTED,
                                 "no lanes are leased where max-uses limits how often a token may "
                                 "be used");
    if (query.n_mechanisms == 0)
        return seal_front_refuse(ret_error, SEAL_ERROR_INVALID_INPUT,
                                 "option 'mechanisms' is missing, it names what the lane is for");
    if (is_too_fast(peer))
        return seal_front_refuse(ret_error, SEAL_ERROR_LIMIT_EXCEEDED,
                                 "more than %u lanes were asked for within a second",
                                 OPENED_PER_SECOND_MAX);
    call = seal_peer_call_new(peer, message);
    ask = (SealKeyUseAsk){
        .caller = peer->caller,
        .interactive = sd_bus_message_get_allow_interactive_authorization(message) > 0,
        .key_id = sd_bus_message_get_path(message) + strlen(SEAL_KEY_PREFIX "/"),
    };
    use = seal_lease_open_async(connection->front->context, &ask, &query, on_opened, call);
    if (use) /* else it has been answered */
        seal_peer_call_on_cancel(call, cancel_use, use);
    return 1;
}

/* -- locking -------------------------------------------------------------------------------------
 */

/* A call of Lock or LockAll: answered when the tokens are logged out, and nothing is under way on their
 * lanes. */
typedef struct {
    SealPeerCall *call;
    guint n_waiting;
    SealErrorCode status;
    char *message;
} Locking;

static void
on_part_done(gpointer user_data)
{
    Locking *locking = user_data;

    if (--locking->n_waiting > 0)
        return;
    seal_peer_call_answer(locking->call, locking->status, locking->message);
    g_free(locking->message);
    g_free(locking);
}

void
seal_front_on_locked(SealErrorCode status, const char *message, gpointer user_data)
{
    Locking *locking = user_data;

    locking->status = status;
    locking->message = g_strdup(message);
    on_part_done(locking);
}

gpointer
seal_front_lock_lanes(const SealFrontConnection *connection, const SealTokenObject *token,
                      SealPeerCall *call)
{
    SealLeases *leases = connection->front->context->leases;
    Locking *locking = g_new0(Locking, 1);

    locking->call = call;
    locking->n_waiting = leases ? 2 : 1;
    if (leases)
        seal_leases_lock(leases, token, on_part_done, locking);
    return locking;
}

/* -- the list ------------------------------------------------------------------------------------
 */

static int
append_lease(sd_bus_message *reply, const SealLease *lease)
{
    g_autofree char *key = g_strconcat(SEAL_KEY_PREFIX "/", lease->key_id, NULL);

    return sd_bus_message_append(reply, "(usuosuuu)", lease->number, lease->caller->name,
                                 (guint32)lease->caller->pid, key, lease->operation,
                                 lease->grant.count, lease->used, seal_lease_seconds_left(lease));
}

int
seal_front_get_lanes(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = user_data;
    const SealLeases *leases = connection->front->context->leases;
    g_autoptr(GPtrArray) list = leases ? seal_leases_list(leases) : g_ptr_array_new();
    int result = sd_bus_message_open_container(reply, 'a', "(usuosuuu)");

    for (guint i = 0; i < list->len && result >= 0; i++) {
        const SealLease *lease = list->pdata[i];

        if (lease->end == SEAL_LANE_OPEN)
            result = append_lease(reply, lease);
    }
    return result < 0 ? result : sd_bus_message_close_container(reply);
}

void
seal_front_lanes_changed(gpointer front)
{
    static const char *const properties[] = {"Lanes", NULL};

    seal_front_emit_changed(front, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, properties);
}

/* -- RevokeLanes
 * ----------------------------------------------------------------------------------- */

/* Which ones; what is not named matches. */
typedef struct {
    guint32 lane, pid;
    const char *key, *token; /* object paths */
} Which;

/* A call that waits until nothing is under way on the lanes it took back. */
typedef struct {
    SealPeerCall *call;
    guint n_lanes;
    guint n_waiting;
} Revoking;

static int
read_which(sd_bus_message *message, const char *key, gpointer data, sd_bus_error *ret_error)
{
    Which *which = data;

    if (strcmp(key, "lane") == 0)
        return sd_bus_message_read(message, "v", "u", &which->lane);
    if (strcmp(key, "pid") == 0)
        return sd_bus_message_read(message, "v", "u", &which->pid);
    if (strcmp(key, "key") == 0)
        return sd_bus_message_read(message, "v", "o", &which->key);
    if (strcmp(key, "token") == 0)
        return sd_bus_message_read(message, "v", "o", &which->token);
    return 0;
}

static gboolean
matches(const SealLease *lease, const Which *which)
{
    const size_t prefix_len = strlen(SEAL_KEY_PREFIX "/");

    return lease->end == SEAL_LANE_OPEN && (which->lane == 0 || which->lane == lease->number) &&
           (which->pid == 0 || which->pid == (guint32)lease->caller->pid) &&
           (!which->token || strcmp(which->token, lease->token->path) == 0) &&
           (!which->key || (g_str_has_prefix(which->key, SEAL_KEY_PREFIX "/") &&
                            strcmp(which->key + prefix_len, lease->key_id) == 0));
}

static void
on_ended(gpointer user_data)
{
    Revoking *revoking = user_data;
    sd_bus_message *reply = NULL;

    if (--revoking->n_waiting > 0)
        return;
    if (sd_bus_message_new_method_return(revoking->call->message, &reply) >= 0)
        (void)sd_bus_message_append(reply, "u", revoking->n_lanes);
    seal_peer_call_answer_message(revoking->call, reply);
    g_free(revoking);
}

static void
revoke_matching(SealLeases *leases, const Which *which, Revoking *revoking)
{
    g_autoptr(GPtrArray) list = seal_leases_list(leases);

    for (guint i = 0; i < list->len; i++) {
        const SealLease *lease = list->pdata[i];

        if (!matches(lease, which))
            continue;
        revoking->n_lanes++;
        revoking->n_waiting++;
        seal_leases_end(leases, lease->number, SEAL_LANE_REVOKED, on_ended, revoking);
    }
}

int
seal_front_on_revoke_lanes(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    const SealFrontConnection *connection = user_data;
    Which which = {0};
    SealPeer *peer = NULL;
    Revoking *revoking = NULL;
    int result = seal_callers_identify(connection->callers, message, &peer, ret_error);

    if (result <= 0)
        return result < 0 ? result : 1;
    result = seal_front_read_options(message, "option", read_which, &which, ret_error);
    if (result < 0)
        return result;
    revoking = g_new0(Revoking, 1);
    revoking->call = seal_peer_call_new(peer, message);
    revoking->n_waiting = 1; /* this function */
    if (connection->front->context->leases)
        revoke_matching(connection->front->context->leases, &which, revoking);
    on_ended(revoking);
    return 1;
}
