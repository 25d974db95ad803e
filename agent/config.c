/* privyseal.conf, from two files into one checked structure.
 *
 *     settings of the site, settings of the user -> merged (final=) -> checked -> SealConfig
 *
 * What each key takes stands in config-keys.c. */
#include "agent/config.h"

#include <string.h>

#include "agent/config-keys.h"
#include "agent/p11-modules.h"
#include "agent/policy.h"
#include "agent/settings.h"
#include "base/error.h"
#include "base/log.h"
#include "base/program.h"

#define MODULES_MAX 32u
#define RULES_MAX   1000u

/* -- two files into one ----------------------------------------------------------------------- */

/* TRUE if the site's list of `group` names `key`. */
static gboolean
is_final(const GPtrArray *site, const char *group, const char *key)
{
    for (guint i = 0; i < site->len; i++) {
        const SealSetting *setting = site->pdata[i];
        g_auto(GStrv) names = NULL;

        if (strcmp(setting->group, group) != 0 || g_strcmp0(setting->key, "final") != 0)
            continue;
        names = g_strsplit_set(setting->value, "; ", -1);
        return g_strv_contains((const char *const *)names, key);
    }
    return FALSE;
}

static gboolean
check_final(const SealSetting *setting, const SealConfigKey *keys, GError **error)
{
    g_auto(GStrv) names = g_strsplit_set(setting->value, "; ", -1);

    for (char **name = names; *name; name++)
        if (**name && !seal_config_key_find(keys, *name))
            return seal_config_key_unknown(setting, *name, keys, error);
    return TRUE;
}

/* Every group and key is known; `final` stands in the site's file only. */
static gboolean
check_names(const GPtrArray *settings, gboolean is_site, GError **error)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];
        const SealConfigKey *keys = seal_config_keys_of(setting, error);

        if (!keys)
            return FALSE;
        if (!setting->key)
            continue;
        if (is_site && strcmp(setting->key, "final") == 0) {
            if (!check_final(setting, keys, error))
                return FALSE;
            continue;
        }
        if (!seal_config_key_find(keys, setting->key))
            return seal_config_key_unknown(setting, setting->key, keys, error);
    }
    return TRUE;
}

/* The settings that count, in the order in which they are applied: the site's, then those of the
 * user's that the site leaves open. (transfer container) */
static GPtrArray *
merge(const GPtrArray *site, const GPtrArray *user)
{
    GPtrArray *merged = g_ptr_array_new();

    for (guint i = 0; i < site->len; i++) {
        SealSetting *setting = site->pdata[i];

        if (g_strcmp0(setting->key, "final") != 0)
            g_ptr_array_add(merged, setting);
    }
    for (guint i = 0; i < user->len; i++) {
        SealSetting *setting = user->pdata[i];

        if (setting->key && is_final(site, setting->group, setting->key)) {
            seal_log_warning("%s:%u: '%s' of [%s] is fixed by the site's configuration",
                             setting->file, setting->line, setting->key, setting->group);
            continue;
        }
        g_ptr_array_add(merged, setting);
    }
    return merged;
}

/* -- into the structure ----------------------------------------------------------------------- */

static void
module_config_free(gpointer data)
{
    SealModuleConfig *module = data;

    g_free(module->name);
    g_free(module->path);
    g_free(module->host_program);
    seal_wipe(module->rejection_secret, sizeof module->rejection_secret);
    g_free(module);
}

static SealModuleConfig *
module_config_new(const char *name)
{
    SealModuleConfig *module = g_new0(SealModuleConfig, 1);

    module->name = g_strdup(name);
    module->host_program = seal_program_path("pkcs11/host/privyseal-host");
    module->operation_timeout_ms = 30000;
    module->login_timeout_ms = 30000;
    module->start_timeout_ms = 30000;
    return module;
}

static SealPolicyRule *
policy_rule_new(const char *name)
{
    SealPolicyRule *rule = g_new0(SealPolicyRule, 1);

    rule->name = g_strdup(name);
    rule->for_sign = rule->for_decrypt = TRUE;
    rule->action = SEAL_POLICY_DENY;
    return rule;
}

static SealModuleConfig *
module_named(SealConfig *config, const char *name)
{
    for (guint i = 0; i < config->modules->len; i++) {
        SealModuleConfig *module = config->modules->pdata[i];

        if (strcmp(module->name, name) == 0)
            return module;
    }
    g_ptr_array_add(config->modules, module_config_new(name));
    return config->modules->pdata[config->modules->len - 1];
}

