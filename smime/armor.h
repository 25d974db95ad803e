/* The text form of a signature that gpgsm and git use: base64 between BEGIN and END SIGNED MESSAGE.
 */
#pragma once

#include <glib.h>

/* Returns (transfer full) `cms` as that text, lines ending in LF. */
GBytes *seal_armor_write(GBytes *cms);

/* Returns (transfer full) the bytes in such a text; under the names CMS and PKCS7 too, since
 * OpenSSL writes these. What does not start as a text of this kind is returned as it stands (DER,
 * that is). NULL with INVALID_INPUT if it is damaged, or if anything but blanks stands before or
 * behind it: that would pass for signed. */
GBytes *seal_armor_read(GBytes *text, GError **error);

/* Returns (transfer full) one PEM block (RFC 7468) with `bytes` under `name`, e.g. "CERTIFICATE" or
 * "PKCS7", lines ending in LF. */
GBytes *seal_pem_write(const char *name, GBytes *bytes);
