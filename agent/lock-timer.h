/* When an unlocked token has to be locked again: after it was not used for a while, or after a time in
 * any case. One wake-up source, which exists only while the timer runs. */
#pragma once

#include <glib.h>

typedef struct SealLockTimer SealLockTimer;

/* `func` is called from the main context when a limit is reached; the timer has stopped then, and may be
 * freed from inside. Limits in microseconds, 0 = none. (transfer full) */
SealLockTimer *seal_lock_timer_new(gint64 idle_us, gint64 max_us, void (*func)(gpointer user_data),
                                   gpointer user_data);
/* Stops and frees. NULL is allowed. */
void seal_lock_timer_free(SealLockTimer *timer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealLockTimer, seal_lock_timer_free)

/* Both limits count from now. */
void seal_lock_timer_start(SealLockTimer *timer);
/* No call any more, until it is started again. */
void seal_lock_timer_stop(SealLockTimer *timer);
/* The idle limit counts from now. Stores a time, nothing else: the source finds out when it fires. */
void seal_lock_timer_touch(SealLockTimer *timer);
