/* Stands in for pidfds under valgrind, whose 3.19 does not know the system call yet: a pipe that
 * gets a byte when the process has ended, watched by a thread. A process that is no child of ours
 * cannot be waited for, so it is looked at every few milliseconds. Loaded by LD_PRELOAD in front of
 * the C library. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_FDS = 1024, LOOK_EVERY_MS = 5 };

typedef struct {
    pid_t pid;
    int write_end;
} Watch;

static pid_t pids[MAX_FDS]; /* by descriptor */

static int
is_child_waited_for(pid_t pid)
{
    siginfo_t info;

    while (syscall(SYS_waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL) < 0)
        if (errno != EINTR)
            return 0;
    return 1;
}

/* A zombie has ended, whenever its parent looks at it. */
static int
is_running(pid_t pid)
{
    char path[64], state = 'Z';
    FILE *stat = NULL;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    stat = fopen(path, "re");
    if (!stat)
        return 0;
    if (fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    fclose(stat);
    return state != 'Z';
}

static void *
watch_process(void *data)
{
    Watch *watch = data;

    if (!is_child_waited_for(watch->pid))
        while (is_running(watch->pid))
            (void)poll(NULL, 0, LOOK_EVERY_MS);
    while (write(watch->write_end, "", 1) < 0 && errno == EINTR)
        continue;
    (void)close(watch->write_end);
    free(watch);
    return NULL;
}

__attribute__((visibility("default"))) int
pidfd_open(pid_t pid, unsigned int flags)
{
    int ends[2];
    Watch *watch = NULL;
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;

    if (kill(pid, 0) < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    if (ends[0] >= MAX_FDS)
        return -1;
    pids[ends[0]] = pid;
    watch = malloc(sizeof *watch);
    *watch = (Watch){pid, ends[1]};
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (pthread_create(&thread, &attributes, watch_process, watch) != 0)
        errno = ENOSYS;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return ends[0];
}

__attribute__((visibility("default"))) int
pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned int flags)
{
    if (pidfd >= 0 && pidfd < MAX_FDS && pids[pidfd] > 0)
        return kill(pids[pidfd], signal);
    errno = EBADF;
    return -1;
}

__attribute__((visibility("default"))) int
waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    if (type == P_PIDFD && id < MAX_FDS && pids[id] > 0) {
        type = P_PID;
        id = (id_t)pids[id];
    }
    return (int)syscall(SYS_waitid, type, id, info, options, NULL);
}
