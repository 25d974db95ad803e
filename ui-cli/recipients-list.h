/* Showing kept certificates. */
#pragma once

#include "pki/correspondents.h"

/* Prints `rows` (element-type SealCorrespondent) as a table or as JSON. */
void seal_recipients_print(const GPtrArray *rows, gboolean json);

/* Prints what was found (element-type SealFound), one line or object each. */
void seal_recipients_print_found(const GPtrArray *found, gboolean json);
