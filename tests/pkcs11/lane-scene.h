/* A host with Alice's token unlocked, and lanes to one of her keys, for tests. */
#pragma once

#include "tests/pkcs11/lane-client.h"

#define KEY     "Alice P-256 signing"
#define INSTANT "instant=true" /* the token signs nothing, at once */

typedef struct {
    SealTestHome *home;
    SealTestHost *host;
    SealLaneGrant grant; /* for the next lane */
} Scene;

/* For g_test_add(). `mood`: of the moody module. */
void scene_set_up(Scene *scene, gconstpointer mood);
void scene_tear_down(Scene *scene, gconstpointer mood);

/* A lane with a number of its own (transfer full). */
SealTestLane *open_lane(Scene *scene);
/* How often the token was used. */
guint count_signatures(Scene *scene);
/* The records of that kind that are there now; none may be missing before or between them.
 * `ret_last` (nullable): the last one. */
guint count_records(Scene *scene, SealLaneUse use, SealLaneRecord *ret_last);
/* Waits until an operation is at the token, which holds it (hold=sign). */
void wait_until_held(Scene *scene);

#define ADD(path, mood, test) g_test_add(path, Scene, mood, scene_set_up, test, scene_tear_down)
