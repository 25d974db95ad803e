/* Options by table. GOption would need a variable per option and exits 1 with messages of its own;
 * the same table here feeds the parser and the help, so that both always say the same. */
#include "ui-cli/options.h"

#include <string.h>

G_DEFINE_QUARK(seal - usage - error - quark, seal_usage_error)

struct SealOptions {
    GHashTable *values; /* name -> GPtrArray of its values; a flag's are NULL */
    GPtrArray *operands;
};

/* Common to all commands, so no table lists it. */
static const SealOption help_option = {.name = "help", .letter = 'h', .help = "show this help"};

void
seal_usage_error_set(GError **error, const char *command, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, SEAL_USAGE_ERROR, 0, "%s; see 'privyseal %s%s--help'", text, command,
                *command ? " " : "");
}

static void
unref_values(gpointer values)
{
    g_ptr_array_unref(values);
}

static const SealOption *
find_option(const SealOption *table, const char *name, gsize len)
{
    if (len == strlen(help_option.name) && strncmp(name, help_option.name, len) == 0)
        return &help_option;
    for (; table->name; table++) {
        if (strlen(table->name) == len && strncmp(table->name, name, len) == 0)
            return table;
    }
    return NULL;
}

static void
add_value(SealOptions *options, const char *name, const char *value)
{
    GPtrArray *values = g_hash_table_lookup(options->values, name);

    if (!values) {
        values = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(options->values, (gpointer)name, values);
    }
    g_ptr_array_add(values, g_strdup(value));
}

static const SealOption *
find_letter(const SealOption *table, char letter)
{
    if (letter == help_option.letter)
        return &help_option;
    if (letter == 'o') /* means the same everywhere */
        return find_option(table, "output", strlen("output"));
    for (; table->name; table++) {
        if (table->letter == letter)
            return table;
    }
    return NULL;
}

/* A command line under way. */
typedef struct {
    const char *command;
    const SealOption *table;
    char **at; /* the word that is read */
    SealOptions *options;
} Parsing;

/* Takes an option with its value: `attached` (nullable) stands in the same word; where it needs
 * one and there is none, the next word is it. */
static gboolean
take_value(Parsing *parsing, const SealOption *option, const char *attached, GError **error)
{
    const char *value = attached;

    if (!option->argument && value) {
        seal_usage_error_set(error, parsing->command, "option --%s takes no value", option->name);
        return FALSE;
    }
    if (option->argument && !value) {
        value = parsing->at[1];
        if (!value) {
            seal_usage_error_set(error, parsing->command, "option --%s needs %s", option->name,
                                 option->argument);
            return FALSE;
        }
        parsing->at++;
    }
    if (option->argument && !option->repeatable &&
        seal_options_has(parsing->options, option->name)) {
        seal_usage_error_set(error, parsing->command, "option --%s was given twice", option->name);
        return FALSE;
    }
    add_value(parsing->options, option->name, value);
    return TRUE;
}

static gboolean
refuse_unknown(const Parsing *parsing, const char *word, GError **error)
{
    seal_usage_error_set(error, parsing->command, "there is no option '%s' here", word);
    return FALSE;
}

static gboolean
take_long(Parsing *parsing, GError **error)
{
    const char *word = *parsing->at;
    const char *name = word + 2;
    const char *equals = strchr(name, '=');
    const SealOption *option =
        find_option(parsing->table, name, equals ? (gsize)(equals - name) : strlen(name));

    if (!option)
        return refuse_unknown(parsing, word, error);
    return take_value(parsing, option, equals ? equals + 1 : NULL, error);
}

static gboolean
take_letters(Parsing *parsing, GError **error)
{
    const char *word = *parsing->at;

    for (const char *letter = word + 1; *letter; letter++) {
        const SealOption *option = find_letter(parsing->table, *letter);

        if (!option)
            return refuse_unknown(parsing, word, error);
        if (option->argument)
            return take_value(parsing, option, letter[1] ? letter + 1 : NULL, error);
        add_value(parsing->options, option->name, NULL);
    }
    return TRUE;
}

SealOptions *
seal_options_parse(const char *command, const SealOption *table, char **argv, GError **error)
{
    g_autoptr(SealOptions) options = g_new0(SealOptions, 1);
    Parsing parsing = {command, table, argv, options};
    gboolean only_operands = FALSE;

    options->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_values);
    options->operands = g_ptr_array_new_with_free_func(g_free);
    for (; *parsing.at; parsing.at++) {
        const char *word = *parsing.at;
        gboolean fine = TRUE;

        if (only_operands || *word != '-' || g_str_equal(word, "-"))
            g_ptr_array_add(options->operands, g_strdup(word));
        else if (g_str_equal(word, "--"))
            only_operands = TRUE;
        else if (word[1] == '-')
            fine = take_long(&parsing, error);
        else
            fine = take_letters(&parsing, error);
        if (!fine)
            return NULL;
    }
    return g_steal_pointer(&options);
}

void
seal_options_free(SealOptions *options)
{
    if (!options)
        return;
    g_clear_pointer(&options->values, g_hash_table_unref);
    g_clear_pointer(&options->operands, g_ptr_array_unref);
    g_free(options);
}

gboolean
seal_options_has(const SealOptions *options, const char *name)
{
    const GPtrArray *values = g_hash_table_lookup(options->values, name);

    return values && values->len > 0;
}

const char *
seal_options_value(const SealOptions *options, const char *name)
{
    const GPtrArray *values = g_hash_table_lookup(options->values, name);

    return values && values->len > 0 ? values->pdata[0] : NULL;
}

const GPtrArray *
seal_options_values(SealOptions *options, const char *name)
{
    GPtrArray *values = g_hash_table_lookup(options->values, name);

    if (!values) {
        values = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(options->values, (gpointer)g_intern_string(name), values);
    }
    return values;
}

const GPtrArray *
seal_options_operands(const SealOptions *options)
{
    return options->operands;
}
