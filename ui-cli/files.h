/* Mails in and out. Each is held in memory as a whole: nothing of an output is written before the
 * work is done, so nothing half-made is ever seen. */
#pragma once

#include <glib.h>

/* Reads a file, or standard input for NULL and "-", up to `max` bytes. Returns (transfer full), or
 * NULL with G_FILE_ERROR, LIMIT_EXCEEDED or CANCELLED (Ctrl-C), naming the file. Blocks. */
GBytes *seal_input_read(const char *path, gsize max, GError **error);

/* Writes to a file, which appears complete or not at all, readable by its owner alone; or for NULL
 * and
 * "-" to standard output, on a terminal with control characters made harmless. FALSE with
 * G_FILE_ERROR or CANCELLED. Blocks. */
gboolean seal_output_write(const char *path, GBytes *bytes, GError **error);
