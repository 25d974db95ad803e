/* What `sign` and `encrypt --sign` share: which key signs, and the signature. */
#pragma once

#include "smime/draft.h"
#include "smime/headers.h"
#include "ui-cli/options.h"
#include "ui-cli/reach.h"

/* Their rows in a command's table of options; `when` is "" or " (with --sign)". */
#define SEAL_SIGNING_OPTION_ROWS(when)                                                             \
    {.name = "key",                                                                                \
     .argument = "KEY",                                                                            \
     .repeatable = TRUE,                                                                           \
     .help = "sign with this key: label, PKCS#11 URI, or the beginning of an\n"                    \
             "ID of 'privyseal list keys'; each of several adds a\n"                               \
             "signature" when},                                                                    \
        {.name = "from",                                                                           \
         .argument = "ADDRESS",                                                                    \
         .help = "sign with the key of ADDRESS, instead of the mail's From" when},                 \
        {.name = "chain",                                                                          \
         .argument = "FILE",                                                                       \
         .repeatable = TRUE,                                                                       \
         .help = "put the CA certificates in FILE into the message too, where\n"                   \
                 "they are not known here (repeatable)" when},                                \
        {.name = "opaque",                                                                         \
         .help = "one pkcs7-mime part instead of multipart/signed: survives\n"                     \
                 "gateways, but is unreadable without S/MIME" when},                               \
    {                                                                                              \
        .name = "pss", .help = "RSASSA-PSS for RSA keys, instead of PKCS#1 v1.5" when              \
    }

/* FALSE with SEAL_USAGE_ERROR if options exclude each other. */
gboolean seal_signing_check_options(const SealOptions *options, const char *command,
                                    GError **error);

/* The addresses of a mail's From, or Sender (smime/sender.h). (transfer full) (element-type utf8)
 */
GPtrArray *seal_signing_senders(GBytes *mail);

/* Compresses `draft` (transfer full, also on failure) before it is signed or encrypted, its other
 * fields where `headers` says. (transfer full), or NULL as seal_draft_compress(). */
SealDraft *seal_signing_compress(SealDraft *draft, SealHeaders headers, GError **error);

/* TRUE if the mail has a Bcc field, or one of when it was sent again, that names somebody. */
gboolean seal_signing_has_blind(GBytes *mail);

/* Signs `draft` (transfer full, also on failure) as the options say, its other fields where
 * `headers` says. (transfer full), or NULL with NOT_FOUND when no key fits, and what
 * seal_draft_sign() says. Warns on stderr where readers will not believe the signature. Blocks; may
 * prompt. */
SealDraft *seal_signing_sign(SealReach *reach, SealOptions *options, SealHeaders headers,
                             SealDraft *draft, GError **error);
