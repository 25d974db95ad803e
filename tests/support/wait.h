/* Waiting for events with a deadline: the only kind of waiting that tests do. */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* How long a test waits for what must come: 20 s, times SEAL_TEST_PATIENCE (an integer; for
 * valgrind). */
int seal_test_deadline_ms(void);

/* Waits until the file at `path` exists and contains `text`. FALSE at the deadline. Blocks without
 * running a main loop. */
gboolean seal_test_wait_for_text(const char *path, const char *text);

/* Runs the default main context until `done(data)` is TRUE, which is asked after every event, and
 * every 20 ms, as what it looks at may be another process's. FALSE at the deadline. */
gboolean seal_test_wait_until(gboolean (*done)(gpointer data), gpointer data);

/* Waits until process `pid` is gone or a zombie. FALSE at the deadline. */
gboolean seal_test_wait_for_end(pid_t pid);
