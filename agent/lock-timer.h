/* When an unlocked token has to be locked again: after it was not used for a while, after a time in any
 * case, or after a number of uses. One wake-up source, which exists only while the timer runs. */
#pragma once

#include <glib.h>

typedef struct SealLockTimer SealLockTimer;

/* 0 = no limit. */
typedef struct {
    guint idle_s, max_s;
    guint uses;
} SealUnlockLimits;

/* `func` is called from the main context when a limit of time is reached; the timer has stopped then,
 * and may be freed from inside. (transfer full) */
SealLockTimer *seal_lock_timer_new(const SealUnlockLimits *limits, void (*func)(gpointer user_data),
                                   gpointer user_data);
/* Stops and frees. NULL is allowed. */
void seal_lock_timer_free(SealLockTimer *timer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealLockTimer, seal_lock_timer_free)

/* All limits count from now. */
void seal_lock_timer_start(SealLockTimer *timer);
/* No call any more, until it is started again. */
void seal_lock_timer_stop(SealLockTimer *timer);
/* The idle limit counts from now. Stores a time, nothing else: the source finds out when it fires. */
void seal_lock_timer_touch(SealLockTimer *timer);
/* A use begins, which counts for both; it ends, well or not. */
void seal_lock_timer_use_begins(SealLockTimer *timer);
void seal_lock_timer_use_ends(SealLockTimer *timer);
/* TRUE if no further use may begin; TRUE if none is under way. */
gboolean seal_lock_timer_is_spent(const SealLockTimer *timer);
gboolean seal_lock_timer_is_quiet(const SealLockTimer *timer);
