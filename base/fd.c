/* File descriptors with an owner, and atomic files. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

void
seal_fd_clear(SealFd *fd)
{
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    errno = saved;
}

int
seal_fd_steal(SealFd *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

gboolean
seal_fd_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t written = write(fd, at, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return FALSE;
        at += written;
        len -= (size_t)written;
    }
    return TRUE;
}

/* -- new files -------------------------------------------------------------------------------- */

static gboolean
set_write_error(const char *path, int number, GError **error)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(number), "cannot write '%s': %s",
                path, g_strerror(number));
    return FALSE;
}

/* A device or a pipe: a rename would put a file in its place, which for root and /dev/null is the
 * end of many programs. */
static gboolean
is_special(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode);
}

SealNewFile *
seal_new_file_open(const char *path, GError **error)
{
    g_autoptr(SealNewFile) file = g_new0(SealNewFile, 1);
    g_autofree char *temporary = g_strdup_printf("%s.XXXXXX", path);
    gboolean special = is_special(path);

    file->path = g_strdup(path);
    file->fd = special ? open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
                       : g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        set_write_error(path, errno, error);
        return NULL;
    }
    file->temporary = special ? NULL : g_steal_pointer(&temporary);
    return g_steal_pointer(&file);
}

gboolean
seal_new_file_commit(SealNewFile *file, int mode, GError **error)
{
    if (!file->temporary)
        return TRUE;
    if (fchmod(file->fd, (mode_t)mode) != 0 || fsync(file->fd) != 0 ||
        g_rename(file->temporary, file->path) != 0)
        return set_write_error(file->path, errno, error);
    g_clear_pointer(&file->temporary, g_free);
    return TRUE;
}

void
seal_new_file_free(SealNewFile *file)
{
    if (!file)
        return;
    if (file->temporary)
        (void)g_unlink(file->temporary);
    seal_fd_clear(&file->fd);
    g_free(file->temporary);
    g_free(file->path);
    g_free(file);
}

gboolean
seal_file_replace(const char *path, const void *data, size_t len, int mode, GError **error)
{
    g_autoptr(SealNewFile) file = seal_new_file_open(path, error);

    if (!file)
        return FALSE;
    if (!seal_fd_write_all(file->fd, data, len))
        return set_write_error(path, errno, error);
    return seal_new_file_commit(file, mode, error);
}

/* -- reading ---------------------------------------------------------------------------------- */

static GBytes *
read_fd(int fd, const char *path, size_t max, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 chunk[16384];
    ssize_t count = 0;

    while ((count = read(fd, chunk, sizeof chunk)) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                        "cannot read '%s': %s", path, g_strerror(errno));
            return NULL;
        }
        if ((size_t)count > max - bytes->len) {
            g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                        "cannot read '%s': it is larger than %zu KiB, the most that is taken", path,
                        max / 1024);
            return NULL;
        }
        g_byte_array_append(bytes, chunk, (guint)count);
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

GBytes *
seal_file_read(const char *path, size_t max, GError **error)
{
    g_auto(SealFd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot read '%s': %s", path, g_strerror(errno));
        return NULL;
    }
    return read_fd(fd, path, max, error);
}

char *
seal_file_read_text(const char *path, size_t max, size_t *ret_len, GError **error)
{
    g_autoptr(GBytes) bytes = seal_file_read(path, max, error);
    size_t len = bytes ? g_bytes_get_size(bytes) : 0;
    char *text = NULL;

    if (!bytes)
        return NULL;
    text = g_malloc0(len + 1);
    if (len > 0)
        memcpy(text, g_bytes_get_data(bytes, NULL), len);
    if (ret_len)
        *ret_len = len;
    return text;
}
