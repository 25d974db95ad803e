/* Preferences by table, as the agent's configuration (base/setting-keys.h). Mistakes are errors:
 * with a misspelt key in [trust] nobody would know what is trusted. */
#include "pki/preferences.h"

#include "base/setting-keys.h"

static const char *const level_words[] = {[SEAL_LEVEL_UNKNOWN] = "any",
                                          [SEAL_LEVEL_MAILBOX] = "mailbox",
                                          [SEAL_LEVEL_ORGANIZATION] = "organization",
                                          [SEAL_LEVEL_SPONSOR] = "sponsor",
                                          [SEAL_LEVEL_INDIVIDUAL] = "individual",
                                          NULL};

static const SealSettingKey trust_keys[] = {
    {"system-bundle", seal_setting_take_flag, G_STRUCT_OFFSET(SealPreferences, system_bundle)},
    {"minimum-level", seal_setting_take_word, G_STRUCT_OFFSET(SealPreferences, minimum_level),
     .words = level_words},
    {NULL},
};

static const SealSettingKey revocation_keys[] = {
    {"mode", seal_setting_take_word, G_STRUCT_OFFSET(SealPreferences, revocation),
     .words = seal_revocation_words},
    {NULL},
};

static const SealSettingGroup groups[] = {
    {"trust", trust_keys},
    {"revocation", revocation_keys},
    {NULL},
};

gboolean
seal_preferences_load(const char *user_file, const char *site_file, GPtrArray *overruled,
                      SealPreferences *ret_preferences, GError **error)
{
    SealPreferences preferences = {0};
    g_autoptr(GPtrArray) site = seal_settings_read(site_file, error);
    g_autoptr(GPtrArray) user = site ? seal_settings_read(user_file, error) : NULL;
    g_autoptr(GPtrArray) merged = NULL;

    merged = user ? seal_settings_merge(site, user, groups, overruled, error) : NULL;
    if (!merged)
        return FALSE;
    for (guint i = 0; i < merged->len; i++) {
        const SealSetting *setting = merged->pdata[i];
        const SealSettingKey *key = seal_setting_key_of(setting, groups);

        if (key && !key->take(key, &preferences, setting, error))
            return FALSE;
    }
    *ret_preferences = preferences;
    return TRUE;
}
