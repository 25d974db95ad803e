/* One table for each group: name, what is expected, and the function that takes the value. The
 * manual is privyseal.conf(5). */
#include "agent/config-keys.h"

#include <string.h>

#include "agent/policy.h"

#define DAY_S         86400u
#define MONTH_S       (31 * DAY_S)
#define TIMEOUT_MAX_S 3600u
#define WORKERS_MAX   64u

/* -- values ----------------------------------------------------------------------------------- */

static gboolean
parse_number(const SealConfigKey *key, const SealSetting *setting, guint *ret_number,
             GError **error)
{
    guint64 number = 0;

    if (!g_ascii_string_to_unsigned(setting->value, 10, key->min, key->max, &number, NULL))
        return seal_setting_error(setting, error,
                                  "'%s' of [%s] is '%s', expected a whole number from %u to %u",
                                  setting->key, setting->group, setting->value, key->min, key->max);
    *ret_number = (guint)number;
    return TRUE;
}

static gboolean
take_number(const SealConfigKey *key, void *target, const SealSetting *setting, GError **error)
{
    return parse_number(key, setting, &G_STRUCT_MEMBER(guint, target, key->offset), error);
}

static gboolean
take_seconds_as_ms(const SealConfigKey *key, void *target, const SealSetting *setting,
                   GError **error)
{
    guint seconds = 0;

    if (!parse_number(key, setting, &seconds, error))
        return FALSE;
    G_STRUCT_MEMBER(guint, target, key->offset) = seconds * 1000;
    return TRUE;
}

static void
replace_text(const SealConfigKey *key, void *target, const char *text)
{
    g_free(G_STRUCT_MEMBER(char *, target, key->offset));
    G_STRUCT_MEMBER(char *, target, key->offset) = g_strdup(text);
}

static gboolean
take_path(const SealConfigKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (!g_path_is_absolute(setting->value))
        return seal_setting_error(setting, error, "'%s' of [%s] is '%s', expected an absolute path",
                                  setting->key, setting->group, setting->value);
    replace_text(key, target, setting->value);
    return TRUE;
}

static gboolean
take_program(const SealConfigKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (!*setting->value || (strchr(setting->value, '/') && !g_path_is_absolute(setting->value)))
        return seal_setting_error(
            setting, error,
            "'%s' of [%s] is '%s', expected an absolute path or the name of a "
            "program in PATH",
            setting->key, setting->group, setting->value);
    replace_text(key, target, setting->value);
    return TRUE;
}

static gboolean
take_glob(const SealConfigKey *key, void *target, const SealSetting *setting, GError **error)
{
    if (!*setting->value || strpbrk(setting->value, "[]{}"))
        return seal_setting_error(setting, error,
                                  "'%s' of [%s] is '%s', expected a pattern with * and ? for any "
                                  "characters; leave the key out to match everything",
                                  setting->key, setting->group, setting->value);
    replace_text(key, target, setting->value);
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
take_verify(const SealConfigKey *key, void *target, const SealSetting *setting, GError **error)
{
    static const char *const words[] = {[SEAL_VERIFY_REMOVABLE] = "removable",
                                        [SEAL_VERIFY_ALWAYS] = "always",
                                        [SEAL_VERIFY_NEVER] = "never",
                                        NULL};
    guint index = 0;

    if (!take_word(setting, words, &index, error))
        return FALSE;
    ((SealModuleConfig *)target)->verify = (SealVerify)index;
    return TRUE;
}

static gboolean
take_action(const SealConfigKey *key, void *target, const SealSetting *setting, GError **error)
{
    static const char *const words[] = {[SEAL_POLICY_ALLOW] = "allow",
                                        [SEAL_POLICY_ASK] = "ask",
                                        [SEAL_POLICY_DENY] = "deny",
                                        NULL};
    guint index = 0;

    if (!take_word(setting, words, &index, error))
        return FALSE;
    ((SealPolicyRule *)target)->action = (SealPolicyAction)index;
    return TRUE;
}

static gboolean
take_purpose(const SealConfigKey *key, void *target, const SealSetting *setting, GError **error)
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

/* -- the groups ------------------------------------------------------------------------------- */

static const SealConfigKey agent_keys[] = {
    {"pinentry", take_program, G_STRUCT_OFFSET(SealConfig, pinentry)},
    {"pin-timeout", take_number, G_STRUCT_OFFSET(SealConfig, pin_timeout_s), 0, TIMEOUT_MAX_S},
    {"idle-lock", take_number, G_STRUCT_OFFSET(SealConfig, idle_lock_s), 0, MONTH_S},
    {"max-unlocked", take_number, G_STRUCT_OFFSET(SealConfig, max_unlocked_s), 0, MONTH_S},
    {"idle-exit", take_number, G_STRUCT_OFFSET(SealConfig, idle_exit_s), 0, MONTH_S},
    {NULL},
};

static const SealConfigKey module_keys[] = {
    {"path", take_path, G_STRUCT_OFFSET(SealModuleConfig, path)},
    {"workers", take_number, G_STRUCT_OFFSET(SealModuleConfig, workers), 0, WORKERS_MAX},
    {"verify", take_verify},
    {"operation-timeout", take_seconds_as_ms,
     G_STRUCT_OFFSET(SealModuleConfig, operation_timeout_ms), 1, TIMEOUT_MAX_S},
    {"login-timeout", take_seconds_as_ms, G_STRUCT_OFFSET(SealModuleConfig, login_timeout_ms), 1,
     TIMEOUT_MAX_S},
    {NULL},
};

static const SealConfigKey policy_keys[] = {
    {"program", take_glob, G_STRUCT_OFFSET(SealPolicyRule, program)},
    {"key", take_glob, G_STRUCT_OFFSET(SealPolicyRule, key)},
    {"purpose", take_purpose},
    {"action", take_action},
    {NULL},
};

static const struct {
    const char *group;
    gboolean is_named; /* [group NAME] */
    const SealConfigKey *keys;
} groups[] = {
    {"agent", FALSE, agent_keys},
    {"module", TRUE, module_keys},
    {"policy", TRUE, policy_keys},
};

const char *
seal_config_group_name(const char *group, const char *kind)
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

const SealConfigKey *
seal_config_keys_of(const SealSetting *setting, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(groups); i++) {
        const char *name = seal_config_group_name(setting->group, groups[i].group);

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

const SealConfigKey *
seal_config_key_find(const SealConfigKey *keys, const char *name)
{
    for (; keys->name; keys++)
        if (strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

static char *
list_keys(const SealConfigKey *keys)
{
    GString *list = g_string_new(NULL);

    for (const SealConfigKey *key = keys; key->name; key++)
        g_string_append_printf(list, "%s%s", key == keys ? "" : ", ", key->name);
    return g_string_free(list, FALSE);
}

gboolean
seal_config_key_unknown(const SealSetting *setting, const char *name, const SealConfigKey *keys,
                        GError **error)
{
    g_autofree char *expected = list_keys(keys);

    return seal_setting_error(setting, error, "unknown key '%s' in [%s], expected one of %s", name,
                              setting->group, expected);
}
