/* Which certificates could open a message that could not be opened. */
#pragma once

#include "smime/report.h"
#include "smime/unwrapper.h"

/* Adds to `layer` what `recipients` (element-type SealRecipient) are named by, with what
 * `unwrapper` (nullable) recalls of each: those that are recalled first, at most
 * SEAL_WANTED_MAX. Returns (transfer full) the sentence that says which key is missing. */
#define SEAL_WANTED_MAX 20
char *seal_wanted_note(SealLayerReport *layer, const GPtrArray *recipients,
                       const SealUnwrapper *unwrapper);
