/* CRLs in two folders, beside the anchors. Here a mistake is an error and not a warning as with
 * anchors: fewer anchors make verdicts worse, fewer CRLs make them better. Who fetches them, a
 * timer of the site for one, is not asked. */
#include "pki/crls.h"

#include "base/error.h"
#include "base/settings.h"
#include "pki/folder.h"

static gboolean
refuse(const char *path, const char *reason, GError **error)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot use the revocation lists in '%s': %s", path, reason);
    return FALSE;
}

gboolean
seal_crls_add_folder(SealTrust *trust, const char *folder, GError **error)
{
    static const char *const endings[] = {".crl", ".pem", ".der", NULL};
    g_autoptr(GPtrArray) files = NULL;
    g_autofree char *reason = seal_folder_list(folder, endings, &files);

    if (reason)
        return refuse(folder, reason, error);
    for (guint i = 0; i < files->len; i++) {
        const char *path = files->pdata[i];
        g_autofree char *unfit = seal_folder_check_file(path);

        if (unfit)
            return refuse(path, unfit, error);
        if (!seal_trust_add_crl_file(trust, path, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
seal_crls_add_defaults(SealTrust *trust, GError **error)
{
    g_autofree char *users = seal_settings_user_folder();
    g_autofree char *site = g_build_filename(seal_settings_site_folder(), "crls.d", NULL);
    g_autofree char *user = g_build_filename(users, "crls.d", NULL);

    return seal_crls_add_folder(trust, site, error) && seal_crls_add_folder(trust, user, error);
}
