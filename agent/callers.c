/* The peers of a connection. On the shared bus a first call makes a peer: a match on its name's end
 * is added, then its credentials are asked for (the daemon answers in order, so a peer that has
 * left in between is noticed), and its messages are put aside and dispatched again when the answer
 * is there. Peers without requests are forgotten when there are too many, the longest silent
 * first. */
#include "agent/callers.h"

#include <errno.h>
#include <unistd.h>

#include "agent/peer-call.h"
#include "ipc/errors.h"
#include "ipc/names.h"

/* Peers of a session bus that are remembered: more programs than a desktop runs. */
#define PEERS_MAX 512

#define DAEMON_NAME "org.freedesktop.DBus"
#define DAEMON_PATH "/org/freedesktop/DBus"

struct SealCallers {
    SealBus *link;
    GQueue *orphans;
    uid_t own_uid;     /* asked for once: it is a system call */
    SealPeer *only;    /* of a private connection */
    GHashTable *peers; /* of a shared one: unique name to SealPeer* */
};

static SealPeer *
peer_new(SealCallers *callers, const char *name)
{
    SealPeer *peer = g_new0(SealPeer, 1);

    peer->link = callers->link;
    peer->orphans = callers->orphans;
    peer->name = g_strdup(name);
    g_queue_init(&peer->requests);
    return peer;
}

static void
peer_free(gpointer data)
{
    SealPeer *peer = data;

    if (!peer)
        return;
    while (peer->requests.head)
        seal_peer_call_abandon(peer->requests.head->data);
    sd_bus_slot_unref(peer->leaving);
    sd_bus_slot_unref(peer->asking);
    g_clear_pointer(&peer->held, g_ptr_array_unref);
    g_clear_pointer(&peer->caller, seal_caller_unref);
    g_free(peer->name);
    g_free(peer);
}

static void
message_unref(gpointer message)
{
    sd_bus_message_unref(message);
}

/* -- asking the bus ---------------------------------------------------------- */

/* Reads the user and process ids out of a{sv}; FALSE if there is no user id. */
static gboolean
read_credentials(sd_bus_message *reply, uid_t *ret_uid, pid_t *ret_pid)
{
    gboolean has_uid = FALSE;

    if (sd_bus_message_enter_container(reply, 'a', "{sv}") < 0)
        return FALSE;
    while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
        const char *name = NULL;
        guint32 value = 0;

        if (sd_bus_message_read(reply, "s", &name) < 0)
            return FALSE;
        if (g_str_equal(name, "UnixUserID") && sd_bus_message_read(reply, "v", "u", &value) >= 0) {
            *ret_uid = value;
            has_uid = TRUE;
        } else if (g_str_equal(name, "ProcessID") &&
                   sd_bus_message_read(reply, "v", "u", &value) >= 0) {
            *ret_pid = (pid_t)value;
        } else if (sd_bus_message_skip(reply, "v") < 0) {
            return FALSE;
        }
        if (sd_bus_message_exit_container(reply) < 0)
            return FALSE;
    }
    return has_uid;
}

/* Its messages are dispatched again, to be served now that the caller is known, or refused. */
static void
release_held(SealPeer *peer)
{
    g_autoptr(GPtrArray) held = g_steal_pointer(&peer->held);

    for (guint i = 0; held && i < held->len; i++)
        (void)sd_bus_enqueue_for_read(seal_bus_peek(peer->link), held->pdata[i]);
    seal_bus_kick(peer->link);
}

static int
on_credentials(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    SealPeer *peer = user_data;
    uid_t uid = (uid_t)-1; /* nobody's: refused by seal_callers_identify() */
    pid_t pid = 0;

    if (sd_bus_message_is_method_error(reply, NULL) || !read_credentials(reply, &uid, &pid))
        uid = (uid_t)-1;
    peer->asking = sd_bus_slot_unref(peer->asking);
    peer->caller = seal_caller_new(uid, pid, FALSE);
    release_held(peer);
    return 0;
}

static int
on_name_lost(sd_bus_message *signal, void *user_data, sd_bus_error *ret_error)
{
    SealCallers *callers = user_data;
    const char *name = NULL, *old_owner = NULL, *new_owner = NULL;

    if (sd_bus_message_read(signal, "sss", &name, &old_owner, &new_owner) >= 0 && !*new_owner)
        g_hash_table_remove(callers->peers, name);
    return 0;
}

/* Without a handler of its own sd-bus would close the connection if the match were refused. */
static int
on_match_added(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    return 0;
}

