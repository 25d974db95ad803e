/* Limits on the mail addresses for which a CA may vouch, where OpenSSL does not see them. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* TRUE if the name constraints of `issuer` exclude a SmtpUTF8Mailbox of `leaf` (RFC 5280 4.2.1.10,
 * RFC 9598 6). */
gboolean seal_name_limits_exclude(X509 *issuer, X509 *leaf);
