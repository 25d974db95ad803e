/* Anchors in two folders. Trust is whole files that a person put there: nothing is taken from
 * anywhere else, and what cannot be read, or could have been put there by somebody else, is left
 * out and told, since fewer anchors can only make a verdict worse. */
#include "pki/anchors.h"

#include "config.h"

#include "base/fd.h"
#include "base/settings.h"
#include "pki/certificate.h"
#include "pki/folder.h"

char *
seal_anchors_site_folder(void)
{
    return g_build_filename(seal_settings_site_folder(), "anchors.d", NULL);
}

char *
seal_anchors_user_folder(void)
{
    g_autofree char *folder = seal_settings_user_folder();

    return g_build_filename(folder, "anchors.d", NULL);
}

static void
note(GPtrArray *problems, const char *path, const char *reason)
{
    g_ptr_array_add(problems,
                    g_strdup_printf("the anchors in '%s' are left out: %s", path, reason));
}

static void
anchor_free(gpointer data)
{
    SealAnchor *anchor = data;

    X509_free(anchor->certificate);
    g_free(anchor->path);
    g_free(anchor);
}

/* (transfer full) (element-type filename) */
static GPtrArray *
list_files(const char *folder, GPtrArray *problems)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der", NULL};
    GPtrArray *files = NULL;
    g_autofree char *reason = seal_folder_list(folder, endings, &files);

    if (reason)
        note(problems, folder, reason);
    return files;
}

static void
read_file(GPtrArray *anchors, const char *path, GPtrArray *problems)
{
    g_autofree char *reason = seal_folder_check_file(path);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GPtrArray) certificates = NULL;

    if (reason) {
        note(problems, path, reason);
        return;
    }
    bytes = seal_file_read(path, SEAL_CERTIFICATE_FILE_MAX, &error);
    certificates = bytes ? seal_authorities_read(bytes, path, &error) : NULL;
    if (!certificates) {
        g_ptr_array_add(problems, g_strdup(error->message));
        return;
    }
    for (guint i = 0; i < certificates->len; i++) {
        SealAnchor *anchor = g_new0(SealAnchor, 1);

        anchor->certificate = certificates->pdata[i];
        X509_up_ref(anchor->certificate);
        anchor->path = g_strdup(path);
        g_ptr_array_add(anchors, anchor);
    }
}

/* -- public ----------------------------------------------------------------------------------- */

GPtrArray *
seal_anchors_read(const char *folder, GPtrArray *problems)
{
    GPtrArray *anchors = g_ptr_array_new_with_free_func(anchor_free);
    g_autoptr(GPtrArray) files = list_files(folder, problems);

    for (guint i = 0; i < files->len; i++)
        read_file(anchors, files->pdata[i], problems);
    return anchors;
}

static void
add_all(SealTrust *trust, const GPtrArray *anchors)
{
    for (guint i = 0; i < anchors->len; i++)
        seal_trust_add_anchor(trust, ((const SealAnchor *)anchors->pdata[i])->certificate);
}

void
seal_anchors_add_folder(SealTrust *trust, const char *folder, GPtrArray *problems)
{
    g_autoptr(GPtrArray) anchors = seal_anchors_read(folder, problems);

    add_all(trust, anchors);
}

void
seal_anchors_add_defaults(SealTrust *trust, GPtrArray *problems)
{
    g_autofree char *site = seal_anchors_site_folder();
    g_autofree char *user = seal_anchors_user_folder();

    seal_anchors_add_folder(trust, site, problems);
    seal_anchors_add_folder(trust, user, problems);
}

void
seal_anchors_add_system(SealTrust *trust, GPtrArray *problems)
{
    g_autoptr(GPtrArray) anchors = g_ptr_array_new_with_free_func(anchor_free);

    read_file(anchors, SEAL_SYSTEM_BUNDLE, problems);
    add_all(trust, anchors);
}
