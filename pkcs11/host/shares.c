/* Threads and turns are shared between clients, not lanes: who opens many lanes, or has many
 * requests in flight, has no more of either than one that asks, waits for the answer, and asks
 * again.
 *
 * Threads: as long as several clients are active, each has an equal part, and more only where one
 * is left over for each of the others. Turns: of the lanes that wait the next is one of the client
 * with the fewest operations so far. Who comes back after a pause begins with the fewest of those
 * who are there, so that nobody saves turns up. A client that is alone is not limited, and pays for
 * none of this but its count.
 *
 * A client that floods (it keeps more in a lane's queue than the lane's window) has half a share:
 * two turns are counted for each operation, and it waits as long as it is ahead of any other client
 * that was active within the last tick, even if threads are idle. Who keeps to the window is never
 * held back for somebody who does not ask. */
#include "pkcs11/host/shares.h"

#define FLOOD_WEIGHT 2
/* A flooder that was not seen to flood for so long is none: the most that one is held back while
 * another client's operation hangs. */
#define FLOOD_KEEP_US G_USEC_PER_SEC

struct SealShare {
    guint32 client;
    guint lanes;
    GQueue waiting;
    gint64 seen_us; /* when the last thread left */
    gboolean is_active;

    /* atomic */
    guint64 turns;
    gint64 flood_us; /* found flooding; 0: not */
    gint weight;     /* turns of an operation */
    gint n_waiting;
    gint running;
    gint allowed; /* threads */
};

static guint64
turns_of(const SealShare *share)
{
    return __atomic_load_n(&share->turns, __ATOMIC_RELAXED);
}

static gint64
flood_of(const SealShare *share)
{
    return __atomic_load_n(&share->flood_us, __ATOMIC_RELAXED);
}

/* -- who is there --------------------------------------------------------------------------------
 */

static gboolean
is_busy(const SealShare *share)
{
    return share->running > 0 || share->n_waiting > 0;
}

static void
forget(SealShares *shares, SealShare *share)
{
    if (share->lanes > 0 || is_busy(share))
        return;
    if (share->is_active)
        g_queue_remove(&shares->active, share);
    g_hash_table_remove(shares->table, GUINT_TO_POINTER(share->client));
    g_free(share);
}

/* Those that have not been there for a while go, and each of the rest gets an equal part. */
static void
look_around(SealShares *shares, guint room, gint64 now_us)
{
    guint part = 0;

    for (GList *at = shares->active.head, *next = NULL; at; at = next) {
        SealShare *share = at->data;

        next = at->next;
        if (is_busy(share) || now_us - share->seen_us < SEAL_SHARES_TICK_US)
            continue;
        share->is_active = FALSE;
        g_queue_delete_link(&shares->active, at);
    }
    part = shares->active.length > 1 ? MAX(room / shares->active.length, 1) : G_MAXINT;
    for (GList *at = shares->active.head; at; at = at->next) {
        SealShare *share = at->data;

        g_atomic_int_set(&share->allowed, (gint)part);
        if (now_us - flood_of(share) > FLOOD_KEEP_US)
            __atomic_store_n(&share->flood_us, 0, __ATOMIC_RELAXED);
        g_atomic_int_set(&share->weight, flood_of(share) != 0 ? FLOOD_WEIGHT : 1);
    }
}

static guint64
fewest_turns(const SealShares *shares, const SealShare *besides)
{
    guint64 fewest = G_MAXUINT64;

    for (const GList *at = shares->active.head; at; at = at->next)
        if (at->data != besides)
            fewest = MIN(fewest, turns_of(at->data));
    return fewest;
}

static void
enter(SealShares *shares, SealShare *share)
{
    guint64 fewest = fewest_turns(shares, share);

    if (share->is_active)
        return;
    share->is_active = TRUE;
    if (fewest != G_MAXUINT64 && fewest > turns_of(share))
        __atomic_store_n(&share->turns, fewest, __ATOMIC_RELAXED);
    g_queue_push_tail(&shares->active, share);
}

