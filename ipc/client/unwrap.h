/* The session key in an answer to Key.Unwrap. */
#pragma once

#include "base/secret.h"
#include "ipc/client/lanes.h"
#include "pkcs11/wire/messages.h"

#include <systemd/sd-bus.h>

/* Takes the key out of `reply` and wipes it there. `box_key`: (nullable) the private half of the
 * key the answer is sealed to. (transfer full), or NULL with INVALID_INPUT. */
SealSecret *seal_unwrap_read_reply(sd_bus_message *reply, const SealSecret *box_key,
                                   GError **error);

/* The question in the form that a lane takes. It points to the query's bytes and into itself. */
typedef struct {
    SealUnwrapRequest request;
    GByteArray *shared_info;
    struct iovec parts[5];
    SealLaneUseAsk use;
} SealLaneUnwrap;

/* FALSE if it is nothing for a lane; clear it all the same. */
gboolean seal_lane_unwrap_fill(SealLaneUnwrap *ret_unwrap, const char *key,
                               const SealUnwrapQuery *query);
void seal_lane_unwrap_clear(SealLaneUnwrap *unwrap);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealLaneUnwrap, seal_lane_unwrap_clear)
