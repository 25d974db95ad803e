/* Anchors in two folders. Trust is whole files that a person put there: nothing is taken from
 * anywhere else, and what cannot be read, or could have been put there by somebody else, is left
 * out and told, since fewer anchors can only make a verdict worse. */
#include "pki/anchors.h"

#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/settings.h"
#include "pki/certificate.h"

#define FILES_MAX 1000 /* the bundle of a whole distribution has some 150 */

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

/* NULL, or why somebody else may have chosen what stands there. A group's right to write is
 * accepted: where each user has a group of their own it means nothing. */
static const char *
foreign_hand(const struct stat *about)
{
    if (about->st_uid != 0 && about->st_uid != geteuid())
        return "it belongs to another user, let it be yours or root's";
    if (about->st_mode & S_IWOTH)
        return "everybody may write to it, take that right away with \"chmod o-w\"";
    return NULL;
}

static gboolean
is_anchor_name(const char *name)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der"};

    if (*name == '.')
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(name, endings[i]))
            return TRUE;
    return FALSE;
}

static void
anchor_free(gpointer data)
{
    SealAnchor *anchor = data;

    X509_free(anchor->certificate);
    g_free(anchor->path);
    g_free(anchor);
}

static gint
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean
check_folder(const char *folder, GPtrArray *problems)
{
    struct stat about;
    const char *reason = NULL;

    if (stat(folder, &about) < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            note(problems, folder, g_strerror(errno));
        return FALSE;
    }
    reason = foreign_hand(&about);
    if (reason)
        note(problems, folder, reason);
    return !reason;
}

/* (transfer full) (element-type filename) */
static GPtrArray *
list_files(const char *folder, GPtrArray *problems)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = NULL;
    const char *name = NULL;

    if (!check_folder(folder, problems))
        return files;
    dir = g_dir_open(folder, 0, &error);
    if (!dir) {
        note(problems, folder, error->message);
        return files;
    }
    while (files->len <= FILES_MAX && (name = g_dir_read_name(dir)))
        if (is_anchor_name(name))
            g_ptr_array_add(files, g_build_filename(folder, name, NULL));
    if (files->len > FILES_MAX) {
        note(problems, folder, "it has more than 1000 files, put several certificates into one");
        g_ptr_array_set_size(files, 0);
    }
    g_ptr_array_sort(files, compare_paths);
    return files;
}

/* NULL, or why the file is not even opened. */
static const char *
unfit(const char *path)
{
    struct stat about;

    if (stat(path, &about) < 0)
        return g_strerror(errno);
    return S_ISREG(about.st_mode) ? foreign_hand(&about) : "it is no file";
}

static void
read_file(GPtrArray *anchors, const char *path, GPtrArray *problems)
{
    const char *reason = unfit(path);
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
