/* How many threads serve lanes. They are no concern of its: what a thread does, and which lane. */
#pragma once

#include "pkcs11/host/host.h"
#include "pkcs11/host/sampling.h"

typedef struct SealCrew SealCrew;

/* What the crew keeps of one thread. */
typedef struct {
    guint at_work; /* atomic: the tick in which its operation began, 0: it is at none */
    SealFd schedstat;
} SealCrewMember;

/* `serve` is a thread's main function; it is given `data`. Starts none. (transfer full) */
SealCrew *seal_crew_new(SealHost *host, GThreadFunc serve, gpointer data);

/* A lane was opened: one thread at least waits for it, as many as the token's sessions may. FALSE
 * if the system starts none. */
gboolean seal_crew_muster(SealCrew *crew);

/* A thread's first and last word; in between it is idle or busy. It was counted when it was
 * started. */
void seal_crew_join(SealCrew *crew, SealCrewMember *member);
void seal_crew_leave(SealCrew *crew, SealCrewMember *member);

/* An idle thread is about to wait for a lane. Returns for how long at the most (milliseconds, -1:
 * any time); 0: there are too many, and it must leave. */
int seal_crew_wait_ms(SealCrew *crew);
/* It waited for so long in vain. TRUE: it must leave. */
gboolean seal_crew_is_spare(SealCrew *crew);
/* It has a lane; another thread may be started. TRUE if its first operation is to be sampled. */
gboolean seal_crew_note_busy(SealCrew *crew);
/* It has left its lane. TRUE if all threads are idle now. */
gboolean seal_crew_note_idle(SealCrew *crew);

/* Around each operation, with the sample that is to be taken, if any. */
void seal_crew_begin(SealCrew *crew, SealCrewMember *member, SealSample *sample);
void seal_crew_end(SealCrew *crew, SealCrewMember *member, const SealSample *sample);
/* Around the wait for the next frame of the same lane. */
void seal_crew_linger(SealCrew *crew, gboolean begins);

/* TRUE if lanes may wait for threads: then none is waited for on a lane. */
gboolean seal_crew_is_crowded(SealCrew *crew);
/* How many threads are at operations at the most. */
guint seal_crew_limit(SealCrew *crew);
/* How many the token has work for: where operations compute, as many as there are processors. */
guint seal_crew_room(SealCrew *crew);
/* TRUE if so many threads are idle. */
gboolean seal_crew_has_idle(SealCrew *crew, guint n);
/* TRUE if more threads may be started. */
gboolean seal_crew_may_grow(SealCrew *crew);
