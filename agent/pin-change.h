/* Giving a token another PIN: by the one that it has, or by its PUK. Asks a person for both, and sends
 * them to the token as one step. Rules 2 and 3 of docs/threat-model.md hold for the PUK as they do for
 * the PIN. */
#pragma once

#include <glib.h>

#include "agent/refused-pins.h"
#include "agent/unlock.h"

typedef struct SealPinChange SealPinChange; /* one under way */

/* All borrowed things must outlive it. (transfer full) */
SealPinChanger *seal_pin_changer_new(SealRegistry *registry, SealPrompter *prompter,
                                     SealRefusedPins *refused);
/* What is under way is not answered any more. NULL is allowed. */
void seal_pin_changer_free(SealPinChanger *changer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPinChanger, seal_pin_changer_free)

/* Changes (or unblocks) the PIN of `token` for `ask`, whose `purpose`, `key_label` and `last_try` do
 * not matter: who asks for this means the token, so the last try may be offered, with a confirmation.
 * `done` is called once, from the loop or at once: NONE, or PIN_INCORRECT, PIN_BLOCKED, INVALID_INPUT
 * (the token did not take the new PIN), NOT_SUPPORTED, NOT_PERMITTED (to a sandboxed program), BUSY (another is under way at the token), or
 * what SealUnlockFunc names, with a sentence. Returns a handle for seal_pin_change_cancel(), or NULL if
 * it was called already. */
SealPinChange *seal_pin_change_async(SealPinChanger *changer, SealTokenObject *token,
                                     SealPinStep step, const SealUnlockAsk *ask,
                                     SealUnlockFunc done, gpointer user_data);
/* The asker left: no callback any more, the dialogue closes. What was sent to the token is done. */
void seal_pin_change_cancel(SealPinChange *change);

/* Ends, as CANCELLED, what waits for a person at `token` (NULL: at each). What was sent goes on. */
void seal_pin_changer_stop(SealPinChanger *changer, const SealTokenObject *token);
/* TRUE while any is under way. */
gboolean seal_pin_changer_is_active(const SealPinChanger *changer);
