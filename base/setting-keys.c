/* The tables at work. A mistake in a group of somebody else's is left to its reader, but a group
 * that nobody reads is one for everybody: a misspelt [trust] must not pass unseen. */
#include "base/setting-keys.h"

#include <string.h>

#define NAME_MAX_LEN 64

static const struct {
    const char *kind;
    gboolean is_named; /* [kind NAME] */
} known_groups[] = {
    {"agent", FALSE},      {"module", TRUE},      {"policy", TRUE}, {"trust", FALSE},
    {"revocation", FALSE}, {"recipients", FALSE}, {"ldap", TRUE},   {"dns", FALSE},
    {"sign", FALSE},       {"encrypt", FALSE},
};

/* -- groups ----------------------------------------------------------------------------------- */

const char *
seal_setting_group_name(const char *group, const char *kind)
{
    gsize len = strlen(kind);

    if (strncmp(group, kind, len) != 0 || group[len] != ' ')
        return NULL;
    return group + len + 1;
}

static gboolean
is_good_name(const char *name)
{
    if (!*name || strlen(name) > NAME_MAX_LEN || *name == '.')
        return FALSE;
    for (; *name; name++)
        if (!g_ascii_isalnum(*name) && !strchr("-_.", *name))
            return FALSE;
    return TRUE;
}

static char *
list_groups(void)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(known_groups); i++)
        g_string_append_printf(list, "%s[%s%s]",
                               i == 0                               ? ""
                               : i + 1 < G_N_ELEMENTS(known_groups) ? ", "
                                                                    : " or ",
                               known_groups[i].kind, known_groups[i].is_named ? " NAME" : "");
    return g_string_free(list, FALSE);
}

static gboolean
check_group(const SealSetting *setting, GError **error)
{
    g_autofree char *expected = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(known_groups); i++) {
        const char *name = seal_setting_group_name(setting->group, known_groups[i].kind);

        if (!known_groups[i].is_named && strcmp(setting->group, known_groups[i].kind) == 0)
            return TRUE;
        if (!known_groups[i].is_named || !name)
            continue;
        return is_good_name(name) ||
               seal_setting_error(setting, error,
                                  "the name in [%s] is '%s', expected 1 to %d letters, digits, "
                                  "'-', '_' and '.'",
                                  setting->group, name, NAME_MAX_LEN);
    }
    expected = list_groups();
    return seal_setting_error(setting, error, "unknown group [%s], expected %s", setting->group,
                              expected);
}

static const SealSettingKey *
find_keys(const SealSetting *setting, const SealSettingGroup *groups)
{
    for (; groups->kind; groups++)
        if (strcmp(setting->group, groups->kind) == 0 ||
            seal_setting_group_name(setting->group, groups->kind))
            return groups->keys;
    return NULL;
}

/* -- keys ------------------------------------------------------------------------------------- */

