/* The program privyseal as a user runs it: the build tree's, with a bus, the agent, SoftHSM tokens
 * and a scripted pinentry. One home serves all tests of a program; they lock and unlock what they
 * need. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "tests/support/home.h"
#include "tests/support/process.h"

/* From seal_cli_test_main(): the home of this test program. */
SealTestHome *seal_cli_test_home(void);

/* Makes the home, runs the tests that were added, ends the home; returns main()'s status. `add`:
 * adds them. */
int seal_cli_test_main(int argc, char **argv, void (*add)(void));

/* Runs privyseal with `arguments` (NULL-terminated) and `input` (nullable) on stdin. */
SealTestResult *seal_cli_test_run(const char *const *arguments, GBytes *input);
/* The same with the arguments in a row, the last one NULL. */
SealTestResult *seal_cli_test_privyseal(GBytes *input, ...) G_GNUC_NULL_TERMINATED;
/* Another program, found in PATH. */
SealTestResult *seal_cli_test_other(GBytes *input, ...) G_GNUC_NULL_TERMINATED;

/* Fails the test, with what the program wrote, unless it ended with `status`. */
void seal_cli_test_assert_status(const SealTestResult *result, int status);
/* Fails the test unless it ended with `status`, wrote nothing on stdout, and one line on stderr
 * that begins with "privyseal: " and contains `text`. */
void seal_cli_test_assert_error(const SealTestResult *result, int status, const char *text);

/* A path in the fixture ("root.pem", "certs/alice-rsa-sign.pem") or in the home (transfer full). */
char *seal_cli_test_fixture_file(const char *name);
char *seal_cli_test_home_file(const char *name);

/* What a result holds (transfer full); as a file in the home, its path (transfer full). */
GBytes *seal_cli_test_output(const SealTestResult *result);
char *seal_cli_test_save(const char *name, GBytes *bytes);

/* The mail that is signed and encrypted: from Alice, with CRLF lines and something beyond ASCII. */
GBytes *seal_cli_test_mail(void);
/* A line of its body. */
#define SEAL_CLI_TEST_WORDS "the Keeper never lets the seal out of his hands"

/* Waits until `done(data)` is TRUE of other processes, asking again and again. FALSE at the
 * deadline. */
gboolean seal_cli_test_wait_until(gboolean (*done)(gpointer data), gpointer data);
/* Locks every token; waits for nobody. */
void seal_cli_test_lock_all(void);

/* Every prompt gets the right PIN from here on. */
void seal_cli_test_pin_is_right(void);
