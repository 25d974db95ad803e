/* A lane as its client uses it: frames to the key's host and their answers (pkcs11/wire/lane.h). */
#pragma once

#include <glib.h>
#include <sys/uio.h>

#include "base/secret.h"
#include "ipc/client/interrupt.h"
#include "pkcs11/core/mechanism.h"
#include "pkcs11/wire/frame.h"

/* The longest answer: a signature or session key (1088 bytes), or a failure's sentence (1 KiB). Less
 * than a page, so that the next answer gets the same locked one (base/secret.h). */
#define SEAL_LANE_ANSWER_MAX 2048u

typedef struct {
    SealFd fd;
    guint32 number;
    guint32 left;    /* operations */
    gint64 until_us; /* of g_get_monotonic_time(): a little before the lease ends */
    guint64 last_request;
} SealClientLane;

/* Takes `fd`. (transfer full) */
SealClientLane *seal_client_lane_new(int fd, guint32 number, guint32 count, guint32 seconds);
/* Gives the lane back. NULL is allowed. */
void seal_client_lane_free(SealClientLane *lane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealClientLane, seal_client_lane_free)

/* TRUE while another use may be asked for. */
gboolean seal_client_lane_is_good(const SealClientLane *lane);

typedef enum {
    SEAL_LANE_DONE,    /* the answer is there */
    SEAL_LANE_REFUSED, /* this use gave nothing, and never will: the agent may be asked for it */
    SEAL_LANE_LOST,    /* the same, and the lane is over */
    SEAL_LANE_FAILED,  /* what became of the use is not known: it is not to be repeated */
} SealLaneOutcome;

/* What is asked. */
typedef struct {
    SealFrameType type;
    SealMechanism mechanism;
    const struct iovec *parts; /* the body; at most 6 */
    size_t n_parts;
    gint64 deadline_us;
} SealLaneAsk;

/* Sends a request and waits for its answer, which is appended to `answer` (its room must be
 * SEAL_LANE_ANSWER_MAX). FAILED with CANCELLED when `interrupt` fires, TIMED_OUT at the deadline,
 * MODULE_FAILED when the host ended. Blocks. */
SealLaneOutcome seal_client_lane_ask(SealClientLane *lane, const SealLaneAsk *ask,
                                     const SealInterrupt *interrupt, SealSecret *answer,
                                     GError **error);
