/* Other programs, started by tests. They die with the test that started them. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "tests/support/home.h"

typedef struct {
    int status;    /* exit status; 128 + the signal's number if one ended it */
    char *out;     /* what it wrote, NUL-terminated */
    gsize out_len; /* bytes */
    char *err;
} SealTestResult;

/* Runs `argv` (NULL-terminated; found in PATH) in the home with `input` (nullable: /dev/null) on
 * its stdin, waits for its end and returns what came of it (transfer full). Aborts the test if the
 * program cannot be started or misses the deadline. */
SealTestResult *seal_test_run(SealTestHome *home, const char *const *argv, GBytes *input);

/* Frees `result`; NULL is allowed. */
void seal_test_result_free(SealTestResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTestResult, seal_test_result_free)

/* Starts `argv` and returns its pid; stdout and stderr go to the file `log` in the home. When the
 * home ends it gets SIGTERM, and SIGKILL at the deadline. Aborts if it cannot be started. */
pid_t seal_test_start(SealTestHome *home, const char *const *argv, const char *log);

/* Ends process `pid` by SIGTERM, or SIGKILL at the deadline, and reaps it if it is our child. Gone
 * already: nothing. */
void seal_test_stop(pid_t pid);

/* The pids of the children of process `pid` (a GArray of pid_t, transfer full). */
GArray *seal_test_children(pid_t pid);
/* Open descriptors of a process; 0 if it does not show them (root sees all). */
guint seal_test_count_descriptors(pid_t pid);
