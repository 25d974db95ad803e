/* What each client has of the host's threads: whose lanes wait, and which one is next. A client is
 * a process, as the agent names it, with all its lanes. Everything is under the owner's lock but
 * what says otherwise. */
#pragma once

#include <glib.h>

typedef struct SealShare SealShare;

typedef struct {
    GQueue active;     /* of SealShare, the one that was chosen longest ago first */
    GHashTable *table; /* client -> SealShare */
    gint clients;      /* atomic: that have lanes */
    gint waiting;      /* atomic: lanes that wait for their turn */
    guint running;     /* threads at lanes */
} SealShares;

/* Nobody is there. Lives as long as its owner's process: it is never cleared. */
void seal_shares_init(SealShares *shares);

/* For a lane of `client`, a number; to be given back when the lane has ended. (transfer full) */
SealShare *seal_shares_join(SealShares *shares, guint32 client);
void seal_shares_leave(SealShares *shares, SealShare *share);

/* `lane` has something to serve, and waits for its turn among those of its client. */
void seal_shares_wait(SealShares *shares, SealShare *share, gpointer lane, gint64 now_us);
/* The lane whose turn it is, NULL if nobody waits, or none of them may go on yet; its client has
 * one more thread from here on, until seal_shares_done(). `room`: threads that the token has work
 * for. */
gpointer seal_shares_next(SealShares *shares, guint room, gint64 now_us);
void seal_shares_done(SealShares *shares, SealShare *share, gint64 now_us);
/* TRUE if seal_shares_next() would give one. */
gboolean seal_shares_have_next(SealShares *shares, guint room, gint64 now_us);
/* TRUE as long as clients are in each other's way, or may be again soon: it is worth looking after
 * SEAL_SHARES_TICK_US. */
gboolean seal_shares_are_contended(const SealShares *shares);
#define SEAL_SHARES_TICK_US (20 * 1000)

/* Counts an operation of the client. Without the lock. */
void seal_share_count(SealShare *share);
/* The client was found with more requests in its lane's queue than it may have. Takes its turns
 * away for a while, as long as other clients are there. Without the lock. */
void seal_share_note_flood(SealShare *share, gint64 now_us);
/* FALSE if a thread should leave the client's lane after this operation: another lane of it waits,
 * it has more threads than its share, or it floods. Without the lock. */
gboolean seal_share_may_stay(const SealShare *share);
/* TRUE if another thread may come to a lane of the client. Without the lock. */
gboolean seal_share_may_grow(const SealShare *share);
