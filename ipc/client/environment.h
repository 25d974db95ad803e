/* What a prompter must know of this process: its display, its terminal, its language. */
#pragma once

#include <glib.h>

/* Returns (transfer full) a NULL-terminated list of "NAME=VALUE": those variables of this process
 * that Agent1.SetEnvironment takes, values of at most 4 KiB. GPG_TTY is added where it is not set
 * and the process has a terminal. */
char **seal_environment_collect(void);
