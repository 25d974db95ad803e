/* Members of JSON objects, with text made valid UTF-8 and escaped. */
#pragma once

#include <json-glib/json-glib.h>

/* Adds the member `name`: a text, a byte string in base64, a time (seconds since 1970) as ISO 8601
 * in UTC. */
void seal_json_put_text(JsonBuilder *json, const char *name, const char *text);
void seal_json_put_base64(JsonBuilder *json, const char *name, GBytes *bytes);
void seal_json_put_time(JsonBuilder *json, const char *name, gint64 seconds);
/* Returns (transfer full) what was built, indented, with a final newline. */
char *seal_json_print(JsonBuilder *json);
