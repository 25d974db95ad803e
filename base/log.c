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

static const char *
message_of(const GLogField *fields, gsize n_fields)
{
    for (gsize i = 0; i < n_fields; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            return fields[i].value;
    return "";
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
    if (write(STDERR_FILENO, line, (size_t)len + 1) < 0)
        return G_LOG_WRITER_UNHANDLED;
    return G_LOG_WRITER_HANDLED;
}

void
seal_log_init(const char *program, gboolean verbose)
{
    log_program = program;
    log_verbose = verbose;
    log_journal = g_log_writer_is_journald(STDERR_FILENO);
    g_log_set_writer_func(write_line, NULL, NULL);
}
