/* A group for each file, named by its path; paths and values are percent-encoded, since they may be
 * any bytes. It is written before a file is changed: whatever a crash leaves behind, the record
 * tells of every change that may have happened, and taking back what did not happen does nothing.
 */
#include "ui-cli/setup/record.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"

#define RECORD_MAX     (1024 * 1024)
#define PLAIN_IN_VALUE "/ :;,=+@()'\"{}<>|*?!&$#~"

struct SealRecord {
    char *path;
    GKeyFile *file;
};

static char *
encode(const char *text)
{
    return g_uri_escape_string(text, PLAIN_IN_VALUE, TRUE);
}

static char *
record_path(const char *program)
{
    return g_build_filename(g_get_user_state_dir(), "privyseal", "setup", program, NULL);
}

/* A file that is not there leaves the record empty. */
static gboolean
load(SealRecord *record, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) bytes = seal_file_read(record->path, RECORD_MAX, &local);

    if (!bytes && g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
    if (!bytes) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    if (g_bytes_get_size(bytes) == 0 ||
        g_key_file_load_from_bytes(record->file, bytes, G_KEY_FILE_NONE, &local))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot read '%s', which says what was set up: %s", record->path, local->message);
    return FALSE;
}

SealRecord *
seal_record_read(const char *program, GError **error)
{
    g_autoptr(SealRecord) record = g_new0(SealRecord, 1);

    record->path = record_path(program);
    record->file = g_key_file_new();
    return load(record, error) ? g_steal_pointer(&record) : NULL;
}

void
seal_record_free(SealRecord *record)
{
    if (!record)
        return;
    g_free(record->path);
    g_clear_pointer(&record->file, g_key_file_unref);
    g_free(record);
}

char **
seal_record_paths(const SealRecord *record)
{
    g_auto(GStrv) groups = g_key_file_get_groups(record->file, NULL);
    GPtrArray *paths = g_ptr_array_new();

    for (char **group = groups; *group; group++) {
        char *path = g_uri_unescape_string(*group, NULL);

        if (path)
            g_ptr_array_add(paths, path);
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}

void
seal_record_forget(SealRecord *record, const char *path)
{
    g_autofree char *group = encode(path);

    (void)g_key_file_remove_group(record->file, group, NULL);
}

char *
seal_record_get(const SealRecord *record, const char *path, const char *key)
{
    g_autofree char *group = encode(path);
    g_autofree char *value = g_key_file_get_string(record->file, group, key, NULL);

    return value ? g_uri_unescape_string(value, NULL) : NULL;
}

void
seal_record_set(SealRecord *record, const char *path, const char *key, const char *value)
{
    g_autofree char *group = encode(path);
    g_autofree char *encoded = value ? encode(value) : NULL;

    if (encoded)
        g_key_file_set_string(record->file, group, key, encoded);
    else
        (void)g_key_file_remove_key(record->file, group, key, NULL);
}

/* -- what any of them remembers -------------------------------------------------------- */

static gboolean
is_below(const char *path, const char *folder)
{
    gsize len = strlen(folder);

    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* The outermost of the folders above `path` that `record` has under `key`; `found` if there is none
 * further out. */
static char *
outermost_above(const SealRecord *record, const char *key, const char *path, char *found)
{
    g_auto(GStrv) paths = seal_record_paths(record);

    for (char **at = paths; *at; at++) {
        char *folder = seal_record_get(record, *at, key);

        if (folder && is_below(path, folder) && (!found || strlen(folder) < strlen(found))) {
            g_free(found);
            found = g_steal_pointer(&folder);
        }
        g_free(folder);
    }
    return found;
}

char *
seal_record_find_folder(const char *key, const char *path)
{
    g_autofree char *any = record_path("any");
    g_autofree char *folder = g_path_get_dirname(any);
    g_autoptr(GDir) records = g_dir_open(folder, 0, NULL);
    const char *program = NULL;
    char *found = NULL;

    while (records && (program = g_dir_read_name(records))) {
        g_autoptr(SealRecord) record = seal_record_read(program, NULL);

        if (record)
            found = outermost_above(record, key, path, found);
    }
    return found;
}

/* -- writing --------------------------------------------------------------------------- */

static gboolean
make_folder(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    if (g_mkdir_with_parents(folder, 0700) == 0)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                "cannot make the folder '%s': %s", folder, g_strerror(errno));
    return FALSE;
}

static gboolean
remove_record(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *parent = g_path_get_dirname(folder);

    if (g_unlink(path) < 0 && errno != ENOENT) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot remove '%s': %s", path, g_strerror(errno));
        return FALSE;
    }
    if (g_rmdir(folder) == 0)
        (void)g_rmdir(parent);
    return TRUE;
}

gboolean
seal_record_save(SealRecord *record, GError **error)
{
    gsize groups = 0, len = 0;
    g_auto(GStrv) names = g_key_file_get_groups(record->file, &groups);
    g_autofree char *text = NULL;

    if (groups == 0)
        return remove_record(record->path, error);
    text = g_key_file_to_data(record->file, &len, NULL);
    return make_folder(record->path, error) &&
           seal_file_replace(record->path, text, len, 0600, error);
}
