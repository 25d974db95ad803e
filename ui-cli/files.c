/* Reading and writing mails. Standard input is read by read(2), which Ctrl-C interrupts. */
#include "ui-cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "ui-cli/mapping.h"
#include "ui-cli/stop.h"
#include "ui-cli/terminal.h"

#define CHUNK      ((gsize)64 * 1024)
#define MAPPED_MIN ((off_t)1024 * 1024) /* bytes; less is read faster than mapped */

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

static void
set_too_large(GError **error, const char *name, gsize max)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                "cannot read %s: it is larger than %" G_GSIZE_FORMAT " MiB, the most that is taken",
                name, max / (1024 * 1024));
}

/* What is read, without room to spare where its size is known: a mail can be the largest thing in
 * memory. */
typedef struct {
    guint8 *data;
    gsize len, room;
} Input;

/* One read(2): its count, or -1 with an error. */
static gssize
read_some(int fd, Input *input, const char *name, GError **error)
{
    gssize count = 0;

    if (input->len == input->room) {
        input->room = MAX(2 * input->room, CHUNK);
        input->data = g_realloc(input->data, input->room);
    }
    do {
        if (!seal_stop_check(error))
            return -1;
        count = read(fd, input->data + input->len, input->room - input->len);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        set_file_error(error, "read", name, errno);
    else
        input->len += (gsize)count;
    return count;
}

/* FALSE if it is a file of more than `max` bytes, which is not even begun. */
static gboolean
measure(int fd, Input *input, gsize max)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
        return TRUE;
    if ((guint64)status.st_size > max)
        return FALSE;
    input->room = (gsize)status.st_size + 1; /* the last read finds its end */
    input->data = g_malloc(input->room);
    return TRUE;
}

static GBytes *
read_all(int fd, const char *name, gsize max, GError **error)
{
    Input input = {0};
    gssize count = 0;
    gboolean fits = measure(fd, &input, max);

    do {
        count = fits ? read_some(fd, &input, name, error) : 0;
        fits = fits && input.len <= max;
    } while (count > 0 && fits);
    if (count < 0 || !fits) {
        if (count >= 0)
            set_too_large(error, name, max);
        g_free(input.data);
        return NULL;
    }
    return g_bytes_new_take(input.data, input.len);
}

static GBytes *
read_standard_input(gsize max, GError **error)
{
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "reading from the terminal; end with Ctrl-D on a line of its own\n");
    return read_all(STDIN_FILENO, "standard input", max, error);
}

/* NULL where it is not worth it or cannot be done: what is read as ever. */
static GBytes *
map(int fd, gsize max)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < MAPPED_MIN ||
        (gsize)status.st_size > max)
        return NULL;
    return seal_mapping_new(fd, (gsize)status.st_size);
}

static GBytes *
read_file(const char *path, gsize max, gboolean mapped, GError **error)
{
    g_autofree char *name = g_strdup_printf("'%s'", path);
    g_auto(SealFd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    GBytes *bytes = NULL;

    if (fd < 0) {
        set_file_error(error, "read", name, errno);
        return NULL;
    }
    bytes = mapped ? map(fd, max) : NULL;
    return bytes ? bytes : read_all(fd, name, max, error);
}

GBytes *
seal_input_read(const char *path, gsize max, GError **error)
{
    return is_standard(path) ? read_standard_input(max, error) : read_file(path, max, FALSE, error);
}

GBytes *
seal_input_map(const char *path, gsize max, GError **error)
{
    return is_standard(path) ? read_standard_input(max, error) : read_file(path, max, TRUE, error);
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

/* -- drafts ----------------------------------------------------------------------------------- */

typedef struct {
    SealSink sink;
    int fd;
    const char *name;
    GError *error; /* the first; nothing is written from then on */
} OutputSink;

static void
write_some(SealSink *sink, const uint8_t *data, gsize len)
{
    OutputSink *output = (OutputSink *)sink;

    if (output->error || !seal_stop_check(&output->error))
        return;
    if (!seal_fd_write_all(output->fd, data, len))
        set_file_error(&output->error, "write to", output->name, errno);
}

static gboolean
write_draft_to(int fd, const char *name, const SealDraft *draft, GError **error)
{
    OutputSink output = {.fd = fd, .name = name};
    GError *changed = NULL;

    seal_sink_init(&output.sink, write_some);
    seal_draft_write(draft, &output.sink, &changed);
    seal_sink_finish(&output.sink);
    if (output.error) {
        g_clear_error(&changed);
        g_propagate_error(error, output.error);
        return FALSE;
    }
    if (changed) {
        g_propagate_error(error, changed);
        return FALSE;
    }
    return seal_mapping_check(error);
}

static gboolean
show_draft(const SealDraft *draft, GError **error)
{
    g_autoptr(GBytes) bytes = seal_draft_to_bytes(draft, error);

    return bytes && seal_mapping_check(error) && seal_output_write(NULL, bytes, error);
}

gboolean
seal_output_write_draft(const char *path, const SealDraft *draft, GError **error)
{
    g_autoptr(SealNewFile) file = NULL;
    g_autofree char *name = NULL;

    if (is_standard(path))
        return isatty(STDOUT_FILENO)
                   ? show_draft(draft, error)
                   : write_draft_to(STDOUT_FILENO, "standard output", draft, error);
    name = g_strdup_printf("'%s'", path);
    file = seal_new_file_open(path, error);
    return file && write_draft_to(file->fd, name, draft, error) &&
           seal_new_file_commit(file, 0600, error);
}
