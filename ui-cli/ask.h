/* A question to the person at the terminal. */
#pragma once

#include <glib.h>

/* Shows `text` (cleaned by the caller) on the controlling terminal and reads a line there, whatever
 * standard input is. Returns (transfer full) the line without blanks at its ends; NULL with
 * INTERACTION_REQUIRED if there is no terminal, CANCELLED at Ctrl-C or its end, LIMIT_EXCEEDED for
 * more than 1,000 bytes. Blocks. */
char *seal_ask(const char *text, GError **error);
