/* Tokens that come and go while agent and program run: the module's reader is the moody module,
 * which tells of each change by itself. */
#include <unistd.h>

#include "tests/module/module-fixture.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

#define PRESENT "events=true\n"
#define ABSENT  "events=true\nabsent=true\n"

typedef struct {
    ModulePlace place;
    GAsyncQueue *answers; /* of what a waiting thread was told: return values, plus 1 */
} Scene;

/* By rename, so that the module sees the old mood or the new one. */
static void
set_mood(Scene *scene, const char *lines)
{
    g_autofree char *path = seal_test_home_path(scene->place.home, "mood");
    g_autofree char *text = g_strdup_printf("[mood]\n%s", lines);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
configure(Scene *scene)
{
    g_autofree char *module = seal_test_built("tests/mock/moody.so");
    g_autofree char *group = g_strdup_printf("[module moody]\npath=%s\n", module);
    g_autofree char *pin = seal_test_fixture_pin(scene->place.home);

    seal_test_agent_configure(scene->place.home, NULL, group);
    seal_test_pinentry_answer(scene->place.home, "always pin %s\n", pin);
}

static void
set_up(Scene *scene, gconstpointer data)
{
    g_autofree char *mood = NULL;
    g_autofree char *real = NULL;

    scene->place.home = seal_test_home_new();
    seal_test_fixture_new(scene->place.home);
    mood = seal_test_home_path(scene->place.home, "mood");
    real = seal_test_fixture_module(scene->place.home);
    seal_test_home_setenv(scene->place.home, "PRIVYSEAL_MOODY", mood);
    seal_test_home_setenv(scene->place.home, "PRIVYSEAL_MOODY_MODULE", real);
    set_mood(scene, PRESENT);
    seal_test_agent_new(scene->place.home);
    configure(scene);
    module_place_load(&scene->place);
    scene->answers = g_async_queue_new();
}

static void
tear_down(Scene *scene, gconstpointer data)
{
    g_async_queue_unref(scene->answers);
    module_place_tear_down(&scene->place, data);
}

static CK_ULONG
count_tokens(Scene *scene)
{
    CK_ULONG count = 0;

    module_is(scene->place.calls->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    return count;
}

/* Asks until so many tokens are there, with a deadline. */
static void
wait_for_tokens(Scene *scene, CK_ULONG wanted)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    while (count_tokens(scene) != wanted)
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
}

/* Takes the events that are there; how many. */
static guint
take_events(Scene *scene)
{
    CK_SLOT_ID slot = 0;
    guint n = 0;

    while (scene->place.calls->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL) == CKR_OK)
        n++;
    return n;
}

/* -- waiting
 * --------------------------------------------------------------------------------------- */

static gpointer
wait_for_event(gpointer data)
{
    Scene *scene = data;
    CK_SLOT_ID slot = 0;
    CK_RV rv = scene->place.calls->C_WaitForSlotEvent(0, &slot, NULL);

    g_async_queue_push(scene->answers, GSIZE_TO_POINTER(rv + 1));
    return NULL;
}

static void
expect_answer(Scene *scene, CK_RV rv)
{
    gpointer answer =
        g_async_queue_timeout_pop(scene->answers, (guint64)seal_test_deadline_ms() * 1000);

    g_assert_cmphex(GPOINTER_TO_SIZE(answer), ==, rv + 1);
}

static void
test_blocking_wait_hears(Scene *scene, gconstpointer data)
{
    CK_ULONG all = count_tokens(scene);
    GThread *thread = g_thread_new("waits", wait_for_event, scene);

    g_assert_cmpuint(all, >, 0);
    set_mood(scene, ABSENT);
    expect_answer(scene, CKR_OK);
    g_thread_join(thread);
    wait_for_tokens(scene, 0);
    (void)take_events(scene);
    thread = g_thread_new("waits", wait_for_event, scene);
    set_mood(scene, PRESENT);
    expect_answer(scene, CKR_OK);
    g_thread_join(thread);
}

/* Whoever reads the agent's announcement first tells the others: here it is mostly the thread that
 * asks all the time. */
