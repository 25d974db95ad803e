/* Who serves which lane. Lanes on which nothing happens are parked in one epoll, each armed for one
 * event, and cost no thread. A thread that an event wakes adopts the lane: it receives, serves and
 * answers by itself, without a hand-over, and lingers for the next request before it parks the lane
 * again. Another thread waits in the epoll meanwhile, if there may be one more (crew.h).
 *
 * A client with several requests in flight (it says how many) gets more threads: whoever takes a
 * frame arms the lane for the next thread, up to the lane's window and its fair share of all threads.
 * Once all threads are in use, each parks its lane after one operation. A lane whose event came
 * waits for its client's turn (shares.h), which is at once as long as there is one client.
 *
 * A lane ends by its own word, clock, count or client (lane.c), by the agent's LANE_REVOKE, or with
 * this process. Whoever leaves it last tells client and agent. Threads are never joined: they live
 * as long as lanes are in use, and one of them as long as the process. */
#include "pkcs11/host/lanes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "pkcs11/host/crew.h"
#include "pkcs11/host/lane.h"
#include "pkcs11/host/records.h"
#include "pkcs11/host/serve.h"
#include "pkcs11/host/shares.h"

/* A client that goes on asks again within a network's round trip. */
#define LINGER_US (20 * 1000)
/* Events that are taken at once, where all threads are in use and clients wait for turns. */
#define EVENTS 64
/* In place of a lane's number: the timer. */
#define TICK 0u

#ifndef SO_PASSRIGHTS /* Linux 6.16; older kernels close what a client sends along */
#define SO_PASSRIGHTS 83
#endif

struct SealLanes {
    SealHost *host;
    SealRecords *records;
    const guint32 *words; /* of the agent */
    int epoll;
    int timer;   /* in the epoll, while clients are in each other's way */
    gint active; /* atomic: lanes that a thread serves */
    SealCrew *crew;

    GMutex lock;       /* guards the rest */
    GCond left;        /* for the end: a thread left its lane */
    GHashTable *table; /* number -> SealLane * (owned) */
    SealShares shares;
    gboolean ticks; /* the timer is set */
    gboolean is_ending;
};

/* A thread's own things. */
typedef struct {
    SealLanes *lanes;
    SealServer server;
    SealCrewMember member;
} Thread;

/* -- the end of a lane ------------------------------------------------------------------------- */

static void
tell_agent(SealLanes *lanes, const SealLane *lane, SealLaneEnd why)
{
    SealFrameHeader header = {.type = SEAL_FRAME_LANE_CLOSED, .lane = lane->number};
    guint32 number = why;
    struct iovec body = {&number, sizeof number};

    if (lane->revoke != 0) {
        header.type = SEAL_FRAME_LANE_REVOKE | SEAL_FRAME_REPLY;
        header.request = lane->revoke;
        body.iov_len = 0;
    }
    (void)seal_frame_send(lanes->host->channel, &header, &body, 1, TRUE);
}

/* Nobody serves the lane, and nobody will. */
static void
close_lane(SealLanes *lanes, SealLane *lane)
{
    SealLaneEnd why = (SealLaneEnd)g_atomic_int_get(&lane->end);

    if (why != SEAL_LANE_CLOSED && why != SEAL_LANE_NOT_READ)
        seal_lane_say_end(lane);
    (void)shutdown(lane->fd, SHUT_RDWR);
    seal_records_flush(lanes->records);
    tell_agent(lanes, lane, why);
    g_mutex_lock(&lanes->lock);
    seal_shares_leave(&lanes->shares, lane->share);
    g_hash_table_remove(lanes->table, GUINT_TO_POINTER(lane->number));
    g_mutex_unlock(&lanes->lock);
}

/* Under the lane's lock. TRUE once, for the one who must close it. */
static gboolean
is_to_be_closed(SealLane *lane)
{
    if (lane->is_closed || lane->busy > 0 || g_atomic_int_get(&lane->end) == SEAL_LANE_OPEN)
        return FALSE;
    lane->is_closed = TRUE;
    return TRUE;
}

/* -- parking ------------------------------------------------------------------------------------
 */

/* Under the lane's lock: the next frame, or the client's end, wakes a thread. */
static void
arm(SealLanes *lanes, SealLane *lane)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
                                .data.u32 = lane->number};

    lane->is_armed = epoll_ctl(lanes->epoll, EPOLL_CTL_MOD, lane->fd, &event) == 0;
}

