/* What `privyseal doctor --json` says, for tests. */
#pragma once

#include <json-glib/json-glib.h>

#include "tests/support/home.h"

/* Runs it and returns its JSON (transfer full); fails the test unless it ends with `status`, or
 * with one that its manual names for -1. */
JsonNode *seal_test_doctor(SealTestHome *home, int status);

/* The first check of this name, with this result ("pass", "unknown", "warning", "fail") and `part`
 * in its sentence; NULL if there is none. */
JsonObject *seal_test_doctor_find(JsonNode *root, const char *name, const char *result,
                                  const char *part);

/* The same, failing the test if there is none. Returns its command, borrowed, NULL for none. */
const char *seal_test_doctor_assert(JsonNode *root, const char *name, const char *result,
                                    const char *part);
