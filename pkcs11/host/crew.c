/* How many threads serve lanes depends on what operations do. If they wait (an HSM across a
 * network), each that is in flight deserves a thread, up to the token's sessions. If they compute,
 * more threads than processors only stand in line for each other at the module's locks: eight
 * threads of SoftHSM on two processors make three calls of futex(2) for each P-256 signature, three
 * threads make one for ten. Until enough is known (sampling.h) they are thought to compute.
 *
 * A thread that waits for the next frame of its lane is not at an operation, and another may take
 * its place. But once as many have lanes as there may be, none waits on a lane any more: what would
 * be gained by it is lost by those who wait for a thread.
 *
 * An operation that computes may hang one day. So a thread watches over the others while as many
 * are at work as may be: every 20 ms it leaves out of account who has been at one operation for
 * longer than that. It never touches the module, and sleeps without a timer otherwise. */
#include "pkcs11/host/crew.h"

#include "pkcs11/host/pool.h"

/* Beyond the processors: while one waits for a lock inside the module (pool.c). */
#define SPARE_THREADS 1
/* A thread that found nothing to do for so long ends, unless it is the last. */
#define IDLE_MS     5000
#define TICK_US     (20 * 1000)
#define QUIET_TICKS 25 /* half a second in which a thread was free at each tick */

struct SealCrew {
    SealHost *host;
    GThreadFunc serve;
    gpointer data;
    guint processors;
    gint lingering;  /* atomic */
    gint is_crowded; /* atomic */
    gint limit;      /* atomic: threads at operations at the most */
    guint tick;      /* atomic */

    GMutex lock; /* guards the rest */
    GPtrArray *members;
    SealSampling sampling;
    guint size; /* sessions of the token */
    guint n_threads, n_idle;
    guint n_stuck; /* at one operation for more than a tick */
    GCond full;    /* for the watcher */
    gboolean has_watcher, is_watched;
};

SealCrew *
seal_crew_new(SealHost *host, GThreadFunc serve, gpointer data)
{
    SealCrew *crew = g_new0(SealCrew, 1);

    crew->host = host;
    crew->serve = serve;
    crew->data = data;
    crew->processors = g_get_num_processors();
    crew->tick = 1;
    g_mutex_init(&crew->lock);
    g_cond_init(&crew->full);
    crew->members = g_ptr_array_new();
    return crew;
}

/* -- how many ------------------------------------------------------------------------------------
 */

/* Under lock. */
static void
set_limit(SealCrew *crew)
{
    guint few = crew->processors + SPARE_THREADS + crew->n_stuck;
    guint limit = seal_sampling_waits(&crew->sampling) ? crew->size : MIN(few, crew->size);

    g_atomic_int_set(&crew->limit, (gint)limit);
}

/* Under lock. */
static void
set_crowded(SealCrew *crew)
{
    guint busy = crew->n_threads - crew->n_idle;

    g_atomic_int_set(&crew->is_crowded, crew->n_idle == 0 || busy >= seal_crew_limit(crew));
}

/* Under lock: as many as may be at operations, and those who only wait on a lane. */
static guint
wanted(SealCrew *crew)
{
    return seal_crew_limit(crew) + (guint)g_atomic_int_get(&crew->lingering);
}

/* Under lock. */
static void
start_thread(SealCrew *crew)
{
    GThread *started = g_thread_try_new("lanes", crew->serve, crew->data, NULL);

    if (!started) /* those that are there serve on */
        return;
    g_thread_unref(started);
    crew->n_threads++;
    crew->n_idle++;
}

gboolean
seal_crew_muster(SealCrew *crew)
{
    guint size = seal_pool_size(crew->host);
    gboolean mustered = FALSE;

    g_mutex_lock(&crew->lock);
    crew->size = size;
    set_limit(crew);
    if (crew->n_threads == 0)
        start_thread(crew);
    set_crowded(crew);
    mustered = crew->n_threads > 0;
    g_mutex_unlock(&crew->lock);
    return mustered;
}

/* -- the watcher ---------------------------------------------------------------------------------
 */

/* Under lock. */
static void
count_stuck(SealCrew *crew)
{
    guint tick = g_atomic_int_get(&crew->tick);

    crew->n_stuck = 0;
    for (guint i = 0; i < crew->members->len; i++) {
        const SealCrewMember *member = crew->members->pdata[i];
        guint began = g_atomic_int_get(&member->at_work);

        crew->n_stuck += began != 0 && began != tick;
    }
    g_atomic_int_set(&crew->tick, tick == G_MAXUINT ? 1 : tick + 1);
    set_limit(crew);
    if (crew->n_idle == 0 && crew->n_threads < wanted(crew))
        start_thread(crew);
    set_crowded(crew);
}

static gpointer
watch_main(gpointer data)
{
    SealCrew *crew = data;
    guint quiet = 0;

    g_mutex_lock(&crew->lock);
    for (;;) {
        gint64 until_us = g_get_monotonic_time() + TICK_US;

        if (quiet > QUIET_TICKS) {
            crew->is_watched = FALSE;
            while (!crew->is_watched)
                g_cond_wait(&crew->full, &crew->lock);
            quiet = 0;
            continue;
        }
        while (g_cond_wait_until(&crew->full, &crew->lock, until_us))
            ;
        count_stuck(crew);
        quiet = crew->n_idle > 0 && crew->n_stuck == 0 ? quiet + 1 : 0;
    }
    return NULL;
}

