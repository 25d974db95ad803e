/* Which tokens have said that a last try of their PIN or PUK is left. */
#pragma once

#include "agent/refused-pins.h"
#include "agent/registry.h"

/* From here on `refused` (which outlives the registry's last event) is told of each token that says
 * so. */
void seal_last_try_watch(SealRegistry *registry, SealRefusedPins *refused);
