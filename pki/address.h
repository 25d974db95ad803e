/* Mail addresses in certificates, and whether they are a mail's sender. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* Returns (transfer full) (element-type utf8) the rfc822Names of the certificate's subjectAltName
 * and, only where it has none (RFC 8550 3), the emailAddress attributes of its subject; each once.
 * Names that are no printable ASCII address (a NUL, a line end, no @) are left out. */
GPtrArray *seal_address_list(X509 *certificate);

/* TRUE if two addr-specs name one mailbox: the local part byte for byte, the domain without regard
 * to case (RFC 5321 2.4). FALSE for NULL or anything without exactly one unquoted @. */
gboolean seal_address_equal(const char *a, const char *b);

/* TRUE if one of `addresses` (element-type utf8) equals `address`. */
gboolean seal_address_in(GPtrArray *addresses, const char *address);
