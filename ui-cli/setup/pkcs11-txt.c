/* Stanzas of `key=value` lines, each ended by an empty line; a value may stand in double quotes.
 * NSS writes a stanza anew when one of its programs changes a module's settings, without comments
 * and with lines of its own, so ours is known by its library and carries no mark.
 *
 * Ours goes to the front: NSS drops the last stanza of a file when it deletes another one, if no
 * empty line ends it (NSS 3.87, seen), and the internal module is first for it wherever it stands.
 */
#include "ui-cli/setup/pkcs11-txt.h"

#include <string.h>

#include "ui-cli/setup/lines.h"

static gboolean
is_empty_line(const char *line)
{
    return *line == '\n' || (line[0] == '\r' && line[1] == '\n');
}

static const char *
stanza_end(const char *stanza)
{
    while (*stanza && !is_empty_line(stanza))
        stanza = seal_line_next(stanza);
    return stanza;
}

/* The value in `line` (to its end) if it is one of `key`, without quotes; else NULL. (transfer
 * full) */
static char *
line_value(const char *line, const char *key)
{
    gsize key_len = strlen(key);
    g_autofree char *value = NULL;
    gsize len = 0;

    if (g_ascii_strncasecmp(line, key, key_len) != 0 || line[key_len] != '=')
        return NULL;
    line += key_len + 1;
    value = g_strndup(line, strcspn(line, "\r\n"));
    len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"')
        return g_strndup(value + 1, len - 2);
    return g_steal_pointer(&value);
}

/* `value` NULL: any. */
static gboolean
lines_have(const char *start, const char *end, const char *key, const char *value)
{
    for (const char *line = start; line < end; line = seal_line_next(line)) {
        g_autofree char *found = line_value(line, key);

        if (found && (!value || g_str_equal(found, value)))
            return TRUE;
    }
    return FALSE;
}

gboolean
seal_pkcs11_txt_is_list(const char *text)
{
    return lines_have(text, text + strlen(text), "library", NULL);
}

gboolean
seal_pkcs11_txt_has(const char *text, const char *key, const char *value)
{
    return lines_have(text, text + strlen(text), key, value);
}

char *
seal_pkcs11_txt_add(const char *text, const char *library)
{
    return g_strdup_printf("library=%s\nname=%s\n\n%s", library, SEAL_PKCS11_TXT_NAME, text);
}

char *
seal_pkcs11_txt_remove(const char *text, const char *library)
{
    GString *kept = g_string_new(NULL);

    while (*text) {
        const char *end = is_empty_line(text) ? seal_line_next(text) : stanza_end(text);
        gboolean ours = lines_have(text, end, "library", library);

        if (!ours)
            g_string_append_len(kept, text, end - text);
        else if (*end)
            end = seal_line_next(end); /* the empty line that ends it */
        text = end;
    }
    return g_string_free(kept, FALSE);
}
