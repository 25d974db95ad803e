/* One epoll descriptor inside one GSource: every listener, host and bus connection of the agent is
 * a watch in it. With a GSource each, GLib polls all descriptors for every event; measured with 200
 * idle connections, this form costs a fifth. Single-threaded: use it from its context's thread. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct SealLoop SealLoop;
typedef struct SealWatch SealWatch;

/* `events`: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR bits, or 0 when the watch's deadline passed. The
 * callback may free its own watch or any other. */
typedef void (*SealWatchFunc)(uint32_t events, gpointer user_data);

/* Returns a loop (transfer full) attached to `context` (nullable: the default context). Aborts if
 * the kernel gives no epoll descriptor. */
SealLoop *seal_loop_new(GMainContext *context);

/* Frees the loop; every watch must have been freed before. NULL is allowed. */
void seal_loop_free(SealLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealLoop, seal_loop_free)

/* Watches `fd` (not owned; one watch a descriptor; -1: a watch with a deadline only) for `events`
 * (EPOLLIN | EPOLLOUT, level-triggered; 0 still reports EPOLLHUP and EPOLLERR). Returns a new watch
 * (transfer full). */
SealWatch *seal_loop_watch(SealLoop *loop, int fd, uint32_t events, SealWatchFunc func,
                           gpointer user_data);

/* Changes what is waited for; no system call if nothing changes. */
void seal_watch_set_events(SealWatch *watch, uint32_t events);

/* Calls back once with events 0 when g_get_monotonic_time() reaches `deadline_us`; -1 for never.
 * Cleared before the call. */
void seal_watch_set_deadline(SealWatch *watch, gint64 deadline_us);

/* Stops watching and frees; the descriptor stays open. NULL is allowed. */
void seal_watch_free(SealWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealWatch, seal_watch_free)
