/* The validity of certificates in tables. */
#pragma once

#include "ui-cli/terminal.h"

/* Returns (transfer full) the date of `until` (seconds since 1970), or "not before ..." or "expired
 * ..." where now is outside of `from` to `until`. */
char *seal_validity_text(gint64 from, gint64 until);
/* Red outside of it, yellow in its last 30 days. */
SealColour seal_validity_colour(gint64 from, gint64 until);
/* Returns (transfer full) the day, e.g. "2026-11-29" (UTC). */
char *seal_date_text(gint64 seconds);
