/* What came out of an encrypted mail. A mail can be too large to be locked into memory as a
 * SealSecret is, but it is overwritten when nobody needs it any more. */
#pragma once

#include <glib.h>

/* Returns (transfer full) `len` bytes at `data` (transfer full, from g_malloc) as a GBytes that
 * wipes them at its end. */
GBytes *seal_plain_take(guint8 *data, gsize len);
