/* Putting anchors into the user's folder, finding them there, and taking them out. */
#pragma once

#include "pki/anchors.h"

/* TRUE if `certificate` may become an anchor at time `at` (seconds since 1970). FALSE with
 * NOT_PERMITTED and the reason: no CA's, not valid now, a weak key, or a signature of its own that
 * is wrong. */
gboolean seal_anchor_check(X509 *certificate, gint64 at, GError **error);

/* Writes `certificate` as PEM to `folder`, which is made if need be, under the name of its
 * fingerprint. Sets *ret_path (transfer full). FALSE with a G_FILE_ERROR; nothing is left behind
 * then. Blocks on the disk. */
gboolean seal_anchor_store(X509 *certificate, const char *folder, char **ret_path, GError **error);

/* Takes `anchor` out of its file, which is removed if nothing else of `anchors` (element-type
 * SealAnchor: at least all those of the file) stands in it. FALSE with a G_FILE_ERROR; the file is
 * as it was then. Blocks on the disk. */
gboolean seal_anchor_remove(const SealAnchor *anchor, const GPtrArray *anchors, GError **error);

/* Returns (transfer none) the one of `anchors` whose fingerprint starts with `name` (8 hexadecimal
 * digits at least, colons and blanks left out), or whose subject or common name it is. NULL with
 * NOT_FOUND if there is none or more than one certificate. */
const SealAnchor *seal_anchors_find(const GPtrArray *anchors, const char *name, GError **error);

/* Returns (transfer full) (nullable) a fingerprint as somebody may have written it, in lower-case
 * digits without colons and blanks; NULL if anything else is in it. */
char *seal_fingerprint_normalize(const char *text);
