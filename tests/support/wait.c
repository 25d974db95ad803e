/* Waiting by inotify, pidfd and the main loop. Each wait is bounded by the same generous deadline:
 * a test that reaches it fails, one that does not loses no time. */
#include "tests/support/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"

enum { DEADLINE_MS = 20000, ASK_EVERY_MS = 20 };

int
seal_test_deadline_ms(void)
{
    const char *patience = g_getenv("SEAL_TEST_PATIENCE");
    int factor = patience != NULL ? atoi(patience) : 1;

    return DEADLINE_MS * CLAMP(factor, 1, 50);
}

static int
left_until(gint64 end_us)
{
    return (int)CLAMP((end_us - g_get_monotonic_time()) / 1000, 0, G_MAXINT / 2);
}

static gint64
end_from_now(void)
{
    return g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
}

static gboolean
file_has_text(const char *path, const char *text)
{
    g_autofree char *content = NULL;

    return g_file_get_contents(path, &content, NULL, NULL) && strstr(content, text) != NULL;
}

gboolean
seal_test_wait_for_text(const char *path, const char *text)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_auto(SealFd) watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    gint64 end_us = end_from_now();
    char events[4096];

    if (watch < 0 || inotify_add_watch(watch, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        g_error("cannot watch '%s': %s", folder, g_strerror(errno));
    while (!file_has_text(path, text)) {
        struct pollfd ready = {watch, POLLIN, 0};
        int left_ms = left_until(end_us);

        if (left_ms == 0)
            return FALSE;
        if (poll(&ready, 1, left_ms) > 0)
            while (read(watch, events, sizeof events) > 0)
                continue;
    }
    return TRUE;
}

static gboolean
go_round(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

gboolean
seal_test_wait_until(gboolean (*done)(gpointer data), gpointer data)
{
    guint timer = g_timeout_add(ASK_EVERY_MS, go_round, NULL);
    gint64 end_us = end_from_now();
    gboolean is_done = FALSE;

    while (!(is_done = done(data)) && left_until(end_us) > 0)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
    return is_done;
}

gboolean
seal_test_wait_for_end(pid_t pid)
{
    g_auto(SealFd) watch = pidfd_open(pid, 0);
    struct pollfd ready = {watch, POLLIN, 0};
    gint64 end_us = end_from_now();
    int n_ready = -1;

    if (watch < 0)
        return errno == ESRCH;
    do
        n_ready = poll(&ready, 1, left_until(end_us));
    while (n_ready < 0 && errno == EINTR);
    return n_ready == 1;
}
