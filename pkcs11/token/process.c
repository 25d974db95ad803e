/* Spawning a host so that nothing of the agent leaks into it and nothing of it stays behind.
 *
 * Every copy of the host's socket ends is closed here as soon as the child has its own, so that the
 * death of the host is EOF on the channel at once. A pidfd says when the process can be reaped:
 * SIGCHLD stays untouched, and no pid can be mistaken for its successor. The socket for records is
 * not watched: the host rings on the channel when there are some, and what is left when it has
 * ended is read then. */
#include "pkcs11/token/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"

#define HOST_CHANNEL_FD 3
#define HOST_AUDIT_FD   4
#define HOST_WORDS_FD   5
#define HOST_FIRST_FREE 6
/* Ours are duplicated above the child's numbers before the child's dup2 calls could hit them. */
#define SAFE_FD 10
/* How long a killed process may take to be reaped while we leave; then init inherits it. */
#define KILLED_MS 1000

struct SealProcess {
    pid_t pid; /* 0 once it was reaped */
    SealFd channel;
    SealFd audit;
    SealFd pidfd;
    SealWatch *pid_watch;
    SealLaneBook *lanes; /* (nullable) */
    const SealProcessEvents *events;
    gpointer user_data;
};

/* -- end -------------------------------------------------------------------------------------- */

/* TRUE once the process was reaped; never waits. */
static gboolean
reap(SealProcess *process, int *ret_status)
{
    int status = 0;
    pid_t reaped = 0;

    do
        reaped = waitpid(process->pid, &status, WNOHANG);
    while (reaped < 0 && errno == EINTR);
    if (reaped == 0)
        return FALSE;
    process->pid = 0;
    *ret_status = status;
    return TRUE;
}

static void
on_pid_ready(uint32_t events, gpointer user_data)
{
    SealProcess *process = user_data;
    int status = 0;

    if (!reap(process, &status))
        return;
    g_clear_pointer(&process->pid_watch, seal_watch_free);
    if (process->lanes)
        seal_lane_book_close_all(process->lanes, SEAL_LANE_HOST_ENDED);
    process->events->ended(process, status, process->user_data);
}

/* -- start ------------------------------------------------------------------------------------ */

static gboolean
make_channel(SealFd *ret_ours, SealFd *ret_theirs)
{
    int pair[2] = {-1, -1};
    int moved = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return FALSE;
    moved = fcntl(pair[1], F_DUPFD_CLOEXEC, SAFE_FD);
    (void)close(pair[1]);
    if (moved < 0) {
        (void)close(pair[0]);
        return FALSE;
    }
    *ret_ours = pair[0];
    *ret_theirs = moved;
    return TRUE;
}

/* What the child does between fork and exec; stdout goes where stderr goes, since vendors print. */
static int
set_actions(posix_spawn_file_actions_t *actions, int channel, int audit, int words)
{
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, channel, HOST_CHANNEL_FD);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(actions, audit, HOST_AUDIT_FD);
    if (!failed && words >= 0)
        failed = posix_spawn_file_actions_adddup2(actions, words, HOST_WORDS_FD);
    if (!failed)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, HOST_FIRST_FREE);
    return failed;
}

/* A process group of its own: Ctrl-C at the agent's terminal must not end the host before it was
 * told to log out. Signals start from their defaults. */
static int
set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setsigmask(attributes, &none);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETSIGMASK);
}

/* The host's command line (transfer full). */
static GPtrArray *
arguments_of(const char *program, const char *module_path, const char *module_name,
             const char *reader, gboolean has_words)
{
    const char *const fixed[] = {program,     "--module", module_path, "--name", module_name,
                                 "--channel", "3",        "--audit",   "4"};
    GPtrArray *arguments = g_ptr_array_new();

    for (gsize i = 0; i < G_N_ELEMENTS(fixed); i++)
        g_ptr_array_add(arguments, (gpointer)fixed[i]);
    if (reader) {
        g_ptr_array_add(arguments, (gpointer) "--reader");
        g_ptr_array_add(arguments, (gpointer)reader);
    }
    if (has_words) {
        g_ptr_array_add(arguments, (gpointer) "--revoke");
        g_ptr_array_add(arguments, (gpointer) "5");
    }
    g_ptr_array_add(arguments, NULL);
    return arguments;
}

