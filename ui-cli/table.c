/* Tables: columns as wide as their widest cell, cut to the terminal; what has no room even so is
 * left out from the right. */
#include "ui-cli/table.h"

#include <string.h>

#define INDENT     2u
#define GAP        2u
#define CELL_LEAST 8u /* a column is not cut below this */

typedef struct {
    SealColour colour;
    char *text;
} Cell;

struct SealTable {
    const char *const *heads;
    guint column_count;
    GPtrArray *rows; /* GArray of Cell */
};

static void
clear_cell(gpointer cell)
{
    g_free(((Cell *)cell)->text);
}

static void
free_row(gpointer row)
{
    g_array_unref(row);
}

SealTable *
seal_table_new(const char *const *heads)
{
    SealTable *table = g_new0(SealTable, 1);

    table->heads = heads;
    table->column_count = g_strv_length((char **)heads);
    table->rows = g_ptr_array_new_with_free_func(free_row);
    return table;
}

void
seal_table_free(SealTable *table)
{
    if (!table)
        return;
    g_ptr_array_unref(table->rows);
    g_free(table);
}

void
seal_table_add_row(SealTable *table)
{
    GArray *row = g_array_new(FALSE, FALSE, sizeof(Cell));

    g_array_set_clear_func(row, clear_cell);
    g_ptr_array_add(table->rows, row);
}

void
seal_table_add_cell(SealTable *table, SealColour colour, const char *text)
{
    GArray *row = table->rows->pdata[table->rows->len - 1];
    Cell cell = {.colour = colour, .text = seal_text_clean(text)};

    g_assert(row->len < table->column_count);
    g_array_append_val(row, cell);
}

static guint *
measure(const SealTable *table)
{
    guint *widths = g_new0(guint, table->column_count);

    for (guint column = 0; column < table->column_count; column++) {
        widths[column] = seal_text_width(table->heads[column]);
        for (guint i = 0; i < table->rows->len; i++) {
            const GArray *row = table->rows->pdata[i];

            if (column < row->len)
                widths[column] =
                    MAX(widths[column], seal_text_width(g_array_index(row, Cell, column).text));
        }
    }
    return widths;
}

/* How many columns fit, cut as far as they may be: the first one at least. */
static guint
count_fitting(const guint *widths, guint column_count, guint terminal_width)
{
    guint total = INDENT + MIN(widths[0], CELL_LEAST), fitting = 1;

    while (fitting < column_count) {
        total += GAP + MIN(widths[fitting], CELL_LEAST);
        if (total > terminal_width)
            break;
        fitting++;
    }
    return fitting;
}

/* Takes one column at a time from the widest until the line fits or all are narrow. */
static void
shrink(guint *widths, guint column_count, guint terminal_width)
{
    guint total = INDENT + GAP * (column_count - 1);

    for (guint i = 0; i < column_count; i++)
        total += widths[i];
    while (total > terminal_width) {
        guint widest = 0;

        for (guint i = 1; i < column_count; i++) {
            if (widths[i] > widths[widest])
                widest = i;
        }
        if (widths[widest] <= CELL_LEAST)
            return;
        widths[widest]--;
        total--;
    }
}

static void
print_cell(SealColour colour, const char *text, guint width, gboolean is_last)
{
    g_autofree char *cut = seal_text_cut(text, width);

    seal_terminal_put(stdout, colour, cut);
    if (!is_last)
        printf("%*s", (int)(width - seal_text_width(cut) + GAP), "");
}

void
seal_table_print(const SealTable *table)
{
    g_autofree guint *widths = measure(table);
    guint terminal_width = seal_terminal_width(stdout);
    guint shown = table->column_count;

    if (terminal_width > 0) {
        shown = count_fitting(widths, table->column_count, terminal_width);
        shrink(widths, shown, terminal_width);
    }
    printf("%*s", INDENT, "");
    for (guint i = 0; i < shown; i++)
        print_cell(SEAL_COLOUR_DIM, table->heads[i], widths[i], i + 1 == shown);
    printf("\n");
    for (guint r = 0; r < table->rows->len; r++) {
        const GArray *row = table->rows->pdata[r];

        printf("%*s", INDENT, "");
        for (guint i = 0; i < MIN(row->len, shown); i++) {
            const Cell *cell = &g_array_index(row, Cell, i);

            print_cell(cell->colour, cell->text, widths[i], i + 1 == MIN(row->len, shown));
        }
        printf("\n");
    }
}
