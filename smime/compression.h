/* Compressed mail: the CompressedData of RFC 3274, with zlib. It protects nothing; it makes what is
 * signed or encrypted smaller. */
#pragma once

#include "base/bytes.h"
#include "smime/cms.h"
#include "smime/draft.h"
#include "smime/report.h"

#include <glib.h>

/* Compresses a mail: to be signed or encrypted afterwards.
 *
 * `draft`: (transfer full, also on failure) the mail; its Content-* fields and body go into the
 * compressed part, its other fields stay outside. Returns (transfer full) a draft, which holds what
 * it was compressed to; NULL as seal_draft_write(). Does not block. */
SealDraft *seal_draft_compress(SealDraft *draft, GError **error);

/* The same in memory; NULL also with INVALID_INPUT or LIMIT_EXCEEDED as seal_draft_new(). */
GBytes *seal_mail_compress(GBytes *mail, GError **error);

/* Expands `packed` (nullable: there are none), the octets of `data`, which need not hold them itself
 * (message.h), to `max` bytes at the most. What is beyond is never in memory. Returns OK with
 * *ret_content (transfer full); else MALFORMED, UNSUPPORTED or RESOURCE_LIMIT with *ret_reason
 * (static). */
SealVerdict seal_compressed_data_expand(const SealCompressedData *data, GBytes *packed, gsize max,
                                        GBytes **ret_content, const char **ret_reason);
