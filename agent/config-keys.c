/* One table for each group: name, what is expected, and the function that takes the value. The
 * manual is privyseal.conf(5). */
#include "agent/config-keys.h"

#include <string.h>

#include "agent/policy.h"

#define DAY_S         86400u
#define MONTH_S       (31 * DAY_S)
#define TIMEOUT_MAX_S 3600u
#define WORKERS_MAX   64u
#define USES_MAX      1000000u

/* -- values ----------------------------------------------------------------------------------- */

static gboolean
take_seconds_as_ms(const SealSettingKey *key, void *target, const SealSetting *setting,
                   GError **error)
{
    if (!seal_setting_take_number(key, target, setting, error))
        return FALSE;
    G_STRUCT_MEMBER(guint, target, key->offset) *= 1000;
    return TRUE;
}

static gboolean
take_path(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (!g_path_is_absolute(setting->value))
        return seal_setting_error(setting, error, "'%s' of [%s] is '%s', expected an absolute path",
                                  setting->key, setting->group, setting->value);
    seal_setting_put_text(key, target, setting->value);
    return TRUE;
}

static gboolean
take_program(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (!*setting->value || (strchr(setting->value, '/') && !g_path_is_absolute(setting->value)))
        return seal_setting_error(
            setting, error,
            "'%s' of [%s] is '%s', expected an absolute path or the name of a "
            "program in PATH",
            setting->key, setting->group, setting->value);
    seal_setting_put_text(key, target, setting->value);
    return TRUE;
}

static gboolean
take_glob(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (!*setting->value || strpbrk(setting->value, "[]{}"))
        return seal_setting_error(setting, error,
                                  "'%s' of [%s] is '%s', expected a pattern with * and ? for any "
                                  "characters; leave the key out to match everything",
                                  setting->key, setting->group, setting->value);
    seal_setting_put_text(key, target, setting->value);
    return TRUE;
}

static gboolean
take_purpose(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
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

/* The bit of a word of `raw=`; NONE for another. */
static SealRaw
raw_from_name(const char *name)
{
    for (SealRaw raw = SEAL_RAW_ECDH; raw <= SEAL_RAW_RSA; raw <<= 1)
        if (strcmp(name, seal_raw_name(raw)) == 0)
            return raw;
    return SEAL_RAW_NONE;
}

/* What the rule's action and purpose say to it is seen when all of the rule is read (config.c). */
static gboolean
take_raw(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    g_auto(GStrv) words = g_strsplit(setting->value, ";", -1);
    SealPolicyRule *rule = target;

    rule->raw = SEAL_RAW_NONE;
    for (char **word = words; *word; word++) {
        SealRaw raw = raw_from_name(g_strstrip(*word));

        if (**word && raw == SEAL_RAW_NONE)
            return seal_setting_error(setting, error,
                                      "'raw' of [%s] has '%s', expected ecdh, rsa or both with a "
                                      "semicolon between",
                                      setting->group, *word);
        rule->raw |= raw;
    }
    if (rule->raw == SEAL_RAW_NONE)
        return seal_setting_error(setting, error,
                                  "'raw' of [%s] is empty, expected ecdh, rsa or both; leave the "
                                  "key out to open neither",
                                  setting->group);
    return TRUE;
}

/* -- the groups ------------------------------------------------------------------------------- */

static const char *const verify_words[] = {[SEAL_VERIFY_REMOVABLE] = "removable",
                                           [SEAL_VERIFY_ALWAYS] = "always",
                                           [SEAL_VERIFY_NEVER] = "never",
                                           NULL};
static const char *const action_words[] = {
    [SEAL_POLICY_ALLOW] = "allow", [SEAL_POLICY_ASK] = "ask", [SEAL_POLICY_DENY] = "deny", NULL};

static const char *const lanes_words[] = {[SEAL_POLICY_LANES_PLAIN] = "plain",
                                          [SEAL_POLICY_LANES_YES] = "yes",
                                          [SEAL_POLICY_LANES_NO] = "no",
                                          NULL};

static const SealSettingKey agent_keys[] = {
    {"pinentry", take_program, G_STRUCT_OFFSET(SealConfig, pinentry)},
    {"pin-timeout", seal_setting_take_number, G_STRUCT_OFFSET(SealConfig, pin_timeout_s), 0,
     TIMEOUT_MAX_S},
    {"idle-lock", seal_setting_take_number, G_STRUCT_OFFSET(SealConfig, limits.idle_s), 0, MONTH_S},
    {"max-unlocked", seal_setting_take_number, G_STRUCT_OFFSET(SealConfig, limits.max_s), 0,
     MONTH_S},
    {"max-uses", seal_setting_take_number, G_STRUCT_OFFSET(SealConfig, limits.uses), 0, USES_MAX},
    {"idle-exit", seal_setting_take_number, G_STRUCT_OFFSET(SealConfig, idle_exit_s), 0, MONTH_S},
    {"lock-on-screen-lock", seal_setting_take_flag,
     G_STRUCT_OFFSET(SealConfig, lock_on_screen_lock)},
    {"lock-on-session-end", seal_setting_take_flag,
     G_STRUCT_OFFSET(SealConfig, lock_on_session_end)},
    {"lock-on-suspend", seal_setting_take_flag, G_STRUCT_OFFSET(SealConfig, lock_on_suspend)},
    {NULL},
};

static const SealSettingKey module_keys[] = {
    {"path", take_path, G_STRUCT_OFFSET(SealModuleConfig, path)},
    {"workers", seal_setting_take_number, G_STRUCT_OFFSET(SealModuleConfig, workers), 0,
     WORKERS_MAX},
    {"verify", seal_setting_take_word, G_STRUCT_OFFSET(SealModuleConfig, verify),
     .words = verify_words},
    {"operation-timeout", take_seconds_as_ms,
     G_STRUCT_OFFSET(SealModuleConfig, operation_timeout_ms), 1, TIMEOUT_MAX_S},
    {"login-timeout", take_seconds_as_ms, G_STRUCT_OFFSET(SealModuleConfig, login_timeout_ms), 1,
     TIMEOUT_MAX_S},
    {NULL},
};

static const SealSettingKey policy_keys[] = {
    {"program", take_glob, G_STRUCT_OFFSET(SealPolicyRule, program)},
    {"key", take_glob, G_STRUCT_OFFSET(SealPolicyRule, key)},
    {"purpose", take_purpose},
    {"action", seal_setting_take_word, G_STRUCT_OFFSET(SealPolicyRule, action),
     .words = action_words},
    {"raw", take_raw, .fixed_with = "action"},
    {"lanes", seal_setting_take_word, G_STRUCT_OFFSET(SealPolicyRule, lanes), .words = lanes_words,
     .fixed_with = "action"},
    {NULL},
};

const SealSettingGroup seal_config_groups[] = {
    {"agent", agent_keys},
    {"module", module_keys},
    {"policy", policy_keys},
    {NULL},
};
