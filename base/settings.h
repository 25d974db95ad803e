/* A key file as a list of lines that know where they stand: what GKeyFile cannot tell, and what a
 * good error message needs. */
#pragma once

#include <glib.h>

/* One `key=value` line. A group's own line is entered too, with a NULL key and value, so that an
 * empty group is seen. */
typedef struct {
    char *group;
    char *key;   /* (nullable) */
    char *value; /* (nullable) UTF-8, spaces at both ends removed, no escapes */
    char *file;
    guint line; /* from 1 */
} SealSetting;

/* Reads `len` bytes of `text`; `file` is for messages. Returns a list of SealSetting * in the order
 * of the file (transfer full), or NULL with SEAL_ERROR_INVALID_INPUT "FILE:LINE: what is expected":
 * bytes that are not UTF-8, a line that is neither group, key nor comment, a key before the first
 * group, a group or a key of a group that stands twice, more than 10,000 lines. */
GPtrArray *seal_settings_parse(const char *file, const char *text, gsize len, GError **error);

/* The same for a file of up to 1 MiB; a missing file is an empty one. SEAL_ERROR_INVALID_INPUT also
 * if it cannot be read. Blocks on the disk. */
GPtrArray *seal_settings_read(const char *file, GError **error);

/* Where the site keeps its files (static), /etc/privyseal, and the user, $XDG_CONFIG_HOME/privyseal
 * (transfer full). */
const char *seal_settings_site_folder(void);
char *seal_settings_user_folder(void);
/* privyseal.conf in these. (transfer full) */
char *seal_settings_site_file(void);
char *seal_settings_user_file(void);

/* Returns (nullable) (transfer none) the setting of `key` in `group`; with NULL the group's own
 * line. */
const SealSetting *seal_settings_find(const GPtrArray *settings, const char *group,
                                      const char *key);

/* Sets SEAL_ERROR_INVALID_INPUT with "FILE:LINE: " before the text. Returns FALSE. */
gboolean seal_setting_error(const SealSetting *setting, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
