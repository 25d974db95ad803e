/* Preferences by table, as the agent's configuration (base/setting-keys.h). Mistakes are errors:
 * with a misspelt key in [trust] nobody would know what is trusted. */
#include "pki/preferences.h"

#include <string.h>

#include "base/setting-keys.h"

static const char *const level_words[] = {[SEAL_LEVEL_UNKNOWN] = "any",
                                          [SEAL_LEVEL_MAILBOX] = "mailbox",
                                          [SEAL_LEVEL_ORGANIZATION] = "organization",
                                          [SEAL_LEVEL_SPONSOR] = "sponsor",
                                          [SEAL_LEVEL_INDIVIDUAL] = "individual",
                                          NULL};

#define TIMEOUT_DEFAULT_S 10 /* a reader waits so long for once, not every day */
#define TIMEOUT_MAX_S     120

static gboolean
take_hosts(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    for (const char *at = setting->value; *at; at++)
        if (!g_ascii_isalnum(*at) && !strchr(".-_:[]*? ,;", *at))
            return seal_setting_error(setting, error,
                                      "'%s' of [%s] is '%s', expected names of hosts with spaces "
                                      "between them, '*' for any characters",
                                      setting->key, setting->group, setting->value);
    seal_setting_put_text(key, target, setting->value);
    return TRUE;
}

static const SealSettingKey trust_keys[] = {
    {"system-bundle", seal_setting_take_flag, G_STRUCT_OFFSET(SealPreferences, system_bundle)},
    {"minimum-level", seal_setting_take_word, G_STRUCT_OFFSET(SealPreferences, minimum_level),
     .words = level_words},
    {"fetch-issuers", seal_setting_take_flag, G_STRUCT_OFFSET(SealPreferences, fetch_issuers)},
    {NULL},
};

static const SealSettingKey revocation_keys[] = {
    {"mode", seal_setting_take_word, G_STRUCT_OFFSET(SealPreferences, revocation),
     .words = seal_revocation_words},
    {"timeout", seal_setting_take_number, G_STRUCT_OFFSET(SealPreferences, timeout_s), 1,
     TIMEOUT_MAX_S},
    {"private-hosts", take_hosts, G_STRUCT_OFFSET(SealPreferences, private_hosts)},
    {NULL},
};

static const SealSettingGroup groups[] = {
    {"trust", trust_keys},
    {"revocation", revocation_keys},
    {NULL},
};

void
seal_preferences_clear(SealPreferences *preferences)
{
    g_clear_pointer(&preferences->private_hosts, g_free);
}

gboolean
seal_preferences_load(const char *user_file, const char *site_file, GPtrArray *overruled,
                      SealPreferences *ret_preferences, GError **error)
{
    g_auto(SealPreferences) preferences = {.timeout_s = TIMEOUT_DEFAULT_S};

    if (!seal_settings_load(user_file, site_file, groups, overruled, &preferences, error))
        return FALSE;
    *ret_preferences = preferences;
    preferences.private_hosts = NULL; /* theirs now */
    return TRUE;
}
