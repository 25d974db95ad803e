/* A card that hangs or is slow concerns nobody but those who use it: another card signs meanwhile,
 * and what is there is told from memory. */
#include <string.h>

#include "ipc/names.h"
#include "tests/card/scene.h"
#include "tests/support/agent.h"
#include "tests/support/pinentry.h"

#define SKIPPED(scene) (!(scene)->connection)
/* A signature costs some 10 ms; the rest is room for a busy machine. What waits for alice takes 30
 * s. */
#define SOON_MS 5000

static gint64
now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

static void
assert_signs_soon(SealCardScene *scene, const char *key)
{
    g_autoptr(GError) error = NULL;
    gint64 start_ms = now_ms();

    seal_card_scene_sign(scene, key, &error);
    g_assert_no_error(error);
    g_assert_cmpint(now_ms() - start_ms, <, SOON_MS);
}

static void
insert_bob(SealCardScene *scene)
{
    seal_test_cards_tell(scene->home, "insert bob 1");
    seal_card_scene_wait(scene, "bob-rsa-sign", "locked");
    assert_signs_soon(scene, "alice-rsa-sign");
    assert_signs_soon(scene, "bob-rsa-sign");
}

typedef struct {
    SealCardScene scene; /* a connection of its own */
    gboolean done;
    char *end; /* (nullable) message of the error */
} Signing;

static gpointer
sign_alice(gpointer data)
{
    Signing *signing = data;
    g_autoptr(GError) error = NULL;

    signing->done = seal_card_scene_sign(&signing->scene, "alice-rsa-sign", &error);
    signing->end = error ? g_strdup(error->message) : NULL;
    return NULL;
}

static GThread *
start_signing(SealCardScene *scene, Signing *signing)
{
    *signing = (Signing){.scene = {scene->home, seal_test_private()}};
    return g_thread_new("alice", sign_alice, signing);
}

static void
end_signing(Signing *signing, GThread *thread)
{
    g_thread_join(thread);
    g_clear_object(&signing->scene.connection);
    g_clear_pointer(&signing->end, g_free);
}

static void
another_card_signs_meanwhile(SealCardScene *scene, gconstpointer data)
{
    Signing signing;
    GThread *thread = NULL;
    g_autofree char *key = NULL;

    if (SKIPPED(scene))
        return;
    insert_bob(scene);
    seal_test_cards_tell(scene->home, "calm alice");
    seal_test_cards_tell(scene->home, "hang alice 87 1");
    thread = start_signing(scene, &signing);
    seal_test_cards_tell(scene->home, "wait alice 87 1");
    for (guint i = 0; i < 10; i++)
        assert_signs_soon(scene, "bob-rsa-sign");
    key = seal_card_scene_key_path(scene, "alice-rsa-sign");
    g_assert_nonnull(key);
    seal_test_cards_tell(scene->home, "release alice");
    end_signing(&signing, thread);
    g_assert_true(signing.done);
}

/* Its process is killed at the deadline, and the next one hangs from its first look on. */
static void
another_card_signs_after_the_deadline(SealCardScene *scene, gconstpointer data)
{
    GError *error = NULL;

    if (SKIPPED(scene))
        return;
    insert_bob(scene);
    seal_test_cards_tell(scene->home, "calm alice");
    for (guint i = 0; i < 50; i++)
        seal_test_cards_tell(scene->home, "hang alice any 1");
    g_assert_false(seal_card_scene_sign(scene, "alice-rsa-sign", &error));
    seal_test_assert_error(error, SEAL_ERROR_TIMED_OUT, "in time");
    assert_signs_soon(scene, "bob-rsa-sign");
    seal_test_cards_tell(scene->home, "pull alice");
    assert_signs_soon(scene, "bob-rsa-sign");
    seal_test_cards_tell(scene->home, "calm alice");
    seal_test_cards_tell(scene->home, "insert alice 0");
    seal_card_scene_wait(scene, "alice-rsa-sign", "locked");
    assert_signs_soon(scene, "alice-rsa-sign");
}

/* 0.1 s for each command: a signature takes most of a second. */
static void
slow_card_is_waited_for(SealCardScene *scene, gconstpointer data)
{
    Signing signing;
    GThread *thread = NULL;

    if (SKIPPED(scene))
        return;
    insert_bob(scene);
    seal_test_cards_tell(scene->home, "calm alice");
    seal_test_cards_tell(scene->home, "slow alice 100");
    thread = start_signing(scene, &signing);
    seal_test_cards_tell(scene->home, "wait alice any 1");
    assert_signs_soon(scene, "bob-rsa-sign");
    g_assert_cmpuint(seal_test_cards_tell(scene->home, "count alice 87"), <, 2);
    end_signing(&signing, thread);
    g_assert_true(signing.done);
}

#define ADD(path, configuration, test)                                                             \
    g_test_add(path, SealCardScene, configuration, seal_card_scene_set_up, test,                   \
               seal_card_scene_tear_down)

int
main(int argc, char **argv)
{
    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    ADD("/card/hanging/another-card-signs-meanwhile", NULL, another_card_signs_meanwhile);
    ADD("/card/hanging/another-card-signs-after-the-deadline", "operation-timeout=2\n",
        another_card_signs_after_the_deadline);
    ADD("/card/slow/is-waited-for", NULL, slow_card_is_waited_for);
    return g_test_run();
}
