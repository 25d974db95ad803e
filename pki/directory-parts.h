/* Text to a directory and bytes from it. */
#pragma once

#include <glib.h>

/* Returns (transfer full) the search filter for `address`, with whatever is not a plain character
 * escaped (RFC 4515 3): no address can be more than a value in it. */
char *seal_directory_filter(const char *address);

/* Bytes of one value, and certificates of one list, that are looked at. */
#define SEAL_DIRECTORY_VALUE_MAX        ((gsize)256 * 1024)
#define SEAL_DIRECTORY_CERTIFICATES_MAX 32

/* Reads one value of userSMIMECertificate (RFC 2798 2.8: a PKCS #7 SignedData, whose content and
 * signature say nothing here; some directories hold a bare certificate) or userCertificate. Adds
 * the certificates in it (element-type GBytes, DER) to `certificates`. FALSE if it is neither, or
 * above the limits. */
gboolean seal_directory_value_read(gconstpointer data, gsize len, GPtrArray *certificates);
