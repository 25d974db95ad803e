/* Stands in for pidfds under valgrind, whose 3.19 does not know the system call yet: a pipe that gets
 * a byte when the process has ended, watched by a thread. For a process that is no child of ours the
 * pipe stays silent. Loaded by LD_PRELOAD in front of the C library. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_FDS = 1024 };

typedef struct {
    pid_t pid;
    int write_end;
} Watch;

static pid_t pids[MAX_FDS]; /* by descriptor */
static Watch watches[MAX_FDS];

static void *
watch_child(void *data)
{
    Watch *watch = data;
    siginfo_t info;

    while (syscall(SYS_waitid, P_PID, watch->pid, &info, WEXITED | WNOWAIT, NULL) < 0)
        if (errno != EINTR)
            return NULL;
    while (write(watch->write_end, "", 1) < 0 && errno == EINTR)
        continue;
    (void)close(watch->write_end);
    return NULL;
}

__attribute__((visibility("default"))) int
pidfd_open(pid_t pid, unsigned int flags)
{
    int ends[2];
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;

    if (kill(pid, 0) < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    if (ends[0] >= MAX_FDS)
        return -1;
    pids[ends[0]] = pid;
    watches[ends[0]] = (Watch){pid, ends[1]};
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (pthread_create(&thread, &attributes, watch_child, &watches[ends[0]]) != 0)
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
