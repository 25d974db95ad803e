/* Asking a person through pinentry (Assuan over a pipe): a PIN, a confirmation, a message. One dialogue
 * at a time; others queue. No call blocks; each request ends by exactly one callback unless it is
 * cancelled first. The PIN goes from the pipe straight into a SealSecret. */
#pragma once

#include <glib.h>

#include "agent/caller.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/secret.h"

typedef struct SealPrompter SealPrompter;
typedef struct SealPrompt SealPrompt; /* one dialogue, may ask several times (wrong PIN) */

/* `pinentry`: program; `timeout_s`: of one question, 0 = none. */
SealPrompter *seal_prompter_new(SealLoop *loop, const char *pinentry, guint timeout_s);
void seal_prompter_free(SealPrompter *prompter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPrompter, seal_prompter_free)

/* What the dialogue says; copied. */
typedef struct {
    const char *title;
    const char *description; /* who asks, which token and key, what for, tries left */
    const char *prompt;      /* label of the field: "PIN" */
    const char *error;       /* (nullable) what was wrong with the last answer */
    const char *ok;          /* (nullable) label of the button */
    const char *refuse;      /* (nullable) label of a button that says no to a confirmation */
} SealPromptText;

/* status NONE: `pin` holds it (transfer full; NULL for a confirmation or message that was accepted),
 * as it was typed: it may be empty, and longer than a PIN may be. Else CANCELLED (cancel button),
 * CANCELLED with "the prompt was closed" for a closed window, DENIED (the button `refuse`), TIMED_OUT,
 * NO_PROMPTER, or BUSY (64 dialogues wait already), with a sentence. Called from the loop. */
typedef void (*SealPromptFunc)(SealErrorCode status, SealSecret *pin, const char *message,
                               gpointer user_data);

/* Opens a dialogue for `caller` (its environment chooses terminal or display). (transfer full) */
SealPrompt *seal_prompt_new(SealPrompter *prompter, const SealCaller *caller);
void seal_prompt_ask_pin(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                         gpointer user_data);
void seal_prompt_confirm(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                         gpointer user_data);
/* Shows a message until seal_prompt_free() ("use the reader's pad"); `done` is called only if the
 * person cancels or it cannot be shown. */
void seal_prompt_show(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                      gpointer user_data);
/* Closes the dialogue: no callback any more, the pinentry is ended. NULL is allowed. */
void seal_prompt_free(SealPrompt *prompt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPrompt, seal_prompt_free)
