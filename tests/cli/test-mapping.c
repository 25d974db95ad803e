/* Files that change while they are mapped. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "ui-cli/mapping.h"

#define LEN ((gsize)3 * 65536)

/* A file of LEN letters, open for reading and writing. */
static int
new_file(void)
{
    g_autofree char *letters = g_strnfill(LEN, 'a');
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("mapping-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_true(seal_fd_write_all(fd, letters, LEN));
    return fd;
}

static void
test_whole(void)
{
    g_auto(SealFd) fd = new_file();
    g_autoptr(GBytes) bytes = seal_mapping_new(fd, LEN);
    g_autoptr(GError) error = NULL;
    const char *data = g_bytes_get_data(bytes, NULL);

    g_assert_cmpuint(g_bytes_get_size(bytes), ==, LEN);
    g_assert_cmpint(data[LEN - 1], ==, 'a');
    g_assert_true(seal_mapping_check(&error));
    g_assert_no_error(error);
}

static void
test_cut_off(void)
{
    g_auto(SealFd) fd = new_file();
    g_autoptr(GBytes) bytes = seal_mapping_new(fd, LEN);
    g_autoptr(GError) error = NULL;
    const volatile char *data = g_bytes_get_data(bytes, NULL);

    g_assert_cmpint(ftruncate(fd, 65536), ==, 0);
    g_assert_cmpint(data[0], ==, 'a');
    g_assert_true(seal_mapping_check(NULL));
    g_assert_cmpint(data[LEN - 1], ==, 0);
    g_assert_false(seal_mapping_check(&error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_IO);
}

/* What is mapped later knows nothing of it. */
static void
test_next(void)
{
    test_cut_off();
    test_whole();
}

/* A SIGBUS from elsewhere is not swallowed. */
static void
test_elsewhere(void)
{
    if (g_test_subprocess()) {
        g_auto(SealFd) fd = new_file();
        g_autoptr(GBytes) bytes = seal_mapping_new(fd, LEN);

        raise(SIGBUS);
        raise(SIGBUS);
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_failed();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mapping/whole/is-what-the-file-is", test_whole);
    g_test_add_func("/mapping/cut-off/is-told-and-survived", test_cut_off);
    g_test_add_func("/mapping/next/starts-anew", test_next);
    g_test_add_func("/mapping/bus-error-elsewhere/ends-the-program", test_elsewhere);
    return g_test_run();
}
