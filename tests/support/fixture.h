/* A test's own copy of the golden fixture (softhsm-fixtures/README.md). */
#pragma once

#include <glib.h>

#include "tests/support/home.h"

/* Copies the fixture of this build folder to `fixture` in the home and points SOFTHSM2_CONF at
 * it. Aborts the test if it cannot. */
void seal_test_fixture_new(SealTestHome *home);

/* The same from another fixture of the build folder, in place of the one that is there: one that takes
 * long to make is made with the build. */
void seal_test_fixture_copy(SealTestHome *home, const char *built);

/* Makes a fixture from `profiles` (NULL-terminated names) there instead: some seconds slower. */
void seal_test_fixture_make(SealTestHome *home, const char *const *profiles);

/* The path of a file of the fixture (transfer full): "certs/alice-rsa-sign.pem". */
char *seal_test_fixture_path(SealTestHome *home, const char *name);

/* The user PIN of its tokens, and the path of SoftHSM's module (transfer full). */
char *seal_test_fixture_pin(SealTestHome *home);
char *seal_test_fixture_module(SealTestHome *home);
