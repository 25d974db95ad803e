/* One path of certificates, built and checked by OpenSSL, with every defect it has. */
#pragma once

#include "pki/trust.h"

/* What one path came to. */
typedef struct {
    SealChainResult *result;
    X509 *top;        /* (nullable) (owned) the last certificate that was found */
    gboolean reached; /* an anchor, over signatures that are right */
    SealLevelFinding finding;
} SealPath;

/* Drops what is owned, not `result`. */
void seal_path_clear(SealPath *path);

/* Judges the path from `leaf` at time `at`, with `untrusted` to build it from and, if `anchor` is
 * not NULL, with this anchor alone. path->result is overwritten, its old reason is not freed; the
 * rest of `path` is filled. What the leaf is for and how strong keys are is included. Of several
 * defects the one that comes first in SealChainState is the verdict. Blocks as long as those that are asked
 * online, if the trust has means to. */
void seal_path_judge(const SealTrust *trust, X509 *leaf, STACK_OF(X509) *untrusted, X509 *anchor,
                     SealCertificatePurpose purpose, gint64 at, SealPath *path);

/* Makes `state` the verdict, with the reason "the certificate 'SUBJECT' CLAUSE", unless one that
 * comes before it is there already. `clause`: (nullable) what is usually said of the state. */
void seal_chain_note(SealChainResult *result, SealChainState state, const X509 *certificate,
                     const char *clause);
