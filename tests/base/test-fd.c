/* Descriptors with an owner, files that are old or new, and programs beside this one. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/program.h"
#include "tests/support/home.h"

static void
test_clear_closes_once_and_keeps_errno(void)
{
    SealFd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int number = fd;

    errno = EDOM;
    seal_fd_clear(&fd);
    g_assert_cmpint(errno, ==, EDOM);
    g_assert_cmpint(fd, ==, -1);
    g_assert_cmpint(fcntl(number, F_GETFD), ==, -1);
    seal_fd_clear(&fd);
}

static void
test_steal_leaves_nothing_to_close(void)
{
    SealFd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int number = fd;
    SealFd stolen = seal_fd_steal(&fd);

    g_assert_cmpint(stolen, ==, number);
    g_assert_cmpint(fd, ==, -1);
    seal_fd_clear(&stolen);
}

static guint
count_files(SealTestHome *home, const char *folder)
{
    g_autofree char *path = seal_test_home_path(home, folder);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    guint count = 0;

    while (g_dir_read_name(dir))
        count++;
    return count;
}

static void
test_replace_writes_with_mode(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *path = seal_test_home_path(home, "data/file");
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    struct stat stat_now;

    g_assert_true(seal_file_replace(path, "old", 3, 0644, &error));
    g_assert_no_error(error);
    g_assert_true(seal_file_replace(path, "newer", 5, 0600, &error));
    text = seal_test_home_read(home, "data/file");
    g_assert_cmpstr(text, ==, "newer");
    g_assert_no_errno(stat(path, &stat_now));
    g_assert_cmpint(stat_now.st_mode & 07777, ==, 0600);
    g_assert_cmpuint(count_files(home, "data"), ==, 1);
}

static void
test_pipe_stays_a_pipe(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *path = seal_test_home_path(home, "data/pipe");
    g_autoptr(GError) error = NULL;
    g_auto(SealFd) reader = -1;
    struct stat about;
    char text[8] = "";

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    reader = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    g_assert_true(seal_file_replace(path, "words", 5, 0644, &error));
    g_assert_no_error(error);
    g_assert_cmpint(read(reader, text, sizeof text), ==, 5);
    g_assert_cmpstr(text, ==, "words");
    g_assert_cmpint(lstat(path, &about), ==, 0);
    g_assert_true(S_ISFIFO(about.st_mode));
    g_assert_cmpuint(count_files(home, "data"), ==, 1);
}

static void
test_failed_replace_leaves_nothing(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *taken = seal_test_home_write(home, "data/folder/inside", "");
    g_autofree char *folder = seal_test_home_path(home, "data/folder");
    g_autofree char *nowhere = seal_test_home_path(home, "nowhere/file");
    g_autoptr(GError) error = NULL;

    g_assert_false(seal_file_replace(folder, "x", 1, 0600, &error));
    g_assert_true(error->domain == G_FILE_ERROR);
    g_assert_nonnull(strstr(error->message, folder));
    g_assert_cmpuint(count_files(home, "data"), ==, 1);
    g_clear_error(&error);
    g_assert_false(seal_file_replace(nowhere, "x", 1, 0600, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

static void
test_sibling_of_a_built_program_is_built(void)
{
    g_autofree char *expected = seal_test_built("pkcs11/host/privyseal-host");
    g_autofree char *path = seal_program_path("pkcs11/host/privyseal-host");

    g_assert_true(seal_program_is_in_build_tree());
    g_assert_cmpstr(path, ==, expected);
}

static void
test_text_ends_in_nul(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *full = seal_test_home_write(home, "full", "12345");
    g_autofree char *empty = seal_test_home_write(home, "empty", "");
    gsize len = 0;
    g_autofree char *text = seal_file_read_text(full, 5, &len, NULL);
    g_autofree char *nothing = seal_file_read_text(empty, 5, NULL, NULL);

    g_assert_cmpstr(text, ==, "12345");
    g_assert_cmpuint(len, ==, 5);
    g_assert_cmpstr(nothing, ==, "");
    g_assert_null(seal_file_read_text(full, 4, NULL, NULL));
}

static void
test_endless_device_is_refused(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_file_read_text("/dev/zero", 100000, NULL, &error));
    g_assert_true(seal_error_is(error, SEAL_ERROR_LIMIT_EXCEEDED));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fd/clear/closes-once", test_clear_closes_once_and_keeps_errno);
    g_test_add_func("/fd/steal/leaves-nothing", test_steal_leaves_nothing_to_close);
    g_test_add_func("/fd/replace/writes-with-mode", test_replace_writes_with_mode);
    g_test_add_func("/fd/replace/pipe-stays-a-pipe", test_pipe_stays_a_pipe);
    g_test_add_func("/fd/replace/failed-leaves-nothing", test_failed_replace_leaves_nothing);
    g_test_add_func("/fd/read/text-ends-in-nul", test_text_ends_in_nul);
    g_test_add_func("/fd/read/device-without-end-is-refused", test_endless_device_is_refused);
    g_test_add_func("/program/sibling/of-a-built-one", test_sibling_of_a_built_program_is_built);
    return g_test_run();
}
