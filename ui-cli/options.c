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
static const SealOption help_option = {.name = "help", .help = "show this help"};

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

/* The option that `word` names; `*ret_value` is what stands after `=`, if anything. */
static const SealOption *
read_word(const char *command, const SealOption *table, const char *word, const char **ret_value,
          GError **error)
{
    const char *name = word + 2;
    const char *equals = NULL;
    const SealOption *option = NULL;

    *ret_value = NULL;
    if (g_str_equal(word, "-h"))
        return &help_option;
    if (g_str_equal(word, "-o"))
        name = "output";
    else if (!g_str_has_prefix(word, "--"))
        name = "";
    equals = strchr(name, '=');
    option = find_option(table, name, equals ? (gsize)(equals - name) : strlen(name));
    if (option)
        *ret_value = equals ? equals + 1 : NULL;
    else
        seal_usage_error_set(error, command, "there is no option '%s' here", word);
    return option;
}

/* Takes the option at *at and its value, and moves *at to the last word of it. */
static gboolean
take_option(SealOptions *options, const char *command, const SealOption *table, char ***at,
            GError **error)
{
    const char *value = NULL;
    const SealOption *option = read_word(command, table, **at, &value, error);

    if (!option)
        return FALSE;
    if (!option->argument && value) {
        seal_usage_error_set(error, command, "option --%s takes no value", option->name);
        return FALSE;
    }
    if (option->argument && !value) {
        value = *++*at;
        if (!value) {
            seal_usage_error_set(error, command, "option --%s needs %s", option->name,
                                 option->argument);
            return FALSE;
        }
    }
    if (option->argument && !option->repeatable && seal_options_has(options, option->name)) {
        seal_usage_error_set(error, command, "option --%s was given twice", option->name);
        return FALSE;
    }
    add_value(options, option->name, value);
    return TRUE;
}

SealOptions *
seal_options_parse(const char *command, const SealOption *table, char **argv, GError **error)
{
    g_autoptr(SealOptions) options = g_new0(SealOptions, 1);
    gboolean only_operands = FALSE;

    options->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unref_values);
    options->operands = g_ptr_array_new_with_free_func(g_free);
    for (char **at = argv; *at; at++) {
        if (only_operands || **at != '-' || g_str_equal(*at, "-"))
            g_ptr_array_add(options->operands, g_strdup(*at));
        else if (g_str_equal(*at, "--"))
            only_operands = TRUE;
        else if (!take_option(options, command, table, &at, error))
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
