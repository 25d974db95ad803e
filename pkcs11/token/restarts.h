/* When a host that was lost is started again, and when no more. */
#pragma once

#include <glib.h>

/* Of one module; begins with zeroes. */
typedef struct {
    gint64 running_since_us;  /* 0: it does not run */
    guint losses;             /* in a row, without a minute of health */
    guint load_failures;      /* in a row */
    gint64 retiring_since_us; /* of a minute in which they are counted */
    guint retirements;
} SealRestarts;

/* A host runs and has told its tokens. */
void seal_restarts_ran(SealRestarts *restarts);

/* Somebody asks for the module: what killed its hosts may be mended. */
void seal_restarts_forgive(SealRestarts *restarts);

/* A host was lost. `at_least`: it counts as that many in a row. */
void seal_restarts_lost(SealRestarts *restarts, guint at_least);

/* The same for one that wished to be replaced, which is no fault unless it comes again and again.
 * Before the loss is told. */
void seal_restarts_retired(SealRestarts *restarts);

/* How long to wait before the next start, in ms; 0: not at all. */
guint seal_restarts_pause_ms(const SealRestarts *restarts);

/* A host ended, by `wait_status`, before it was greeted. `given_up`: it was killed by us, for what
 * it did or did not do. `for_card`: it serves one reader. TRUE if the module is given up. */
gboolean seal_restarts_failed_to_load(SealRestarts *restarts, int wait_status, gboolean given_up,
                                      gboolean for_card);
