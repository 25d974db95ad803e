/* What the files front*.c share: a connection, and how a handler finds its own. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "agent/callers.h"
#include "agent/front.h"
#include "agent/peer-call.h"

typedef struct {
    SealFront *front;
    SealBus *link;
    SealCallers *callers;
    gboolean is_private;
    pid_t pid;        /* of a private peer */
    GPtrArray *slots; /* of sd_bus_slot* */
    GPtrArray *gates; /* of sd_bus_slot*: while the registry is not ready */
    GPtrArray *gated; /* of sd_bus_message*: calls that wait for it */
} SealFrontConnection;

struct SealFront {
    SealLoop *loop;
    const SealKeyUseContext *context;
    char *private_address;
    SealFrontLostFunc lost;
    gpointer user_data;
    GPtrArray *connections; /* of SealFrontConnection* */
    GQueue orphans;         /* of SealPeerCall*: their peers left */
    guint64 n_messages;     /* of connections that are closed */
    SealWatch *patience;    /* while the registry is not ready */
    gboolean ready, closed;
};

/* The connection whose handler, finder or getter is running on `bus`. */
SealFrontConnection *seal_front_connection_current(sd_bus *bus);

/* In a handler: who asks. As seal_callers_identify(). */
int seal_front_connection_identify(sd_bus_message *message, SealPeer **ret_peer,
                                   sd_bus_error *ret_error);

/* Ends a handler with an error: `return seal_front_refuse(...)`. */
int seal_front_refuse(sd_bus_error *ret_error, SealErrorCode code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Goes through a{sv} of a call: `read` is called with each key, in front of its variant, and
 * returns 1 if it took the value, 0 if it does not know the key (InvalidInput), or a negative errno
 * if the value is of a wrong type (InvalidInput) or `ret_error` is set. `what`: "parameter",
 * "option". */
typedef int (*SealFrontReadFunc)(sd_bus_message *message, const char *key, gpointer data,
                                 sd_bus_error *ret_error);
int seal_front_read_options(sd_bus_message *message, const char *what, SealFrontReadFunc read,
                            gpointer data, sd_bus_error *ret_error);
/* For a call that knows no option yet: every key is unknown. */
int seal_front_no_option(sd_bus_message *message, const char *key, gpointer data,
                         sd_bus_error *ret_error);
/* The value of an option that is a byte array. */
int seal_front_read_bytes(sd_bus_message *message, SealBytes *ret_bytes);
/* An argument that is a byte array. */
int seal_front_read_bytes_argument(sd_bus_message *message, SealBytes *ret_bytes);
int seal_front_append_bytes(sd_bus_message *reply, GBytes *bytes);

/* Lanes (front-lanes.c): Key.OpenLane; of the agent itself the list, and taking back. */
int seal_front_on_open_lane(sd_bus_message *message, void *user_data, sd_bus_error *ret_error);
int seal_front_on_revoke_lanes(sd_bus_message *message, void *user_data, sd_bus_error *ret_error);
int seal_front_get_lanes(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *user_data, sd_bus_error *ret_error);
/* For a call that locks `token` (NULL: all): takes back its lanes. What is returned is for
 * seal_front_on_locked(), which is to be called with the end of the rest and answers the call, once
 * nothing is under way on the lanes. */
gpointer seal_front_lock_lanes(const SealFrontConnection *connection, const SealTokenObject *token,
                               SealPeerCall *call);
void seal_front_on_locked(SealErrorCode status, const char *message, gpointer user_data);
/* Tells everybody that the list of lanes is another. `front`: SealFront. */
void seal_front_lanes_changed(gpointer front);

/* One per interface. Their userdata: the connection (agent), or the object of the registry. */
extern const sd_bus_vtable seal_front_agent_vtable[];
extern const sd_bus_vtable seal_front_token_vtable[];
extern const sd_bus_vtable seal_front_key_vtable[];
extern const sd_bus_vtable seal_front_certificate_vtable[];

/* Signals to all connections. */
void seal_front_emit_changed(SealFront *front, const char *path, const char *interface,
                             const char *const *properties);
void seal_front_emit_added(SealFront *front, const char *path, const char *interface);
void seal_front_emit_removed(SealFront *front, const char *path, const char *interface);

/* What of the registry is told to whom (front-signals.c). */
extern const SealRegistryEvents seal_front_registry_events;
