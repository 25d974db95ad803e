/* The agent's event loop below GLib's: epoll decides which descriptor is ready, one GSource brings
 * the callbacks into the main context.
 *
 * A callback may free any watch, also one whose event is in the batch being dispatched: freed watches
 * are marked dead and collected when no dispatch is under way.
 *
 * Events name watches by a number that is used once. A descriptor that its owner has closed already
 * (sd-bus does, at the end of a connection) cannot be taken out of the epoll, and goes by itself only
 * when nobody has it any more: a child that was spawned a moment ago has it until its exec is over.
 * What such a descriptor tells meanwhile is for nobody. Deadlines are few (one a host, one a
 * bus connection with a call in flight), so the earliest is found by walking the list, and only
 * after one was changed. */
#include "base/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/fd.h"

#define EVENTS_AT_ONCE 64

struct SealWatch {
    SealLoop *loop;
    guint64 id;
    int fd;
    uint32_t events;
    gint64 deadline_us;
    SealWatchFunc func;
    gpointer user_data;
    gboolean dead;
};

struct SealLoop {
    GSource source;
    SealFd epoll_fd;
    gpointer tag;
    GPtrArray *watches; /* all that are alive */
    GHashTable *by_id;  /* those of them that are not dead, by their id (not owned) */
    guint64 last_id;
    GPtrArray *dead;    /* freed during a dispatch */
    guint depth;        /* dispatches under way */
    gboolean deadlines_changed;
};

static void
arm_timer(SealLoop *loop)
{
    gint64 first = -1;

    if (!loop->deadlines_changed)
        return;
    loop->deadlines_changed = FALSE;
    for (guint i = 0; i < loop->watches->len; i++) {
        const SealWatch *watch = loop->watches->pdata[i];

        if (watch->deadline_us >= 0 && (first < 0 || watch->deadline_us < first))
            first = watch->deadline_us;
    }
    g_source_set_ready_time(&loop->source, first);
}

static void
dispatch_deadlines(SealLoop *loop)
{
    gint64 ready = g_source_get_ready_time(&loop->source);
    gint64 now = 0;

    if (ready < 0)
        return;
    now = g_get_monotonic_time();
    if (now < ready)
        return;
    for (guint i = 0; i < loop->watches->len; i++) {
        SealWatch *watch = loop->watches->pdata[i];

        if (watch->dead || watch->deadline_us < 0 || watch->deadline_us > now)
            continue;
        watch->deadline_us = -1;
        watch->func(0, watch->user_data);
    }
    loop->deadlines_changed = TRUE;
}

static void
collect_dead(SealLoop *loop)
{
    if (loop->depth > 0 || loop->dead->len == 0)
        return;
    for (guint i = 0; i < loop->dead->len; i++)
        g_ptr_array_remove_fast(loop->watches, loop->dead->pdata[i]);
    g_ptr_array_set_size(loop->dead, 0);
}

static gboolean
loop_dispatch(GSource *source, GSourceFunc func, gpointer user_data)
{
    SealLoop *loop = (SealLoop *)source;
    struct epoll_event batch[EVENTS_AT_ONCE];
    int ready = 0;

    loop->depth++;
    ready = epoll_wait(loop->epoll_fd, batch, EVENTS_AT_ONCE, 0);
    for (int i = 0; i < ready; i++) {
        const guint64 id = batch[i].data.u64;
        SealWatch *watch = g_hash_table_lookup(loop->by_id, &id);

        if (watch)
            watch->func(batch[i].events, watch->user_data);
    }
    dispatch_deadlines(loop);
    loop->depth--;
    collect_dead(loop);
    arm_timer(loop);
    return G_SOURCE_CONTINUE;
}

static void
loop_finalize(GSource *source)
{
    SealLoop *loop = (SealLoop *)source;

    seal_fd_clear(&loop->epoll_fd);
    g_clear_pointer(&loop->by_id, g_hash_table_unref);
    g_clear_pointer(&loop->watches, g_ptr_array_unref);
    g_clear_pointer(&loop->dead, g_ptr_array_unref);
}

/* No prepare and check: the kernel's readiness of the epoll descriptor and the ready time say all. */
static GSourceFuncs loop_funcs = {
    .dispatch = loop_dispatch,
    .finalize = loop_finalize,
};

SealLoop *
seal_loop_new(GMainContext *context)
{
    SealLoop *loop = (SealLoop *)g_source_new(&loop_funcs, sizeof *loop);

    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        g_error("cannot create an epoll descriptor: %s", g_strerror(errno));
    loop->watches = g_ptr_array_new_with_free_func(g_free);
    loop->dead = g_ptr_array_new();
    loop->by_id = g_hash_table_new(g_int64_hash, g_int64_equal);
    /* Without it GLib blocks and unblocks the source's descriptors around every dispatch: six system
     * calls an operation, measured. Callbacks do not run nested main loops. */
    g_source_set_can_recurse(&loop->source, TRUE);
    loop->tag = g_source_add_unix_fd(&loop->source, loop->epoll_fd, G_IO_IN);
    g_source_attach(&loop->source, context);
    return loop;
}

void
seal_loop_free(SealLoop *loop)
{
    if (!loop)
        return;
    g_source_destroy(&loop->source);
    g_source_unref(&loop->source);
}

SealWatch *
seal_loop_watch(SealLoop *loop, int fd, uint32_t events, SealWatchFunc func, gpointer user_data)
{
    SealWatch *watch = g_new0(SealWatch, 1);
    struct epoll_event event = {.events = events, .data.u64 = ++loop->last_id};

    watch->loop = loop;
    watch->id = loop->last_id;
    watch->fd = fd;
    watch->events = events;
    watch->deadline_us = -1;
    watch->func = func;
    watch->user_data = user_data;
    if (fd >= 0 && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        g_error("cannot watch descriptor %d: %s", fd, g_strerror(errno));
    g_ptr_array_add(loop->watches, watch);
    g_hash_table_insert(loop->by_id, &watch->id, watch);
    return watch;
}

void
seal_watch_set_events(SealWatch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = watch->id};

    if (watch->events == events || watch->fd < 0)
        return;
    watch->events = events;
    if (epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
        g_error("cannot watch descriptor %d: %s", watch->fd, g_strerror(errno));
}

void
seal_watch_set_deadline(SealWatch *watch, gint64 deadline_us)
{
    if (watch->deadline_us == deadline_us)
        return;
    watch->deadline_us = deadline_us;
    watch->loop->deadlines_changed = TRUE;
    if (watch->loop->depth == 0)
        arm_timer(watch->loop);
}

void
seal_watch_free(SealWatch *watch)
{
    SealLoop *loop = NULL;

    if (!watch || watch->dead)
        return;
    loop = watch->loop;
    if (watch->fd >= 0)
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->dead = TRUE;
    (void)g_hash_table_remove(loop->by_id, &watch->id);
    loop->deadlines_changed |= watch->deadline_us >= 0;
    watch->deadline_us = -1;
    g_ptr_array_add(loop->dead, watch);
    collect_dead(loop);
    if (loop->depth == 0)
        arm_timer(loop);
}
