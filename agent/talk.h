/* What is said between the agent and one pinentry process: a list of steps, each an Assuan command that
 * is answered before the next is sent. Knows no processes, clocks or turns. */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "base/secret.h"

typedef enum {
    SEAL_STEP_GREETING, /* nothing is sent, an OK is awaited */
    SEAL_STEP_WANTED,   /* an ERR is taken as "not known here" */
    SEAL_STEP_NEEDED,
    SEAL_STEP_FLAVOR,   /* GETINFO flavor */
    SEAL_STEP_ASK_PIN,  /* from here on: questions, the last of their steps */
    SEAL_STEP_CONFIRM,
    SEAL_STEP_SHOW,
} SealStepKind;

typedef enum {
    SEAL_TALK_GOES_ON,
    SEAL_TALK_ANSWERED, /* `pin` (transfer full) for SEAL_STEP_ASK_PIN, else NULL */
    SEAL_TALK_REFUSED,  /* by the person: `status` and a sentence */
    SEAL_TALK_BROKEN,   /* by the program: a phrase that goes with its name, "crashed" */
    SEAL_TALK_CLOSED,   /* the program closed the stream */
} SealTalkEnd;

typedef struct {
    SealTalkEnd end;
    SealErrorCode status;
    SealSecret *pin;
    char *message; /* (transfer full) */
} SealTalkEvent;

typedef struct SealTalk SealTalk;

/* (transfer full) No process listens yet. */
SealTalk *seal_talk_new(void);
/* Closes the stream. NULL is allowed. */
void seal_talk_free(SealTalk *talk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTalk, seal_talk_free)

/* Adds a step at the end: `verb` (NULL: nothing is sent) and `text` as for seal_assuan_command(). */
void seal_talk_add(SealTalk *talk, SealStepKind kind, const char *verb, const char *text);
/* Puts the steps of `first` (emptied) before those of `talk`. */
void seal_talk_prepend(SealTalk *talk, SealTalk *first);
/* Takes the stream `fd` (transfer full) to a fresh process. `has_terminal`: it could use one. */
void seal_talk_open(SealTalk *talk, int fd, gboolean has_terminal);
/* Closes the stream and wipes what was read; the steps stay. */
void seal_talk_close(SealTalk *talk);
/* TRUE between seal_talk_open() and seal_talk_close(). */
gboolean seal_talk_is_open(const SealTalk *talk);

/* Sends the first step. */
void seal_talk_begin(SealTalk *talk);
/* TRUE if the step under way is a question to a person. */
gboolean seal_talk_is_asking(const SealTalk *talk);
/* Reads what the program said and sends what follows from it. Does not block. After anything but
 * GOES_ON the steps are to be dropped or the talk be closed. */
SealTalkEvent seal_talk_read(SealTalk *talk);
/* Forgets all steps; the process may be asked anew. */
void seal_talk_drop_steps(SealTalk *talk);
