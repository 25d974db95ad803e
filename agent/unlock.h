/* Login states of tokens: asks for the PIN, logs in, logs out again on Lock, idle time, age or removal.
 * Concurrent requests for one token share one dialogue. Rules 2 and 3 of docs/threat-model.md live here:
 * a PIN is never kept after its login and the one use that it was typed for, never submitted twice once refused (a salted hash in locked
 * memory remembers), and the last try is spent only when a person confirms just that. */
#pragma once

#include <glib.h>

#include "agent/lock-timer.h"
#include "agent/prompter.h"
#include "agent/registry.h"

typedef struct SealUnlocker SealUnlocker;
typedef struct SealUnlock SealUnlock; /* one request under way */
typedef struct SealPinChanger SealPinChanger;

/* All borrowed things must outlive it, but for `limits`. */
SealUnlocker *seal_unlocker_new(SealRegistry *registry, SealPrompter *prompter,
                                const SealUnlockLimits *limits);
/* Logs every token out first (frames are sent, not awaited). */
void seal_unlocker_free(SealUnlocker *unlocker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealUnlocker, seal_unlocker_free)

typedef struct {
    const SealCaller *caller;
    gboolean interactive;  /* a person may be asked */
    const char *purpose;   /* "unlock", or seal_policy_use_phrase() */
    const char *key_label; /* (nullable) */
    gboolean last_try;     /* the person asked for the token to be unlocked by name: the last try may be
                              offered, with a confirmation */
    gboolean wants_pin;    /* for a key that may want it for each use: a PIN typed for the login serves
                              it, if seal_unlock_ask_pin_async() is called during the callback */
} SealUnlockAsk;

/* status NONE: the token is unlocked. Else PIN_INCORRECT, PIN_BLOCKED, PIN_EXPIRED, CANCELLED, TIMED_OUT, NO_PROMPTER,
 * INTERACTION_REQUIRED (not interactive and locked), TOKEN_REMOVED, MODULE_FAILED, with a sentence. */
typedef void (*SealUnlockFunc)(SealErrorCode status, const char *message, gpointer user_data);

/* Makes sure that `token` is unlocked; `done` comes from the loop or, when it is unlocked already or
 * needs no login, at once from inside the call (the hot path). Returns a handle for
 * seal_unlock_cancel(), or NULL if `done` was already called. */
SealUnlock *seal_unlock_async(SealUnlocker *unlocker, SealTokenObject *token,
                              const SealUnlockAsk *ask, SealUnlockFunc done, gpointer user_data);
/* The asker left: no callback any more; the dialogue closes when nobody else waits for it. */
void seal_unlock_cancel(SealUnlock *unlock);

/* Asks for a PIN for one operation of an always-authenticate key, without login; `done` gets the PIN
 * (transfer full), or NULL at once for a token with its own pad; failures that need no person are told at
 * once too, and NULL is returned then. Wrong PINs are told by seal_unlock_pin_refused() so that they are never sent again. */
SealUnlock *seal_unlock_ask_pin_async(SealUnlocker *unlocker, SealTokenObject *token,
                                      const SealUnlockAsk *ask, SealPromptFunc done,
                                      gpointer user_data);
void seal_unlock_pin_refused(SealUnlocker *unlocker, SealTokenObject *token, const SealSecret *pin,
                             SealErrorCode status);

/* Logs out now; dialogues under way for the token are closed with CANCELLED. `done` (nullable) is called
 * when the host has answered, or at once from inside the call if nothing was unlocked; never after
 * seal_unlocker_free(). */
void seal_lock_async(SealUnlocker *unlocker, SealTokenObject *token, SealUnlockFunc done,
                     gpointer user_data);
/* All tokens; `done` when all have answered. Dialogues under way are closed with CANCELLED. */
void seal_lock_all_async(SealUnlocker *unlocker, SealUnlockFunc done, gpointer user_data);

/* A key of the token was used: the idle clock starts again. Cheap (no timer is re-armed). */
void seal_unlock_touch(SealUnlocker *unlocker, SealTokenObject *token);
/* The same for a use that counts: it is sent to the token now; it has ended, well or not. After the
 * last one that the limits allow, the token is locked, or whoever asks meanwhile must unlock it anew. */
void seal_unlock_use_begins(SealUnlocker *unlocker, SealTokenObject *token);
void seal_unlock_use_ends(SealUnlocker *unlocker, SealTokenObject *token);
/* What changes PINs (agent/pin-change.h), with the same memory of refused ones; locking ends its
 * dialogues, too. (transfer none) */
SealPinChanger *seal_unlocker_pin_changer(SealUnlocker *unlocker);
/* TRUE while any token is unlocked or a person is being asked (the agent does not exit then). */
gboolean seal_unlocker_is_active(const SealUnlocker *unlocker);
