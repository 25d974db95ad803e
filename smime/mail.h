/* A mail taken apart for signing or encrypting, and put together again (RFC 8551 3.1). */
#pragma once

#include "base/bytes.h"
#include "smime/transfer.h"

#include <glib.h>

/* Takes a mail apart. `ret_outer`: the fields that stay outside, CRLF lines. `ret_inner`: the MIME
 * entity to protect, in canonical form: the Content-* fields, an empty line, the body, whose parts
 * are encoded where `transfer` asks for it. A mail without Content-Type gets one for plain text in
 * ASCII or UTF-8. A line "From ..." in front of the mail (mbox) is dropped. FALSE with INVALID_INPUT
 * (no header, a binary part below a signature) or LIMIT_EXCEEDED (SEAL_MAIL_MAX). */
gboolean seal_mail_split(GBytes *mail, SealTransfer transfer, GBytes **ret_outer,
                         GBytes **ret_inner, GError **error);

/* The bytes with every line end as CRLF: a new reference to the same if they have no other. */
GBytes *seal_mail_canonical(GBytes *bytes);

/* The mail without a first line "From ...", which an mbox puts in front (transfer none). */
SealBytes seal_mail_without_mbox_line(SealBytes bytes);

/* TRUE if the first line ends in LF alone. */
gboolean seal_mail_has_unix_lines(SealBytes bytes);

/* One multipart/signed mail of `outer`, `inner` and a detached signature (DER). */
GBytes *seal_mail_join_signed(GBytes *outer, GBytes *inner, GBytes *signature, const char *micalg);

/* One application/pkcs7-mime mail of `outer` and a CMS message (DER); `smime_type`, e.g.
 * "enveloped-data". */
GBytes *seal_mail_join_opaque(GBytes *outer, GBytes *cms, const char *smime_type);
