/* A large file as bytes without a copy of it. */
#pragma once

#include <glib.h>

/* Maps the first `len` bytes (more than 0) of the file behind `fd`, which may be closed then.
 * Returns (transfer full), or NULL if the kernel cannot. One mapping at a time. The bytes change if
 * somebody writes to the file meanwhile: use them twice only where a difference is found. */
GBytes *seal_mapping_new(int fd, gsize len);

/* FALSE with G_FILE_ERROR if the file was cut off while it was mapped: some of the bytes that were
 * read since were zeros in place of what was there. */
gboolean seal_mapping_check(GError **error);
