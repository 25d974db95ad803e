/* Who listens. All workers share one socket: a worker receives, serves and answers by itself, so a
 * request costs no hand-over between threads. The kernel wakes the one that has waited longest,
 * which is the coldest; so as few as possible listen, and the others are parked, last in first out.
 *
 * How many is enough depends on what operations do. If they compute (SoftHSM), many more workers
 * than processors only get in each other's way: one for a single client (measured: a sixth faster than
 * several), two more than processors under load. If they wait (a card, an HSM across a
 * network), each request in flight deserves a worker, and one more listens for the next. The agent
 * says in each request how many are in flight; whether operations wait is learned by sampling
 * them (sampling.h).
 *
 * A computing worker may still hang one day, with nobody listening. So somebody keeps an eye on the
 * pool while it works: the main thread, every 20 ms, and not at all once the pool is idle. */
#include "pkcs11/host/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "pkcs11/host/sampling.h"
#include "pkcs11/host/serve.h"

#define DEFAULT_SIZE 32u /* for a token without a session limit */
#define TICK_US      (20 * 1000)
#define QUIET_TICKS  25 /* half a second without a request: the pool is idle */
#define LAST_WAIT_US (2 * G_USEC_PER_SEC)

/* Beyond the processors: while one waits for a lock inside the module or lost its processor to another
 * program, the next takes a request. Without them: .82 of the rate of P-256 at eight clients. */
#define SPARE_LISTENERS 2u
/* Requests after which a higher load is forgotten. */
#define WINDOW 32u

typedef struct {
    SealPool *pool;
    SealServer server;
    GCond wake;
    gboolean parked;
    SealFd schedstat; /* what the kernel counts of this thread */
} Worker;

struct SealPool {
    SealHost *host;
    guint processors;

    GMutex lock;       /* guards the rest */
    GCond changed;     /* for the main thread: work began while it slept, or the end */
    GPtrArray *parked; /* of Worker, the hottest last */
    guint n_workers;
    guint listening;
    guint busy;
    guint load;        /* the most requests in flight that the agent told lately */
    guint window_load; /* the most in this window */
    guint window_left; /* requests until the window ends */
    guint64 taken;     /* requests so far */
    SealSampling sampling;
    gboolean watched; /* the main thread ticks */
    gboolean closing;
    gboolean malformed;
};

/* -- what operations do ------------------------------------------------------------------------ */

static gboolean
is_operation(guint16 type)
{
    return type == SEAL_FRAME_SIGN || type == SEAL_FRAME_UNWRAP;
}

/* -- how many ------------------------------------------------------------------------------------
 */

guint
seal_pool_size(SealHost *host)
{
    g_autoptr(GPtrArray) slots = NULL;
    guint size = 0;

    if (host->hello.workers > 0)
        return MIN(host->hello.workers, SEAL_SESSIONS_MAX);
    slots = seal_store_slots(host->store);
    for (guint i = 0; i < slots->len; i++) {
        const SealSlot *slot = slots->pdata[i];

        size = MAX(size, slot->info.session_limit > 0 ? slot->info.session_limit : DEFAULT_SIZE);
    }
    return CLAMP(size, 1, SEAL_SESSIONS_MAX);
}

/* Under lock: how many workers should be busy or listening. */
static guint
wanted(const SealPool *pool)
{
    if (!seal_sampling_computes(&pool->sampling))
        return pool->load + 1;
    return CLAMP(pool->load, 1, pool->processors + SPARE_LISTENERS);
}

/* Under lock. A burst counts at once, its end only after a while: a load that swings with every
 * batch of answers would park and wake a worker each time. */
static void
note_load(SealPool *pool, guint load)
{
    pool->load = MAX(pool->load, load);
    pool->window_load = MAX(pool->window_load, load);
    if (pool->window_left > 0) {
        pool->window_left--;
        return;
    }
    pool->load = pool->window_load;
    pool->window_load = load;
    pool->window_left = WINDOW;
}

static gpointer worker_main(gpointer data);

/* Under lock: one more worker listens, if there may be one. */
static void
add_listener(SealPool *pool)
{
    Worker *worker = NULL;

    if (pool->parked->len > 0) {
        worker = g_ptr_array_steal_index(pool->parked, pool->parked->len - 1);
        worker->parked = FALSE;
        pool->listening++;
        g_cond_signal(&worker->wake);
        return;
    }
    /* One beyond the sessions, so that LOGOUT and RESCAN are heard when all are in use. */
    if (pool->n_workers > seal_pool_size(pool->host))
        return;
    worker = g_new0(Worker, 1);
    worker->pool = pool;
    g_cond_init(&worker->wake);
    pool->n_workers++;
    pool->listening++;
    g_thread_unref(g_thread_new("worker", worker_main, worker));
}

/* -- a worker ------------------------------------------------------------------------------------
 */

static void
note_taken(Worker *worker, const SealFrameHeader *header, SealSample *sample)
{
    SealPool *pool = worker->pool;
    gboolean samples = FALSE;

    g_mutex_lock(&pool->lock);
    pool->listening--;
    pool->busy++;
    pool->taken++;
    note_load(pool, CLAMP(header->load, 1, 4 * SEAL_SESSIONS_MAX));
    samples = is_operation(header->type) && seal_sampling_wants(&pool->sampling);
    if (pool->listening == 0 && (!is_operation(header->type) || pool->busy < wanted(pool)))
        add_listener(pool);
    else if (pool->listening + pool->busy < wanted(pool))
        add_listener(pool);
    if (pool->listening == 0 && !pool->watched) {
        pool->watched = TRUE;
        g_cond_signal(&pool->changed);
    }
    g_mutex_unlock(&pool->lock);
    if (samples)
        seal_sample_take(worker->schedstat, sample);
}

