/* When a client uses lanes: from the third operation with a key within a second, or at once when
 * its program expects many. Nobody notices but by the time it takes: where a lane cannot be had, or
 * is lost, the agent is asked as ever. */
#pragma once

#include "ipc/client/client.h"
#include "ipc/client/lane.h"

/* An operation with a key. */
typedef struct {
    const char *key; /* object path */
    SealFrameType type;
    SealMechanism mechanism;
    const struct iovec *parts;
    size_t n_parts;
} SealLaneUseAsk;

typedef enum {
    SEAL_LANES_NOT_USED, /* ask the agent */
    SEAL_LANES_ANSWERED, /* `ret_answer` is set */
    SEAL_LANES_FAILED,   /* an error is set: the agent must not be asked again for this use */
} SealLanesResult;

/* Does it on a lane if there is one, or one is worth opening. `ret_answer`: (transfer full).
 * Blocks. */
SealLanesResult seal_lanes_try(SealClient *client, const SealLaneUseAsk *ask,
                               SealSecret **ret_answer, GError **error);

/* The same for a call that nobody waits in: TRUE if it is on a lane from here on, which ends it by
 * the functions of call.h. Does not block. */
gboolean seal_lanes_submit(SealClient *client, const SealLaneUseAsk *ask, SealCall *call);
/* Handles what has arrived for such calls, calling callbacks. */
void seal_lanes_process(SealClient *client);
/* When that is due at the latest (g_get_monotonic_time()), -1: when something arrives. */
gint64 seal_lanes_deadline_us(const SealClient *client);

/* Gives all lanes back: the connection they were opened on is over. Calls on them are kept there.
 */
void seal_lanes_close(SealClient *client);
/* Frees what `client` knows of lanes. */
void seal_lanes_clear(SealClient *client);