/* A thread comes to a lane whose event it got. FALSE if the lane has ended meanwhile. */
static gboolean
enter(SealLanes *lanes, SealLane *lane)
{
    gboolean open = FALSE;

    g_mutex_lock(&lane->lock);
    lane->is_armed = FALSE;
    open = g_atomic_int_get(&lane->end) == SEAL_LANE_OPEN;
    if (open && lane->busy++ == 0)
        (void)g_atomic_int_add(&lanes->active, 1);
    g_mutex_unlock(&lane->lock);
    return open;
}

/* A thread leaves; the last one parks or closes the lane. */
static void
leave(SealLanes *lanes, SealLane *lane)
{
    gboolean last = FALSE, closes = FALSE;

    g_mutex_lock(&lane->lock);
    last = --lane->busy == 0;
    if (last && seal_lane_is_used_up(lane))
        seal_lane_end(lane, SEAL_LANE_USED_UP);
    closes = is_to_be_closed(lane);
    if (!lane->is_armed && g_atomic_int_get(&lane->end) == SEAL_LANE_OPEN)
        arm(lanes, lane);
    g_mutex_unlock(&lane->lock);
    if (last)
        (void)g_atomic_int_add(&lanes->active, -1);
    if (last && !seal_crew_is_crowded(lanes->crew) &&
        g_atomic_int_get(&lanes->shares.waiting) == 0)
        seal_records_flush(lanes->records);
    if (closes)
        close_lane(lanes, lane);
    g_mutex_lock(&lanes->lock);
    if (lanes->is_ending)
        g_cond_signal(&lanes->left);
    g_mutex_unlock(&lanes->lock);
}

/* Before an operation of a client that has more in flight: another thread may take the next one. */
static void
share(SealLanes *lanes, SealLane *lane, guint load)
{
    guint active = (guint)g_atomic_int_get(&lanes->active);
    guint fair = MAX(seal_crew_limit(lanes->crew) / MAX(active, 1), 1);
    guint limit = MIN(lane->grant.window, fair);

    if (load <= 1 || lane->grant.window == 1 || !seal_share_may_grow(lane->share))
        return;
    g_mutex_lock(&lane->lock);
    if (!lane->is_armed && lane->busy < limit && g_atomic_int_get(&lane->end) == SEAL_LANE_OPEN)
        arm(lanes, lane);
    g_mutex_unlock(&lane->lock);
}

static gboolean
is_armed(SealLane *lane)
{
    gboolean armed = FALSE;

    g_mutex_lock(&lane->lock);
    armed = lane->is_armed;
    g_mutex_unlock(&lane->lock);
    return armed;
}

/* -- a thread ------------------------------------------------------------------------------------
 */

/* 1: a frame is in the server. 0: none. Negative: the lane has ended. */
static int
receive(Thread *thread, SealLane *lane, SealFrameHeader *header, gboolean lingers)
{
    SealServer *server = &thread->server;
    int received = 0;

    if (lingers)
        seal_crew_linger(thread->lanes->crew, TRUE);
    /* Blocks for LINGER_US at the most: SO_RCVTIMEO. */
    received = seal_frame_receive_bare(lane->fd, header, seal_secret_data(server->frame),
                                       SEAL_FRAME_MAX, lingers);
    if (lingers)
        seal_crew_linger(thread->lanes->crew, FALSE);
    if (received == -EAGAIN)
        return 0;
    if (received == 1) {
        seal_secret_set_len(server->frame, header->length);
        return 1;
    }
    seal_lane_end(lane, received == -EPROTO ? SEAL_LANE_BROKEN : SEAL_LANE_CLOSED);
    return -1;
}

/* Serves the frame in the server; the first of a visit to a lane may be sampled. */
static void
serve_frame(Thread *thread, SealLane *lane, const SealFrameHeader *header, gboolean samples)
{
    SealLanes *lanes = thread->lanes;
    SealSample sample = {0};

    seal_crew_begin(lanes->crew, &thread->member, samples ? &sample : NULL);
    seal_lane_serve(lane, &thread->server, lanes->records, header);
    seal_crew_end(lanes->crew, &thread->member, samples ? &sample : NULL);
}

/* -- turns ---------------------------------------------------------------------------------------
 */

/* Under lock: an idle thread looks for lanes that wait, now or after a while. */
static void
tick(SealLanes *lanes, gboolean now)
{
    struct itimerspec time = {.it_value.tv_nsec = now ? 1 : SEAL_SHARES_TICK_US * 1000};

    if (lanes->ticks && !now)
        return;
    lanes->ticks = timerfd_settime(lanes->timer, 0, &time, NULL) == 0;
}

