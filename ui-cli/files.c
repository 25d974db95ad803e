/* Reading and writing whole files. Standard input is read by read(2), which Ctrl-C interrupts. */
#include "ui-cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "ui-cli/stop.h"
#include "ui-cli/terminal.h"

#define CHUNK ((gsize)64 * 1024)

static gboolean
is_standard(const char *path)
{
    return !path || g_str_equal(path, "-");
}

static void
set_file_error(GError **error, const char *action, const char *name, int number)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(number), "cannot %s %s: %s",
                action, name, g_strerror(number));
}

/* One read(2): its count, or -1 with an error. */
static gssize
read_some(int fd, GByteArray *bytes, const char *name, GError **error)
{
    guint8 chunk[CHUNK];
    gssize count = 0;

    do {
        if (!seal_stop_check(error))
            return -1;
        count = read(fd, chunk, sizeof chunk);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        set_file_error(error, "read", name, errno);
    else
        g_byte_array_append(bytes, chunk, (guint)count);
    return count;
}

static GBytes *
read_all(int fd, const char *name, gsize max, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    gssize count = 0;

    do {
        count = read_some(fd, bytes, name, error);
        if (count < 0)
            return NULL;
        if (bytes->len > max) {
            g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                        "cannot read %s: it is larger than %" G_GSIZE_FORMAT
                        " MiB, the most that is "
                        "taken",
                        name, max / (1024 * 1024));
            return NULL;
        }
    } while (count > 0);
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

GBytes *
seal_input_read(const char *path, gsize max, GError **error)
{
    g_auto(SealFd) fd = -1;
    g_autofree char *name = NULL;

    if (is_standard(path)) {
        if (isatty(STDIN_FILENO))
            fprintf(stderr, "reading from the terminal; end with Ctrl-D on a line of its own\n");
        return read_all(STDIN_FILENO, "standard input", max, error);
    }
    name = g_strdup_printf("'%s'", path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        set_file_error(error, "read", name, errno);
        return NULL;
    }
    return read_all(fd, name, max, error);
}

/* -- output ---------------------------------------------------------------------- */

/* A mail must not move the cursor or repaint what stands above it. */
static void
show_on_terminal(const guint8 *data, gsize len)
{
    const char *at = (const char *)data;
    const char *end = at + len;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (gsize)(end - at));
        gsize line_len = (gsize)((line_end ? line_end : end) - at);
        gsize shown_len = line_len > 0 && at[line_len - 1] == '\r' ? line_len - 1 : line_len;
        g_autofree char *line = g_strndup(at, shown_len);
        g_autofree char *clean = seal_text_clean_line(line);

        fputs(clean, stdout);
        if (line_end)
            printf("\n");
        at += line_len + (line_end ? 1 : 0);
    }
}

gboolean
seal_output_write(const char *path, GBytes *bytes, GError **error)
{
    gsize len = 0;
    const guint8 *data = g_bytes_get_data(bytes, &len);

    if (!seal_stop_check(error))
        return FALSE;
    if (!is_standard(path))
        return seal_file_replace(path, data, len, 0600, error);
    if (isatty(STDOUT_FILENO))
        show_on_terminal(data, len);
    else
        (void)fwrite(data, 1, len, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return TRUE;
    set_file_error(error, "write to", "standard output", errno);
    clearerr(stdout); /* said once is enough */
    return FALSE;
}
