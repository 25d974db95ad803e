/* The dialogue that gets one token's PIN from a person: what it says, which answers are worth sending,
 * and the confirmation before a last try. Knows nothing of logins. */
#pragma once

#include <glib.h>

#include "agent/refused-pins.h"
#include "agent/unlock.h"

typedef struct SealPinDialogue SealPinDialogue;

/* (transfer full) `token`, `prompter` and `refused` are borrowed, `ask` is copied. `done` is called from
 * the loop, or from inside seal_pin_dialogue_ask(), once for each of its calls: NONE with a PIN that may
 * be sent (transfer full), or NONE with NULL for a token with its own pad: the message to use it stays
 * until the dialogue is freed, and `done` comes again if the person cancels it. Else as SealPromptFunc, or
 * PIN_INCORRECT when no usable PIN came or only one try is left. It may free the dialogue. */
SealPinDialogue *seal_pin_dialogue_new(SealPrompter *prompter, const SealRefusedPins *refused,
                                       const SealTokenObject *token, const SealUnlockAsk *ask,
                                       SealPromptFunc done, gpointer user_data);
/* Closes it. NULL is allowed. */
void seal_pin_dialogue_free(SealPinDialogue *dialogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPinDialogue, seal_pin_dialogue_free)

/* Asks, or asks again in the same dialogue. `error` (nullable): what was wrong with the last answer. */
void seal_pin_dialogue_ask(SealPinDialogue *dialogue, const char *error);

/* How many tries a token has left as far as it tells: -1 unknown. */
int seal_pin_tries_left(const SealTokenObject *token);
/* TRUE if the next wrong PIN could block the token: it says so, or it was refused twice and tells
 * nothing about its counter (most cards start with three tries). */
gboolean seal_pin_may_be_last_try(const SealTokenObject *token, const SealRefusedPins *refused);
/* Why a program may not spend the last try, with the way out. (transfer full) */
char *seal_pin_last_try_sentence(const SealTokenObject *token);
