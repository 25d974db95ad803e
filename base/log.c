/* Logging: GLib's structured log with one writer. The journal gets every field; a terminal or file
 * gets "program: message", one line each, control characters replaced. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Set once by seal_log_init() before any thread starts, read only afterwards. */
static const char *log_program = "privyseal";
static gboolean log_verbose;
static gboolean log_journal;

/* Of one thread, so that nobody waits for another's lines. */
static _Thread_local struct {
    gboolean is_on;
    size_t len;
    char text[8192];
} held;

static const char *
message_of(const GLogField *fields, gsize n_fields)
{
    for (gsize i = 0; i < n_fields; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            return fields[i].value;
    return "";
}

static gboolean
write_held(void)
{
    size_t len = held.len;

    held.len = 0;
    return len == 0 || write(STDERR_FILENO, held.text, len) >= 0;
}

/* What cannot be written is lost, as without holding. */
static gboolean
put(const char *line, size_t len, gboolean is_last)
{
    gboolean written = TRUE;

    if (held.len + len > sizeof held.text)
        written = write_held();
    memcpy(held.text + held.len, line, len);
    held.len += len;
    return held.is_on && !is_last ? written : write_held() && written;
}

void
seal_log_hold(void)
{
    held.is_on = TRUE;
}

void
seal_log_release(void)
{
    held.is_on = FALSE;
    (void)write_held();
}

static GLogWriterOutput
write_line(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
    char line[1024];
    int len = 0;

    if ((level & G_LOG_LEVEL_DEBUG || level & G_LOG_LEVEL_INFO) && !log_verbose)
        return G_LOG_WRITER_HANDLED;
    if (log_journal && g_log_writer_journald(level, fields, n_fields, user_data) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;

    len = snprintf(line, sizeof line - 1, "%s: %s", log_program, message_of(fields, n_fields));
    len = CLAMP(len, 0, (int)sizeof line - 2);
    for (int i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[len] = '\n';
    return put(line, (size_t)len + 1, (level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) != 0)
               ? G_LOG_WRITER_HANDLED
               : G_LOG_WRITER_UNHANDLED;
}

void
seal_log_init(const char *program, gboolean verbose)
{
    log_program = program;
    log_verbose = verbose;
    log_journal = g_log_writer_is_journald(STDERR_FILENO);
    g_log_set_writer_func(write_line, NULL, NULL);
}
