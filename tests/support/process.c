/* Starting and ending programs. Output goes through files, so nothing needs to be pumped while a
 * test waits; the end is seen by pidfd. */
#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/support/wait.h"

static void
die_with_parent(gpointer data)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static pid_t
spawn(const char *const *argv, int in, int out, int err)
{
    g_autoptr(GError) error = NULL;
    GPid pid = 0;

    if (!g_spawn_async_with_fds(NULL, (char **)argv, NULL,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, die_with_parent,
                                NULL, &pid, in, out, err, &error))
        g_error("cannot start '%s': %s", argv[0], error->message);
    return pid;
}

/* Opens a new file without a name in the home's tmp. */
static int
open_scratch(SealTestHome *home)
{
    g_autofree char *path = seal_test_home_path(home, "tmp/scratch-XXXXXX");
    int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        g_error("cannot make '%s': %s", path, g_strerror(errno));
    (void)g_unlink(path);
    return fd;
}

static int
open_input(SealTestHome *home, GBytes *input)
{
    int fd = -1;
    const char *at = NULL;
    gsize left = 0;

    if (input == NULL)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    fd = open_scratch(home);
    at = g_bytes_get_data(input, &left);
    while (left > 0) {
        ssize_t written = write(fd, at, left);

        if (written < 0)
            g_error("cannot write a scratch file: %s", g_strerror(errno));
        at += written;
        left -= (gsize)written;
    }
    (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

static char *
read_all(int fd, gsize *ret_len)
{
    g_autoptr(GByteArray) content = g_byte_array_new();
    guint8 chunk[8192];
    ssize_t got = 0;

    (void)lseek(fd, 0, SEEK_SET);
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        g_byte_array_append(content, chunk, (guint)got);
    if (ret_len != NULL)
        *ret_len = content->len;
    g_byte_array_append(content, (const guint8 *)"", 1);
    return (char *)g_byte_array_free(g_steal_pointer(&content), FALSE);
}

static int
reap(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

SealTestResult *
seal_test_run(SealTestHome *home, const char *const *argv, GBytes *input)
{
    g_auto(SealFd) in = open_input(home, input);
    g_auto(SealFd) out = open_scratch(home);
    g_auto(SealFd) err = open_scratch(home);
    SealTestResult *result = g_new0(SealTestResult, 1);
    pid_t pid = spawn(argv, in, out, err);
    gboolean ended = seal_test_wait_for_end(pid);

    if (!ended)
        (void)kill(pid, SIGKILL);
    result->status = reap(pid);
    result->out = read_all(out, &result->out_len);
    result->err = read_all(err, NULL);
    if (!ended)
        g_error("'%s' missed its deadline; on stderr: %s", argv[0], result->err);
    return result;
}

void
seal_test_result_free(SealTestResult *result)
{
    if (result == NULL)
        return;
    g_free(result->out);
    g_free(result->err);
    g_free(result);
}

static void
stop_started(SealTestHome *home, gpointer data)
{
    seal_test_stop((pid_t)GPOINTER_TO_INT(data));
}

pid_t
seal_test_start(SealTestHome *home, const char *const *argv, const char *log)
{
    g_autofree char *path = seal_test_home_path(home, log);
    g_auto(SealFd) in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_auto(SealFd) out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t pid = 0;

    if (out < 0)
        g_error("cannot open '%s': %s", path, g_strerror(errno));
    pid = spawn(argv, in, out, out);
    seal_test_home_on_end(home, stop_started, GINT_TO_POINTER((int)pid));
    return pid;
}

void
seal_test_stop(pid_t pid)
{
    if (kill(pid, SIGTERM) == 0 && !seal_test_wait_for_end(pid)) {
        g_printerr("process %d did not end on SIGTERM\n", (int)pid);
        (void)kill(pid, SIGKILL);
        (void)seal_test_wait_for_end(pid);
    }
    while (waitpid(pid, NULL, WNOHANG) < 0 && errno == EINTR)
        continue;
}

GArray *
seal_test_children(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", (int)pid, (int)pid);
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;
    GArray *children = g_array_new(FALSE, FALSE, sizeof(pid_t));

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return children;
    words = g_strsplit(text, " ", -1);
    for (size_t i = 0; words[i] != NULL; i++) {
        pid_t child = (pid_t)g_ascii_strtoll(words[i], NULL, 10);

        if (child > 0)
            g_array_append_val(children, child);
    }
    return children;
}

guint
seal_test_count_descriptors(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)pid);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    guint n = 0;

    while (folder && g_dir_read_name(folder))
        n++;
    return n;
}
