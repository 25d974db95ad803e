/* One lane at the host: what is granted on it, what is left of that, and how one frame on it is
 * served. */
#pragma once

#include "pkcs11/host/host.h"
#include "pkcs11/host/records.h"
#include "pkcs11/host/serve.h"
#include "pkcs11/host/shares.h"
#include "pkcs11/wire/lane.h"

typedef struct {
    gint references; /* atomic */
    guint32 number;
    guint32 key, generation; /* of the store */
    SealLaneGrant grant;
    const guint32 *word; /* the agent writes it: SEAL_LANE_WORD_ENDED */
    gint left;           /* atomic: operations */
    guint32 uses;        /* recorded so far; under the lock of the records */
    gint end;            /* atomic: SealLaneEnd, the first one stays */
    int fd;              /* open as long as somebody serves it, or may */
    SealShare *share;    /* of its client, until it is closed and nobody serves it any more */
    guint frame_max;     /* atomic: bytes of the largest request with a result so far */

    GMutex lock;       /* guards the rest */
    guint busy;        /* threads that serve it */
    gboolean is_armed; /* the next frame wakes a thread */
    gboolean is_closed;
    guint64 revoke; /* the agent's request that waits for the end; 0: none */
} SealLane;

/* Takes `fd`. `word`: in the memory shared with the agent. (transfer full) */
SealLane *seal_lane_new(guint32 number, const SealFrameHeader *header, const SealLaneGrant *grant,
                        const guint32 *word, int fd);
SealLane *seal_lane_ref(SealLane *lane);
/* Closes the descriptor with the last one. NULL is allowed. */
void seal_lane_unref(SealLane *lane);

/* Ends the lane for `why` unless it has ended; nothing starts on it from here on. */
void seal_lane_end(SealLane *lane, SealLaneEnd why);
/* SEAL_LANE_OPEN, or why it has ended. Looks at the agent's word and the clock, too. */
SealLaneEnd seal_lane_look(SealLane *lane);
/* TRUE if no operation may start any more; what was granted may still be under way. */
gboolean seal_lane_is_used_up(SealLane *lane);
/* TRUE if the client has more requests in the lane's queue than its window allows. Asks the system. */
gboolean seal_lane_is_flooded(SealLane *lane);
/* Tells the client why its lane ended, without waiting. */
void seal_lane_say_end(SealLane *lane);

/* Serves the frame in `server` and answers it on the lane. May end the lane; the caller looks.
 * Blocks on the token. */
void seal_lane_serve(SealLane *lane, SealServer *server, SealRecords *records,
                     const SealFrameHeader *header);
