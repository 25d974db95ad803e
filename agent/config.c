/* privyseal.conf, from two files into one checked structure.
 *
 *     settings of the site, settings of the user -> merged (final=) -> checked key by key -> SealConfig
 *
 * Each group's keys stand in a table below: name, what is expected, and the function that takes the
 * value. The manual is privyseal.conf(5). */
#include "agent/config.h"

#include <string.h>

#include "agent/p11-modules.h"
#include "agent/policy.h"
#include "agent/settings.h"
#include "base/error.h"
#include "base/log.h"
#include "base/program.h"

#define DAY_S        86400u
#define MONTH_S      (31 * DAY_S)
#define TIMEOUT_MAX_S 3600u
#define WORKERS_MAX  64u
#define MODULES_MAX  32u
#define RULES_MAX    1000u

typedef struct {
    const char *name;
    /* Takes the value of `setting` into `target`; `offset` and `max` are its own business. */
    gboolean (*take)(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
                     GError **error);
    gsize offset;
    guint min, max;
} ConfigKey;

/* -- values ------------------------------------------------------------------------------------- */

static gboolean
parse_number(const SealSetting *setting, guint min, guint max, guint *ret_number, GError **error)
{
    guint64 number = 0;

    if (!g_ascii_string_to_unsigned(setting->value, 10, min, max, &number, NULL))
        return seal_setting_error(setting, error,
                                  "'%s' of [%s] is '%s', expected a whole number from %u to %u",
                                  setting->key, setting->group, setting->value, min, max);
    *ret_number = (guint)number;
    return TRUE;
}

static gboolean
take_number(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
            GError **error)
{
    return parse_number(setting, min, max, &G_STRUCT_MEMBER(guint, target, offset), error);
}

static gboolean
take_seconds_as_ms(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
                   GError **error)
{
    guint seconds = 0;

    if (!parse_number(setting, min, max, &seconds, error))
        return FALSE;
    G_STRUCT_MEMBER(guint, target, offset) = seconds * 1000;
    return TRUE;
}

static void
replace_text(void *target, gsize offset, const char *text)
{
    g_free(G_STRUCT_MEMBER(char *, target, offset));
    G_STRUCT_MEMBER(char *, target, offset) = g_strdup(text);
}

static gboolean
take_path(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
          GError **error)
{
    if (!g_path_is_absolute(setting->value))
        return seal_setting_error(setting, error,
                                  "'%s' of [%s] is '%s', expected an absolute path", setting->key,
                                  setting->group, setting->value);
    replace_text(target, offset, setting->value);
    return TRUE;
}

static gboolean
take_program(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
             GError **error)
{
    if (!*setting->value || (strchr(setting->value, '/') && !g_path_is_absolute(setting->value)))
        return seal_setting_error(setting, error,
                                  "'%s' of [%s] is '%s', expected an absolute path or the name of a "
                                  "program in PATH",
                                  setting->key, setting->group, setting->value);
    replace_text(target, offset, setting->value);
    return TRUE;
}

static gboolean
take_glob(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
          GError **error)
{
    if (!*setting->value || strpbrk(setting->value, "[]{}"))
        return seal_setting_error(setting, error,
                                  "'%s' of [%s] is '%s', expected a pattern with * and ? for any "
                                  "characters; leave the key out to match everything",
                                  setting->key, setting->group, setting->value);
    replace_text(target, offset, setting->value);
    return TRUE;
}

/* Looks `setting` up in `words`; the index is the value. */
static gboolean
take_word(const SealSetting *setting, const char *const *words, guint *ret_index, GError **error)
{
    g_autofree char *expected = NULL;

    for (guint i = 0; words[i]; i++) {
        if (strcmp(words[i], setting->value) == 0) {
            *ret_index = i;
            return TRUE;
        }
    }
    expected = g_strjoinv(", ", (char **)words);
    return seal_setting_error(setting, error, "'%s' of [%s] is '%s', expected one of %s",
                              setting->key, setting->group, setting->value, expected);
}

static gboolean
take_verify(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
            GError **error)
{
    static const char *const words[] = {[SEAL_VERIFY_REMOVABLE] = "removable",
                                        [SEAL_VERIFY_ALWAYS] = "always",
                                        [SEAL_VERIFY_NEVER] = "never", NULL};
    guint index = 0;

    if (!take_word(setting, words, &index, error))
        return FALSE;
    ((SealModuleConfig *)target)->verify = (SealVerify)index;
    return TRUE;
}

