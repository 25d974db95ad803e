/* Looks at the slots that are due later, because one left something unread. */
#pragma once

#include "pkcs11/host/host.h"

/* After each look: plans the next one if a card lies in a reader that the module does not show, or
 * `failed`: it shows a token that cannot be read. Each pause is twice the one before; a look that
 * leaves nothing unread ends them. */
void seal_again_plan(SealHost *host, gboolean failed);

/* What could not be read may be readable now: the pauses begin anew. `now`: and the look that is
 * planned, if one is, is due. */
void seal_again_renew(SealHost *host, gboolean now);
