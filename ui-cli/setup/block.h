/* A marked block of lines in a configuration file whose comments begin with '#'. */
#pragma once

#include <glib.h>

/* `text` with `body` (whole lines) as the block of `name` ("openssh"): in the place of the one that
 * is there, else before everything else, followed by an empty line. (transfer full) NULL with
 * INVALID_INPUT if the marks in `text` do not pair up. */
char *seal_block_put(const char *text, const char *name, const char *body, GError **error);

/* `text` without the block of `name` and the empty line after it; what was put into a text is gone
 * without a trace then. Unchanged if there is none. (transfer full) NULL as above. */
char *seal_block_remove(const char *text, const char *name, GError **error);

/* TRUE if `text` holds the block of `name`, or a part of it. */
gboolean seal_block_is_in(const char *text, const char *name);
