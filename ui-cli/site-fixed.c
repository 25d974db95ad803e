/* The site's word is final for options, too: who may not write a value into their own file may not
 * type it either. It keeps people from mistakes; it is no wall, since whoever can run programs of
 * their own can encrypt and verify without this one. */
#include "ui-cli/site-fixed.h"

#include "base/error.h"
#include "base/setting-keys.h"

gboolean
seal_site_allows(const char *group, const char *key, const char *option, GError **error)
{
    g_autofree char *file = seal_settings_site_file();
    g_autoptr(GPtrArray) site = seal_settings_read(file, error);
    const SealSetting *list = site ? seal_settings_find(site, group, "final") : NULL;

    if (!list || !seal_setting_lists(list, key))
        return site != NULL;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_PERMITTED,
                "%s is refused: the site has fixed '%s' of [%s] in %s:%u, leave the option out",
                option, key, group, list->file, list->line);
    return FALSE;
}
