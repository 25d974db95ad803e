/* Tables for people: cells with a colour, columns that fit the terminal. Programs read the JSON
 * instead. */
#pragma once

#include "ui-cli/terminal.h"

typedef struct SealTable SealTable;

/* A new table (transfer full) with the heads of its columns (NULL-terminated, static). */
SealTable *seal_table_new(const char *const *heads);
void seal_table_free(SealTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTable, seal_table_free)

/* Begins a row, and adds its cells from left to right. `text` is cleaned (seal_text_clean). */
void seal_table_add_row(SealTable *table);
void seal_table_add_cell(SealTable *table, SealColour colour, const char *text);

/* Prints it on stdout, each line indented by two blanks. On a terminal the widest columns are cut
 * until a line fits, and columns that have no room even so are left out from the right; elsewhere
 * nothing is cut. */
void seal_table_print(const SealTable *table);