static const SealSettingKey *
find_key(const SealSettingKey *keys, const char *name)
{
    for (; keys->name; keys++)
        if (strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

static gboolean
check_key(const SealSetting *setting, const char *name, const SealSettingKey *keys, GError **error)
{
    g_autoptr(GString) expected = NULL;

    if (find_key(keys, name))
        return TRUE;
    expected = g_string_new(NULL);
    for (const SealSettingKey *key = keys; key->name; key++)
        g_string_append_printf(expected, "%s%s", key == keys ? "" : ", ", key->name);
    return seal_setting_error(setting, error, "unknown key '%s' in [%s], expected one of %s", name,
                              setting->group, expected->str);
}

static gboolean
check_final(const SealSetting *setting, const SealSettingKey *keys, GError **error)
{
    g_auto(GStrv) names = g_strsplit_set(setting->value, "; ", -1);

    for (char **name = names; *name; name++)
        if (**name && !check_key(setting, *name, keys, error))
            return FALSE;
    return TRUE;
}

static gboolean
check_setting(const SealSetting *setting, const SealSettingGroup *groups, gboolean is_site,
              GError **error)
{
    const SealSettingKey *keys = find_keys(setting, groups);

    if (!check_group(setting, error))
        return FALSE;
    if (!setting->key || !keys)
        return TRUE;
    return is_site && strcmp(setting->key, "final") == 0
               ? check_final(setting, keys, error)
               : check_key(setting, setting->key, keys, error);
}

static gboolean
check_settings(const GPtrArray *settings, const SealSettingGroup *groups, gboolean is_site,
               GError **error)
{
    for (guint i = 0; i < settings->len; i++)
        if (!check_setting(settings->pdata[i], groups, is_site, error))
            return FALSE;
    return TRUE;
}

/* -- one from two ----------------------------------------------------------------------------- */

gboolean
seal_setting_lists(const SealSetting *list, const char *key)
{
    g_auto(GStrv) names = g_strsplit_set(list->value, "; ", -1);

    return g_strv_contains((const char *const *)names, key);
}

/* TRUE if the site's list of the setting's group names its key, or one that it is fixed with. */
static gboolean
is_final(const GPtrArray *site, const SealSetting *setting, const SealSettingGroup *groups)
{
    const SealSetting *list = seal_settings_find(site, setting->group, "final");
    const SealSettingKey *key = seal_setting_key_of(setting, groups);

    if (!list || !key)
        return FALSE;
    return seal_setting_lists(list, key->name) ||
           (key->fixed_with && seal_setting_lists(list, key->fixed_with));
}

GPtrArray *
seal_settings_merge(const GPtrArray *site, const GPtrArray *user, const SealSettingGroup *groups,
                    GPtrArray *overruled, GError **error)
{
    GPtrArray *merged = NULL;

    if (!check_settings(site, groups, TRUE, error) || !check_settings(user, groups, FALSE, error))
        return NULL;
    merged = g_ptr_array_new();
    for (guint i = 0; i < site->len; i++) {
        SealSetting *setting = site->pdata[i];

        if (find_keys(setting, groups) && g_strcmp0(setting->key, "final") != 0)
            g_ptr_array_add(merged, setting);
    }
    for (guint i = 0; i < user->len; i++) {
        SealSetting *setting = user->pdata[i];

        if (!find_keys(setting, groups))
            continue;
        if (!is_final(site, setting, groups))
            g_ptr_array_add(merged, setting);
        else
            g_ptr_array_add(
                overruled,
                g_strdup_printf("%s:%u: '%s' of [%s] is fixed by the site's configuration",
                                setting->file, setting->line, setting->key, setting->group));
    }
    return merged;
}

const SealSettingKey *
seal_setting_key_of(const SealSetting *setting, const SealSettingGroup *groups)
{
    const SealSettingKey *keys = setting->key ? find_keys(setting, groups) : NULL;

    return keys ? find_key(keys, setting->key) : NULL;
}

gboolean
seal_settings_load(const char *user_file, const char *site_file, const SealSettingGroup *groups,
                   GPtrArray *overruled, void *target, GError **error)
{
    g_autoptr(GPtrArray) site = seal_settings_read(site_file, error);
    g_autoptr(GPtrArray) user = site ? seal_settings_read(user_file, error) : NULL;
    g_autoptr(GPtrArray) merged = NULL;

    merged = user ? seal_settings_merge(site, user, groups, overruled, error) : NULL;
    for (guint i = 0; merged && i < merged->len; i++) {
        const SealSetting *setting = merged->pdata[i];
        const SealSettingKey *key = seal_setting_key_of(setting, groups);

        if (key && !key->take(key, target, setting, error))
            return FALSE;
    }
    return merged != NULL;
}

/* -- values ----------------------------------------------------------------------------------- */

gboolean
seal_setting_take_number(const SealSettingKey *key, void *target, const SealSetting *setting,
                         GError **error)
{
    guint64 number = 0;

    if (!g_ascii_string_to_unsigned(setting->value, 10, key->min, key->max, &number, NULL))
        return seal_setting_error(setting, error,
                                  "'%s' of [%s] is '%s', expected a whole number from %u to %u",
                                  setting->key, setting->group, setting->value, key->min, key->max);
    G_STRUCT_MEMBER(guint, target, key->offset) = (guint)number;
    return TRUE;
}

static gboolean
find_word(const SealSetting *setting, const char *const *words, guint *ret_index, GError **error)
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

gboolean
seal_setting_take_word(const SealSettingKey *key, void *target, const SealSetting *setting,
                       GError **error)
{
    return find_word(setting, key->words, &G_STRUCT_MEMBER(guint, target, key->offset), error);
}

gboolean
seal_setting_take_flag(const SealSettingKey *key, void *target, const SealSetting *setting,
                       GError **error)
{
    static const char *const words[] = {"no", "yes", NULL};
    guint index = 0;

    if (!find_word(setting, words, &index, error))
        return FALSE;
    G_STRUCT_MEMBER(gboolean, target, key->offset) = index == 1;
    return TRUE;
}

void
seal_setting_put_text(const SealSettingKey *key, void *target, const char *text)
{
    g_free(G_STRUCT_MEMBER(char *, target, key->offset));
    G_STRUCT_MEMBER(char *, target, key->offset) = g_strdup(text);
}
