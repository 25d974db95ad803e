/* The pinentry program as a process: its environment, its terminal and its end.
 *
 * It is started by posix_spawn (nothing of the agent's locked memory is copied), with one socket as
 * its standard input and output, and reaped through a pidfd, so that no signal handler is needed.
 * Prompt variables come from the caller as a set or, when it gave none, from this process as a set:
 * a mixture could show one user's terminal and another session's display.
 *
 * pinentry-tty leaves the terminal without echo when it is ended from outside (seen with 1.2.1). So
 * the terminal's settings are kept at the start and put back after a program that we had to end. */
#include "agent/pinentry.h"

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
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

/* Long enough for a dialogue to take its window down; then it is killed. */
#define END_TIMEOUT_US (1 * G_USEC_PER_SEC)

struct SealPinentry {
    pid_t pid;
    SealFd fd;
    SealFd pidfd;
    SealFd terminal; /* -1 if there is none */
    struct termios settings;
    SealWatch *watch; /* on pidfd */
    SealPinentryEndFunc ended;
    gpointer user_data;
    gboolean end_asked; /* SIGTERM was sent */
};

static const char *const prompt_variables[] = {
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "TERM",
    "GPG_TTY",
    "XDG_SESSION_TYPE",
    "PINENTRY_USER_DATA",
    "INSIDE_EMACS",
    "LANG",
    "DBUS_SESSION_BUS_ADDRESS",
    NULL,
};

static gboolean
is_prompt_variable(const char *assignment)
{
    g_autofree char *name = g_strndup(assignment, strcspn(assignment, "="));

    return g_strv_contains(prompt_variables, name) || g_str_has_prefix(name, "LC_");
}

static gboolean
has_own_environment(const SealCaller *caller)
{
    return caller && caller->environment && caller->environment[0];
}

const char *
seal_pinentry_variable(const SealCaller *caller, const char *name)
{
    if (!has_own_environment(caller))
        return g_getenv(name);
    return g_environ_getenv(caller->environment, name);
}

/* (transfer full) */
static char **
build_environment(const SealCaller *caller)
{
    g_auto(GStrv) inherited = g_get_environ();
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    for (char **at = inherited; *at; at++) {
        if (!has_own_environment(caller) || !is_prompt_variable(*at))
            g_strv_builder_add(builder, *at);
    }
    if (has_own_environment(caller)) {
        for (char **at = caller->environment; *at; at++) {
            if (is_prompt_variable(*at))
                g_strv_builder_add(builder, *at);
        }
        /* gnome3 and qt need a bus; without the caller's it can only be ours */
        if (!g_environ_getenv(caller->environment, "DBUS_SESSION_BUS_ADDRESS") &&
            g_getenv("DBUS_SESSION_BUS_ADDRESS")) {
            g_autofree char *bus = g_strconcat(
                "DBUS_SESSION_BUS_ADDRESS=", g_getenv("DBUS_SESSION_BUS_ADDRESS"), NULL);

            g_strv_builder_add(builder, bus);
        }
    }
    return g_strv_builder_end(builder);
}

/* Opens the caller's terminal and keeps its settings; leaves -1 where there is none. */
static void
keep_terminal(SealPinentry *pinentry, const SealCaller *caller)
{
    const char *name = seal_pinentry_variable(caller, "GPG_TTY");

    if (!name)
        return;
    pinentry->terminal = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (pinentry->terminal >= 0 && tcgetattr(pinentry->terminal, &pinentry->settings) < 0)
        seal_fd_clear(&pinentry->terminal);
}

static void
restore_terminal(SealPinentry *pinentry)
{
    if (pinentry->terminal >= 0 && pinentry->end_asked)
        (void)tcsetattr(pinentry->terminal, TCSANOW, &pinentry->settings);
}

static void
free_pinentry(SealPinentry *pinentry)
{
    seal_watch_free(pinentry->watch);
    seal_fd_clear(&pinentry->fd);
    seal_fd_clear(&pinentry->pidfd);
    seal_fd_clear(&pinentry->terminal);
    g_free(pinentry);
}

/* Ctrl-C, a hang-up and a session's end are a person's doing; the rest is a fault. */
static SealPinentryEnd
judge_end(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        return SEAL_PINENTRY_EXITED;
    switch (info->si_status) {
    case SIGINT:
    case SIGHUP:
    case SIGTERM:
    case SIGKILL:
    case SIGPIPE:
        return SEAL_PINENTRY_EXITED;
    default:
        return SEAL_PINENTRY_CRASHED;
    }
}

