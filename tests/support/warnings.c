/* GLib's g_test_expect_message() does not see structured log lines: this does. */
#include "tests/support/warnings.h"

#include <string.h>

static GPtrArray *warnings; /* of char * */

static GLogWriterOutput
catch_warning(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
    for (gsize i = 0; i < n_fields; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            g_ptr_array_add(warnings, g_strdup(fields[i].value));
    return G_LOG_WRITER_HANDLED;
}

void
seal_test_catch_warnings(void)
{
    warnings = g_ptr_array_new_with_free_func(g_free);
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
    g_log_set_writer_func(catch_warning, NULL, NULL);
}

void
seal_test_expect_warnings(const char *const *patterns)
{
    g_assert_cmpuint(warnings->len, ==, g_strv_length((char **)patterns));
    for (guint i = 0; i < warnings->len; i++)
        g_assert_true(g_pattern_match_simple(patterns[i], warnings->pdata[i]));
    g_ptr_array_set_size(warnings, 0);
}
