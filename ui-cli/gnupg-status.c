/* Status lines are collected and written in one go, after the work is done: who reads them never
 * sees the good half of an answer. */
#include "ui-cli/gnupg-status.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ui-cli/options.h"

#define PREFIX "[GNUPG:] "

struct SealGnupgStatus {
    int fd; /* borrowed; -1: none */
    GString *lines;
};

SealGnupgStatus *
seal_gnupg_status_new(const char *fd, const char *command, GError **error)
{
    SealGnupgStatus *status = NULL;
    guint64 number = 0;

    if (fd && !g_ascii_string_to_unsigned(fd, 10, 0, G_MAXINT, &number, NULL)) {
        seal_usage_error_set(error, command, "--status-fd needs a number, '%s' is none", fd);
        return NULL;
    }
    if (fd && fcntl((int)number, F_GETFD) < 0) {
        seal_usage_error_set(error, command, "nothing is open under --status-fd %s", fd);
        return NULL;
    }
    status = g_new0(SealGnupgStatus, 1);
    status->fd = fd ? (int)number : -1;
    status->lines = g_string_new(NULL);
    return status;
}

void
seal_gnupg_status_free(SealGnupgStatus *status)
{
    if (!status)
        return;
    g_string_free(status->lines, TRUE);
    g_free(status);
}

void
seal_gnupg_status_add(SealGnupgStatus *status, const char *format, ...)
{
    va_list arguments;

    g_string_append(status->lines, PREFIX);
    va_start(arguments, format);
    g_string_append_vprintf(status->lines, format, arguments);
    va_end(arguments);
    g_string_append_c(status->lines, '\n');
}

gboolean
seal_gnupg_status_write(SealGnupgStatus *status, GError **error)
{
    const char *at = status->lines->str;
    gsize left = status->fd >= 0 ? status->lines->len : 0;

    while (left > 0) {
        gssize count = write(status->fd, at, left);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                        "cannot write to --status-fd %d: %s", status->fd, g_strerror(errno));
            return FALSE;
        }
        at += count;
        left -= (gsize)count;
    }
    g_string_truncate(status->lines, 0);
    return TRUE;
}
