/* To whom a mail is encrypted. */
#pragma once

#include "pki/trust.h"
#include "ui-cli/reach.h"

/* Finds the certificate of each of `names` (element-type utf8): an address (it has an `@`, no `/`,
 * and does not end in .pem, .crt, .cer or .der) among the certificates on tokens, or a file.
 * `reach` is called for an address only: *reach is set then (transfer full). `trust`: (nullable)
 * judges each path. Returns (transfer full) (element-type GBytes) DER, one for each; NULL with
 * NOT_FOUND, naming all names that have none at once and ending in `advice` ("get one"), or with a
 * file's error. Blocks. */
GPtrArray *seal_recipients_find(SealReach **reach, const GPtrArray *names, const SealTrust *trust,
                                const char *advice, GError **error);
