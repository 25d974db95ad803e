/* Directories in a build without libldap. */
#include "pki/directory.h"

#include <string.h>

#include "base/error.h"

static void
test_find(void)
{
    const SealDirectory directory = {.name = (char *)"circle", .uri = (char *)"ldapi://"};
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(seal_directory_find(&directory, "dora@example.net", none, none, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED);
    g_assert_nonnull(strstr(error->message, "'circle'"));
    g_assert_cmpuint(none->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/directory/without-libldap/asks-nobody", test_find);
    return g_test_run();
}
