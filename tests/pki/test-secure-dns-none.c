/* DNSSEC in a build without libunbound. */
#include "pki/secure-dns.h"

#include "base/error.h"

static void
test_find(void)
{
    const SealSecureDns dns = {.timeout_s = 1};
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(seal_secure_dns_find(&dns, "example.net", 53, none, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED);
    g_assert_cmpuint(none->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secure-dns/without-libunbound/asks-nobody", test_find);
    return g_test_run();
}