static gboolean
take_action(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
            GError **error)
{
    static const char *const words[] = {[SEAL_POLICY_ALLOW] = "allow", [SEAL_POLICY_ASK] = "ask",
                                        [SEAL_POLICY_DENY] = "deny", NULL};
    guint index = 0;

    if (!take_word(setting, words, &index, error))
        return FALSE;
    ((SealPolicyRule *)target)->action = (SealPolicyAction)index;
    return TRUE;
}

static gboolean
take_purpose(void *target, const SealSetting *setting, gsize offset, guint min, guint max,
             GError **error)
{
    g_auto(GStrv) words = g_strsplit(setting->value, ";", -1);
    SealPolicyRule *rule = target;

    rule->for_sign = rule->for_decrypt = FALSE;
    for (char **word = words; *word; word++) {
        g_strstrip(*word);
        if (strcmp(*word, seal_purpose_name(SEAL_PURPOSE_SIGN)) == 0)
            rule->for_sign = TRUE;
        else if (strcmp(*word, seal_purpose_name(SEAL_PURPOSE_DECRYPT)) == 0)
            rule->for_decrypt = TRUE;
        else if (**word)
            return seal_setting_error(setting, error,
                                      "'purpose' of [%s] has '%s', expected sign, decrypt or both "
                                      "with a semicolon between",
                                      setting->group, *word);
    }
    if (!rule->for_sign && !rule->for_decrypt)
        return seal_setting_error(setting, error,
                                  "'purpose' of [%s] is empty, expected sign, decrypt or both",
                                  setting->group);
    return TRUE;
}

/* -- the groups --------------------------------------------------------------------------------- */

static const ConfigKey agent_keys[] = {
    {"pinentry", take_program, G_STRUCT_OFFSET(SealConfig, pinentry)},
    {"pin-timeout", take_number, G_STRUCT_OFFSET(SealConfig, pin_timeout_s), 0, TIMEOUT_MAX_S},
    {"idle-lock", take_number, G_STRUCT_OFFSET(SealConfig, idle_lock_s), 0, MONTH_S},
    {"max-unlocked", take_number, G_STRUCT_OFFSET(SealConfig, max_unlocked_s), 0, MONTH_S},
    {"idle-exit", take_number, G_STRUCT_OFFSET(SealConfig, idle_exit_s), 0, MONTH_S},
    {NULL},
};

static const ConfigKey module_keys[] = {
    {"path", take_path, G_STRUCT_OFFSET(SealModuleConfig, path)},
    {"workers", take_number, G_STRUCT_OFFSET(SealModuleConfig, workers), 0, WORKERS_MAX},
    {"verify", take_verify},
    {"operation-timeout", take_seconds_as_ms,
     G_STRUCT_OFFSET(SealModuleConfig, operation_timeout_ms), 1, TIMEOUT_MAX_S},
    {"login-timeout", take_seconds_as_ms, G_STRUCT_OFFSET(SealModuleConfig, login_timeout_ms), 1,
     TIMEOUT_MAX_S},
    {NULL},
};

static const ConfigKey policy_keys[] = {
    {"program", take_glob, G_STRUCT_OFFSET(SealPolicyRule, program)},
    {"key", take_glob, G_STRUCT_OFFSET(SealPolicyRule, key)},
    {"purpose", take_purpose},
    {"action", take_action},
    {NULL},
};

static const struct {
    const char *group;
    gboolean is_named; /* [group NAME] */
    const ConfigKey *keys;
} groups[] = {
    {"agent", FALSE, agent_keys},
    {"module", TRUE, module_keys},
    {"policy", TRUE, policy_keys},
};

/* "softhsm" of "module softhsm"; NULL if `group` is not such a group. */
static const char *
name_in_group(const char *group, const char *kind)
{
    gsize len = strlen(kind);

    if (strncmp(group, kind, len) != 0 || group[len] != ' ')
        return NULL;
    return group + len + 1;
}

static gboolean
is_good_name(const char *name)
{
    if (!*name || strlen(name) > 64 || *name == '.')
        return FALSE;
    for (; *name; name++)
        if (!g_ascii_isalnum(*name) && !strchr("-_.", *name))
            return FALSE;
    return TRUE;
}

