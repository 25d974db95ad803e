/* The longest common subsequence of lines by its table, once equal lines at both ends are set
 * aside. The files are a person's settings, so the table is small; a pair of files for which it
 * would not be is shown as all old lines, then all new ones. */
#include "ui-cli/setup/diff.h"

#include "ui-cli/setup/lines.h"

#define CONTEXT   3
#define CELLS_MAX ((gsize)4 * 1024 * 1024)

typedef struct {
    GPtrArray *before; /* lines, each with its '\n' where it has one */
    GPtrArray *after;
    GString *steps; /* ' ' for a line of both, '-' of before, '+' of after; in order */
} Script;

static GPtrArray *
split(const char *text)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

    while (text && *text) {
        const char *end = seal_line_next(text);

        g_ptr_array_add(lines, g_strndup(text, (gsize)(end - text)));
        text = end;
    }
    return lines;
}

static gboolean
is_same(const Script *script, gsize before, gsize after)
{
    return g_str_equal(script->before->pdata[before], script->after->pdata[after]);
}

static void
repeat(GString *steps, char step, gsize count)
{
    for (gsize i = 0; i < count; i++)
        g_string_append_c(steps, step);
}

/* lengths[i][j]: the longest common subsequence of the last lines from i and j on. */
static guint *
make_table(const Script *script, gsize start, gsize rows, gsize columns)
{
    guint *lengths = g_new0(guint, (rows + 1) * (columns + 1));
    gsize width = columns + 1;

    for (gsize i = rows; i-- > 0;) {
        for (gsize j = columns; j-- > 0;)
            lengths[i * width + j] =
                is_same(script, start + i, start + j)
                    ? lengths[(i + 1) * width + j + 1] + 1
                    : MAX(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
    return lengths;
}

/* Lines from `start` on, `rows` of before and `columns` of after. */
static void
compare_middle(Script *script, gsize start, gsize rows, gsize columns)
{
    g_autofree guint *lengths = NULL;
    gsize width = columns + 1, i = 0, j = 0;

    if ((rows + 1) <= CELLS_MAX / width)
        lengths = make_table(script, start, rows, columns);
    while (lengths && i < rows && j < columns) {
        gboolean same = is_same(script, start + i, start + j);
        gboolean drop = !same && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1];

        g_string_append_c(script->steps, same ? ' ' : drop ? '-' : '+');
        i += same || drop;
        j += same || !drop;
    }
    repeat(script->steps, '-', rows - i);
    repeat(script->steps, '+', columns - j);
}

static void
compare(Script *script)
{
    gsize start = 0, rows = script->before->len, columns = script->after->len, end = 0;

    while (start < rows && start < columns && is_same(script, start, start))
        start++;
    while (end < rows - start && end < columns - start &&
           is_same(script, rows - 1 - end, columns - 1 - end))
        end++;
    repeat(script->steps, ' ', start);
    compare_middle(script, start, rows - start - end, columns - start - end);
    repeat(script->steps, ' ', end);
}

/* -- hunks ----------------------------------------------------------------------- */

static gsize
count(const Script *script, gsize from, gsize to, char left_out)
{
    gsize lines = 0;

    for (gsize i = from; i < to; i++)
        lines += script->steps->str[i] != left_out;
    return lines;
}

/* "3,2": its first line (of an empty range, the one before) and how many. */
static void
put_range(GString *text, gsize skipped, gsize lines)
{
    g_string_append_printf(text, "%" G_GSIZE_FORMAT, lines > 0 ? skipped + 1 : skipped);
    if (lines != 1)
        g_string_append_printf(text, ",%" G_GSIZE_FORMAT, lines);
}

static void
put_line(GString *text, char step, const char *line)
{
    g_string_append_c(text, step);
    g_string_append(text, line);
    if (!g_str_has_suffix(line, "\n"))
        g_string_append(text, "\n\\ No newline at end of file\n");
}

static void
put_hunk(GString *text, const Script *script, gsize from, gsize to)
{
    gsize before = count(script, 0, from, '+'), after = count(script, 0, from, '-');

    g_string_append(text, "@@ -");
    put_range(text, before, count(script, from, to, '+'));
    g_string_append(text, " +");
    put_range(text, after, count(script, from, to, '-'));
    g_string_append(text, " @@\n");
    for (gsize i = from; i < to; i++) {
        char step = script->steps->str[i];

        put_line(text, step,
                 step == '+' ? script->after->pdata[after] : script->before->pdata[before]);
        before += step != '+';
        after += step != '-';
    }
}

/* The end of the hunk whose first change is at `at`: changes with few lines between them share one.
 */
static gsize
hunk_end(const GString *steps, gsize at)
{
    gsize last = at;

    for (gsize i = at; i < steps->len && i <= last + 2 * CONTEXT + 1; i++) {
        if (steps->str[i] != ' ')
            last = i;
    }
    return MIN(last + 1 + CONTEXT, steps->len);
}

static void
put_hunks(GString *text, const Script *script)
{
    for (gsize at = 0; at < script->steps->len; at++) {
        gsize end = 0;

        if (script->steps->str[at] == ' ')
            continue;
        end = hunk_end(script->steps, at);
        put_hunk(text, script, at > CONTEXT ? at - CONTEXT : 0, end);
        at = end;
    }
}

char *
seal_diff(const char *path, const char *before, const char *after)
{
    Script script = {.before = split(before), .after = split(after), .steps = g_string_new(NULL)};
    GString *text = g_string_new(NULL);

    compare(&script);
    if (g_strcmp0(before, after) != 0) {
        g_string_append_printf(text, "--- %s\n", before ? path : "/dev/null");
        g_string_append_printf(text, "+++ %s\n", after ? path : "/dev/null");
        put_hunks(text, &script);
    }
    g_ptr_array_unref(script.before);
    g_ptr_array_unref(script.after);
    g_string_free(script.steps, TRUE);
    return g_string_free(text, FALSE);
}
