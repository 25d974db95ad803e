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
} SealUnlockScene;

typedef struct {
    guint calls;
    SealErrorCode status;
    char *message;
} SealUnlockAnswer;

typedef struct {
    SealUnlockLimits limits;
    guint login_timeout_ms; /* 0: the test's own deadline */
    const char *moods;      /* (nullable) lines of the moody module's control file; NULL: SoftHSM alone */
    const char *tries;      /* (nullable) with moods: the PIN counter to begin with, "3" */
    const char *puk_tries;  /* the same of the PUK */
} SealUnlockSceneOptions;

/* Opens a scene on Alice's token of the golden fixture. Aborts the test if it does not appear. */
void seal_unlock_scene_open(SealUnlockScene *scene, const SealUnlockSceneOptions *options);
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
/* Changes the moods (the counter and the log of calls stay where they are). */
void seal_unlock_scene_set_moods(SealUnlockScene *scene, const char *moods);
/* The moody module's PIN counter, and how often it was called: "C_Login". */
int seal_unlock_scene_tries(SealUnlockScene *scene);
void seal_unlock_scene_set_tries(SealUnlockScene *scene, const char *tries);
/* The same of the PUK. */
int seal_unlock_scene_puk_tries(SealUnlockScene *scene);
void seal_unlock_scene_set_puk_tries(SealUnlockScene *scene, const char *tries);
guint seal_unlock_scene_calls(SealUnlockScene *scene, const char *call);
/* Runs the loop until the fake pinentry's log, or the module's, has `text` at least `count` times. */
void seal_unlock_scene_wait_prompt(SealUnlockScene *scene, const char *text, guint count);
void seal_unlock_scene_wait_call(SealUnlockScene *scene, const char *call, guint count);
/* Runs the loop until the token's state is `state`. */
void seal_unlock_scene_wait_state(SealUnlockScene *scene, SealTokenState state);
