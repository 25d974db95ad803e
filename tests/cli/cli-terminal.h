/* privyseal on a terminal of its own, for what it shows and asks there. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
    pid_t pid;
    int master;
    GString *shown; /* what was read so far */
} SealCliTestTerminal;

/* Starts privyseal with its three descriptors on a new terminal of `columns` columns. */
SealCliTestTerminal seal_cli_test_terminal_start(const char *const *arguments,
                                                 unsigned short columns);
/* Reads until `text` was shown (NULL: until the program ended). FALSE at the deadline. */
gboolean seal_cli_test_terminal_read_until(SealCliTestTerminal *terminal, const char *text);
/* Reads to the end; the exit status. */
int seal_cli_test_terminal_end(SealCliTestTerminal *terminal);
void seal_cli_test_terminal_clear(SealCliTestTerminal *terminal);
