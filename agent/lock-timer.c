/* The limits of a login. A use of a key only notes the time; the source fires at the limit that was
 * known when it was armed, and is armed anew if the token was used since. So a busy token costs no
 * timer calls, and a locked one no wake-ups. */
#include "agent/lock-timer.h"

struct SealLockTimer {
    gint64 idle_us, max_us;
    guint max_uses, uses;
    guint under_way;
    gint64 started_us, used_us;
    GSource *source; /* NULL while it is stopped */
    void (*func)(gpointer user_data);
    gpointer user_data;
};

SealLockTimer *
seal_lock_timer_new(const SealUnlockLimits *limits, void (*func)(gpointer user_data),
                    gpointer user_data)
{
    SealLockTimer *timer = g_new0(SealLockTimer, 1);

    timer->idle_us = (gint64)limits->idle_s * G_USEC_PER_SEC;
    timer->max_us = (gint64)limits->max_s * G_USEC_PER_SEC;
    timer->max_uses = limits->uses;
    timer->func = func;
    timer->user_data = user_data;
    return timer;
}

void
seal_lock_timer_free(SealLockTimer *timer)
{
    if (!timer)
        return;
    seal_lock_timer_stop(timer);
    g_free(timer);
}

static gint64
next_limit_us(const SealLockTimer *timer)
{
    gint64 idle = timer->idle_us > 0 ? timer->used_us + timer->idle_us : G_MAXINT64;
    gint64 age = timer->max_us > 0 ? timer->started_us + timer->max_us : G_MAXINT64;

    return MIN(idle, age);
}

static gboolean
on_source(gpointer user_data)
{
    SealLockTimer *timer = user_data;
    gint64 limit = next_limit_us(timer);

    if (g_get_monotonic_time() < limit) {
        g_source_set_ready_time(timer->source, limit);
        return G_SOURCE_CONTINUE;
    }
    seal_lock_timer_stop(timer);
    timer->func(timer->user_data);
    return G_SOURCE_REMOVE;
}

static gboolean
dispatch(GSource *source, GSourceFunc func, gpointer user_data)
{
    return func(user_data);
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

void
seal_lock_timer_start(SealLockTimer *timer)
{
    seal_lock_timer_stop(timer);
    timer->started_us = timer->used_us = g_get_monotonic_time();
    if (next_limit_us(timer) == G_MAXINT64)
        return;
    timer->source = g_source_new(&source_funcs, sizeof(GSource));
    g_source_set_callback(timer->source, on_source, timer, NULL);
    g_source_set_ready_time(timer->source, next_limit_us(timer));
    g_source_attach(timer->source, g_main_context_get_thread_default());
}

void
seal_lock_timer_stop(SealLockTimer *timer)
{
    timer->uses = 0;
    if (!timer->source)
        return;
    g_source_destroy(timer->source);
    g_clear_pointer(&timer->source, g_source_unref);
}

void
seal_lock_timer_touch(SealLockTimer *timer)
{
    timer->used_us = g_get_monotonic_time();
}

void
seal_lock_timer_use_begins(SealLockTimer *timer)
{
    seal_lock_timer_touch(timer);
    timer->uses++;
    timer->under_way++;
}

void
seal_lock_timer_use_ends(SealLockTimer *timer)
{
    if (timer->under_way > 0)
        timer->under_way--;
}

gboolean
seal_lock_timer_is_spent(const SealLockTimer *timer)
{
    return timer->max_uses > 0 && timer->uses >= timer->max_uses;
}

gboolean
seal_lock_timer_is_quiet(const SealLockTimer *timer)
{
    return timer->under_way == 0;
}
