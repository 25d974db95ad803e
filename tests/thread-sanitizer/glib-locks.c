/* ThreadSanitizer sees the locks of pthread_mutex_lock(3), not GLib's: GMutex and GCond are made of
 * futexes, inside of a library that was not built with the sanitizer, so that everything they guard
 * would look like a race. In builds with -Db_sanitize=thread these functions stand before GLib's:
 * each calls GLib's and tells the sanitizer what that did. Nothing is hidden by it: what no lock
 * guards is still a race.
 *
 * So does the last holder of a counted box, which frees what others wrote, and who is first in
 * g_once_init_enter(). What threads did is ordered by pthread_join(3), which the sanitizer sees. */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

#undef g_once_init_leave

/* Declares `real`: GLib's function of that name, looked up once. */
#define REAL(name)                                                                                 \
    static __typeof__(&(name)) known;                                                              \
    __typeof__(&(name)) real = __atomic_load_n(&known, __ATOMIC_RELAXED);                          \
                                                                                                   \
    if (!real) {                                                                                   \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                                 \
        __atomic_store_n(&known, real, __ATOMIC_RELAXED);                                          \
    }

void
g_mutex_lock(GMutex *mutex)
{
    REAL(g_mutex_lock)

    __tsan_mutex_pre_lock(mutex, 0);
    real(mutex);
    __tsan_mutex_post_lock(mutex, 0, 0);
}

gboolean
g_mutex_trylock(GMutex *mutex)
{
    REAL(g_mutex_trylock)
    gboolean locked = FALSE;

    __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
    locked = real(mutex);
    __tsan_mutex_post_lock(mutex,
                           __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
    return locked;
}

void
g_mutex_unlock(GMutex *mutex)
{
    REAL(g_mutex_unlock)

    (void)__tsan_mutex_pre_unlock(mutex, 0);
    real(mutex);
    __tsan_mutex_post_unlock(mutex, 0);
}

void
g_mutex_clear(GMutex *mutex)
{
    REAL(g_mutex_clear)

    __tsan_mutex_destroy(mutex, 0);
    real(mutex);
}

/* Waiting gives the mutex up and takes it again. */

void
g_cond_wait(GCond *cond, GMutex *mutex)
{
    REAL(g_cond_wait)

    (void)__tsan_mutex_pre_unlock(mutex, 0);
    __tsan_mutex_post_unlock(mutex, 0);
    real(cond, mutex);
    __tsan_mutex_pre_lock(mutex, 0);
    __tsan_mutex_post_lock(mutex, 0, 0);
}

gboolean
g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    REAL(g_cond_wait_until)
    gboolean signalled = FALSE;

    (void)__tsan_mutex_pre_unlock(mutex, 0);
    __tsan_mutex_post_unlock(mutex, 0);
    signalled = real(cond, mutex, end_time);
    __tsan_mutex_pre_lock(mutex, 0);
    __tsan_mutex_post_lock(mutex, 0, 0);
    return signalled;
}

void
g_atomic_rc_box_release_full(gpointer box, GDestroyNotify clear)
{
    REAL(g_atomic_rc_box_release_full)

    /* Who does not free pays an acquire too much, which could hide a race between holders: the
     * sanitizer cannot be told afterwards, when the box is gone. */
    __tsan_release(box);
    __tsan_acquire(box);
    real(box, clear);
}

void
g_once_init_leave(volatile void *location, gsize result)
{
    REAL(g_once_init_leave)

    __tsan_release((void *)location);
    real(location, result);
}
