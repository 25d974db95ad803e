/* The help pages: of one command, and of all. Written to stdout, since who asks for help wants to
 * page it. */
#pragma once

#include "ui-cli/command.h"

/* Prints the help of `command` on stdout. */
void seal_help_print_command(const SealCommand *command);
/* Prints the list of `commands` (NULL-terminated) on stdout. */
void seal_help_print_overview(const SealCommand *const *commands);
