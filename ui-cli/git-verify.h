/* A signature that was made or judged, in words that git understands. */
#pragma once

#include "smime/report.h"
#include "ui-cli/gnupg-status.h"

/* Adds the status line that says that a signature was made; `report` is about it. */
void seal_git_created_add(SealGnupgStatus *status, const SealReport *report);

/* TRUE if `report`, which is about a detached signature, is good and about exactly one signer: git
 * has no words for more. */
gboolean seal_git_verdict_is_good(const SealReport *report);

/* Adds the status lines for `report`. GOODSIG, VALIDSIG and TRUST_FULLY come together, and only if
 * it is good as above. */
void seal_git_verdict_add(SealGnupgStatus *status, const SealReport *report);

/* Prints for people, on stderr, who signed and whether to believe it; one sentence says why not. */
void seal_git_verdict_print(const SealReport *report);
