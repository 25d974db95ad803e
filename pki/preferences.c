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

    if (!seal_settings_load(user_file, site_file, groups, overruled, &preferences, error))
        return FALSE;
    *ret_preferences = preferences;
    return TRUE;
}
