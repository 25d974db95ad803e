/* Configuration: the first byte chooses the reader. Ours must be refused with a line of the file,
 * or give values within the limits of privyseal.conf(5); p11-kit's *.module files are passed over
 * or read. */
#include <glib.h>
#include <string.h>

#include "agent/config.h"
#include "agent/p11-modules.h"
#include "agent/policy.h"
#include "base/settings.h"
#include "tests/fuzz/fuzz.h"

static GLogWriterOutput
say_nothing(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
    return G_LOG_WRITER_HANDLED;
}

static void
expect_named_mistake(const GError *error)
{
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    g_assert_true(g_str_has_prefix(error->message, "x:"));
    g_assert_true(g_ascii_isdigit(error->message[2]));
}

static void
expect_within_limits(const SealConfig *config)
{
    g_assert_cmpuint(config->pin_timeout_s, <=, 3600);
    g_assert_cmpuint(strlen(config->pinentry), >, 0);
    g_assert_cmpuint(config->modules->len, <=, 32);
    for (guint i = 0; i < config->modules->len; i++) {
        const SealModuleConfig *module = config->modules->pdata[i];

        g_assert_true(g_path_is_absolute(module->path));
        g_assert_cmpuint(strlen(module->name), >, 0);
        g_assert_null(strchr(module->name, '/'));
        g_assert_cmpuint(module->workers, <=, 64);
        g_assert_cmpuint(module->operation_timeout_ms, >, 0);
    }
    for (guint i = 0; i < config->policy_rules->len; i++) {
        const SealPolicyRule *rule = config->policy_rules->pdata[i];

        g_assert_true(rule->for_sign || rule->for_decrypt);
        g_assert_true(rule->raw == SEAL_RAW_NONE || rule->action != SEAL_POLICY_DENY);
        g_assert_true(!(rule->raw & SEAL_RAW_ECDH) || rule->for_decrypt);
    }
}

/* The same text as the user's file and as the site's. */
static void
try_config(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) settings = seal_settings_parse("x", (const char *)data, size, &error);
    g_autoptr(GPtrArray) none = seal_settings_parse("x", "", 0, NULL);
    g_autoptr(SealConfig) user = NULL;
    g_autoptr(SealConfig) site = NULL;

    if (!settings) {
        expect_named_mistake(error);
        return;
    }
    user = seal_config_from_settings(settings, none, NULL, &error);
    if (user)
        expect_within_limits(user);
    else
        expect_named_mistake(error);
    g_clear_error(&error);
    site = seal_config_from_settings(none, settings, NULL, &error);
    if (site)
        expect_within_limits(site);
    else
        expect_named_mistake(error);
}

static void
try_module_file(const uint8_t *data, size_t size)
{
    g_autoptr(GHashTable) fields = seal_p11_fields_parse((const char *)data, size);
    GHashTableIter iter;
    gpointer key = NULL, value = NULL;

    g_hash_table_iter_init(&iter, fields);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        g_assert_cmpuint(strlen(key), <=, size);
        g_assert_null(strpbrk(key, ":\n"));
        g_assert_null(strchr(value, '\n'));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static gboolean is_quiet;

    if (!is_quiet)
        g_log_set_writer_func(say_nothing, NULL, NULL);
    is_quiet = TRUE;
    if (size == 0)
        return 0;
    if (data[0] == 'm')
        try_module_file(data + 1, size - 1);
    else
        try_config(data + 1, size - 1);
    return 0;
}
