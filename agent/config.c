/* privyseal.conf, from two files into one checked structure.
 *
 *     settings of the site, settings of the user -> merged (final=) -> checked -> SealConfig
 *
 * What each key takes stands in config-keys.c. */
#include "agent/config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/config-keys.h"
#include "agent/p11-modules.h"
#include "agent/policy.h"
#include "base/error.h"
#include "base/log.h"
#include "base/program.h"

#define MODULES_MAX 32u
#define RULES_MAX   1000u

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
    const char *name = seal_setting_group_name(setting->group, "module");

    if (name)
        return module_named(config, name);
    name = seal_setting_group_name(setting->group, "policy");
    return name ? (void *)rule_named(config, name) : config;
}

static gboolean
apply(SealConfig *config, const GPtrArray *settings, GError **error)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];
        const SealSettingKey *key = seal_setting_key_of(setting, seal_config_groups);
        void *target = target_of(config, setting);

        if (config->modules->len > MODULES_MAX || config->policy_rules->len > RULES_MAX)
            return seal_setting_error(setting, error,
                                      "expected at most %u modules and %u policy rules",
                                      MODULES_MAX, RULES_MAX);
        if (key && !key->take(key, target, setting, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_required(const GPtrArray *settings, GError **error)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];

        if (setting->key)
            continue;
        if (seal_setting_group_name(setting->group, "module") &&
            !seal_settings_find(settings, setting->group, "path"))
            return seal_setting_error(
                setting, error,
                "[%s] has no path, expected path= with the absolute path of a "
                "PKCS#11 module",
                setting->group);
        if (seal_setting_group_name(setting->group, "policy") &&
            !seal_settings_find(settings, setting->group, "action"))
            return seal_setting_error(setting, error,
                                      "[%s] has no action, expected action=allow, ask or deny",
                                      setting->group);
    }
    return TRUE;
}

static gboolean
check_raw(const SealPolicyRule *rule, const SealSetting *setting, GError **error)
{
    if (rule->action == SEAL_POLICY_DENY)
        return seal_setting_error(
            setting, error,
            "'raw' of [%s] stands beside action=deny, expected action=allow or action=ask",
            setting->group);
    if (rule->raw & SEAL_RAW_ECDH && !rule->for_decrypt)
        return seal_setting_error(
            setting, error,
            "'raw' of [%s] has ecdh, which decrypts, beside purpose=sign, expected "
            "purpose=decrypt, or rsa alone",
            setting->group);
    return TRUE;
}

static gboolean
check_lanes(const SealPolicyRule *rule, const SealSetting *setting, GError **error)
{
    if (rule->lanes == SEAL_POLICY_LANES_YES && rule->action != SEAL_POLICY_ALLOW)
        return seal_setting_error(
            setting, error,
            "'lanes' of [%s] is yes beside an action that allows none, expected action=allow",
            setting->group);
    return TRUE;
}

/* Where `raw=` or `lanes=` stands, the rest of its rule must fit: a rule that can never open what
 * it names is a mistake that nobody would notice. */
static gboolean
check_rules(SealConfig *config, const GPtrArray *settings, GError **error)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];

        if (!seal_setting_group_name(setting->group, "policy"))
            continue;
        if (g_strcmp0(setting->key, "raw") == 0 &&
            !check_raw(target_of(config, setting), setting, error))
            return FALSE;
        if (g_strcmp0(setting->key, "lanes") == 0 &&
            !check_lanes(target_of(config, setting), setting, error))
            return FALSE;
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
    config->limits = (SealUnlockLimits){.idle_s = 600, .max_s = 28800};
    config->idle_exit_s = 300;
    config->lock_on_screen_lock = config->lock_on_session_end = config->lock_on_suspend = TRUE;
    config->modules = g_ptr_array_new_with_free_func(module_config_free);
    config->policy_rules = g_ptr_array_new_with_free_func((GDestroyNotify)seal_policy_rule_free);
    return config;
}

/* (transfer container) */
static GPtrArray *
merge(const GPtrArray *site, const GPtrArray *user, GError **error)
{
    g_autoptr(GPtrArray) overruled = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *merged = seal_settings_merge(site, user, seal_config_groups, overruled, error);

    for (guint i = 0; i < overruled->len; i++)
        seal_log_warning("%s", (const char *)overruled->pdata[i]);
    return merged;
}

SealConfig *
seal_config_from_settings(const GPtrArray *user, const GPtrArray *site, const SealP11Places *places,
                          GError **error)
{
    g_autoptr(SealConfig) config = config_new();
    g_autoptr(GPtrArray) merged = NULL;

    merged = merge(site, user, error);
    if (!merged || !apply(config, merged, error) || !check_required(merged, error) ||
        !check_rules(config, merged, error))
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

SealConfig *
seal_config_load_from(const char *config_file, GError **error)
{
    g_autofree char *user_file = config_file ? g_strdup(config_file) : seal_settings_user_file();
    g_autofree char *site_file = seal_settings_site_file();

    if (config_file && access(config_file, R_OK) < 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "cannot read '%s': %s",
                    config_file, g_strerror(errno));
        return NULL;
    }
    return seal_config_load(user_file, site_file, error);
}

static const char *
yes_or_no(gboolean flag)
{
    return flag ? "yes" : "no";
}

char *
seal_config_to_text(const SealConfig *config)
{
    GString *text = g_string_new("[agent]\n");

    g_string_append_printf(text,
                           "pinentry=%s\npin-timeout=%u\nidle-lock=%u\nmax-unlocked=%u\n"
                           "max-uses=%u\nidle-exit=%u\n",
                           config->pinentry, config->pin_timeout_s, config->limits.idle_s,
                           config->limits.max_s, config->limits.uses, config->idle_exit_s);
    g_string_append_printf(
        text, "lock-on-screen-lock=%s\nlock-on-session-end=%s\nlock-on-suspend=%s\n",
        yes_or_no(config->lock_on_screen_lock), yes_or_no(config->lock_on_session_end),
        yes_or_no(config->lock_on_suspend));
    for (guint i = 0; i < config->modules->len; i++) {
        const SealModuleConfig *module = config->modules->pdata[i];

        g_string_append_printf(text, "[module %s]\npath=%s\n", module->name, module->path);
    }
    return g_string_free(text, FALSE);
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