/* The keys of the group that `setting` stands in; NULL with an error if there is no such group. */
static const ConfigKey *
keys_of(const SealSetting *setting, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(groups); i++) {
        const char *name = name_in_group(setting->group, groups[i].group);

        if (!groups[i].is_named && strcmp(setting->group, groups[i].group) == 0)
            return groups[i].keys;
        if (!groups[i].is_named || !name)
            continue;
        if (is_good_name(name))
            return groups[i].keys;
        seal_setting_error(setting, error,
                           "the name in [%s] is '%s', expected 1 to 64 letters, digits, '-', '_' "
                           "and '.'",
                           setting->group, name);
        return NULL;
    }
    seal_setting_error(setting, error,
                       "unknown group [%s], expected [agent], [module NAME] or [policy NAME]",
                       setting->group);
    return NULL;
}

static const ConfigKey *
find_key(const ConfigKey *keys, const char *name)
{
    for (; keys->name; keys++)
        if (strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

static char *
list_keys(const ConfigKey *keys)
{
    GString *list = g_string_new(NULL);

    for (const ConfigKey *key = keys; key->name; key++)
        g_string_append_printf(list, "%s%s", key == keys ? "" : ", ", key->name);
    return g_string_free(list, FALSE);
}

static gboolean
unknown_key(const SealSetting *setting, const char *name, const ConfigKey *keys, GError **error)
{
    g_autofree char *expected = list_keys(keys);

    return seal_setting_error(setting, error, "unknown key '%s' in [%s], expected one of %s", name,
                              setting->group, expected);
}

/* -- two files into one ------------------------------------------------------------------------- */

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
check_final(const SealSetting *setting, const ConfigKey *keys, GError **error)
{
    g_auto(GStrv) names = g_strsplit_set(setting->value, "; ", -1);

    for (char **name = names; *name; name++)
        if (**name && !find_key(keys, *name))
            return unknown_key(setting, *name, keys, error);
    return TRUE;
}

/* Every group and key is known; `final` stands in the site's file only. */
static gboolean
check_names(const GPtrArray *settings, gboolean is_site, GError **error)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];
        const ConfigKey *keys = keys_of(setting, error);

        if (!keys)
            return FALSE;
        if (!setting->key)
            continue;
        if (is_site && strcmp(setting->key, "final") == 0) {
            if (!check_final(setting, keys, error))
                return FALSE;
            continue;
        }
        if (!find_key(keys, setting->key))
            return unknown_key(setting, setting->key, keys, error);
    }
    return TRUE;
}

/* The settings that count, in the order in which they are applied: the site's, then those of the user's
 * that the site leaves open. (transfer container) */
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

/* -- into the structure ------------------------------------------------------------------------- */

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
    const char *name = name_in_group(setting->group, "module");

    if (name)
        return module_named(config, name);
    name = name_in_group(setting->group, "policy");
    return name ? (void *)rule_named(config, name) : config;
}

static gboolean
apply(SealConfig *config, const GPtrArray *settings, GError **error)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];
        void *target = target_of(config, setting);
        const ConfigKey *key = NULL;

        if (config->modules->len > MODULES_MAX || config->policy_rules->len > RULES_MAX)
            return seal_setting_error(setting, error, "expected at most %u modules and %u policy rules",
                                      MODULES_MAX, RULES_MAX);
        if (!setting->key)
            continue;
        key = find_key(keys_of(setting, NULL), setting->key);
        if (!key->take(target, setting, key->offset, key->min, key->max, error))
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
        if (name_in_group(setting->group, "module") && !is_given(settings, setting->group, "path"))
            return seal_setting_error(setting, error,
                                      "[%s] has no path, expected path= with the absolute path of a "
                                      "PKCS#11 module",
                                      setting->group);
        if (name_in_group(setting->group, "policy") && !is_given(settings, setting->group, "action"))
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

        replace_text(added, G_STRUCT_OFFSET(SealModuleConfig, path), module->path);
    }
}

/* -- public ------------------------------------------------------------------------------------- */

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
seal_config_from_settings(const GPtrArray *user, const GPtrArray *site,
                          const SealP11Places *places, GError **error)
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
