/* The loop around a measuring program. CPU is the whole process's, by its own clock: exact to the
 * nanosecond, and threads that ended are in it. */
#include "bench/pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static gint64
clock_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

int
seal_pace_serve(SealPaceFunc run, gpointer data)
{
    char line[64];
    guint milliseconds = 0;

    puts("ready");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        gint64 wall = clock_ns(CLOCK_MONOTONIC);
        gint64 cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        guint64 operations = 0;

        if (sscanf(line, "go %u", &milliseconds) != 1) {
            (void)fprintf(stderr, "cannot read the line '%s', expected 'go MILLISECONDS'\n", line);
            return EXIT_FAILURE;
        }
        operations = run(data, g_get_monotonic_time() + (gint64)milliseconds * 1000);
        wall = clock_ns(CLOCK_MONOTONIC) - wall;
        cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        printf("done %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", operations,
               wall, cpu);
        (void)fflush(stdout);
    }
    return EXIT_SUCCESS;
}

void
seal_pace_require(gboolean fine, const char *what, GError *error)
{
    if (fine && !error)
        return;
    (void)fprintf(stderr, "%s: cannot %s%s%s\n", g_get_prgname(), what, error ? ": " : "",
                  error ? error->message : "");
    exit(EXIT_FAILURE);
}
