/* A mail taken apart for signing or encrypting, and put together again (RFC 8551 3.1). */
#pragma once

#include "base/bytes.h"
#include "smime/sink.h"
#include "smime/transfer.h"

#include <glib.h>

/* Takes a mail apart (seal_draft_new() does, without a copy of it). `ret_outer`: the fields that
 * stay outside, CRLF lines, without Bcc. `ret_inner`: the MIME entity to protect, in canonical
 * form: the Content-* fields, an empty line, the body, whose parts are encoded where `transfer`
 * asks for it. A mail without Content-Type gets one for plain text in ASCII or UTF-8. A line "From
 * ..." in front of the mail (mbox) is dropped. FALSE with INVALID_INPUT (no header, a binary part
 * below a signature) or LIMIT_EXCEEDED (SEAL_MAIL_MAX). */
gboolean seal_mail_split(GBytes *mail, SealTransfer transfer, GBytes **ret_outer,
                         GBytes **ret_inner, GError **error);

/* The bytes with every line end as CRLF: a new reference to the same if they have no other. */
GBytes *seal_mail_canonical(GBytes *bytes);

/* The mail without a first line "From ...", which an mbox puts in front (transfer none). */
SealBytes seal_mail_without_mbox_line(SealBytes bytes);

/* TRUE if the first line ends in LF alone. */
gboolean seal_mail_has_unix_lines(SealBytes bytes);

/* Bytes of a line of base64, 64 characters, as PEM and every S/MIME program writes. */
#define SEAL_MAIL_BASE64 48

/* Returns (transfer full) a new boundary of a multipart. */
char *seal_mail_boundary_new(void);

/* Returns (transfer full) the Content-* fields, and the empty line, of multipart/signed with the
 * hash `micalg`; or of application/pkcs7-mime with the `smime_type`, e.g. "enveloped-data". */
GBytes *seal_mail_signed_head(const char *micalg, const char *boundary);
GBytes *seal_mail_opaque_head(const char *smime_type);

/* Puts what follows the signed part in multipart/signed: the part with the detached signature (DER)
 * and the last boundary. */
void seal_mail_put_signature(SealSink *sink, const char *boundary, GBytes *signature);
