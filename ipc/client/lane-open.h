/* Key.OpenLane as libprivyseal asks for it, and the word that a lane is to be taken back. */
#pragma once

#include "base/fd.h"
#include "ipc/client/client.h"
#include "pkcs11/core/mechanism.h"

/* What is asked for. */
typedef struct {
    const char *key; /* object path */
    SealMechanism mechanism;
    guint32 window;         /* requests in flight */
    guint32 count, seconds; /* 0: what the agent gives by itself */
} SealLaneWish;

/* What the agent gave. */
typedef struct {
    SealFd fd;
    guint32 number, count, seconds, window;
} SealLaneOffer;

/* The request; it borrows `wish`. */
SealRequest seal_lane_open_request(const SealLaneWish *wish);
/* Reads the answer. FALSE if it is none that this library understands; else `ret_offer->fd` is the
 * caller's. */
gboolean seal_lane_open_read(sd_bus_message *reply, SealLaneOffer *ret_offer);
/* When a lane may be asked for again (g_get_monotonic_time()) after `error`; NULL: after an answer
 * that was not understood. */
gint64 seal_lane_open_retry_us(const GError *error);

/* Has the agent take lane `number` back, without waiting: a host that hangs on it is noticed so. */
void seal_lane_give_up(SealClient *client, guint32 number);
