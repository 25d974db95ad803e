/* Whether a path's certificates are revoked, once OpenSSL has looked into the lists that are there.
 */
#pragma once

#include "pki/trust.h"

/* What came of the lists of site and user. A bit is a depth in the path: 0 is the leaf. */
typedef struct {
    guint32 missing;  /* there is none of its issuer's */
    guint32 unusable; /* there is one, but it is out of date, forged, or of another scope */
    gboolean revoked; /* one of them is on a good list */
} SealListFindings;

/* Asks online, if `may_ask` and `trust` has means to, about each certificate of `path` (leaf first,
 * the anchor last, which nobody revokes but the user) that the lists did not clear, and puts what
 * follows into `result`: its state, reason, revocation and revocation_detail. Blocks as long as
 * those that are asked. */
void seal_revocation_settle(const SealTrust *trust, STACK_OF(X509) *path,
                            const SealListFindings *lists, gboolean may_ask, gint64 at,
                            SealChainResult *result);
