/* Header fields that are covered by what covers the body: header protection (RFC 9788), and a whole
 * mail as the body (RFC 8551 3.1). */
#pragma once

#include "smime/entity.h"
#include "smime/report.h"

#include <glib.h>

/* Reads the protected fields of `payload`, the innermost content of `mail`, into the report's
 * headers: nothing if it has none. `encrypted`: it was opened with a key. Where a field other than
 * From differs from the visible one though its sender did not mean it to, a report that is "ok" up
 * to now gets a warning: lists and gateways mark subjects. Protected authors that could be taken for
 * others give the warnings of seal_mail_sender_warnings().
 *
 * Returns (transfer full) (nullable) why the visible From is not to be believed, one sentence, if
 * its addresses differ from the protected ones; NULL if they are the same or nothing is protected.
 */
char *seal_protected_read(const SealEntity *mail, const SealEntity *payload, gboolean encrypted,
                          SealReport *report);
