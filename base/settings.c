/* Reading key files line by line. The grammar is the plain part of GKeyFile's:
 * [group], key=value and comments after '#'; what GKeyFile would merge or pass over (a group that
 * stands twice, a key that stands twice, a line that is nothing) is a mistake here. */
#include "base/settings.h"

#include "config.h"

#include <string.h>

#include "base/error.h"
#include "base/fd.h"

#define FILE_MAX  (1024 * 1024)
#define LINES_MAX 10000

static void
setting_free(gpointer data)
{
    SealSetting *setting = data;

    g_free(setting->group);
    g_free(setting->key);
    g_free(setting->value);
    g_free(setting->file);
    g_free(setting);
}

static SealSetting *
setting_new(const char *file, guint line, const char *group)
{
    SealSetting *setting = g_new0(SealSetting, 1);

    setting->group = g_strdup(group);
    setting->file = g_strdup(file);
    setting->line = line;
    return setting;
}

gboolean
seal_setting_error(const SealSetting *setting, GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "%s:%u: %s", setting->file,
                setting->line, text);
    return FALSE;
}

const SealSetting *
seal_settings_find(const GPtrArray *settings, const char *group, const char *key)
{
    for (guint i = 0; i < settings->len; i++) {
        const SealSetting *setting = settings->pdata[i];

        if (strcmp(setting->group, group) == 0 && g_strcmp0(setting->key, key) == 0)
            return setting;
    }
    return NULL;
}

/* `setting` is the empty frame of this line; its texts are set here. */
static gboolean
parse_group(const GPtrArray *settings, SealSetting *setting, const char *line, GError **error)
{
    gsize len = strlen(line);
    const SealSetting *earlier = NULL;

    if (len < 3 || line[len - 1] != ']' || strpbrk(line + 1, "[") ||
        strchr(line, ']') != line + len - 1)
        return seal_setting_error(setting, error, "expected a group like [agent], not '%s'", line);
    g_free(setting->group);
    setting->group = g_strndup(line + 1, len - 2);
    earlier = seal_settings_find(settings, setting->group, NULL);
    if (earlier)
        return seal_setting_error(setting, error, "the group [%s] stands in line %u already",
                                  setting->group, earlier->line);
    return TRUE;
}

static gboolean
parse_key(const GPtrArray *settings, SealSetting *setting, const char *line, GError **error)
{
    const char *equals = strchr(line, '=');
    const SealSetting *earlier = NULL;

    if (!equals || equals == line)
        return seal_setting_error(setting, error,
                                  "expected key=value, [group] or # comment, not '%s'", line);
    if (!setting->group)
        return seal_setting_error(setting, error,
                                  "expected a group like [agent] before the first key");
    setting->key = g_strchomp(g_strndup(line, (gsize)(equals - line)));
    setting->value = g_strstrip(g_strdup(equals + 1));
    earlier = seal_settings_find(settings, setting->group, setting->key);
    if (earlier)
        return seal_setting_error(setting, error, "'%s' of [%s] stands in line %u already",
                                  setting->key, setting->group, earlier->line);
    return TRUE;
}

/* Adds what stands in a line, if anything. `*group` is the group that the line stands in. */
static gboolean
parse_line(GPtrArray *settings, const char *file, guint number, char *line, const char **group,
           GError **error)
{
    SealSetting *setting = NULL;
    gboolean good = FALSE;

    g_strstrip(line);
    if (!*line || *line == '#')
        return TRUE;
    setting = setting_new(file, number, *group);
    good = *line == '[' ? parse_group(settings, setting, line, error)
                        : parse_key(settings, setting, line, error);
    if (!good) {
        setting_free(setting);
        return FALSE;
    }
    g_ptr_array_add(settings, setting);
    *group = setting->group;
    return TRUE;
}

static guint
count_lines(const char *text, const char *end)
{
    guint lines = 1;

    for (; text < end; text++)
        lines += *text == '\n';
    return lines;
}

GPtrArray *
seal_settings_parse(const char *file, const char *text, gsize len, GError **error)
{
    g_autoptr(GPtrArray) settings = g_ptr_array_new_with_free_func(setting_free);
    const SealSetting whole = {.file = (char *)file, .line = LINES_MAX};
    g_autofree char *copy = NULL;
    g_auto(GStrv) lines = NULL;
    const char *group = NULL;
    const char *bad = NULL;

    if (!g_utf8_validate_len(text, len, &bad)) {
        const SealSetting here = {.file = (char *)file, .line = count_lines(text, bad)};

        seal_setting_error(&here, error, "expected UTF-8 text");
        return NULL;
    }
    copy = g_strndup(text, len);
    lines = g_strsplit(copy, "\n", LINES_MAX + 2);
    for (guint i = 0; lines[i]; i++) {
        if (i > LINES_MAX) {
            seal_setting_error(&whole, error, "expected at most %d lines", LINES_MAX);
            return NULL;
        }
        if (!parse_line(settings, file, i + 1, lines[i], &group, error))
            return NULL;
    }
    return g_steal_pointer(&settings);
}

GPtrArray *
seal_settings_read(const char *file, GError **error)
{
    const SealSetting whole = {.file = (char *)file, .line = 1};
    g_autoptr(GError) reason = NULL;
    gsize len = 0;
    g_autofree char *text = seal_file_read_text(file, FILE_MAX, &len, &reason);

    if (text)
        return seal_settings_parse(file, text, len, error);
    if (g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return g_ptr_array_new_with_free_func(setting_free);
    if (seal_error_is(reason, SEAL_ERROR_LIMIT_EXCEEDED))
        seal_setting_error(&whole, error, "expected at most %d bytes", FILE_MAX);
    else
        seal_setting_error(&whole, error, "%s", reason->message);
    return NULL;
}

/* -- the two files, and one from them
 * ----------------------------------------------------------------------- */

const char *
seal_settings_site_folder(void)
{
    return SEAL_SYSCONFDIR "/privyseal";
}

/* A relative XDG_CONFIG_HOME is to be ignored (XDG Base Directory
 * Specification), which GLib does not. */
char *
seal_settings_user_folder(void)
{
    const char *config_home = g_getenv("XDG_CONFIG_HOME");

    if (config_home && g_path_is_absolute(config_home))
        return g_build_filename(config_home, "privyseal", NULL);
    return g_build_filename(g_get_home_dir(), ".config", "privyseal", NULL);
}

char *
seal_settings_site_file(void)
{
    return g_build_filename(seal_settings_site_folder(), "privyseal.conf", NULL);
}

char *
seal_settings_user_file(void)
{
    g_autofree char *folder = seal_settings_user_folder();

    return g_build_filename(folder, "privyseal.conf", NULL);
}
