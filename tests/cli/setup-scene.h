/* A home of its own for each test of `privyseal setup`, without an agent: files and programs only.
 */
#pragma once

#include "tests/cli/cli-fixture.h"

typedef struct {
    SealTestHome *home;
    char *module; /* the path that programs are told */
} SealSetupScene;

/* The fixture's beginning and end, for g_test_add(): SEAL_SETUP_SCENE_ADD. */
void seal_setup_scene_set_up(SealSetupScene *scene, gconstpointer data);
void seal_setup_scene_tear_down(SealSetupScene *scene, gconstpointer data);

/* `privyseal setup` with `first` and the words after it, the last one NULL. (transfer full) */
SealTestResult *seal_setup_scene_run(SealSetupScene *scene, const char *first,
                                     ...) G_GNUC_NULL_TERMINATED;
/* The same, which must end with status 0; what it wrote on stdout. (transfer full) */
char *seal_setup_scene_do(SealSetupScene *scene, const char *first, ...) G_GNUC_NULL_TERMINATED;
/* The same, which must end with `status`, say `text` on stderr, and show nothing. */
void seal_setup_scene_refuse(SealSetupScene *scene, int status, const char *text, const char *first,
                             ...) G_GNUC_NULL_TERMINATED;

/* Another program; what it wrote on stdout (transfer full). It must end with status 0. */
char *seal_setup_scene_other(SealSetupScene *scene, const char *const *argv);

/* Fails unless `name` in the home holds exactly `text`; NULL: unless there is no such file. */
void seal_setup_scene_expect(SealSetupScene *scene, const char *name, const char *text);
/* Permissions of `name` in the home. */
guint seal_setup_scene_mode(SealSetupScene *scene, const char *name);
/* Writes `text` to `name` in the home, making its folder. */
void seal_setup_scene_write(SealSetupScene *scene, const char *name, const char *text);

#define SEAL_SETUP_SCENE_ADD(path, function)                                                       \
    g_test_add(path, SealSetupScene, NULL, seal_setup_scene_set_up, function,                      \
               seal_setup_scene_tear_down)
