/* How a measuring program talks with bench/run.py: it sets everything up, says `ready`, and for each
 * line `go MILLISECONDS` works as fast as it can for that long and answers
 * `done OPERATIONS WALL_NS CPU_NS`. End of input ends it. So a process is loaded, logged in and warm
 * once, and rounds of different programs can alternate every half second. */
#pragma once

#include <glib.h>

/* Works until g_get_monotonic_time() reaches `deadline_us`; returns the number of operations done.
 * A failed operation ends the program: a benchmark of failures is none. */
typedef guint64 (*SealPaceFunc)(gpointer data, gint64 deadline_us);

/* Serves standard input until its end. Returns the exit status for main(). Blocks. */
int seal_pace_serve(SealPaceFunc run, gpointer data);

/* Ends the program with a sentence on stderr if `error` is set (takes it) or `fine` is FALSE. */
void seal_pace_require(gboolean fine, const char *what, GError *error);
