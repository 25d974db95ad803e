/* Lanes of programs that know only PKCS#11: a program under load has one for each connection, from
 * the connection's first operation on. The module below holds what is at the token, so that as many
 * connections are in use as threads. */
#include <string.h>

#include "tests/module/module-fixture.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

#define P256    4 /* CKA_ID */
#define THREADS 4

static void
set_mood(ModulePlace *place, const char *lines)
{
    g_autofree char *path = seal_test_home_path(place->home, "mood");
    g_autofree char *text = g_strdup_printf("[mood]\n%s", lines);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
set_up(ModulePlace *place, gconstpointer data)
{
    g_autofree char *module = seal_test_built("tests/mock/moody.so");
    g_autofree char *group = g_strdup_printf("[module moody]\npath=%s\n", module);
    g_autofree char *mood = NULL;
    g_autofree char *pin = NULL;

    place->home = seal_test_home_new();
    mood = seal_test_home_path(place->home, "mood");
    seal_test_home_setenv(place->home, "PRIVYSEAL_MOODY", mood);
    set_mood(place, "");
    seal_test_agent_new(place->home);
    seal_test_agent_configure(place->home, NULL, group);
    pin = seal_test_fixture_pin(place->home);
    seal_test_pinentry_answer(place->home, "always pin %s\n", pin);
    module_place_load(place);
}

static guint
count_opened(ModulePlace *place)
{
    g_autofree char *log = seal_test_agent_log(place->home);
    guint n = 0;

    for (const char *at = log; (at = strstr(at, "open-lane")); at++)
        n++;
    return n;
}

static void
sign(const ModuleUse *use)
{
    CK_BYTE signature[64];
    CK_ULONG len = sizeof signature;

    module_is(module_init(use, use->calls->C_SignInit, P256, CKM_ECDSA_SHA256, NULL, 0), CKR_OK);
    module_is(use->calls->C_Sign(use->session, NULL, 0, signature, &len), CKR_OK);
}

static gpointer
sign_once(gpointer place)
{
    ModuleUse use = module_use_new(place);

    sign(&use);
    return NULL;
}

static void
test_busy_program_has_one_each(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    GThread *threads[THREADS];
    gint64 until_us = 0;

    for (guint i = 0; i < 100; i++)
        sign(&use);
    g_assert_cmpuint(count_opened(place), ==, 1);
    set_mood(place, "hold=sign\n");
    until_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("signs", sign_once, place);
    while (count_opened(place) < THREADS && g_get_monotonic_time() < until_us)
        g_thread_yield(); /* none of them is done before */
    set_mood(place, "");
    for (guint i = 0; i < THREADS; i++)
        (void)g_thread_join(threads[i]);
    g_assert_cmpuint(count_opened(place), ==, THREADS);
}

static void
test_single_operation_has_none(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);

    sign(&use);
    sign(&use);
    g_assert_cmpuint(count_opened(place), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/module/lanes/busy-program-has-one-for-each-connection", ModulePlace, NULL, set_up,
               test_busy_program_has_one_each, module_place_tear_down);
    g_test_add("/module/lanes/single-operation-has-none", ModulePlace, NULL, set_up,
               test_single_operation_has_none, module_place_tear_down);
    return g_test_run();
}
