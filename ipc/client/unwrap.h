/* The session key in an answer to Key.Unwrap. */
#pragma once

#include "base/secret.h"
#include "ipc/client/lanes.h"

#include <systemd/sd-bus.h>

/* Takes the key out of `reply` and wipes it there. `box_key`: (nullable) the private half of the
 * key the answer is sealed to. (transfer full), or NULL with INVALID_INPUT. */
SealSecret *seal_unwrap_read_reply(sd_bus_message *reply, const SealSecret *box_key,
                                   GError **error);

/* Does it on a lane, as seal_lanes_try(): `ret_session_key` (transfer full) comes in clear. */
SealLanesResult seal_unwrap_on_lane(SealClient *client, const char *key,
                                    const SealUnwrapQuery *query, SealSecret **ret_session_key,
                                    GError **error);
