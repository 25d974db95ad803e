/* The DER around a content that is not in memory, and that may be as large as it likes. */
#pragma once

#include "base/bytes.h"

#include <glib.h>

/* What stands in for the content while a structure is made: random, so that it is found. */
#define SEAL_DER_MARK_LEN 16
void seal_der_mark_make(uint8_t mark[SEAL_DER_MARK_LEN]);

/* Cuts `der`, in which `mark` is all of the value of one element, in two: *ret_before and
 * *ret_after (transfer full) are the DER with `content_len` bytes between them instead of the mark,
 * every length around it set right. */
void seal_der_frame(GBytes *der, const uint8_t mark[SEAL_DER_MARK_LEN], gsize content_len,
                    GBytes **ret_before, GBytes **ret_after);
