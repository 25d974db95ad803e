/* profiles.ini: a group "Profile0", "Profile1", ... for each, with a path that is relative to the
 * file's folder where IsRelative is 1. */
#include "ui-cli/setup/profiles.h"

#include <string.h>

#include "base/fd.h"

#define PROFILES_INI_MAX ((size_t)1024 * 1024)

static void
add_once(GPtrArray *paths, char *path)
{
    if (g_ptr_array_find_with_equal_func(paths, path, g_str_equal, NULL))
        g_free(path);
    else
        g_ptr_array_add(paths, path);
}

static void
add_profile(GPtrArray *paths, const char *root, GKeyFile *file, const char *group)
{
    g_autofree char *path = g_key_file_get_value(file, group, "Path", NULL);
    g_autofree char *relative = g_key_file_get_value(file, group, "IsRelative", NULL);
    gboolean is_relative = relative && g_str_equal(relative, "1");

    if (!path || !*path || is_relative == g_path_is_absolute(path))
        return;
    add_once(paths, g_canonicalize_filename(path, root));
}

void
seal_profiles_parse(GPtrArray *paths, const char *root, const char *text, gsize len)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_auto(GStrv) groups = NULL;

    if (len == 0 || !g_key_file_load_from_data(file, text, len, G_KEY_FILE_NONE, NULL))
        return;
    groups = g_key_file_get_groups(file, NULL);
    for (char **group = groups; *group; group++) {
        if (g_str_has_prefix(*group, "Profile"))
            add_profile(paths, root, file, *group);
    }
}

char **
seal_profiles_find(const char *const *roots)
{
    GPtrArray *paths = g_ptr_array_new();

    for (; *roots; roots++) {
        g_autofree char *root = g_canonicalize_filename(*roots, g_get_home_dir());
        g_autofree char *ini = g_build_filename(root, "profiles.ini", NULL);
        g_autoptr(GBytes) bytes = seal_file_read(ini, PROFILES_INI_MAX, NULL);
        gsize len = 0;
        const char *text = bytes ? g_bytes_get_data(bytes, &len) : NULL;

        if (text)
            seal_profiles_parse(paths, root, text, len);
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}