static void
on_process(uint32_t events, gpointer user_data)
{
    SealPinentry *pinentry = user_data;
    siginfo_t info = {0};

    if (events == 0)
        (void)kill(pinentry->pid, SIGKILL);
    if (waitid(P_PIDFD, (id_t)pinentry->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    restore_terminal(pinentry);
    pinentry->ended(judge_end(&info), pinentry->user_data);
    free_pinentry(pinentry);
}

/* Starts the program with `fd` as standard input and output; 0 or an errno. Errors it prints would
 * go to the agent's log, where text of foreign origin has no place. */
static int
spawn(const char *path, char **environment, int fd, pid_t *ret_pid)
{
    char *arguments[] = {(char *)path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    int failure = 0;

    sigemptyset(&none);
    sigfillset(&defaults);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    failure = posix_spawn(ret_pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

SealPinentry *
seal_pinentry_start(SealLoop *loop, const char *program, const SealCaller *caller,
                    SealPinentryEndFunc ended, gpointer user_data, GError **error)
{
    g_autofree char *path = g_find_program_in_path(program);
    g_auto(GStrv) environment = build_environment(caller);
    SealPinentry *pinentry = NULL;
    g_auto(SealFd) theirs = -1;
    int pair[2] = {-1, -1};
    gboolean exists = path || g_file_test(program, G_FILE_TEST_EXISTS);
    int failure = path ? 0 : exists ? EACCES : ENOENT;
    pid_t pid = 0;

    if (!failure && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        failure = errno;
    theirs = pair[1];
    failure = failure ? failure : spawn(path, environment, theirs, &pid);
    if (failure) {
        seal_fd_clear(&pair[0]);
        g_set_error(
            error, SEAL_ERROR, SEAL_ERROR_NO_PROMPTER,
            "cannot ask for a PIN: the prompt program '%s' cannot be started (%s): install a "
            "pinentry package or name one by \"pinentry=\" in the [agent] group of "
            "privyseal.conf",
            program, g_strerror(failure));
        return NULL;
    }
    pinentry = g_new0(SealPinentry, 1);
    pinentry->pid = pid;
    pinentry->fd = pair[0];
    (void)fcntl(pinentry->fd, F_SETFL, O_NONBLOCK);
    pinentry->terminal = -1;
    keep_terminal(pinentry, caller);
    pinentry->pidfd = pidfd_open(pid, 0);
    if (pinentry->pidfd < 0)
        g_error("cannot watch a child process: %s", g_strerror(errno));
    pinentry->watch = seal_loop_watch(loop, pinentry->pidfd, EPOLLIN, on_process, pinentry);
    pinentry->ended = ended;
    pinentry->user_data = user_data;
    return pinentry;
}

int
seal_pinentry_take_stream(SealPinentry *pinentry)
{
    return seal_fd_steal(&pinentry->fd);
}

gboolean
seal_pinentry_has_terminal(const SealPinentry *pinentry)
{
    return pinentry->terminal >= 0;
}

void
seal_pinentry_end(SealPinentry *pinentry)
{
    if (pinentry->end_asked)
        return;
    pinentry->end_asked = TRUE;
    (void)kill(pinentry->pid, SIGTERM);
    seal_watch_set_deadline(pinentry->watch, g_get_monotonic_time() + END_TIMEOUT_US);
}

static gboolean
reap(const SealPinentry *pinentry)
{
    siginfo_t info = {0};

    return waitid(P_PIDFD, (id_t)pinentry->pidfd, &info, WEXITED | WNOHANG) == 0 &&
           info.si_pid != 0;
}

/* Waits for the end, a second at most; TRUE once it was reaped. */
static gboolean
wait_for_end(const SealPinentry *pinentry)
{
    gint64 end_us = g_get_monotonic_time() + END_TIMEOUT_US;
    struct pollfd process = {.fd = pinentry->pidfd, .events = POLLIN};
    gint64 left_us = END_TIMEOUT_US;

    while (!reap(pinentry)) {
        if (left_us <= 0)
            return FALSE;
        /* An ended process cannot be reaped while something traces it, a leak checker for instance
         */
        if (poll(&process, 1, (int)(left_us / 1000)) > 0)
            g_usleep(1000);
        left_us = end_us - g_get_monotonic_time();
    }
    return TRUE;
}

void
seal_pinentry_kill(SealPinentry *pinentry)
{
    seal_pinentry_end(pinentry);
    if (!wait_for_end(pinentry)) {
        (void)kill(pinentry->pid, SIGKILL);
        (void)wait_for_end(pinentry);
    }
    restore_terminal(pinentry);
    free_pinentry(pinentry);
}