static void
test_blocking_wait_hears_what_others_noticed(Scene *scene, gconstpointer data)
{
    CK_ULONG all = count_tokens(scene);

    for (int i = 0; i < 10; i++) {
        GThread *thread = g_thread_new("waits", wait_for_event, scene);

        set_mood(scene, i % 2 == 0 ? ABSENT : PRESENT);
        wait_for_tokens(scene, i % 2 == 0 ? 0 : all);
        expect_answer(scene, CKR_OK);
        g_thread_join(thread);
        (void)take_events(scene);
    }
}

/* Several threads may wait; each event is one's alone. */
static void
test_each_event_is_told_once(Scene *scene, gconstpointer data)
{
    CK_ULONG all = count_tokens(scene);
    GThread *threads[2];

    g_assert_cmpuint(all, ==, 3);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("waits", wait_for_event, scene);
    set_mood(scene, ABSENT);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        expect_answer(scene, CKR_OK);
    wait_for_tokens(scene, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(take_events(scene), ==, all - G_N_ELEMENTS(threads));
}

/* -- sessions and objects
 * -------------------------------------------------------------------------- */

static CK_RV
sign(Scene *scene, CK_SESSION_HANDLE session)
{
    CK_FUNCTION_LIST *calls = scene->place.calls;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1}, signature[64];
    CK_ULONG len = sizeof signature;
    CK_RV rv = calls->C_SignInit(session, &mechanism,
                                 module_find(&scene->place, session, CKO_PRIVATE_KEY, 4));

    return rv == CKR_OK ? calls->C_Sign(session, digest, sizeof digest, signature, &len) : rv;
}

/* A token that was pulled and put back: the session fails once, then it is none; a new one works.
 */
static void
test_session_fails_once(Scene *scene, gconstpointer data)
{
    CK_ULONG all = count_tokens(scene);
    CK_SLOT_ID slot = module_alice(&scene->place);
    CK_SESSION_HANDLE session = module_session(&scene->place);
    CK_SESSION_INFO info;

    module_is(sign(scene, session), CKR_OK);
    set_mood(scene, ABSENT);
    wait_for_tokens(scene, 0);
    set_mood(scene, PRESENT "insertion=1\n");
    wait_for_tokens(scene, all);
    module_is(scene->place.calls->C_GetSessionInfo(session, &info), CKR_DEVICE_REMOVED);
    module_is(scene->place.calls->C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
    g_assert_cmpuint(module_alice(&scene->place), ==, slot);
    module_is(sign(scene, module_session(&scene->place)), CKR_OK);
}

/* Pulled in the middle of an operation: that one fails, the next C_SignInit with a new session does
 * not. */
static void
test_operation_fails_with_its_token(Scene *scene, gconstpointer data)
{
    CK_ULONG all = count_tokens(scene);
    CK_SESSION_HANDLE session = module_session(&scene->place);
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1}, signature[64];
    CK_ULONG len = sizeof signature;

    module_is(scene->place.calls->C_SignInit(
                  session, &mechanism, module_find(&scene->place, session, CKO_PRIVATE_KEY, 4)),
              CKR_OK);
    set_mood(scene, ABSENT);
    wait_for_tokens(scene, 0);
    module_is(scene->place.calls->C_Sign(session, digest, sizeof digest, signature, &len),
              CKR_DEVICE_REMOVED);
    set_mood(scene, PRESENT "insertion=1\n");
    wait_for_tokens(scene, all);
    module_is(sign(scene, module_session(&scene->place)), CKR_OK);
}

#define ADD(path, test) g_test_add(path, Scene, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/events/blocking-wait/hears-of-tokens", test_blocking_wait_hears);
    ADD("/events/blocking-wait/hears-what-others-noticed",
        test_blocking_wait_hears_what_others_noticed);
    ADD("/events/blocking-wait/each-event-is-told-once", test_each_event_is_told_once);
    ADD("/events/replug/session-fails-once", test_session_fails_once);
    ADD("/events/removal/operation-fails-with-its-token", test_operation_fails_with_its_token);
    return g_test_run();
}
