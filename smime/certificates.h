/* The certificates that a signed mail brings along. */
#pragma once

#include <glib.h>

/* Returns (transfer full) the CMS message of a mail's outermost signature: the second part of
 * multipart/signed, or an opaque or certs-only message, as DER or BER of a ContentInfo with
 * SignedData. NULL with INVALID_INPUT if the mail has no signature that can be read. Nothing is
 * judged. */
GBytes *seal_mail_signature(GBytes *mail, GError **error);

/* Returns (transfer full) (element-type GBytes) the DER of the X.509 certificates in a CMS message
 * as above, at most SEAL_CERTIFICATES_MAX; perhaps none. NULL with INVALID_INPUT or LIMIT_EXCEEDED.
 * None of them is believed. */
GPtrArray *seal_cms_certificates(GBytes *cms, GError **error);
