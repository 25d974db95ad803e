/* Mail addresses in certificates, and whether they are a mail's sender. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

/* Returns (transfer full) (element-type utf8) the certificate's mail addresses, each once: the
 * rfc822Names and SmtpUTF8Mailboxes (RFC 9598) of its subjectAltName and, only where it has neither
 * (RFC 8550 3), the emailAddress attributes of its subject. The domain of a SmtpUTF8Mailbox is in
 * ASCII ("xn--..."), so that look-alike letters show. What a person could be fooled with is left
 * out: a NUL, blanks, control or invisible characters, no @; so is what comes after the first 256.
 */
GPtrArray *seal_address_list(X509 *certificate);

/* Returns (transfer full) the one spelling of the mailbox that an addr-spec in UTF-8 names: its
 * local part without quotes, its domain in lower case and in ASCII (IDNA2008, RFC 5891). NULL for
 * NULL and for what is no address: not exactly one @ outside of quotes, an empty side, a domain
 * that IDNA2008 does not allow. */
char *seal_address_canonical(const char *address);

/* TRUE if two addr-specs name one mailbox: their local parts are the same bytes, their domains the
 * same name, without regard to case or whether they are written in Unicode or ASCII (RFC 5280 7.5,
 * RFC 9598 5). FALSE where one of them is no address. */
gboolean seal_address_equal(const char *a, const char *b);

/* TRUE if they are not equal, but would be if case did not count in local parts. For an explanation
 * only: whose mailbox the other spelling is, its domain alone knows (RFC 5321 2.4). */
gboolean seal_address_differs_in_case(const char *a, const char *b);

/* TRUE if one of `addresses` (element-type utf8) equals `address`. */
gboolean seal_address_in(GPtrArray *addresses, const char *address);
