/* Asking a person for a new PIN, twice, in a prompt that is open already. */
#pragma once

#include <glib.h>

#include "agent/prompter.h"
#include "agent/registry.h"

typedef struct SealNewPin SealNewPin;

/* Asks by `prompt` (borrowed; nothing else is asked there meanwhile). `description`: what the dialogue
 * says; `error` (nullable): what was wrong before; `current` (nullable): what the new PIN must not be,
 * copied. `done` is called from the loop, once: NONE with a PIN that `token` may take (transfer full),
 * INVALID_INPUT when none came, else as SealPromptFunc. It may free the question. (transfer full) */
SealNewPin *seal_new_pin_ask(SealPrompt *prompt, const SealTokenObject *token,
                             const char *description, const char *error, const SealSecret *current,
                             SealPromptFunc done, gpointer user_data);
/* While it is not answered: after its prompt was freed, which would answer to it. NULL is allowed. */
void seal_new_pin_free(SealNewPin *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealNewPin, seal_new_pin_free)
