/* What the terminal can show, and text made safe for it: nothing from a token, a certificate or a
 * mail is printed without it. */
#pragma once

#include <glib.h>
#include <stdio.h>

typedef enum {
    SEAL_COLOUR_NONE,
    SEAL_COLOUR_BOLD,
    SEAL_COLOUR_DIM,
    SEAL_COLOUR_GREEN,
    SEAL_COLOUR_YELLOW,
    SEAL_COLOUR_RED,
} SealColour;

/* TRUE if `stream` is a terminal that shows colours and nobody forbade them (NO_COLOR, TERM=dumb).
 */
gboolean seal_terminal_has_colour(FILE *stream);
/* The columns of the terminal behind `stream`, COLUMNS if that is set; 0 if it is no terminal. */
guint seal_terminal_width(FILE *stream);
/* TRUE if the locale's character set is UTF-8. */
gboolean seal_terminal_is_utf8(void);

/* Columns that `text` (UTF-8) takes: wide characters 2, combining ones 0. */
guint seal_text_width(const char *text);
/* `text` as it may be shown: control and direction characters, and bytes that are not UTF-8, become
 * U+FFFD; where the terminal knows no UTF-8, everything beyond ASCII becomes `?`. Labels come from
 * tokens and mails, and could move the cursor otherwise. (transfer full) */
char *seal_text_clean(const char *text);
/* The same for programs: in UTF-8 whatever the locale. (transfer full) */
char *seal_text_clean_utf8(const char *text);
/* The same for a line of a file, whose tabs stay. (transfer full) */
char *seal_text_clean_line(const char *line);
/* At most `columns` columns of `text`; what is cut ends in an ellipsis. (transfer full) */
char *seal_text_cut(const char *text, guint columns);

/* Writes `text` in `colour`, without colour where `stream` has none. */
void seal_terminal_put(FILE *stream, SealColour colour, const char *text);
