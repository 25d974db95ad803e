/* A client of the real agent and a key of Alice's, for tests of lanes. */
#pragma once

#include "ipc/client/privyseal.h"
#include "tests/support/home.h"

#include <sys/types.h>

typedef struct {
    SealTestHome *home;
    SealClient *client;
    char *key, *token;
    GBytes *public_key;
} Scene;

/* For g_test_add(). `groups`: policy rules, or NULL. */
void scene_set_up(Scene *scene, gconstpointer groups);
void scene_tear_down(Scene *scene, gconstpointer groups);

/* Takes another key. */
void find_key(Scene *scene, const char *label);

/* What is signed. */
extern const guint8 digest[32];
GBytes *try_to_sign(Scene *scene, GError **error);
/* Fails unless OpenSSL finds that it is a signature of `digest` by the key. */
void assert_good(const Scene *scene, GBytes *signature);
/* Both, `times` over. */
void sign(Scene *scene, guint times);

/* How often the agent noted `text`. */
guint count_notes(Scene *scene, const char *text);
/* The same once there are `n` of them, which must be all. */
void expect_notes(Scene *scene, const char *text, guint n);
/* Waits until the agent has noted `n` uses of lanes, which must be all. */
void wait_for_uses(Scene *scene, guint n);

/* The agent's only host. */
pid_t host_pid(Scene *scene);
/* Lanes that are open, as another program sees it. */
guint count_lanes(Scene *scene);

/* -- with the module that has moods
 * -----------------------------------------------------------------
 */

/* `lines`: of the module's group in the configuration, or NULL. */
void scene_set_up_moody(Scene *scene, gconstpointer lines);
void set_mood(Scene *scene, const char *mood);
/* Waits until an operation is at the token, which holds it (hold=sign). */
void wait_until_held(Scene *scene);
/* How often the module was called by this name. */
guint count_calls(Scene *scene, const char *name);

/* -- asynchronous calls
 * ----------------------------------------------------------------------------
 */

/* What became of them; each counts once. */
typedef struct {
    Scene *scene;
    guint finished, answered;
    guint failed[32]; /* by SealErrorCode */
    guint to_start;   /* as many more, one for each that is finished */
} Tally;

SealCall *start(Tally *tally);
void start_many(Tally *tally, guint n);
/* Runs the loop until `n` are finished. */
void finish(Tally *tally, guint n);
/* Has a lane opened for them; and has the token hold what comes then. */
void open_window(Scene *scene);
void open_window_and_hold(Scene *scene);

/* -- unwrapping
 * ------------------------------------------------------------------------------------
 */

extern const guint8 session_key[16];
/* `session_key` for the key by RSA (PKCS #1 v1.5), made by OpenSSL. */
GBytes *encrypt(Scene *scene);
SealSessionKey *unwrap(Scene *scene, GBytes *encrypted);
