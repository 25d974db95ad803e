/* What the tests of `privyseal setup` share. */
#include "tests/cli/setup-scene.h"

#include <string.h>
#include <sys/stat.h>

void
seal_setup_scene_set_up(SealSetupScene *scene, gconstpointer data)
{
    static const char *const foreign[] = {"GIT_CONFIG_GLOBAL", "JAVA_HOME", "OPENSSL_CONF"};

    scene->home = seal_test_home_new();
    scene->module = seal_test_built("pkcs11/module/privyseal-pkcs11.so");
    for (guint i = 0; i < G_N_ELEMENTS(foreign); i++)
        seal_test_home_setenv(scene->home, foreign[i], NULL);
}

void
seal_setup_scene_tear_down(SealSetupScene *scene, gconstpointer data)
{
    seal_test_home_free(scene->home);
    g_free(scene->module);
}

static SealTestResult *
run(SealSetupScene *scene, const char *first, va_list list)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    const char *word = first;

    g_ptr_array_add(argv, program);
    g_ptr_array_add(argv, (gpointer) "setup");
    for (; word; word = va_arg(list, const char *))
        g_ptr_array_add(argv, (gpointer)word);
    g_ptr_array_add(argv, NULL);
    return seal_test_run(scene->home, (const char *const *)argv->pdata, NULL);
}

SealTestResult *
seal_setup_scene_run(SealSetupScene *scene, const char *first, ...)
{
    SealTestResult *result = NULL;
    va_list list;

    va_start(list, first);
    result = run(scene, first, list);
    va_end(list);
    return result;
}

char *
seal_setup_scene_do(SealSetupScene *scene, const char *first, ...)
{
    g_autoptr(SealTestResult) result = NULL;
    va_list list;

    va_start(list, first);
    result = run(scene, first, list);
    va_end(list);
    seal_cli_test_assert_status(result, 0);
    return g_strdup(result->out);
}

void
seal_setup_scene_refuse(SealSetupScene *scene, int status, const char *text, const char *first, ...)
{
    g_autoptr(SealTestResult) result = NULL;
    va_list list;

    va_start(list, first);
    result = run(scene, first, list);
    va_end(list);
    seal_cli_test_assert_error(result, status, text);
}

char *
seal_setup_scene_other(SealSetupScene *scene, const char *const *argv)
{
    g_autoptr(SealTestResult) result = seal_test_run(scene->home, argv, NULL);

    seal_cli_test_assert_status(result, 0);
    return g_strdup(result->out);
}

void
seal_setup_scene_expect(SealSetupScene *scene, const char *name, const char *text)
{
    g_autofree char *path = seal_test_home_path(scene->home, name);
    g_autofree char *found = NULL;

    (void)g_file_get_contents(path, &found, NULL, NULL);
    g_assert_cmpstr(found, ==, text);
}

guint
seal_setup_scene_mode(SealSetupScene *scene, const char *name)
{
    g_autofree char *path = seal_test_home_path(scene->home, name);
    struct stat status;

    g_assert_cmpint(stat(path, &status), ==, 0);
    return status.st_mode & 07777;
}

void
seal_setup_scene_write(SealSetupScene *scene, const char *name, const char *text)
{
    g_free(seal_test_home_write(scene->home, name, text));
}
