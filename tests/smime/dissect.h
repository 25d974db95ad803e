/* Messages taken apart and put together again by tests. */
#pragma once

#include "smime/cms.h"

#include <glib.h>

/* The CMS message (DER) of an opaque mail of ours (transfer full). */
GBytes *test_cms_of(GBytes *mail);

/* A mail from Alice around a CMS message (transfer full). */
GBytes *test_mail_of(GBytes *cms);

/* The structure inside of an opaque mail's ContentInfo (transfer full: free as `item` asks). Aborts
 * if it is not an `item`. */
gpointer test_take_apart(GBytes *mail, const ASN1_ITEM *item);

/* A mail around `value`, an `item`, as the content type `nid` (transfer full). */
GBytes *test_put_together(gpointer value, const ASN1_ITEM *item, int nid);

/* A zlib stream of `len` zeroes (transfer full). */
GByteArray *test_stream_of_zeroes(gsize len);

/* Compressed mail in compressed mail, whose three layers expand to some 262 MiB together and the
 * largest to 114 MiB; the mail itself is small (transfer full). */
GBytes *test_bombs_in_bombs(void);
