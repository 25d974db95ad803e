/* Opening a folder full of mails into another. */
#pragma once

#include "ui-cli/opening.h"

/* FALSE with SEAL_USAGE_ERROR if the operands and options do not go together with --into. */
gboolean seal_opening_check_many(const SealOpening *opening, const SealOptions *options,
                                 GError **error);

/* Opens each mail that an operand names, and writes what is good into the folder of --into, under
 * the mail's own file name. What is there already is left alone, with its mail unopened. A line (or
 * with --json an object) for each goes to standard output. While one is opened the token works on
 * the next ones. Ends early with `error`, or where somebody refuses: they would be asked again for
 * each mail. Returns the exit status. Blocks; may prompt. */
int seal_opening_run_many(const SealOpening *opening, SealOptions *options,
                          const SealOpenOptions *how, GError **error);
