/* What stands in such a folder decides whom to believe, so it must be what its owner put there:
 * folders and files in somebody else's hand are refused. */
#include "pki/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1000 /* the bundle of a whole distribution has some 150 */

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
is_wanted(const char *name, const char *const *endings)
{
    if (*name == '.')
        return FALSE;
    for (; *endings; endings++)
        if (g_str_has_suffix(name, *endings))
            return TRUE;
    return FALSE;
}

static gint
compare_paths(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *
read_names(const char *folder, const char *const *endings, GPtrArray *files)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    const char *name = NULL;

    if (!dir)
        return g_strdup(error->message);
    while (files->len <= FILES_MAX && (name = g_dir_read_name(dir)))
        if (is_wanted(name, endings))
            g_ptr_array_add(files, g_build_filename(folder, name, NULL));
    if (files->len <= FILES_MAX)
        return NULL;
    g_ptr_array_set_size(files, 0);
    return g_strdup_printf("it has more than %d files, put several into one", FILES_MAX);
}

char *
seal_folder_list(const char *folder, const char *const *endings, GPtrArray **ret_files)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    struct stat about;
    char *reason = NULL;

    *ret_files = files;
    if (stat(folder, &about) < 0)
        return errno == ENOENT || errno == ENOTDIR ? NULL : g_strdup(g_strerror(errno));
    reason = g_strdup(foreign_hand(&about));
    if (!reason)
        reason = read_names(folder, endings, files);
    g_ptr_array_sort(files, compare_paths);
    return reason;
}

char *
seal_folder_check_file(const char *path)
{
    struct stat about;

    if (stat(path, &about) < 0)
        return g_strdup(g_strerror(errno));
    return g_strdup(S_ISREG(about.st_mode) ? foreign_hand(&about) : "it is no file");
}
