/* What a program warns of, as a thing to test. */
#pragma once

#include <glib.h>

/* From now on warnings are collected in place of being written, and do not end the test. */
void seal_test_catch_warnings(void);

/* Asserts that the warnings since the last call are as many as `patterns` (NULL-terminated) and
 * match them in order; * and ? stand for anything. Forgets them. */
void seal_test_expect_warnings(const char *const *patterns);