static int
spawn(const GPtrArray *arguments, int channel, int audit, int words, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = 0;

    G_STATIC_ASSERT(HOST_CHANNEL_FD == 3 && HOST_AUDIT_FD == 4 && HOST_WORDS_FD == 5);
    failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed)
        failed = set_actions(&actions, channel, audit, words);
    if (!failed)
        failed = set_attributes(&attributes);
    if (!failed)
        failed = posix_spawn(ret_pid, arguments->pdata[0], &actions, &attributes,
                             (char *const *)arguments->pdata, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static SealProcess *
spawn_failed(SealProcess *process, int reason, const char *program, GError **error)
{
    SealErrorCode code = SEAL_ERROR_UNREACHABLE;

    if (reason == EAGAIN || reason == ENOMEM || reason == EMFILE || reason == ENFILE)
        code = SEAL_ERROR_BUSY;
    g_set_error(error, SEAL_ERROR, (gint)code, "cannot start '%s': %s", program,
                g_strerror(reason));
    seal_process_free(process, 0);
    return NULL;
}

SealProcess *
seal_process_spawn(SealLoop *loop, const char *program, const char *module_path,
                   const char *module_name, const char *reader, const SealProcessEvents *events,
                   gpointer user_data, GError **error)
{
    SealProcess *process = g_new0(SealProcess, 1);
    g_autoptr(GPtrArray) arguments = NULL;
    g_auto(SealFd) host_channel = -1;
    g_auto(SealFd) host_audit = -1;
    g_auto(SealFd) host_words = -1;
    int failed = 0;

    process->channel = process->audit = process->pidfd = -1;
    process->events = events;
    process->user_data = user_data;
    if (!make_channel(&process->channel, &host_channel) ||
        !make_channel(&process->audit, &host_audit))
        return spawn_failed(process, errno, program, error);
    process->lanes = seal_lane_book_new(process->audit, &events->lanes, user_data);
    if (process->lanes)
        host_words = fcntl(seal_lane_book_words(process->lanes), F_DUPFD_CLOEXEC, SAFE_FD);
    arguments = arguments_of(program, module_path, module_name, reader, host_words >= 0);
    failed = spawn(arguments, host_channel, host_audit, host_words, &process->pid);
    if (failed) {
        process->pid = 0;
        return spawn_failed(process, failed, program, error);
    }
    process->pidfd = pidfd_open(process->pid, 0);
    if (process->pidfd < 0)
        return spawn_failed(process, errno, program, error);
    process->pid_watch = seal_loop_watch(loop, process->pidfd, EPOLLIN, on_pid_ready, process);
    return process;
}

/* -- the rest --------------------------------------------------------------------------------- */

int
seal_process_channel(const SealProcess *process)
{
    return process->channel;
}

pid_t
seal_process_pid(const SealProcess *process)
{
    return process->pid;
}

SealLaneBook *
seal_process_lanes(const SealProcess *process)
{
    return process->lanes;
}

void
seal_process_hang_up(SealProcess *process)
{
    if (process->lanes)
        seal_lane_book_end_all(process->lanes, SEAL_LANE_HOST_ENDED);
    seal_fd_clear(&process->channel);
}

void
seal_process_kill(SealProcess *process)
{
    /* Not reaped yet, so the pid is still the host's. */
    if (process->pid > 0)
        (void)kill(process->pid, SIGKILL);
}

/* A pidfd can be readable a moment before waitpid(2) knows of it (seen on Linux 6.18). */
static gboolean
wait_for_end(SealProcess *process, guint timeout_ms)
{
    struct pollfd wait = {.fd = process->pidfd, .events = POLLIN};
    gint64 end_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    int status = 0;

    while (process->pid > 0 && !reap(process, &status)) {
        gint64 left_us = end_us - g_get_monotonic_time();

        if (left_us <= 0)
            return FALSE;
        (void)poll(&wait, 1, (int)(left_us / 1000) + 1);
    }
    return TRUE;
}

void
seal_process_free(SealProcess *process, guint grace_ms)
{
    if (!process)
        return;
    /* Not closed yet: with answers unread, that would be a reset, and the host would lose what is
     * still queued for it. */
    if (process->channel >= 0 && grace_ms > 0)
        (void)shutdown(process->channel, SHUT_WR);
    g_clear_pointer(&process->pid_watch, seal_watch_free);
    if (!wait_for_end(process, grace_ms)) {
        seal_process_kill(process);
        if (!wait_for_end(process, KILLED_MS))
            seal_log_warning("host process %d does not end", (int)process->pid);
    }
    seal_process_hang_up(process);
    if (process->lanes)
        seal_lane_book_close_all(process->lanes, SEAL_LANE_HOST_ENDED);
    g_clear_pointer(&process->lanes, seal_lane_book_free);
    seal_fd_clear(&process->audit);
    seal_fd_clear(&process->pidfd);
    g_free(process);
}

char *
seal_process_describe_end(int wait_status)
{
    if (WIFSIGNALED(wait_status))
        return g_strdup_printf("was killed by signal %d (%s)", WTERMSIG(wait_status),
                               g_strsignal(WTERMSIG(wait_status)));
    return g_strdup_printf("exited with status %d", WEXITSTATUS(wait_status));
}
