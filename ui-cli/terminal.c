/* The terminal: colours, width, and text that is safe to show. */
#include "ui-cli/terminal.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const codes[] = {
    [SEAL_COLOUR_NONE] = "",           [SEAL_COLOUR_BOLD] = "\033[1m",
    [SEAL_COLOUR_DIM] = "\033[2m",     [SEAL_COLOUR_GREEN] = "\033[32m",
    [SEAL_COLOUR_YELLOW] = "\033[33m", [SEAL_COLOUR_RED] = "\033[31m",
};

gboolean
seal_terminal_has_colour(FILE *stream)
{
    const char *forbidden = g_getenv("NO_COLOR");
    const char *terminal = g_getenv("TERM");

    if (forbidden && *forbidden) /* no-color.org: present and not empty */
        return FALSE;
    return isatty(fileno(stream)) && terminal && *terminal && !g_str_equal(terminal, "dumb");
}

guint
seal_terminal_width(FILE *stream)
{
    struct winsize size = {0};
    const char *columns = g_getenv("COLUMNS");
    guint64 number = 0;

    if (!isatty(fileno(stream)))
        return 0;
    if (columns && g_ascii_string_to_unsigned(columns, 10, 20, 10000, &number, NULL))
        return (guint)number;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80; /* a terminal that does not tell, e.g. a serial line */
}

gboolean
seal_terminal_is_utf8(void)
{
    return g_get_charset(NULL);
}

static guint
character_width(gunichar character)
{
    if (g_unichar_iszerowidth(character))
        return 0;
    return g_unichar_iswide(character) ? 2 : 1;
}

guint
seal_text_width(const char *text)
{
    guint width = 0;

    for (const char *at = text; *at; at = g_utf8_next_char(at))
        width += character_width(g_utf8_get_char(at));
    return width;
}

/* Cc, Cf (among them the direction overrides that can swap what is read), line and paragraph ends.
 */
static gboolean
is_showable(gunichar character)
{
    switch (g_unichar_type(character)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return TRUE;
    }
}

static char *
clean(const char *text, gboolean utf8)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
    GString *cleaned = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);

        if (!is_showable(character))
            character = 0xfffd;
        if (character >= 0x80 && !utf8)
            character = '?';
        g_string_append_unichar(cleaned, character);
    }
    return g_string_free(cleaned, FALSE);
}

char *
seal_text_clean(const char *text)
{
    return clean(text, seal_terminal_is_utf8());
}

char *
seal_text_clean_utf8(const char *text)
{
    return clean(text, TRUE);
}

char *
seal_text_clean_line(const char *line)
{
    g_auto(GStrv) columns = g_strsplit(line, "\t", -1);

    for (char **column = columns; *column; column++) {
        char *clean = seal_text_clean(*column);

        g_free(*column);
        *column = clean;
    }
    return g_strjoinv("\t", columns);
}

char *
seal_text_cut(const char *text, guint columns)
{
    const char *ellipsis = seal_terminal_is_utf8() ? "\u2026" : ".";
    guint width = 0;
    const char *at = text;

    if (seal_text_width(text) <= columns)
        return g_strdup(text);
    if (columns == 0)
        return g_strdup("");
    for (; *at; at = g_utf8_next_char(at)) {
        guint next = character_width(g_utf8_get_char(at));

        if (width + next > columns - 1)
            break;
        width += next;
    }
    return g_strdup_printf("%.*s%s", (int)(at - text), text, ellipsis);
}

void
seal_terminal_put(FILE *stream, SealColour colour, const char *text)
{
    if (colour == SEAL_COLOUR_NONE || !seal_terminal_has_colour(stream))
        fputs(text, stream);
    else
        fprintf(stream, "%s%s\033[0m", codes[colour], text);
}