/* Under lock: those that wait must not be forgotten by threads that found nothing to do. */
static void
keep_ticking(SealLanes *lanes, gint64 now_us)
{
    if (!seal_shares_are_contended(&lanes->shares))
        return;
    tick(lanes, seal_crew_has_idle(lanes->crew, 1) &&
                    seal_shares_have_next(&lanes->shares, seal_crew_room(lanes->crew), now_us));
}

/* After each operation. Nobody is asked as long as there is one client. */
static gboolean
may_stay(SealLanes *lanes, SealLane *lane)
{
    seal_share_count(lane->share);
    if (g_atomic_int_get(&lanes->shares.clients) > 1) {
        gint64 now_us = g_get_monotonic_time();

        if (seal_lane_is_flooded(lane))
            seal_share_note_flood(lane->share, now_us);
        if (g_atomic_int_get(&lanes->shares.waiting) > 0) {
            g_mutex_lock(&lanes->lock);
            keep_ticking(lanes, now_us);
            g_mutex_unlock(&lanes->lock);
        }
    }
    return seal_share_may_stay(lane->share);
}

/* Under lock: what an event says, `number` a lane or the timer. */
static void
note_event(SealLanes *lanes, guint32 number, gint64 now_us)
{
    SealLane *lane = g_hash_table_lookup(lanes->table, GUINT_TO_POINTER(number));
    guint64 times = 0;

    if (number == TICK && read(lanes->timer, &times, sizeof times) == sizeof times)
        lanes->ticks = FALSE;
    if (lane && !lanes->is_ending)
        seal_shares_wait(&lanes->shares, lane->share, seal_lane_ref(lane), now_us);
}

/* Under lock. With all threads in use and several clients the next lane is chosen among all that have
 * something to serve. */
static void
collect(SealLanes *lanes, gint64 now_us)
{
    struct epoll_event events[EVENTS];
    int n = EVENTS;

    if (lanes->shares.clients < 2 || seal_crew_has_idle(lanes->crew, 2) ||
        seal_crew_may_grow(lanes->crew))
        return;
    while (n == EVENTS) { /* each lane comes once */
        n = epoll_wait(lanes->epoll, events, EVENTS, 0);
        for (int i = 0; i < n; i++)
            note_event(lanes, events[i].data.u32, now_us);
    }
}

/* Frames that were queued before a revocation are still received after it: seal_lane_serve() looks.
 */
static void
serve_lane(Thread *thread, SealLane *lane, gboolean samples)
{
    SealLanes *lanes = thread->lanes;
    SealFrameHeader header;
    gboolean lingers = FALSE;

    while (receive(thread, lane, &header, lingers) > 0) {
        share(lanes, lane, header.load);
        serve_frame(thread, lane, &header, samples);
        samples = FALSE;
        if (!may_stay(lanes, lane) || g_atomic_int_get(&lane->end) != SEAL_LANE_OPEN ||
            seal_lane_is_used_up(lane) || seal_crew_is_crowded(lanes->crew))
            break;
        lingers = header.load <= 1 && !is_armed(lane);
    }
    leave(lanes, lane);
}

/* Under lock: the lane whose turn it is (transfer full), NULL if there is none. */
static SealLane *
take_turn(SealLanes *lanes, gint64 now_us, gboolean *ret_samples)
{
    SealLane *lane = seal_shares_next(&lanes->shares, seal_crew_room(lanes->crew), now_us);

    if (lane)
        *ret_samples = seal_crew_note_busy(lanes->crew);
    keep_ticking(lanes, now_us);
    return lane;
}

/* Waits for a lane with something to serve. Returns it (transfer full), to be entered; NULL with
 * `*ret_ends` if the thread is one too many, else to be called again. */
static SealLane *
wait_for_lane(SealLanes *lanes, gboolean *ret_ends, gboolean *ret_samples)
{
    struct epoll_event event = {0};
    SealLane *lane = NULL;
    gint64 now_us = 0;
    int wait_ms = 0, n = 0;

    g_mutex_lock(&lanes->lock);
    wait_ms = seal_crew_wait_ms(lanes->crew);
    if (wait_ms != 0 && lanes->shares.clients > 1) {
        now_us = g_get_monotonic_time();
        collect(lanes, now_us);
        lane = take_turn(lanes, now_us, ret_samples);
    }
    g_mutex_unlock(&lanes->lock);
    *ret_ends = wait_ms == 0;
    if (lane || *ret_ends)
        return lane;
    n = epoll_wait(lanes->epoll, &event, 1, wait_ms);
    *ret_ends = n == 0 && seal_crew_is_spare(lanes->crew);
    if (n != 1)
        return NULL;
    g_mutex_lock(&lanes->lock);
    now_us = g_get_monotonic_time();
    note_event(lanes, event.data.u32, now_us);
    lane = take_turn(lanes, now_us, ret_samples);
    g_mutex_unlock(&lanes->lock);
    return lane;
}

