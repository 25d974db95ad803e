/* The block stands first in its file: there no earlier section of an ini-like format can swallow
 * it, and where the first value wins it is ours. What people write around it stays as it is; what
 * they write inside it does not, as its first line says. */
#include "ui-cli/setup/block.h"

#include <string.h>

#include "base/error.h"
#include "ui-cli/setup/lines.h"

/* `start` and `end` as offsets into the text; both 0 if there is no block. */
typedef struct {
    gsize start;
    gsize end; /* after its last line */
} Block;

static char *
begin_mark(const char *name)
{
    return g_strdup_printf("# >>> privyseal setup %s >>>", name);
}

static char *
end_mark(const char *name)
{
    return g_strdup_printf("# <<< privyseal setup %s <<<", name);
}

/* The line in `text` that begins with `mark`; NULL if there is none. */
static const char *
find_line(const char *text, const char *mark)
{
    for (const char *at = text; (at = strstr(at, mark)); at++) {
        if (at == text || at[-1] == '\n')
            return at;
    }
    return NULL;
}

static gboolean
find_block(const char *text, const char *name, Block *ret_block, GError **error)
{
    g_autofree char *begin = begin_mark(name);
    g_autofree char *end = end_mark(name);
    const char *first = find_line(text, begin);
    const char *last = find_line(text, end);

    *ret_block = (Block){0};
    if (!first && !last)
        return TRUE;
    if (!first || !last || last < first || find_line(seal_line_next(first), begin) ||
        find_line(seal_line_next(last), end)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "the lines '%s' and '%s' do not stand in it as they were written; put them "
                    "right, or take them and what is between them out",
                    begin, end);
        return FALSE;
    }
    ret_block->start = (gsize)(first - text);
    ret_block->end = (gsize)(seal_line_next(last) - text);
    return TRUE;
}

gboolean
seal_block_is_in(const char *text, const char *name)
{
    g_autofree char *begin = begin_mark(name);
    g_autofree char *end = end_mark(name);

    return find_line(text, begin) || find_line(text, end);
}

char *
seal_block_put(const char *text, const char *name, const char *body, GError **error)
{
    Block block = {0};
    g_autofree char *begin = begin_mark(name);
    g_autofree char *end = end_mark(name);
    GString *made = NULL;

    if (!find_block(text, name, &block, error))
        return NULL;
    made = g_string_new_len(text, (gssize)block.start);
    g_string_append_printf(made,
                           "%s up to the closing mark this belongs to that command; its --undo "
                           "removes it\n%s%s\n",
                           begin, body, end);
    if (block.end == 0 && *text)
        g_string_append_c(made, '\n');
    g_string_append(made, text + block.end);
    return g_string_free(made, FALSE);
}

char *
seal_block_remove(const char *text, const char *name, GError **error)
{
    Block block = {0};

    if (!find_block(text, name, &block, error))
        return NULL;
    if (block.end > 0 && text[block.end] == '\n')
        block.end++;
    return g_strdup_printf("%.*s%s", (int)block.start, text, text + block.end);
}
