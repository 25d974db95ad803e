/* An asynchronous call from its sending to its callback: through the agent, or on a lane. */
#pragma once

#include "base/error.h"
#include "base/secret.h"
#include "ipc/client/lanes.h"

typedef struct SealWindow SealWindow;

struct SealCall {
    SealClient *client;
    SealConnection *connection;
    SealCallFunc done; /* (nullable) NULL: cancelled, or called back already */
    gpointer user_data;
    gboolean interactive; /* the client was, when it was asked */
    gboolean is_secret;

    sd_bus_slot *slot;   /* of a call to the agent */
    SealSecret *box_key; /* (nullable) */

    gboolean is_on_lane;
    SealWindow *window; /* (nullable) of that; borrowed; NULL once it is over */
    guint64 request;    /* its number there, once it is sent */
    SealFrameType type;
    SealMechanism mechanism;
    GBytes *frame;       /* (nullable) the body, as long as it waits to be sent */
    SealRequest again;   /* for the agent, should the lane be lost */
    GDestroyNotify drop; /* of its data */
};

/* What is asked. */
typedef struct {
    SealRequest request;
    const SealLaneUseAsk *on_lane; /* (nullable) the same for a lane */
    /* With `on_lane`: a copy of `request.data` for later, and its end. */
    gpointer (*keep)(gconstpointer data);
    GDestroyNotify drop;
} SealCallAsk;

/* Asks, by a lane where there is one; the answer is one byte array. NULL with LIMIT_EXCEEDED (256
 * in flight) or what seal_client_connect() says. */
SealCall *seal_call_submit(SealClient *client, const SealCallAsk *ask, SealCallFunc done,
                           gpointer user_data, GError **error);

/* The answer is a session key: sealed to `box_key` (transfer full), or in clear when that is NULL;
 * wiped after the callback. */
void seal_call_expect_session_key(SealCall *call, SealSecret *box_key);

/* For window.c. All take the call, but where it says otherwise. */

/* Calls back with what came on the lane. */
void seal_call_answer(SealCall *call, const guint8 *result, gsize result_len);
/* Calls back with an error. */
void seal_call_fail(SealCall *call, SealErrorCode code, const char *reason);
/* The same, but the call stays in flight, and the window's: its answer is still to come. */
void seal_call_give_up(SealCall *call, SealErrorCode code, const char *reason);
/* Asks the agent instead, for what gave no result on the lane and never will. */
void seal_call_ask_agent(SealCall *call);
/* The connection is over. */
void seal_call_hang_up(SealCall *call);
/* Frees it without a callback. NULL is allowed. */
void seal_call_free(SealCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCall, seal_call_free)
