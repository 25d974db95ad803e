/* The command line of one command, read by the table of its options. */
#pragma once

#include <glib.h>

/* What messages and help call the program; usage mistakes are errors of this domain. */
#define SEAL_USAGE_ERROR (seal_usage_error_quark())
GQuark seal_usage_error_quark(void);

typedef struct {
    const char *name;     /* without the dashes */
    char letter;          /* its short form; 0: none */
    const char *argument; /* what follows it, in capitals; NULL for a flag */
    gboolean repeatable;
    const char *help; /* lines for `--help`, parted by \n */
} SealOption;

typedef struct SealOptions SealOptions;

/* Reads `argv` (NULL-terminated, without program and command) by `table` (ends with a NULL name).
 * `--name VALUE`, `--name=VALUE`; letters in one word as POSIX has them, `-abk VALUE` or
 * `-abkVALUE`, with `-o` for every --output and `-h` for --help; `--` ends the options, `-` is an
 * operand. NULL with SEAL_USAGE_ERROR. (transfer full) */
SealOptions *seal_options_parse(const char *command, const SealOption *table, char **argv,
                                GError **error);
void seal_options_free(SealOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealOptions, seal_options_free)

/* Whether it was given. */
gboolean seal_options_has(const SealOptions *options, const char *name);
/* Its value; NULL if it was not given. */
const char *seal_options_value(const SealOptions *options, const char *name);
/* Its values in order (element-type utf8); empty if it was not given. */
const GPtrArray *seal_options_values(SealOptions *options, const char *name);
/* What is no option, in order (element-type utf8). */
const GPtrArray *seal_options_operands(const SealOptions *options);

/* Sets SEAL_USAGE_ERROR with a pointer to the command's help. */
void seal_usage_error_set(GError **error, const char *command, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