/* -- turns ---------------------------------------------------------------------------------------
 */

static gboolean
may_go(const SealShares *shares, const SealShare *share, guint room)
{
    guint others = shares->active.length - 1;

    if (share->n_waiting == 0)
        return FALSE;
    if (others == 0)
        return TRUE;
    if (flood_of(share) != 0)
        return share->running == 0 && turns_of(share) <= fewest_turns(shares, share);
    return share->running < share->allowed || shares->running + others < room;
}

static SealShare *
choose(SealShares *shares, guint room, gint64 now_us)
{
    SealShare *chosen = NULL;

    look_around(shares, room, now_us);
    for (GList *at = shares->active.head; at; at = at->next)
        if (may_go(shares, at->data, room) && (!chosen || turns_of(at->data) < turns_of(chosen)))
            chosen = at->data;
    return chosen;
}

void
seal_shares_wait(SealShares *shares, SealShare *share, gpointer lane, gint64 now_us)
{
    enter(shares, share);
    g_queue_push_tail(&share->waiting, lane);
    g_atomic_int_inc(&share->n_waiting);
    g_atomic_int_inc(&shares->waiting);
}

gpointer
seal_shares_next(SealShares *shares, guint room, gint64 now_us)
{
    SealShare *share = choose(shares, room, now_us);

    if (!share)
        return NULL;
    g_queue_remove(&shares->active, share);
    g_queue_push_tail(&shares->active, share);
    g_atomic_int_inc(&share->running);
    shares->running++;
    g_atomic_int_add(&share->n_waiting, -1);
    g_atomic_int_add(&shares->waiting, -1);
    return g_queue_pop_head(&share->waiting);
}

gboolean
seal_shares_have_next(SealShares *shares, guint room, gint64 now_us)
{
    return choose(shares, room, now_us) != NULL;
}

void
seal_shares_done(SealShares *shares, SealShare *share, gint64 now_us)
{
    share->seen_us = now_us;
    shares->running--;
    g_atomic_int_add(&share->running, -1);
    forget(shares, share);
}

gboolean
seal_shares_are_contended(const SealShares *shares)
{
    return shares->waiting > 0 || shares->active.length > 1;
}

/* -- a client ------------------------------------------------------------------------------------
 */

void
seal_share_count(SealShare *share)
{
    (void)__atomic_fetch_add(&share->turns, (guint64)g_atomic_int_get(&share->weight),
                             __ATOMIC_RELAXED);
}

void
seal_share_note_flood(SealShare *share, gint64 now_us)
{
    __atomic_store_n(&share->flood_us, now_us, __ATOMIC_RELAXED);
}

gboolean
seal_share_may_stay(const SealShare *share)
{
    return g_atomic_int_get(&share->n_waiting) == 0 &&
           g_atomic_int_get(&share->running) <= g_atomic_int_get(&share->allowed) &&
           flood_of(share) == 0;
}

gboolean
seal_share_may_grow(const SealShare *share)
{
    return g_atomic_int_get(&share->running) < g_atomic_int_get(&share->allowed) &&
           flood_of(share) == 0;
}

/* -- life ----------------------------------------------------------------------------------------
 */

SealShare *
seal_shares_join(SealShares *shares, guint32 client)
{
    SealShare *share = g_hash_table_lookup(shares->table, GUINT_TO_POINTER(client));

    if (!share) {
        share = g_new0(SealShare, 1);
        share->client = client;
        share->weight = 1;
        share->allowed = G_MAXINT;
        g_hash_table_insert(shares->table, GUINT_TO_POINTER(client), share);
    }
    if (share->lanes++ == 0)
        g_atomic_int_inc(&shares->clients);
    return share;
}

void
seal_shares_leave(SealShares *shares, SealShare *share)
{
    if (--share->lanes == 0)
        g_atomic_int_add(&shares->clients, -1);
    forget(shares, share);
}

void
seal_shares_init(SealShares *shares)
{
    *shares = (SealShares){.active = G_QUEUE_INIT, .table = g_hash_table_new(NULL, NULL)};
}
