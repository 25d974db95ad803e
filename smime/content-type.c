/* Content-Type values. Comments and blanks may stand between tokens; nothing else is forgiven,
 * because readers that forgive differently show different mails. */
#include "smime/content-type.h"

#include <string.h>

#define COMMENT_DEPTH_MAX 16

/* Skips blanks and comments; FALSE for an open comment. */
static gboolean
skip_blanks(const char **at)
{
    guint depth = 0;

    for (; **at; (*at)++) {
        if (**at == '(') {
            if (++depth > COMMENT_DEPTH_MAX)
                return FALSE;
        } else if (depth > 0 && **at == '\\' && (*at)[1]) {
            (*at)++;
        } else if (depth > 0 && **at == ')') {
            depth--;
        } else if (depth == 0 && **at != ' ' && **at != '\t') {
            return TRUE;
        }
    }
    return depth == 0;
}

static gboolean
is_token_char(char c)
{
    return g_ascii_isgraph(c) && !strchr("()<>@,;:\\\"/[]?=", c);
}

static char *
take_token(const char **at)
{
    const char *start = *at;

    while (is_token_char(**at))
        (*at)++;
    return *at > start ? g_ascii_strdown(start, *at - start) : NULL;
}

static char *
take_quoted(const char **at)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for ((*at)++; **at && **at != '"'; (*at)++) {
        if (**at == '\\' && (*at)[1])
            (*at)++;
        g_string_append_c(text, **at);
    }
    if (**at != '"')
        return NULL;
    (*at)++;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Some writers leave quotes off values with a slash or an equals sign; up to a semicolon or blank
 * there is only one way to read them. */
static char *
take_value(const char **at)
{
    const char *start = *at;

    if (**at == '"')
        return take_quoted(at);
    while (g_ascii_isgraph(**at) && !strchr(";()\"", **at))
        (*at)++;
    return *at > start ? g_strndup(start, (gsize)(*at - start)) : NULL;
}

/* RFC 2231 writes a parameter in pieces or another character set: "boundary*0". Beside "boundary"
 * some readers take the one, some the other; what the structure of a mail depends on needs neither.
 */
static gboolean
is_extended(const char *name)
{
    static const char *const plain[] = {"boundary", "protocol", "smime-type", "hp", "forwarded"};
    const char *star = strchr(name, '*');

    for (gsize i = 0; star && i < G_N_ELEMENTS(plain); i++)
        if (strlen(plain[i]) == (gsize)(star - name) && g_str_has_prefix(name, plain[i]))
            return TRUE;
    return FALSE;
}

static gboolean
take_parameter(const char **at, GHashTable *parameters)
{
    g_autofree char *name = take_token(at);
    g_autofree char *value = NULL;

    if (!name || !skip_blanks(at) || **at != '=')
        return FALSE;
    (*at)++;
    if (!skip_blanks(at))
        return FALSE;
    value = take_value(at);
    if (!value || is_extended(name) || g_hash_table_contains(parameters, name))
        return FALSE;
    g_hash_table_insert(parameters, g_steal_pointer(&name), g_steal_pointer(&value));
    return TRUE;
}

static gboolean
take_parameters(const char **at, GHashTable *parameters)
{
    for (;;) {
        if (!skip_blanks(at))
            return FALSE;
        if (**at == '\0')
            return TRUE;
        if (**at != ';')
            return FALSE;
        (*at)++;
        if (!skip_blanks(at))
            return FALSE;
        if (**at == '\0' || **at == ';') /* an empty one at the end is common */
            continue;
        if (!take_parameter(at, parameters))
            return FALSE;
    }
}

char *
seal_content_type_parse(const char *value, GHashTable *parameters)
{
    const char *at = value;
    g_autofree char *type = NULL;
    g_autofree char *subtype = NULL;

    if (!skip_blanks(&at) || !(type = take_token(&at)) || *at != '/')
        return NULL;
    at++;
    subtype = take_token(&at);
    if (!subtype || !take_parameters(&at, parameters))
        return NULL;
    return g_strconcat(type, "/", subtype, NULL);
}
