/* What the site has fixed, against options of the command line. */
#pragma once

#include <glib.h>

/* TRUE if `option` ("--cipher") may say something else than `key` of [`group`] in privyseal.conf;
 * FALSE with NOT_PERMITTED that names file and line if the list final= of the site's file has that
 * key, or with INVALID_INPUT if that file cannot be read. Blocks on the disk. */
gboolean seal_site_allows(const char *group, const char *key, const char *option, GError **error);
