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
/* The secrets that open a token. */
typedef enum {
    SEAL_PIN_OF_USER,
    SEAL_PIN_PUK, /* PKCS#11: the PIN of the security officer */
} SealPinKind;
/* Before the first question: it asks for this one, and goes on to another question ("Next"). */
void seal_pin_dialogue_set_kind(SealPinDialogue *dialogue, SealPinKind kind);
/* Closes it. NULL is allowed. */
void seal_pin_dialogue_free(SealPinDialogue *dialogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPinDialogue, seal_pin_dialogue_free)

/* Asks, or asks again in the same dialogue. `error` (nullable): what was wrong with the last answer. */
void seal_pin_dialogue_ask(SealPinDialogue *dialogue, const char *error);

/* For questions that follow in the same dialogue: its prompt (transfer none), and what it says, led by
 * `first_line` (transfer full). */
SealPrompt *seal_pin_dialogue_prompt(SealPinDialogue *dialogue);
char *seal_pin_dialogue_describe(const SealPinDialogue *dialogue, const char *first_line);

/* The name under which refused PINs of a kind are remembered (transfer full). */
char *seal_pin_refused_id(const SealTokenObject *token, SealPinKind kind);
/* TRUE if the token says that it takes this secret no more. */
gboolean seal_pin_is_locked(const SealTokenObject *token, SealPinKind kind);
/* Why `pin` cannot be one of `token`'s, whatever that is told of it (transfer full); NULL if it can:
 * its length, or characters that no PIN has (PKCS#11's are UTF-8). */
char *seal_pin_objection(const SealTokenObject *token, SealPinKind kind, const SealSecret *pin);

/* Remembers it if the token says that a last try is left, of its PIN or PUK, or none. */
void seal_pin_note_last_try(const SealTokenObject *token, SealRefusedPins *refused);
/* How many tries a token has left as far as it tells: -1 unknown. */
int seal_pin_tries_left(const SealTokenObject *token);
/* TRUE if the next wrong PIN could block the token: it says so, or it was refused twice and tells
 * nothing about its counter (most cards start with three tries). */
gboolean seal_pin_may_be_last_try(const SealTokenObject *token, const SealRefusedPins *refused);
/* Why a program may not spend the last try, with the way out. (transfer full) */
char *seal_pin_last_try_sentence(const SealTokenObject *token);
