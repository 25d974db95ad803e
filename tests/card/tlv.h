/* BER-TLV as PIV's data objects are made of (SP 800-73-4 part 2, ISO 7816-4 5.2.2). */
#pragma once

#include <glib.h>

#include "base/bytes.h"

/* Appends the object `tag` (its bytes as one number, 0x5F2F) with `len` bytes of `value`
 * (nullable if `len` is 0). Lengths of up to three bytes. */
void seal_tlv_put(GByteArray *out, guint32 tag, const void *value, gsize len);

/* Takes one object off `reader`: its tag and the bytes in it (transfer none). FALSE at the end or
 * if what stands there is no such object. */
gboolean seal_tlv_next(SealReader *reader, guint32 *ret_tag, SealBytes *ret_value);

/* The first object `tag` of those one after another in `bytes`. FALSE if there is none. */
gboolean seal_tlv_find(SealBytes bytes, guint32 tag, SealBytes *ret_value);
