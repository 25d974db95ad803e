/* One running pinentry program: started in the caller's surroundings, ended and reaped without waiting.
 * What is said to it is the prompter's matter. */
#pragma once

#include <glib.h>

#include "agent/caller.h"
#include "base/error.h"
#include "base/loop.h"

typedef struct SealPinentry SealPinentry;

/* How it ended, by itself. */
typedef enum {
    SEAL_PINENTRY_EXITED,  /* by exit(), or by a signal that a person or a session sends to programs */
    SEAL_PINENTRY_CRASHED, /* by another signal */
} SealPinentryEnd;

/* Called once from the loop after the program ended and was reaped; the object is freed then. */
typedef void (*SealPinentryEndFunc)(SealPinentryEnd end, gpointer user_data);

/* Starts `program` (a path, or a name found in PATH) with the environment of this process, where what
 * concerns prompts comes from `caller` if it handed anything over. NULL with NO_PROMPTER and a sentence.
 * `ended` is called however it ends. */
SealPinentry *seal_pinentry_start(SealLoop *loop, const char *program, const SealCaller *caller,
                                  SealPinentryEndFunc ended, gpointer user_data, GError **error);
/* The stream to it, non-blocking (transfer full: the caller closes it; to be called once). */
int seal_pinentry_take_stream(SealPinentry *pinentry);
/* Asks it to end, by SIGTERM, by SIGKILL a second later; `ended` follows. A
 * terminal's settings are put back as they were before the start. May be called twice. */
void seal_pinentry_end(SealPinentry *pinentry);
/* As seal_pinentry_end(), but waits (a second at most) and calls nobody: for the end of the agent. */
void seal_pinentry_kill(SealPinentry *pinentry);

/* The value of `name` in the prompt environment of `caller`, or NULL: where the program finds its
 * terminal and display. */
const char *seal_pinentry_variable(const SealCaller *caller, const char *name);
/* TRUE if the caller has a terminal that this process can open for reading and writing. */
gboolean seal_pinentry_has_terminal(const SealPinentry *pinentry);
