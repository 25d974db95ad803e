/* Settings by table, as pki/preferences.c. */
#include "pki/recipient-settings.h"

#include <string.h>

#include "base/setting-keys.h"

const char *const seal_source_words[] = {
    [SEAL_SOURCE_STORE] = "store", [SEAL_SOURCE_TOKEN] = "token", NULL};

/* -- values ----------------------------------------------------------------------------------- */

static gboolean
add_source(SealRecipientSettings *settings, const char *word)
{
    for (SealSource source = 0; source <= SEAL_SOURCE_LAST; source++) {
        if (strcmp(word, seal_source_words[source]) != 0)
            continue;
        for (guint i = 0; i < settings->source_count; i++) {
            if (settings->sources[i] == source)
                return FALSE;
        }
        settings->sources[settings->source_count++] = source;
        return TRUE;
    }
    return FALSE;
}

static gboolean
take_sources(const SealSettingKey *key, void *target, const SealSetting *setting, GError **error)
{
    SealRecipientSettings *settings = target;
    g_auto(GStrv) words = g_strsplit_set(setting->value, "; ", -1);
    g_autofree char *known = NULL;
    gboolean well = TRUE;

    settings->source_count = 0;
    for (char **word = words; *word; word++)
        well = well && (!**word || add_source(settings, *word));
    if (well && settings->source_count > 0)
        return TRUE;
    known = g_strjoinv(", ", (char **)seal_source_words);
    return seal_setting_error(setting, error,
                              "sources is '%s', expected a list of %s, parted by ';', each once",
                              setting->value, known);
}

static const SealSettingKey recipients_keys[] = {
    {"sources", take_sources},
    {"harvest", seal_setting_take_flag, G_STRUCT_OFFSET(SealRecipientSettings, harvest)},
    {NULL},
};

static const SealSettingGroup groups[] = {
    {"recipients", recipients_keys},
    {NULL},
};

/* -- loading ---------------------------------------------------------------------------------- */

static SealRecipientSettings *
new_defaults(void)
{
    static const SealRecipientSettings defaults = {
        .sources = {SEAL_SOURCE_STORE, SEAL_SOURCE_TOKEN}, .source_count = 2, .harvest = TRUE};

    return g_memdup2(&defaults, sizeof defaults);
}

SealRecipientSettings *
seal_recipient_settings_load(const char *user_file, const char *site_file, GPtrArray *overruled,
                             GError **error)
{
    g_autoptr(SealRecipientSettings) settings = new_defaults();

    if (!seal_settings_load(user_file, site_file, groups, overruled, settings, error))
        return NULL;
    return g_steal_pointer(&settings);
}

void
seal_recipient_settings_free(SealRecipientSettings *settings)
{
    g_free(settings);
}
