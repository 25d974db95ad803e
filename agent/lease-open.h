/* Opening a lane: the decision who may, as for any use, and the lease that follows from it. */
#pragma once

#include <glib.h>

#include "agent/key-use.h"
#include "agent/leases.h"

/* What a caller may ask for at most, and gets without asking. */
#define SEAL_LEASE_SECONDS_MAX     3600u
#define SEAL_LEASE_SECONDS_DEFAULT 300u
#define SEAL_LEASE_COUNT_DEFAULT   1000000u
#define SEAL_LEASE_MECHANISMS_MAX  8

/* What Key.OpenLane brings; 0: the default. Everything pointed to must stay until the use has
 * ended. */
typedef struct {
    gconstpointer owner; /* the connection */
    const char *mechanisms[SEAL_LEASE_MECHANISMS_MAX];
    guint n_mechanisms;
    guint32 count, seconds, window;
} SealLeaseAsk;

/* status NONE: `lease` is open, and `descriptor` the client's end of its lane, which the callee may
 * take; what it leaves is closed, and the lease ended. Else `message` is a sentence for people. */
typedef void (*SealLeaseFunc)(SealErrorCode status, const char *message, const SealLease *lease,
                              SealFd *descriptor, gpointer user_data);

/* As seal_key_use_start(), with `done` of its own kind. INVALID_INPUT for mechanisms that are none,
 * or sign and decrypt; NOT_SUPPORTED where the key, or its token, cannot do them, or it wants a PIN
 * for each use; NOT_PERMITTED where no rule gives lanes to the caller, and where one asks a person each time;
 * LIMIT_EXCEEDED for too many. */
SealKeyUse *seal_lease_open_async(const SealKeyUseContext *context, const SealKeyUseAsk *ask,
                                  const SealLeaseAsk *query, SealLeaseFunc done,
                                  gpointer user_data);
