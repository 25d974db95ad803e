/* Copies of the golden fixture. SoftHSM wants the absolute path of its tokens in its
 * configuration, so that line is written anew. */
#include "tests/support/fixture.h"

#include <string.h>

#include "config.h"
#include "tests/support/process.h"

static void
run_or_abort(SealTestHome *home, const char *const *argv)
{
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, NULL);

    if (result->status != 0)
        g_error("'%s' failed with %d: %s", argv[0], result->status, result->err);
}

static void
point_softhsm_at(SealTestHome *home)
{
    g_autofree char *tokens = seal_test_fixture_path(home, "tokens");
    g_autofree char *text = g_strdup_printf("directories.tokendir = %s\n"
                                            "objectstore.backend = file\n"
                                            "log.level = ERROR\n"
                                            "slots.removable = false\n",
                                            tokens);
    g_autofree char *path = seal_test_home_write(home, "fixture/softhsm2.conf", text);

    seal_test_home_setenv(home, "SOFTHSM2_CONF", path);
}

void
seal_test_fixture_new(SealTestHome *home)
{
    seal_test_fixture_copy(home, "softhsm-fixtures/golden");
}

void
seal_test_fixture_copy(SealTestHome *home, const char *built)
{
    g_autofree char *theirs = seal_test_built(built);
    g_autofree char *mine = seal_test_home_path(home, "fixture");
    const char *remove[] = {"rm", "-rf", mine, NULL};
    const char *copy[] = {"cp", "-R", theirs, mine, NULL};

    run_or_abort(home, remove);
    run_or_abort(home, copy);
    point_softhsm_at(home);
}

void
seal_test_fixture_make(SealTestHome *home, const char *const *profiles)
{
    g_autofree char *script = seal_test_source("softhsm-fixtures/make-token");
    g_autofree char *mine = seal_test_home_path(home, "fixture");
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    seal_test_home_setenv(home, "PRIVYSEAL_BUILD", SEAL_BUILD_ROOT);
    g_ptr_array_add(argv, script);
    g_ptr_array_add(argv, mine);
    for (; *profiles != NULL; profiles++)
        g_ptr_array_add(argv, (char *)*profiles);
    g_ptr_array_add(argv, NULL);
    run_or_abort(home, (const char *const *)argv->pdata);
    point_softhsm_at(home);
}

char *
seal_test_fixture_path(SealTestHome *home, const char *name)
{
    g_autofree char *below = g_build_filename("fixture", name, NULL);

    return seal_test_home_path(home, below);
}

char *
seal_test_fixture_pin(SealTestHome *home)
{
    return seal_test_home_read(home, "fixture/pin");
}

char *
seal_test_fixture_module(SealTestHome *home)
{
    return g_strchomp(seal_test_home_read(home, "fixture/module"));
}