static int
ask_bus(SealCallers *callers, SealPeer *peer)
{
    sd_bus *bus = seal_bus_peek(callers->link);
    g_autofree char *match =
        g_strdup_printf("type='signal',sender='" DAEMON_NAME "',path='" DAEMON_PATH
                        "',interface='" DAEMON_NAME "',member='NameOwnerChanged',arg0='%s'",
                        peer->name);
    int result =
        sd_bus_add_match_async(bus, &peer->leaving, match, on_name_lost, on_match_added, callers);

    if (result < 0)
        return result;
    return sd_bus_call_method_async(bus, &peer->asking, DAEMON_NAME, DAEMON_PATH, DAEMON_NAME,
                                    "GetConnectionCredentials", on_credentials, peer, "s",
                                    peer->name);
}

/* -- finding a peer ----------------------------------------------------------- */

/* Makes room by forgetting the peer that was silent longest; FALSE if all have requests. */
static gboolean
make_room(SealCallers *callers)
{
    const SealPeer *oldest = NULL;
    GHashTableIter iter;
    gpointer value = NULL;

    if (g_hash_table_size(callers->peers) < PEERS_MAX)
        return TRUE;
    g_hash_table_iter_init(&iter, callers->peers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SealPeer *peer = value;

        if (peer->caller && peer->requests.length == 0 &&
            (!oldest || peer->last_us < oldest->last_us))
            oldest = peer;
    }
    return oldest && g_hash_table_remove(callers->peers, oldest->name);
}

static int
refuse(sd_bus_error *ret_error, SealErrorCode code, const char *message)
{
    return sd_bus_error_set(ret_error, seal_error_dbus_name(code), message);
}

static int
find_peer(SealCallers *callers, sd_bus_message *message, SealPeer **ret_peer,
          sd_bus_error *ret_error)
{
    const char *sender = sd_bus_message_get_sender(message);
    SealPeer *peer = callers->only;

    if (!peer && !sender)
        return refuse(ret_error, SEAL_ERROR_NOT_PERMITTED, "a call without a sender is not served");
    if (!peer)
        peer = g_hash_table_lookup(callers->peers, sender);
    if (!peer) {
        if (!make_room(callers))
            return refuse(ret_error, SEAL_ERROR_LIMIT_EXCEEDED, "too many programs ask at once");
        peer = peer_new(callers, sender);
        g_hash_table_insert(callers->peers, peer->name, peer);
        if (ask_bus(callers, peer) < 0) {
            g_hash_table_remove(callers->peers, sender);
            return refuse(ret_error, SEAL_ERROR_UNREACHABLE, "the bus cannot be asked who you are");
        }
    }
    *ret_peer = peer;
    return 1;
}

int
seal_callers_identify(SealCallers *callers, sd_bus_message *message, SealPeer **ret_peer,
                      sd_bus_error *ret_error)
{
    SealPeer *peer = NULL;
    int result = find_peer(callers, message, &peer, ret_error);

    if (result < 0)
        return result;
    if (peer->requests.length + (peer->held ? peer->held->len : 0) >= SEAL_LIMIT_IN_FLIGHT)
        return refuse(ret_error, SEAL_ERROR_LIMIT_EXCEEDED,
                      "256 calls of this peer are in flight, wait for an answer first");
    if (!peer->caller) {
        if (!peer->held)
            peer->held = g_ptr_array_new_with_free_func(message_unref);
        g_ptr_array_add(peer->held, sd_bus_message_ref(message));
        return 0;
    }
    if (peer->caller->uid != callers->own_uid)
        return refuse(ret_error, SEAL_ERROR_NOT_PERMITTED,
                      "only programs of the same user are served");
    peer->last_us = g_get_monotonic_time();
    *ret_peer = peer;
    return 1;
}

const SealCaller *
seal_callers_private(const SealCallers *callers)
{
    return callers->only ? callers->only->caller : NULL;
}

guint
seal_callers_n_in_flight(const SealCallers *callers)
{
    guint n = 0;
    GHashTableIter iter;
    gpointer value = NULL;

    if (callers->only)
        return callers->only->requests.length;
    g_hash_table_iter_init(&iter, callers->peers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SealPeer *peer = value;

        n += peer->requests.length + (peer->held ? peer->held->len : 0);
    }
    return n;
}

/* -- life --------------------------------------------------------------------- */

SealCallers *
seal_callers_new_shared(SealBus *link, GQueue *orphans)
{
    SealCallers *callers = g_new0(SealCallers, 1);

    callers->link = link;
    callers->orphans = orphans;
    callers->own_uid = getuid();
    callers->peers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, peer_free);
    return callers;
}

SealCallers *
seal_callers_new_private(SealBus *link, GQueue *orphans, uid_t uid, pid_t pid)
{
    SealCallers *callers = g_new0(SealCallers, 1);

    callers->link = link;
    callers->orphans = orphans;
    callers->own_uid = getuid();
    callers->only = peer_new(callers, NULL);
    callers->only->caller = seal_caller_new(uid, pid, TRUE);
    return callers;
}

void
seal_callers_free(SealCallers *callers)
{
    if (!callers)
        return;
    peer_free(callers->only);
    g_clear_pointer(&callers->peers, g_hash_table_unref);
    g_free(callers);
}
