/* The groups and keys of privyseal.conf: what each takes, and into which member it goes. */
#pragma once

#include "agent/config.h"
#include "agent/settings.h"

typedef struct SealConfigKey SealConfigKey;
struct SealConfigKey {
    const char *name;
    /* Takes the value of `setting` into `target`; FALSE with SEAL_ERROR_INVALID_INPUT that names
     * file, line and what is expected. */
    gboolean (*take)(const SealConfigKey *key, void *target, const SealSetting *setting,
                     GError **error);
    gsize offset;   /* of the member in `target` */
    guint min, max; /* of a number */
};

/* The keys of the group that `setting` stands in, ended by one without a name; NULL with an error
 * if there is no such group, or its name is malformed. Static. */
const SealConfigKey *seal_config_keys_of(const SealSetting *setting, GError **error);
/* NULL if there is none of that name. */
const SealConfigKey *seal_config_key_find(const SealConfigKey *keys, const char *name);
/* Says that `name` is no key of the group of `setting`, and which there are. Returns FALSE. */
gboolean seal_config_key_unknown(const SealSetting *setting, const char *name,
                                 const SealConfigKey *keys, GError **error);
/* "softhsm" of "module softhsm"; NULL if `group` is not of this kind. */
const char *seal_config_group_name(const char *group, const char *kind);
