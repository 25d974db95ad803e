/* The inside of a SealClient, and the one way in which every method is called. */
#pragma once

#include "ipc/client/connection.h"
#include "ipc/client/privyseal.h"
#include "ipc/client/readiness.h"

#include <sys/types.h>

struct SealClient {
    SealConnection *connection; /* (nullable) opened again by the next call */
    GPtrArray *fading;          /* ended connections whose calls were not called back yet */
    SealInterrupt interrupt;
    pid_t pid; /* who opened it: a forked child must leave the socket alone */
    gboolean interactive;
    guint timeout_ms;
    gboolean follows;
    guint changes;      /* announced or suspected, see seal_client_count_changes() */
    guint depth;        /* callbacks under way */
    GPtrArray *lanes;   /* (nullable) lanes.c */
    gboolean lanes_off; /* PRIVYSEAL_LANES=0 */
    gboolean is_bulk;   /* the program expects many operations */
    gint64 patience_us; /* how long a host may take for an operation on a lane */
    gint64 notice_us;   /* and the agent then, to take the lane back or find out that the host hangs */
    struct {
        guint32 count, seconds;
    } wish; /* for lanes; 0: as the agent likes */
    SealReadiness readiness;
    gboolean freeing;
};

/* One method call, written for whichever connection it will go out on. */
typedef struct {
    const char *path, *interface, *member;
    /* (nullable) Appends the arguments; a negative errno ends the call. */
    int (*append)(const SealConnection *connection, sd_bus_message *message, gpointer data);
    gpointer data;
} SealRequest;

/* Connects if there is no connection. FALSE with an error, see seal_connection_open(). Blocks. */
gboolean seal_client_connect(SealClient *client, GError **error);

/* Ends the connection, and with it every wait in the agent for its calls. Their callbacks come from
 * the next seal_client_process(). */
void seal_client_drop(SealClient *client);

/* Writes `request` for the current connection; NULL with INVALID_INPUT when it cannot be written.
 * `interactive`: the agent may ask a person. */
sd_bus_message *seal_client_write(SealClient *client, const SealRequest *request,
                                  gboolean interactive, GError **error);

/* After something was sent or processed: has the client's descriptor become ready for what is due
 * now, also for a program that did not ask again. */
void seal_client_refresh(SealClient *client);

/* Sends it on the current connection, and wants no answer. */
void seal_client_tell(SealClient *client, const SealRequest *request);

/* Calls a method and waits for the answer. `ret_reply` (nullable) is set on success (transfer
 * full). A connection that turns out to be closed before the request left is opened again once;
 * nothing that the agent may have seen is sent twice. */
gboolean seal_client_call(SealClient *client, const SealRequest *request,
                          sd_bus_message **ret_reply, GError **error);
