/* What a build without libp11 says: token-key-none.c is linked here whether or not there is one. */
#include "base/error.h"
#include "pki/token-key.h"

static void
test_says_why(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_token_key_open(NULL, "/org/privyseal/Agent1/key/x", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/token-key/without-libp11/says-why", test_says_why);
    return g_test_run();
}
