/* Everything below the PIN keeper, real: a registry over a real host and module, a prompter over the
 * fake pinentry; and a request with its answer. */
#pragma once

#include <glib.h>

#include "agent/unlock.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    SealLoop *loop;
    SealRegistry *registry;
    SealPrompter *prompter;
    SealUnlocker *unlocker;
    SealCaller *caller;
    SealTokenObject *token;
    char *pin; /* of SoftHSM's tokens */
    GPtrArray *states; /* names of the token's states, in order */
} SealUnlockScene;

typedef struct {
    guint calls;
    SealErrorCode status;
    char *message;
} SealUnlockAnswer;

/* Opens a scene on the token `label`: of `module`, or with NULL of SoftHSM with the golden fixture.
 * `idle_s`, `max_s` as for seal_unlocker_new(). Aborts the test if the token does not appear. */
void seal_unlock_scene_open(SealUnlockScene *scene, const char *module, const char *label,
                            guint idle_s, guint max_s);
/* Ends all; aborts if a child process is left. */
void seal_unlock_scene_close(SealUnlockScene *scene);

/* A request as a mail program makes one. */
SealUnlockAsk seal_unlock_scene_ask(const SealUnlockScene *scene);
/* A SealUnlockFunc over a SealUnlockAnswer. */
void seal_unlock_on_answer(SealErrorCode status, const char *message, gpointer user_data);
/* Waits for exactly one call, checks its status and takes it back; `part` (nullable) is in its
 * message. */
void seal_unlock_expect(SealUnlockAnswer *answer, SealErrorCode status, const char *part);
void seal_unlock_answer_clear(SealUnlockAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealUnlockAnswer, seal_unlock_answer_clear)

/* Asks to unlock, waits, and expects `status`. */
void seal_unlock_scene_try(SealUnlockScene *scene, const SealUnlockAsk *ask, SealErrorCode status,
                           const char *part);
/* How often `part` stands in the fake pinentry's log. */
guint seal_unlock_scene_prompts(SealUnlockScene *scene, const char *part);
/* Runs the loop until the token's state is `state`. */
void seal_unlock_scene_wait_state(SealUnlockScene *scene, SealTokenState state);
