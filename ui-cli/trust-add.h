/* privyseal trust add: a CA certificate becomes an anchor of the user. */
#pragma once

#include "ui-cli/options.h"

/* Adds the certificate in the file `path` ("-": standard input) after a person or --fingerprint has
 * confirmed it. Returns the exit status, or leaves it to `error`. Blocks. */
int seal_trust_add_run(const char *path, const SealOptions *options, GError **error);
