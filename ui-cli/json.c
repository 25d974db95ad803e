/* What the commands' JSON has in common. */
#include "ui-cli/json.h"

void
seal_json_put_text(JsonBuilder *json, const char *name, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    json_builder_set_member_name(json, name);
    json_builder_add_string_value(json, valid);
}

void
seal_json_put_base64(JsonBuilder *json, const char *name, GBytes *bytes)
{
    gsize len = 0;
    const guint8 *data = g_bytes_get_data(bytes, &len);
    g_autofree char *text = g_base64_encode(data, len);

    seal_json_put_text(json, name, text);
}

void
seal_json_put_time(JsonBuilder *json, const char *name, gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    g_autofree char *text = time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");

    seal_json_put_text(json, name, text);
}

char *
seal_json_print(JsonBuilder *json)
{
    g_autoptr(JsonNode) root = json_builder_get_root(json);
    g_autofree char *text = json_to_string(root, TRUE);

    return g_strconcat(text, "\n", NULL);
}
