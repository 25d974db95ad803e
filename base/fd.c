/* File descriptors with an owner, and atomic files. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
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

static gboolean
write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, data, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return FALSE;
        data += written;
        len -= (size_t)written;
    }
    return TRUE;
}

gboolean
seal_file_replace(const char *path, const void *data, size_t len, int mode, GError **error)
{
    g_autofree char *temporary = g_strdup_printf("%s.XXXXXX", path);
    g_auto(SealFd) fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0600);
    int saved = 0;

    if (fd >= 0 && write_all(fd, data, len) && fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0 &&
        g_rename(temporary, path) == 0)
        return TRUE;

    saved = errno;
    if (fd >= 0)
        (void)g_unlink(temporary);
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(saved), "cannot write '%s': %s",
                path, g_strerror(saved));
    return FALSE;
}

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
