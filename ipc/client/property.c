/* Reading properties by a table: what a newer agent adds is skipped, what an older one lacks stays
 * empty, so that the fields of a struct are never NULL. */
#include "ipc/client/property.h"

#include <errno.h>
#include <string.h>

static gboolean
is_text(const SealPropertyRow *row)
{
    return g_str_equal(row->type, "s") || g_str_equal(row->type, "o");
}

static gboolean
is_list(const SealPropertyRow *row)
{
    return g_str_equal(row->type, "as") || g_str_equal(row->type, "ao");
}

static gboolean
is_bytes(const SealPropertyRow *row)
{
    return g_str_equal(row->type, "ay");
}

void
seal_property_init(const SealPropertyRow *rows, guint row_count, gpointer object)
{
    for (guint i = 0; i < row_count; i++) {
        gpointer field = (guint8 *)object + rows[i].offset;

        if (is_text(&rows[i]))
            *(char **)field = g_strdup("");
        else if (is_list(&rows[i]))
            *(char ***)field = g_new0(char *, 1);
        else if (is_bytes(&rows[i]))
            *(GBytes **)field = g_bytes_new(NULL, 0);
    }
}

void
seal_property_clear(const SealPropertyRow *rows, guint row_count, gpointer object)
{
    for (guint i = 0; i < row_count; i++) {
        gpointer field = (guint8 *)object + rows[i].offset;

        if (is_text(&rows[i]))
            g_clear_pointer((char **)field, g_free);
        else if (is_list(&rows[i]))
            g_clear_pointer((char ***)field, g_strfreev);
        else if (is_bytes(&rows[i]))
            g_clear_pointer((GBytes **)field, g_bytes_unref);
    }
}

static int
read_text(sd_bus_message *message, char type, char **field)
{
    const char *text = NULL;
    int r = sd_bus_message_read_basic(message, type, &text);

    if (r < 0)
        return r;
    g_free(*field);
    *field = g_strdup(text);
    return 0;
}

static int
read_bytes(sd_bus_message *message, GBytes **field)
{
    const void *data = NULL;
    size_t len = 0;
    int r = sd_bus_message_read_array(message, 'y', &data, &len);

    if (r < 0)
        return r;
    g_bytes_unref(*field);
    *field = g_bytes_new(data, len);
    return 0;
}

static int
read_list(sd_bus_message *message, char type, char ***field)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    const char contents[] = {type, '\0'};
    const char *text = NULL;
    int r = sd_bus_message_enter_container(message, 'a', contents);

    if (r < 0)
        return r;
    while ((r = sd_bus_message_read_basic(message, type, &text)) > 0)
        g_strv_builder_add(builder, text);
    if (r < 0)
        return r;
    g_strfreev(*field);
    *field = g_strv_builder_end(builder);
    return sd_bus_message_exit_container(message);
}

static int
read_value(sd_bus_message *message, const SealPropertyRow *row, gpointer object)
{
    gpointer field = (guint8 *)object + row->offset;

    if (is_text(row))
        return read_text(message, row->type[0], field);
    if (is_list(row))
        return read_list(message, row->type[1], field);
    if (is_bytes(row))
        return read_bytes(message, field);
    /* The D-Bus and C types of the others have one size: b and gboolean, i and int, u, x. */
    return sd_bus_message_read_basic(message, row->type[0], field);
}

static const SealPropertyRow *
find_row(const SealPropertyRow *rows, guint row_count, const char *name)
{
    for (guint i = 0; i < row_count; i++) {
        if (g_str_equal(rows[i].name, name))
            return &rows[i];
    }
    return NULL;
}

static int
read_entry(sd_bus_message *message, const SealPropertyRow *rows, guint row_count, gpointer object)
{
    const SealPropertyRow *row = NULL;
    const char *name = NULL;
    const char *contents = NULL;
    char type = 0;
    int r = sd_bus_message_read_basic(message, 's', &name);

    if (r < 0)
        return r;
    row = find_row(rows, row_count, name);
    r = sd_bus_message_peek_type(message, &type, &contents);
    if (r < 0)
        return r;
    if (!row || type != 'v' || !g_str_equal(row->type, contents))
        return sd_bus_message_skip(message, "v");
    r = sd_bus_message_enter_container(message, 'v', contents);
    if (r >= 0)
        r = read_value(message, row, object);
    return r >= 0 ? sd_bus_message_exit_container(message) : r;
}

int
seal_property_read_all(sd_bus_message *message, const SealPropertyRow *rows, guint row_count,
                       gpointer object)
{
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = read_entry(message, rows, row_count, object);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}
