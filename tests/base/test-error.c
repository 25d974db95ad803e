/* The error enum: every code has a phrase of its own, and none is guessed. */
#include "base/error.h"

#include <string.h>

static void
test_every_code_has_its_phrase(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (int code = 0; code <= SEAL_ERROR_LAST; code++) {
        const char *phrase = seal_error_phrase((SealErrorCode)code);

        g_assert_nonnull(phrase);
        g_assert_cmpuint(strlen(phrase), >, 0);
        g_assert_true(g_hash_table_add(seen, (gpointer)phrase));
    }
}

static void
test_unknown_code_failed(void)
{
    g_assert_cmpstr(seal_error_phrase((SealErrorCode)(SEAL_ERROR_LAST + 1)), ==, "failed");
    g_assert_cmpstr(seal_error_phrase((SealErrorCode)-1), ==, "failed");
}

/* Numbers are part of the frames between agent and host. */
static void
test_numbers_stay(void)
{
    g_assert_cmpint(SEAL_ERROR_NONE, ==, 0);
    g_assert_cmpint(SEAL_ERROR_TOKEN_REMOVED, ==, 3);
    g_assert_cmpint(SEAL_ERROR_PIN_INCORRECT, ==, 4);
    g_assert_cmpint(SEAL_ERROR_MODULE_FAILED, ==, 10);
    g_assert_cmpint(SEAL_ERROR_DECRYPT_FAILED, ==, 21);
}

static void
test_is_compares_domain_and_code(void)
{
    g_autoptr(GError) ours = g_error_new_literal(SEAL_ERROR, SEAL_ERROR_DENIED, "x");
    g_autoptr(GError) foreign = g_error_new_literal(G_FILE_ERROR, SEAL_ERROR_DENIED, "x");

    g_assert_true(seal_error_is(ours, SEAL_ERROR_DENIED));
    g_assert_false(seal_error_is(ours, SEAL_ERROR_BUSY));
    g_assert_false(seal_error_is(foreign, SEAL_ERROR_DENIED));
    g_assert_false(seal_error_is(NULL, SEAL_ERROR_DENIED));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/phrase/every-code", test_every_code_has_its_phrase);
    g_test_add_func("/error/phrase/unknown-code", test_unknown_code_failed);
    g_test_add_func("/error/numbers/stay", test_numbers_stay);
    g_test_add_func("/error/is/domain-and-code", test_is_compares_domain_and_code);
    return g_test_run();
}