static void
note_idle(SealLanes *lanes, SealLane *lane)
{
    gboolean all = FALSE;

    g_mutex_lock(&lanes->lock);
    seal_shares_done(&lanes->shares, lane->share, g_get_monotonic_time());
    all = seal_crew_note_idle(lanes->crew);
    g_mutex_unlock(&lanes->lock);
    if (all)
        seal_records_flush(lanes->records);
}

static gpointer
thread_main(gpointer data)
{
    Thread thread = {.lanes = data};
    SealLanes *lanes = thread.lanes;
    gboolean ends = FALSE, samples = FALSE;

    seal_server_init(&thread.server, lanes->host);
    seal_crew_join(lanes->crew, &thread.member);
    while (!ends) {
        SealLane *lane = wait_for_lane(lanes, &ends, &samples);

        if (!lane)
            continue;
        if (enter(lanes, lane))
            serve_lane(&thread, lane, samples);
        note_idle(lanes, lane);
        seal_lane_unref(lane);
    }
    seal_crew_leave(lanes->crew, &thread.member);
    seal_server_clear(&thread.server);
    return NULL;
}

/* -- opening and revoking ------------------------------------------------------------------------
 */

static gboolean
check_key(SealLanes *lanes, const SealFrameHeader *header, GError **error)
{
    g_autoptr(SealHostKey) key = seal_store_find_key(lanes->host->store, header->key);

    if (!key || key->slot->info.reference != header->generation || seal_slot_is_gone(key->slot)) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_TOKEN_REMOVED,
                            seal_error_phrase(SEAL_ERROR_TOKEN_REMOVED));
        return FALSE;
    }
    if (key->flags & SEAL_KEY_ALWAYS_AUTHENTICATE) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                            "the key wants the PIN for each use, no lane has one");
        return FALSE;
    }
    return TRUE;
}

static void
set_options(int fd)
{
    const struct timeval linger = {.tv_usec = LINGER_US};
    const int no = 0;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &linger, sizeof linger);
    (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no);
}

/* Under lock. */
static gboolean
add_lane(SealLanes *lanes, SealLane *lane, GError **error)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
                                .data.u32 = lane->number};

    if (lane->number == 0 || lane->number >= SEAL_LANE_WORD_ENDED ||
        g_hash_table_contains(lanes->table, GUINT_TO_POINTER(lane->number))) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "there cannot be a lane %u",
                    lane->number);
        return FALSE;
    }
    if (g_hash_table_size(lanes->table) >= SEAL_LANES_MAX) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED, "%u lanes are open",
                    SEAL_LANES_MAX);
        return FALSE;
    }
    lane->is_armed = TRUE;
    lane->share = seal_shares_join(&lanes->shares, lane->grant.client);
    if (!seal_crew_muster(lanes->crew) || epoll_ctl(lanes->epoll, EPOLL_CTL_ADD, lane->fd, &event) < 0) {
        seal_shares_leave(&lanes->shares, lane->share);
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                            "the system has no room for a lane");
        return FALSE;
    }
    g_hash_table_insert(lanes->table, GUINT_TO_POINTER(lane->number), seal_lane_ref(lane));
    return TRUE;
}

gboolean
seal_lanes_open(SealLanes *lanes, const SealFrameHeader *header, const SealLaneGrant *grant, int fd,
                GError **error)
{
    SealLane *lane = seal_lane_new(header->lane, header, grant, &lanes->words[grant->word], fd);
    gboolean opened = check_key(lanes, header, error);

    set_options(fd);
    if (opened) {
        g_mutex_lock(&lanes->lock);
        opened = add_lane(lanes, lane, error);
        g_mutex_unlock(&lanes->lock);
    }
    seal_lane_unref(lane);
    return opened;
}

static SealLane *
find_lane(SealLanes *lanes, guint32 number)
{
    SealLane *lane = NULL;

    g_mutex_lock(&lanes->lock);
    lane = g_hash_table_lookup(lanes->table, GUINT_TO_POINTER(number));
    if (lane)
        (void)seal_lane_ref(lane);
    g_mutex_unlock(&lanes->lock);
    return lane;
}

