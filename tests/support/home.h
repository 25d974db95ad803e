/* A folder of its own for one test: HOME, the XDG folders, and whatever the other headers of
 * tests/support add to it. Everything ends with the home: processes first, then the folder. */
#pragma once

#include <glib.h>

typedef struct SealTestHome SealTestHome;

/* Makes an empty home below the temporary folder and points HOME and the XDG variables of this
 * process at it; display, terminal and bus variables are unset. Returns a new home (transfer
 * full); aborts the test if it cannot. GLib remembers the first home's folders
 * (g_get_user_config_dir() and the like): a program whose code under test asks GLib keeps to one
 * home. */
SealTestHome *seal_test_home_new(void);

/* Ends what was started in the home, newest first, and removes the folder; it is kept, and named
 * on stderr, if SEAL_TEST_KEEP is set. NULL is allowed. */
void seal_test_home_free(SealTestHome *home);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTestHome, seal_test_home_free)

/* The path of `name` in the home (transfer full). Folders that exist from the start: config, data,
 * state, cache, run (0700), tmp. */
char *seal_test_home_path(SealTestHome *home, const char *name);

/* Writes `text` to `name` in the home, making its folder; aborts if it cannot. Returns the path
 * (transfer full). */
char *seal_test_home_write(SealTestHome *home, const char *name, const char *text);

/* Reads `name` in the home as text (transfer full); "" if there is no such file. */
char *seal_test_home_read(SealTestHome *home, const char *name);

/* Sets (or, with NULL, unsets) a variable for this process and those it starts. */
void seal_test_home_setenv(SealTestHome *home, const char *name, const char *value);

/* Calls `end(home, data)` when the home ends, before those that were asked for earlier. */
void seal_test_home_on_end(SealTestHome *home, void (*end)(SealTestHome *home, gpointer data),
                           gpointer data);

/* The path of a file that was built, e.g. "agent/privyseald", or of a source file (transfer
 * full). */
char *seal_test_built(const char *path);
char *seal_test_source(const char *path);
