/* Waiting for PC/SC's service: it is there, comes among other files, comes with its folder, or left
 * a socket behind. Whoever waits must not sleep through it. */
#include "pkcs11/host/pcsc.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/support/home.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    char *folder;
    gint over; /* atomic: the wait is */
} Scene;

static void
set_up(Scene *scene, gconstpointer data)
{
    g_autofree char *path = NULL;

    scene->home = seal_test_home_new();
    scene->folder = seal_test_home_path(scene->home, "pcscd");
    path = g_build_filename(scene->folder, "pcscd.comm", NULL);
    g_setenv("PCSCLITE_CSOCK_NAME", path, TRUE);
}

static void
tear_down(Scene *scene, gconstpointer data)
{
    g_free(scene->folder);
    seal_test_home_free(scene->home);
}

/* A socket that listens, as pcscd's does. */
static int
listen_there(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)g_strlcpy(address.sun_path, g_getenv("PCSCLITE_CSOCK_NAME"), sizeof address.sun_path);
    (void)unlink(address.sun_path);
    if (bind(fd, (const struct sockaddr *)(const void *)&address, sizeof address) != 0 ||
        listen(fd, 1) != 0)
        g_error("cannot listen at '%s': %s", address.sun_path, g_strerror(errno));
    return fd;
}

static gpointer
wait_main(gpointer data)
{
    Scene *scene = data;

    g_assert_true(seal_pcsc_await_socket());
    g_atomic_int_set(&scene->over, TRUE);
    g_main_context_wakeup(NULL);
    return NULL;
}

static gboolean
is_over(gpointer data)
{
    return g_atomic_int_get(&((Scene *)data)->over);
}

static void
expect_end(Scene *scene, GThread *thread)
{
    if (!seal_test_wait_until(is_over, scene))
        g_error("the service is there, and is still waited for");
    g_thread_join(thread);
}

static void
there_already(Scene *scene, gconstpointer data)
{
    g_auto(SealFd) socket_fd = -1;

    g_assert_cmpint(mkdir(scene->folder, 0700), ==, 0);
    socket_fd = listen_there();
    g_assert_false(seal_pcsc_is_dark());
    expect_end(scene, g_thread_new("wait", wait_main, scene));
}

/* pcscd writes its process id first: who looks then, and watches anew later, misses the socket. */
static void
after_other_files(Scene *scene, gconstpointer data)
{
    g_autofree char *other = g_build_filename(scene->folder, "pcscd.pid", NULL);
    g_auto(SealFd) socket_fd = -1;
    GThread *thread = NULL;

    g_assert_cmpint(mkdir(scene->folder, 0700), ==, 0);
    thread = g_thread_new("wait", wait_main, scene);
    for (int i = 0; i < 20; i++)
        g_assert_true(g_file_set_contents(other, "1\n", -1, NULL));
    g_assert_false(is_over(scene));
    socket_fd = listen_there();
    expect_end(scene, thread);
}

static void
with_its_folder(Scene *scene, gconstpointer data)
{
    g_auto(SealFd) socket_fd = -1;
    GThread *thread = g_thread_new("wait", wait_main, scene);

    g_assert_cmpint(mkdir(scene->folder, 0700), ==, 0);
    socket_fd = listen_there();
    expect_end(scene, thread);
}

static void
after_one_that_was_killed(Scene *scene, gconstpointer data)
{
    g_auto(SealFd) first = -1, second = -1;
    GThread *thread = NULL;

    g_assert_cmpint(mkdir(scene->folder, 0700), ==, 0);
    first = listen_there();
    seal_fd_clear(&first);
    g_assert_cmpint(access(g_getenv("PCSCLITE_CSOCK_NAME"), F_OK), ==, 0);
    g_assert_true(seal_pcsc_is_dark());
    thread = g_thread_new("wait", wait_main, scene);
    second = listen_there();
    expect_end(scene, thread);
}

#define ADD(path, test) g_test_add(path, Scene, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/pcsc/service-that-is-there/is-not-waited-for", there_already);
    ADD("/pcsc/service-among-other-files/is-noticed", after_other_files);
    ADD("/pcsc/service-with-its-folder/is-noticed", with_its_folder);
    ADD("/pcsc/service-after-a-killed-one/is-noticed", after_one_that_was_killed);
    return g_test_run();
}
