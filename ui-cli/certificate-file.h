/* Certificates in files that a person names. */
#pragma once

#include <glib.h>

/* Reads the certificates of a file: PEM with any number, or one in DER. Returns (transfer full)
 * (element-type GBytes) their DER, at least one; NULL with G_FILE_ERROR, INVALID_INPUT or
 * LIMIT_EXCEEDED, naming the file. Blocks. */
GPtrArray *seal_certificate_file_read(const char *path, GError **error);