/* Counts the worker as listening again, or parks it until it is needed. */
static void
note_done(Worker *worker, const SealSample *sample)
{
    SealPool *pool = worker->pool;
    SealSample end = {0};

    if (sample->taken)
        seal_sample_take(worker->schedstat, &end);
    g_mutex_lock(&pool->lock);
    if (sample->taken)
        seal_sampling_learn(&pool->sampling, sample, &end);
    pool->busy--;
    if (pool->listening > 0 && pool->listening + pool->busy >= wanted(pool) && !pool->closing) {
        worker->parked = TRUE;
        g_ptr_array_add(pool->parked, worker);
        while (worker->parked && !pool->closing)
            g_cond_wait(&worker->wake, &pool->lock);
    } else {
        pool->listening++;
    }
    g_mutex_unlock(&pool->lock);
}

/* The channel is at its end: wakes everybody. Each worker comes here at its own end; those that an
 * earlier one woke may be gone by then, so they are taken off the list. */
static void
close_pool(SealPool *pool, gboolean malformed)
{
    g_mutex_lock(&pool->lock);
    g_atomic_int_set(&pool->closing, TRUE); /* each worker looks at it without the lock, too */
    pool->malformed |= malformed;
    for (guint i = 0; i < pool->parked->len; i++) {
        Worker *worker = pool->parked->pdata[i];

        g_cond_signal(&worker->wake);
    }
    g_ptr_array_set_size(pool->parked, 0);
    g_cond_signal(&pool->changed);
    g_mutex_unlock(&pool->lock);
    (void)shutdown(pool->host->channel, SHUT_RDWR);
}

static void
worker_end(Worker *worker)
{
    SealPool *pool = worker->pool;

    seal_server_clear(&worker->server);
    seal_fd_clear(&worker->schedstat);
    g_mutex_lock(&pool->lock);
    pool->n_workers--;
    g_cond_signal(&pool->changed);
    g_mutex_unlock(&pool->lock);
    g_cond_clear(&worker->wake);
    g_free(worker);
}

static gpointer
worker_main(gpointer data)
{
    Worker *worker = data;
    SealPool *pool = worker->pool;
    SealFrameHeader header;
    int received = 0;
    gboolean well_formed = TRUE;

    seal_server_init(&worker->server, pool->host);
    worker->schedstat = seal_sampling_open();
    while (well_formed && !g_atomic_int_get(&pool->closing) &&
           (received = seal_server_receive(&worker->server, &header)) == 1) {
        SealSample sample = {0};

        note_taken(worker, &header, &sample);
        well_formed = seal_server_serve(&worker->server, &header);
        if (well_formed)
            note_done(worker, &sample);
    }
    if (!well_formed || received == -EPROTO)
        seal_log_error("the agent sent a malformed frame: closing the channel");
    close_pool(pool, !well_formed || received == -EPROTO);
    worker_end(worker);
    return NULL;
}

/* -- the main thread
 * ------------------------------------------------------------------------------- */

SealPool *
seal_pool_new(SealHost *host)
{
    SealPool *pool = g_new0(SealPool, 1);

    pool->host = host;
    pool->processors = g_get_num_processors();
    g_mutex_init(&pool->lock);
    g_cond_init(&pool->changed);
    pool->parked = g_ptr_array_new();
    g_mutex_lock(&pool->lock);
    add_listener(pool);
    g_mutex_unlock(&pool->lock);
    return pool;
}

/* Under lock: ticks until nothing has happened for a while. */
static void
watch(SealPool *pool)
{
    guint quiet = 0;
    guint64 seen = 0;

    while (!pool->closing && quiet < QUIET_TICKS) {
        gint64 until = g_get_monotonic_time() + TICK_US;

        seen = pool->taken;
        while (!pool->closing && g_cond_wait_until(&pool->changed, &pool->lock, until))
            ;
        if (pool->closing)
            break;
        quiet = pool->taken == seen && (pool->busy == 0 || pool->listening > 0) ? quiet + 1 : 0;
        if (pool->taken == seen && pool->busy > 0 && pool->listening == 0)
            add_listener(pool);
    }
    pool->watched = FALSE;
}

int
seal_pool_run(SealPool *pool)
{
    gint64 until = 0;
    int status = 0;

    g_mutex_lock(&pool->lock);
    while (!pool->closing) {
        if (pool->watched)
            watch(pool);
        else
            g_cond_wait(&pool->changed, &pool->lock);
    }
    until = g_get_monotonic_time() + LAST_WAIT_US;
    while (pool->n_workers > 0 && g_cond_wait_until(&pool->changed, &pool->lock, until))
        ;
    status = pool->malformed ? SEAL_HOST_EXIT_PROTOCOL : SEAL_HOST_EXIT_CLOSED;
    g_mutex_unlock(&pool->lock);
    return status;
}

gboolean
seal_pool_free(SealPool *pool)
{
    gboolean hung = FALSE;

    g_mutex_lock(&pool->lock);
    hung = pool->n_workers > 0;
    g_mutex_unlock(&pool->lock);
    if (hung)
        return FALSE;
    g_ptr_array_unref(pool->parked);
    g_mutex_clear(&pool->lock);
    g_cond_clear(&pool->changed);
    g_free(pool);
    return TRUE;
}
