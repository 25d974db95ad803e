/* The profiles of Mozilla's programs. */
#pragma once

#include <glib.h>

/* The folders of the profiles that the profiles.ini in `roots` name (NULL-terminated; relative ones
 * are below the home), each once, in order, whether they exist or not. (transfer full,
 * NULL-terminated) A profiles.ini that cannot be read names none. Blocks. */
char **seal_profiles_find(const char *const *roots);

/* The folders that `text`, a profiles.ini in `root`, names, are added to `paths` (of char *). */
void seal_profiles_parse(GPtrArray *paths, const char *root, const char *text, gsize len);