typedef enum {
    TO_CLOSE, /* by who ended it */
    BUSY,     /* the last thread on it closes it, and answers the agent */
    GONE,     /* closed already; its LANE_CLOSED was told, or is on its way */
} Ended;

static Ended
end_by_agent(SealLane *lane, guint64 request, SealLaneEnd why)
{
    Ended ended = GONE;

    seal_lane_end(lane, why);
    g_mutex_lock(&lane->lock);
    if (!lane->is_closed) {
        lane->revoke = request;
        (void)shutdown(lane->fd, SHUT_RD); /* wakes a thread that lingers */
        ended = is_to_be_closed(lane) ? TO_CLOSE : BUSY;
    }
    g_mutex_unlock(&lane->lock);
    return ended;
}

void
seal_lanes_revoke(SealLanes *lanes, const SealFrameHeader *header, SealLaneEnd why)
{
    SealLane *lane = find_lane(lanes, header->lane);
    Ended ended = lane ? end_by_agent(lane, header->request, why) : GONE;
    SealFrameHeader reply = {.type = SEAL_FRAME_LANE_REVOKE | SEAL_FRAME_REPLY,
                             .request = header->request,
                             .lane = header->lane};

    if (ended == TO_CLOSE)
        close_lane(lanes, lane);
    else if (ended == GONE)
        (void)seal_frame_send(lanes->host->channel, &reply, NULL, 0, TRUE);
    seal_lane_unref(lane);
}

/* -- life ----------------------------------------------------------------------------------------
 */

/* FALSE: threads would have nothing to wait with. */
static gboolean
make_epoll(SealLanes *lanes)
{
    struct epoll_event ticking = {.events = EPOLLIN, .data.u32 = TICK};

    lanes->epoll = epoll_create1(EPOLL_CLOEXEC);
    lanes->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (lanes->epoll >= 0 && lanes->timer >= 0 &&
        epoll_ctl(lanes->epoll, EPOLL_CTL_ADD, lanes->timer, &ticking) == 0)
        return TRUE;
    seal_log_warning("no lanes: they cannot be waited for: %s", g_strerror(errno));
    seal_fd_clear(&lanes->epoll);
    seal_fd_clear(&lanes->timer);
    return FALSE;
}

SealLanes *
seal_lanes_new(SealHost *host, int audit, int words)
{
    SealLanes *lanes = NULL;
    struct stat info;
    void *memory = MAP_FAILED;

    if (audit < 0 || words < 0 || fstat(words, &info) < 0 ||
        info.st_size < (off_t)(SEAL_LANES_MAX * sizeof(guint32)))
        return NULL;
    memory = mmap(NULL, SEAL_LANES_MAX * sizeof(guint32), PROT_READ, MAP_SHARED, words, 0);
    if (memory == MAP_FAILED) {
        seal_log_warning("no lanes: the revocation words cannot be read: %s", g_strerror(errno));
        return NULL;
    }
    lanes = g_new0(SealLanes, 1);
    if (!make_epoll(lanes)) {
        (void)munmap(memory, SEAL_LANES_MAX * sizeof(guint32));
        g_free(lanes);
        return NULL;
    }
    lanes->host = host;
    lanes->words = memory;
    lanes->records = seal_records_new(host, audit);
    lanes->crew = seal_crew_new(host, thread_main, lanes);
    seal_shares_init(&lanes->shares);
    g_mutex_init(&lanes->lock);
    g_cond_init(&lanes->left);
    lanes->table = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)seal_lane_unref);
    return lanes;
}

gboolean
seal_lanes_end_all(SealLanes *lanes, gint64 until_us)
{
    GHashTableIter iter;
    SealLane *lane = NULL;
    gboolean idle = FALSE;

    if (!lanes)
        return TRUE;
    g_mutex_lock(&lanes->lock);
    lanes->is_ending = TRUE;
    g_hash_table_iter_init(&iter, lanes->table);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&lane)) {
        seal_lane_end(lane, SEAL_LANE_HOST_ENDED);
        (void)shutdown(lane->fd, SHUT_RD);
    }
    while (!(idle = g_atomic_int_get(&lanes->active) == 0) &&
           g_cond_wait_until(&lanes->left, &lanes->lock, until_us))
        ;
    g_mutex_unlock(&lanes->lock);
    return idle;
}
