/* File descriptors with an owner, and atomic files. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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
