/* All lanes of this host, and the threads that serve them. */
#pragma once

#include "pkcs11/host/host.h"
#include "pkcs11/wire/lane.h"

typedef struct SealLanes SealLanes;

/* `audit`: the socket for records; `words`: a file of SEAL_LANES_MAX revocation words, which the
 * agent alone can write. NULL if one of them is missing (-1) or of no use: this host serves no
 * lanes then. Starts no thread. (transfer full) */
SealLanes *seal_lanes_new(SealHost *host, int audit, int words);

/* Opens the lane of a LANE_OPEN frame; takes `fd`, also if it fails: INVALID_INPUT for a number
 * that is in use, TOKEN_REMOVED for a key that is gone, NOT_SUPPORTED for one that wants a login
 * each time, LIMIT_EXCEEDED for too many. */
gboolean seal_lanes_open(SealLanes *lanes, const SealFrameHeader *header,
                         const SealLaneGrant *grant, int fd, GError **error);

/* Ends the lane of a LANE_REVOKE frame for `why`. The frame is answered as soon as nothing is under
 * way on the lane; at once if there is none of that number. */
void seal_lanes_revoke(SealLanes *lanes, const SealFrameHeader *header, SealLaneEnd why);

/* The agent is gone: ends every lane and waits until `until_us` (g_get_monotonic_time()) for what
 * is under way. FALSE if something still is: then the module must not be finalised under it.
 * Nothing is freed; threads may wait for lanes for ever. NULL is allowed. */
gboolean seal_lanes_end_all(SealLanes *lanes, gint64 until_us);
