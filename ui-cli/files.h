/* Mails in and out. Nothing is written before all that can be refused has been asked for, so
 * nothing half-made is ever seen. */
#pragma once

#include "smime/draft.h"

#include <glib.h>

/* Reads a file, or standard input for NULL and "-", up to `max` bytes. Returns (transfer full), or
 * NULL with G_FILE_ERROR, LIMIT_EXCEEDED or CANCELLED (Ctrl-C), naming the file. Blocks. */
GBytes *seal_input_read(const char *path, gsize max, GError **error);

/* The same for a mail that a draft is made of: a large file is not read into memory but mapped
 * (mapping.h); what comes through a pipe is kept in memory, since a copy on a disk would stay
 * there. Once in the life of a command. */
GBytes *seal_input_map(const char *path, gsize max, GError **error);

/* Writes to a file, which appears complete or not at all, readable by its owner alone; or for NULL
 * and
 * "-" to standard output, on a terminal with control characters made harmless. FALSE with
 * G_FILE_ERROR or CANCELLED. Blocks. */
gboolean seal_output_write(const char *path, GBytes *bytes, GError **error);

/* The same for a draft, which is made while it is written. What makes it fail half-way on standard
 * output is the output itself, Ctrl-C, or a mail whose file is changed meanwhile (INVALID_INPUT).
 */
gboolean seal_output_write_draft(const char *path, const SealDraft *draft, GError **error);
