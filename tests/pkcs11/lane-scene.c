/* The host is real, its token is SoftHSM's, and the module between them has moods. */
#include "tests/pkcs11/lane-scene.h"

#include "tests/support/wait.h"

void
scene_set_up(Scene *scene, gconstpointer mood)
{
    scene->home = seal_test_home_new();
    scene->host = seal_test_host_unlocked(scene->home, mood);
    scene->grant = seal_test_lane_grant();
}

void
scene_tear_down(Scene *scene, gconstpointer mood)
{
    seal_test_host_free(scene->host);
    seal_test_home_free(scene->home);
}

SealTestLane *
open_lane(Scene *scene)
{
    static guint32 last_number;

    return seal_test_lane_new(scene->host, ++last_number, KEY, &scene->grant);
}

guint
count_signatures(Scene *scene)
{
    return seal_test_mood_count(scene->home, "C_Sign");
}

guint
count_records(Scene *scene, SealLaneUse use, SealLaneRecord *ret_last)
{
    SealLaneRecord record;
    guint64 sequence = 0;
    guint n = 0;

    while (seal_test_host_record(scene->host, &record)) {
        g_assert_cmpuint(record.sequence, ==, ++sequence);
        if (record.use != use)
            continue;
        n++;
        if (ret_last)
            *ret_last = record;
    }
    return n;
}

void
wait_until_held(Scene *scene)
{
    g_autofree char *log = seal_test_home_path(scene->home, "calls");

    g_assert_true(seal_test_wait_for_text(log, "Held"));
}