/* Under lock: no thread is free. */
static void
call_watcher(SealCrew *crew)
{
    GThread *started = NULL;

    if (crew->is_watched || seal_crew_limit(crew) >= crew->size)
        return;
    if (!crew->has_watcher) {
        started = g_thread_try_new("watch", watch_main, crew, NULL);
        if (!started)
            return;
        g_thread_unref(started);
    }
    crew->has_watcher = TRUE;
    crew->is_watched = TRUE;
    g_cond_signal(&crew->full);
}

/* -- a thread ------------------------------------------------------------------------------------
 */

void
seal_crew_join(SealCrew *crew, SealCrewMember *member)
{
    member->schedstat = seal_sampling_open();
    g_mutex_lock(&crew->lock);
    g_ptr_array_add(crew->members, member);
    g_mutex_unlock(&crew->lock);
}

void
seal_crew_leave(SealCrew *crew, SealCrewMember *member)
{
    g_mutex_lock(&crew->lock);
    g_ptr_array_remove_fast(crew->members, member);
    g_mutex_unlock(&crew->lock);
    seal_fd_clear(&member->schedstat);
}

/* Under lock: an idle thread is counted out. It may be the only one, while those that only waited
 * on a lane a moment ago are all at operations. */
static void
dismiss(SealCrew *crew)
{
    crew->n_idle--;
    crew->n_threads--;
    if (crew->n_idle == 0)
        call_watcher(crew);
    set_crowded(crew);
}

int
seal_crew_wait_ms(SealCrew *crew)
{
    int wait_ms = -1;

    g_mutex_lock(&crew->lock);
    if (crew->n_threads > wanted(crew)) {
        dismiss(crew);
        wait_ms = 0;
    } else if (crew->n_idle > 1) {
        wait_ms = IDLE_MS;
    }
    g_mutex_unlock(&crew->lock);
    return wait_ms;
}

gboolean
seal_crew_is_spare(SealCrew *crew)
{
    gboolean is_spare = FALSE;

    g_mutex_lock(&crew->lock);
    is_spare = crew->n_idle > 1;
    if (is_spare)
        dismiss(crew);
    g_mutex_unlock(&crew->lock);
    return is_spare;
}

gboolean
seal_crew_note_busy(SealCrew *crew)
{
    gboolean samples = FALSE;

    g_mutex_lock(&crew->lock);
    crew->n_idle--;
    if (crew->n_idle == 0 && crew->n_threads < wanted(crew))
        start_thread(crew);
    if (crew->n_idle == 0)
        call_watcher(crew);
    set_crowded(crew);
    samples = seal_sampling_wants(&crew->sampling);
    g_mutex_unlock(&crew->lock);
    return samples;
}

gboolean
seal_crew_note_idle(SealCrew *crew)
{
    gboolean all = FALSE;

    g_mutex_lock(&crew->lock);
    all = ++crew->n_idle == crew->n_threads;
    set_crowded(crew);
    g_mutex_unlock(&crew->lock);
    return all;
}

/* -- an operation --------------------------------------------------------------------------------
 */

void
seal_crew_begin(SealCrew *crew, SealCrewMember *member, SealSample *sample)
{
    g_atomic_int_set(&member->at_work, g_atomic_int_get(&crew->tick));
    if (sample)
        seal_sample_take(member->schedstat, sample);
}

void
seal_crew_end(SealCrew *crew, SealCrewMember *member, const SealSample *sample)
{
    SealSample end = {0};

    g_atomic_int_set(&member->at_work, 0);
    if (!sample)
        return;
    seal_sample_take(member->schedstat, &end);
    g_mutex_lock(&crew->lock);
    seal_sampling_learn(&crew->sampling, sample, &end);
    set_limit(crew);
    g_mutex_unlock(&crew->lock);
}

void
seal_crew_linger(SealCrew *crew, gboolean begins)
{
    (void)g_atomic_int_add(&crew->lingering, begins ? 1 : -1);
}

gboolean
seal_crew_is_crowded(SealCrew *crew)
{
    return g_atomic_int_get(&crew->is_crowded);
}

guint
seal_crew_limit(SealCrew *crew)
{
    return (guint)g_atomic_int_get(&crew->limit);
}

guint
seal_crew_room(SealCrew *crew)
{
    guint room = 0;

    g_mutex_lock(&crew->lock);
    room = MIN(crew->processors + crew->n_stuck, crew->size);
    if (seal_sampling_waits(&crew->sampling))
        room = crew->size;
    g_mutex_unlock(&crew->lock);
    return room;
}

gboolean
seal_crew_has_idle(SealCrew *crew, guint n)
{
    gboolean has = FALSE;

    g_mutex_lock(&crew->lock);
    has = crew->n_idle >= n;
    g_mutex_unlock(&crew->lock);
    return has;
}

gboolean
seal_crew_may_grow(SealCrew *crew)
{
    gboolean may = FALSE;

    g_mutex_lock(&crew->lock);
    may = crew->n_threads < wanted(crew);
    g_mutex_unlock(&crew->lock);
    return may;
}
