/* From the verdicts on the layers of a mail to the one on the mail. */
#pragma once

#include "smime/entity.h"
#include "smime/open.h"
#include "smime/report.h"

#include <glib.h>

/* Sets the verdict, its reason, whether it is good, the protected header fields and the warnings
 * they give, of a report whose layers are all there and were all opened or judged.
 *
 * `mode`: what was asked. `mail`: (nullable) the outermost entity; NULL for a CMS message alone, in
 * which nothing is searched for parts or header fields. `shown`: what the innermost layer holds. */
void seal_report_conclude(SealReport *report, SealOpenMode mode, const SealEntity *mail,
                          GBytes *shown);