static SealPolicyRule *
rule_named(SealConfig *config, const char *name)
{
    for (guint i = 0; i < config->policy_rules->len; i++) {
        SealPolicyRule *rule = config->policy_rules->pdata[i];

        if (strcmp(rule->name, name) == 0)
            return rule;
    }
    g_ptr_array_add(config->policy_rules, policy_rule_new(name));
    return config->policy_rules->pdata[config->policy_rules->len - 1];
}

/* What the group of a setting stands for, made when it is met first. */
static void *
target_of(SealConfig *config, const SealSetting *setting)
{
    const char *name = seal_config_group_name(setting->group, "module");

    if (name)
        return module_named(config, name);
    name = seal_config_group_name(setting->group, "policy");
    return name ? (void *)rule_named(config, name) : config;
}

static gboolean
apply(SealConfig *config, const GPtrArray *settings, GError **error)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];
        void *target = target_of(config, setting);
        const SealConfigKey *key = NULL;

        if (config->modules->len > MODULES_MAX || config->policy_rules->len > RULES_MAX)
            return seal_setting_error(setting, error,
                                      "expected at most %u modules and %u policy rules",
                                      MODULES_MAX, RULES_MAX);
        if (!setting->key)
            continue;
        key = seal_config_key_find(seal_config_keys_of(setting, NULL), setting->key);
        if (!key->take(key, target, setting, error))
            return FALSE;
    }
    return TRUE;
}

/* TRUE if some setting gives `key` in `group`. */
static gboolean
is_given(const GPtrArray *settings, const char *group, const char *key)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];

        if (strcmp(setting->group, group) == 0 && g_strcmp0(setting->key, key) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
check_required(const GPtrArray *settings, GError **error)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];

        if (setting->key)
            continue;
        if (seal_config_group_name(setting->group, "module") &&
            !is_given(settings, setting->group, "path"))
            return seal_setting_error(
                setting, error,
                "[%s] has no path, expected path= with the absolute path of a "
                "PKCS#11 module",
                setting->group);
        if (seal_config_group_name(setting->group, "policy") &&
            !is_given(settings, setting->group, "action"))
            return seal_setting_error(setting, error,
                                      "[%s] has no action, expected action=allow, ask or deny",
                                      setting->group);
    }
    return TRUE;
}

static void
add_registered_modules(SealConfig *config, const SealP11Places *places)
{
    g_autoptr(GPtrArray) registered = seal_p11_modules_read(places, "privyseald");

    for (guint i = 0; i < registered->len && i < MODULES_MAX; i++) {
        const SealP11Module *module = registered->pdata[i];
        SealModuleConfig *added = module_named(config, module->name);

        added->path = g_strdup(module->path);
    }
}

/* -- public ----------------------------------------------------------------------------------- */

static SealConfig *
config_new(void)
{
    SealConfig *config = g_new0(SealConfig, 1);

    config->pinentry = g_strdup("pinentry");
    config->pin_timeout_s = 120;
    config->idle_lock_s = 600;
    config->max_unlocked_s = 28800;
    config->idle_exit_s = 300;
    config->modules = g_ptr_array_new_with_free_func(module_config_free);
    config->policy_rules = g_ptr_array_new_with_free_func((GDestroyNotify)seal_policy_rule_free);
    return config;
}

SealConfig *
seal_config_from_settings(const GPtrArray *user, const GPtrArray *site, const SealP11Places *places,
                          GError **error)
{
    g_autoptr(SealConfig) config = config_new();
    g_autoptr(GPtrArray) merged = NULL;

    if (!check_names(site, TRUE, error) || !check_names(user, FALSE, error))
        return NULL;
    merged = merge(site, user);
    if (!apply(config, merged, error) || !check_required(merged, error))
        return NULL;
    if (config->modules->len == 0 && places)
        add_registered_modules(config, places);
    return g_steal_pointer(&config);
}

SealConfig *
seal_config_load(const char *user_file, const char *site_file, GError **error)
{
    g_autoptr(GPtrArray) site = seal_settings_read(site_file, error);
    g_autoptr(GPtrArray) user = site ? seal_settings_read(user_file, error) : NULL;

    if (!user)
        return NULL;
    return seal_config_from_settings(user, site, seal_p11_places_default(), error);
}

void
seal_config_free(SealConfig *config)
{
    if (!config)
        return;
    g_free(config->pinentry);
    g_ptr_array_unref(config->modules);
    g_ptr_array_unref(config->policy_rules);
    g_free(config);
}
