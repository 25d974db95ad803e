/* Which groups and keys privyseal.conf may have, and what each key takes: one table for each group,
 * beside the structure that it fills. The agent and the commands read the same files, each its own
 * groups. */
#pragma once

#include "base/settings.h"

typedef struct SealSettingKey SealSettingKey;
struct SealSettingKey {
    const char *name;
    /* Takes the value of `setting` into `target`; FALSE with SEAL_ERROR_INVALID_INPUT that names
     * file, line and what is expected. */
    gboolean (*take)(const SealSettingKey *key, void *target, const SealSetting *setting,
                     GError **error);
    gsize offset;             /* of the member in `target` */
    guint min, max;           /* of a number */
    const char *const *words; /* of a word; ends with NULL */
    const char *fixed_with;   /* (nullable) another key: where the site fixes that one, this one is
                                 fixed, too */
};

typedef struct {
    const char *kind;           /* "agent", or "module" for every [module NAME] */
    const SealSettingKey *keys; /* ends with one without a name */
} SealSettingGroup;

/* Makes one list from two files, those of the groups in `groups` (ended by one without a kind): the
 * site's settings, then the user's, so that a later one takes the place of an earlier one. What the
 * site's list `final=` of the same group names stays out of the user's; a sentence for each is
 * added to `overruled` (element-type utf8). Returns (transfer container) (element-type
 * SealSetting); the settings stay with `site` and `user`. NULL with SEAL_ERROR_INVALID_INPUT that
 * names file, line and what is expected: a group that nobody reads, or a key that stands in no
 * table of `groups`. */
GPtrArray *seal_settings_merge(const GPtrArray *site, const GPtrArray *user,
                               const SealSettingGroup *groups, GPtrArray *overruled,
                               GError **error);

/* Reads both files (a missing one is empty), merges them and takes each setting into `target`, which
 * may be half filled after an error. FALSE with the errors of the functions above. Blocks on the
 * disk. */
gboolean seal_settings_load(const char *user_file, const char *site_file,
                            const SealSettingGroup *groups, GPtrArray *overruled, void *target,
                            GError **error);

/* Returns (static) (nullable) the row for a setting of a merged list; NULL for a group's own line.
 */
const SealSettingKey *seal_setting_key_of(const SealSetting *setting,
                                          const SealSettingGroup *groups);

/* TRUE if `list`, a setting such as final=, names `key`. */
gboolean seal_setting_lists(const SealSetting *list, const char *key);

/* "softhsm" of "module softhsm"; NULL if `group` is not of this kind. */
const char *seal_setting_group_name(const char *group, const char *kind);

/* For `take`: a whole number from min to max into a guint. */
gboolean seal_setting_take_number(const SealSettingKey *key, void *target,
                                  const SealSetting *setting, GError **error);
/* For `take`: the index of the value in `words`, into a guint or an enumeration. */
gboolean seal_setting_take_word(const SealSettingKey *key, void *target, const SealSetting *setting,
                                GError **error);
/* For `take`: yes or no, into a gboolean. */
gboolean seal_setting_take_flag(const SealSettingKey *key, void *target, const SealSetting *setting,
                                GError **error);
/* Puts a copy of `text` into the char * at the row's offset; what was there is freed. */
void seal_setting_put_text(const SealSettingKey *key, void *target, const char *text);
