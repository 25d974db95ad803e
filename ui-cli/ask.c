/* Asking by the controlling terminal, so that a certificate may come through a pipe and a program
 * that feeds standard input cannot answer in the person's place. */
#include "ui-cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "ui-cli/stop.h"

#define LINE_MAX_LEN 1000u

static gboolean
show(int fd, const char *text)
{
    gsize left = strlen(text);

    while (left > 0) {
        gssize written = write(fd, text, left);

        if (written < 0 && errno != EINTR)
            return FALSE;
        text += MAX(written, 0);
        left -= (gsize)MAX(written, 0);
    }
    return TRUE;
}

/* One line, byte by byte: what follows it belongs to whoever reads next. */
static gboolean
read_line(int fd, GString *line, GError **error)
{
    char byte = 0;
    gssize count = 0;

    do {
        if (!seal_stop_check(error))
            return FALSE;
        count = read(fd, &byte, 1);
        if (count == 1 && byte != '\n')
            g_string_append_c(line, byte);
    } while (line->len <= LINE_MAX_LEN &&
             ((count == 1 && byte != '\n') || (count < 0 && errno == EINTR)));
    if (line->len > LINE_MAX_LEN)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED, "the answer is too long");
    else if (count <= 0)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED, "nothing was answered");
    return count == 1 && line->len <= LINE_MAX_LEN;
}

char *
seal_ask(const char *text, GError **error)
{
    g_auto(SealFd) fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    g_autoptr(GString) line = g_string_new(NULL);

    if (fd < 0 || !show(fd, text)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INTERACTION_REQUIRED,
                    "there is no terminal to ask on");
        return NULL;
    }
    if (!read_line(fd, line, error))
        return NULL;
    return g_strstrip(g_string_free(g_steal_pointer(&line), FALSE));
}
