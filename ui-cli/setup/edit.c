/* Files of other programs are changed as those would want it: through their symbolic links, with
 * their permissions, whole or not at all, and never if somebody else wrote to them since the person
 * was shown what would change. Access control lists, extended attributes and further hard links are
 * not carried over. */
#include "ui-cli/setup/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

/* Configuration files have some KiB; what is larger is something else. */
#define TEXT_MAX (1024 * 1024)

static gboolean
refuse(GError **error, const char *path, const char *reason)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "cannot change '%s': %s", path,
                reason);
    return FALSE;
}

/* (transfer full); `path` itself where there is nothing yet. NULL with an error. */
static char *
follow_links(const char *path, GError **error)
{
    char *resolved = realpath(path, NULL);
    char *copy = g_strdup(resolved);
    struct stat status;

    free(resolved);
    if (copy)
        return copy;
    if (errno == ENOENT && lstat(path, &status) < 0)
        return g_strdup(path);
    (void)refuse(error, path, errno == ENOENT ? "it is a link to nothing" : g_strerror(errno));
    return NULL;
}

static gboolean
check_status(const char *path, const struct stat *status, GError **error)
{
    if (!S_ISREG(status->st_mode))
        return refuse(error, path, "it is no regular file");
    if (status->st_uid != geteuid())
        return refuse(error, path, "it belongs to another user");
    return TRUE;
}

/* The text at `path`; `*ret_text` is NULL if there is no such file. */
static gboolean
read_text(const char *path, char **ret_text, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) bytes = seal_file_read(path, TEXT_MAX, &local);
    gsize len = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    *ret_text = NULL;
    if (!bytes && g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
    if (!bytes) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    if (len > 0 && memchr(data, '\0', len))
        return refuse(error, path, "it is no text");
    *ret_text = g_strndup(data ? data : "", len);
    return TRUE;
}

SealEdit *
seal_edit_open(const char *path, GError **error)
{
    g_autoptr(SealEdit) edit = g_new0(SealEdit, 1);
    struct stat status;

    edit->path = g_strdup(path);
    edit->mode = 0600;
    edit->real_path = follow_links(path, error);
    if (!edit->real_path)
        return NULL;
    if (stat(edit->real_path, &status) == 0) {
        if (!check_status(path, &status, error))
            return NULL;
        edit->mode = (int)(status.st_mode & 07777);
    }
    if (!read_text(edit->real_path, &edit->before, error))
        return NULL;
    edit->after = g_strdup(edit->before);
    return g_steal_pointer(&edit);
}

void
seal_edit_free(SealEdit *edit)
{
    if (!edit)
        return;
    g_free(edit->path);
    g_free(edit->real_path);
    g_free(edit->before);
    g_free(edit->after);
    g_free(edit);
}

void
seal_edit_take(SealEdit *edit, char *after)
{
    g_free(edit->after);
    edit->after = after;
}

gboolean
seal_edit_has_change(const SealEdit *edit)
{
    return g_strcmp0(edit->before, edit->after) != 0;
}

char *
seal_edit_missing_folder(const SealEdit *edit)
{
    g_autofree char *folder = g_path_get_dirname(edit->real_path);
    char *missing = NULL;

    while (!g_file_test(folder, G_FILE_TEST_EXISTS)) {
        char *parent = g_path_get_dirname(folder);

        g_free(missing);
        missing = folder;
        folder = parent;
    }
    return missing;
}

/* Between the reading and now a person may have thought for minutes. */
static gboolean
check_unchanged(const SealEdit *edit, GError **error)
{
    g_autofree char *now = NULL;

    if (!read_text(edit->real_path, &now, error))
        return FALSE;
    if (g_strcmp0(now, edit->before) == 0)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_BUSY,
                "cannot change '%s': somebody else changed it just now; try again", edit->path);
    return FALSE;
}

static gboolean
remove_file(const SealEdit *edit, GError **error)
{
    if (g_unlink(edit->real_path) == 0 || errno == ENOENT)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot remove '%s': %s",
                edit->path, g_strerror(errno));
    return FALSE;
}

gboolean
seal_edit_apply(const SealEdit *edit, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(edit->real_path);

    if (!check_unchanged(edit, error))
        return FALSE;
    if (!edit->after)
        return remove_file(edit, error);
    if (g_mkdir_with_parents(folder, 0700) < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot make the folder '%s': %s", folder, g_strerror(errno));
        return FALSE;
    }
    return seal_file_replace(edit->real_path, edit->after, strlen(edit->after), edit->mode, error);
}
