/* A doctor must not fall ill of what he examines: a service that hangs, a library that waits for
 * ever, a program that asks. Each is asked in a child process with a pipe; the child is killed at
 * the deadline, with whatever it started. What only the kernel can end (a process in an
 * uninterruptible wait) is left behind. */
#include "ui-cli/doctor/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "ui-cli/stop.h"

#define OUTPUT_MAX (64u * 1024)
/* After SIGKILL, for the kernel to let it go. */
#define BURIAL_MS 500

void
seal_apart_clear(SealApart *apart)
{
    g_clear_pointer(&apart->out, g_free);
}

/* In the child. */
static void
be_apart(int fd)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)setpgid(0, 0);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
}

static int
left_ms(gint64 deadline_us)
{
    return (int)MAX((deadline_us - g_get_monotonic_time()) / 1000, 0);
}

/* FALSE when it should be killed. */
static gboolean
read_all(int fd, gint64 deadline_us, GString *out)
{
    for (;;) {
        struct pollfd waiting = {fd, POLLIN, 0};
        char buffer[4096];
        ssize_t len = 0;
        int r = poll(&waiting, 1, left_ms(deadline_us));

        if (r < 0 && errno == EINTR && seal_stop_check(NULL))
            continue;
        if (r <= 0)
            return FALSE;
        len = read(fd, buffer, sizeof buffer);
        if (len <= 0)
            return len == 0;
        if (out->len + (gsize)len > OUTPUT_MAX)
            return FALSE;
        g_string_append_len(out, buffer, len);
    }
}

/* A program may close its output and live on. FALSE if it does so until the deadline. */
static gboolean
await_end(pid_t child, int pidfd, gint64 deadline_us, int *ret_status)
{
    struct pollfd waiting = {pidfd, POLLIN, 0};
    int status = 0;

    while (poll(&waiting, 1, left_ms(deadline_us)) < 0 && errno == EINTR)
        continue;
    if (waitpid(child, &status, WNOHANG) != child)
        return FALSE;
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return TRUE;
}

static void
attend(pid_t child, int fd, guint deadline_ms, SealApart *ret_apart)
{
    g_auto(SealFd) pidfd = pidfd_open(child, 0);
    gint64 deadline_us = g_get_monotonic_time() + (gint64)deadline_ms * 1000;
    GString *out = g_string_new(NULL);
    int status = -1;

    if (!read_all(fd, deadline_us, out) || !await_end(child, pidfd, deadline_us, &status)) {
        gint64 burial_us = g_get_monotonic_time() + BURIAL_MS * 1000;

        ret_apart->late = TRUE;
        (void)kill(-child, SIGKILL);
        (void)kill(child, SIGKILL);
        (void)await_end(child, pidfd, burial_us, &status);
        status = -1;
    }
    ret_apart->status = status;
    ret_apart->out = g_utf8_make_valid(out->str, -1);
    g_string_free(out, TRUE);
}

/* One of `argv` and `ask`. */
static void
start(const char *const *argv, void (*ask)(int fd), guint deadline_ms, SealApart *ret_apart)
{
    int pipe_fds[2] = {-1, -1};
    g_auto(SealFd) read_end = -1;
    g_auto(SealFd) write_end = -1;
    pid_t child = -1;

    *ret_apart = (SealApart){.status = -1};
    if (pipe2(pipe_fds, O_CLOEXEC) == 0) {
        read_end = pipe_fds[0];
        write_end = pipe_fds[1];
        child = fork();
    }
    if (child < 0) {
        ret_apart->out = g_strdup(g_strerror(errno));
        return;
    }
    if (child == 0) {
        be_apart(write_end);
        if (ask)
            ask(STDOUT_FILENO);
        else
            (void)execv(argv[0], (char *const *)argv);
        _exit(ask ? EXIT_SUCCESS : 127);
    }
    seal_fd_clear(&write_end);
    attend(child, read_end, deadline_ms, ret_apart);
}

void
seal_apart_run(const char *const *argv, guint deadline_ms, SealApart *ret_apart)
{
    start(argv, NULL, deadline_ms, ret_apart);
}

void
seal_apart_call(void (*ask)(int fd), guint deadline_ms, SealApart *ret_apart)
{
    start(NULL, ask, deadline_ms, ret_apart);
}

char *
seal_apart_find(const char *program)
{
    static const char *const folders[] = {"/usr/local/sbin", "/usr/sbin", "/sbin"};
    char *path = g_find_program_in_path(program);

    for (guint i = 0; !path && i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *tried = g_build_filename(folders[i], program, NULL);

        if (access(tried, X_OK) == 0)
            path = g_steal_pointer(&tried);
    }
    return path;
}
