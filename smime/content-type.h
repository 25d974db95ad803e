/* The value of a Content-Type field (RFC 2045 5.1). */
#pragma once

#include <glib.h>

/* Reads an unfolded value. Returns lower-case "type/subtype" (transfer full) and adds its
 * parameters (lower-case name to value, quotes undone) to `parameters`; NULL if it is none, or if a
 * parameter is there twice. */
char *seal_content_type_parse(const char *value, GHashTable *parameters);
