/* The difference of two texts, as diff -u shows it. */
#pragma once

#include <glib.h>

/* What changes in the file `path` when `before` (NULL: no such file) becomes `after` (NULL: it
 * goes): a header, hunks with three lines around, each line ended; "" if nothing does. (transfer
 * full) */
char *seal_diff(const char *path, const char *before, const char *after);
