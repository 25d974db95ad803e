/* Homes of tests. Short paths, because a socket's path must fit into 108 bytes; one folder below
 * the temporary folder each, so that tests may run at once. */
#include "tests/support/home.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

typedef struct {
    void (*end)(SealTestHome *home, gpointer data);
    gpointer data;
} Ending;

struct SealTestHome {
    char *path;
    GArray *endings; /* of Ending */
};

static const struct {
    const char *variable;
    const char *folder;
} folders[] = {
    {"XDG_CONFIG_HOME", "config"}, {"XDG_DATA_HOME", "data"},  {"XDG_STATE_HOME", "state"},
    {"XDG_CACHE_HOME", "cache"},   {"XDG_RUNTIME_DIR", "run"}, {"TMPDIR", "tmp"},
};

/* What would make a test depend on who runs it. LD_PRELOAD, which valgrind needs, is meant for the
 * test alone. */
static const char *const foreign_variables[] = {
    "DISPLAY",           "WAYLAND_DISPLAY",          "GPG_TTY",       "XAUTHORITY", "SOFTHSM2_CONF",
    "PRIVYSEAL_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_DIRS", "PINENTRY_USER_DATA",
    "LD_PRELOAD",
};

SealTestHome *
seal_test_home_new(void)
{
    SealTestHome *home = g_new0(SealTestHome, 1);

    /* Not g_get_tmp_dir(): GLib would remember the folder of an earlier home. */
    home->path = g_strdup("/tmp/seal-XXXXXX");
    if (g_mkdtemp(home->path) == NULL)
        g_error("cannot make a folder below /tmp");
    home->endings = g_array_new(FALSE, FALSE, sizeof(Ending));
    for (size_t i = 0; i < G_N_ELEMENTS(foreign_variables); i++)
        seal_test_home_setenv(home, foreign_variables[i], NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = seal_test_home_path(home, folders[i].folder);

        if (g_mkdir(path, 0700) != 0)
            g_error("cannot make '%s'", path);
        seal_test_home_setenv(home, folders[i].variable, path);
    }
    seal_test_home_setenv(home, "HOME", home->path);
    /* the machine's sessions and its sleep are not the test's */
    seal_test_home_setenv(home, "DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere");
    seal_test_home_setenv(home, "LC_ALL", "C.UTF-8");
    return home;
}

static int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)remove(path);
    return 0;
}

void
seal_test_home_free(SealTestHome *home)
{
    enum { OPEN_FOLDERS = 16 };

    if (home == NULL)
        return;
    while (home->endings->len > 0) {
        Ending ending = g_array_index(home->endings, Ending, home->endings->len - 1);

        g_array_set_size(home->endings, home->endings->len - 1);
        ending.end(home, ending.data);
    }
    if (g_getenv("SEAL_TEST_KEEP") != NULL)
        g_printerr("kept: %s\n", home->path);
    else
        (void)nftw(home->path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
    g_unsetenv("TMPDIR");
    g_array_unref(home->endings);
    g_free(home->path);
    g_free(home);
}

char *
seal_test_home_path(SealTestHome *home, const char *name)
{
    return g_build_filename(home->path, name, NULL);
}

char *
seal_test_home_write(SealTestHome *home, const char *name, const char *text)
{
    g_autofree char *path = seal_test_home_path(home, name);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;

    if (g_mkdir_with_parents(folder, 0700) != 0 || !g_file_set_contents(path, text, -1, &error))
        g_error("cannot write '%s': %s", path, error != NULL ? error->message : "no folder");
    return g_steal_pointer(&path);
}

char *
seal_test_home_read(SealTestHome *home, const char *name)
{
    g_autofree char *path = seal_test_home_path(home, name);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return g_strdup("");
    return text;
}

void
seal_test_home_setenv(SealTestHome *home, const char *name, const char *value)
{
    if (value != NULL)
        g_setenv(name, value, TRUE);
    else
        g_unsetenv(name);
}

void
seal_test_home_on_end(SealTestHome *home, void (*end)(SealTestHome *home, gpointer data),
                      gpointer data)
{
    Ending ending = {end, data};

    g_array_append_val(home->endings, ending);
}

char *
seal_test_built(const char *path)
{
    return g_build_filename(SEAL_BUILD_ROOT, path, NULL);
}

char *
seal_test_source(const char *path)
{
    return g_build_filename(SEAL_TEST_SOURCE_ROOT, path, NULL);
}
