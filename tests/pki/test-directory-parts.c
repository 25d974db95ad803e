/* Filters and values of directories, without one. The filter characters are those of RFC 4515 3. */
#include "pki/directory-parts.h"

#include <string.h>

#include "tests/pki/authority.h"

static void
unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static GPtrArray *
new_list(void)
{
    return g_ptr_array_new_with_free_func(unref_bytes);
}

static void
assert_filter(const char *address, const char *value)
{
    g_autofree char *expected =
        g_strdup_printf("(|(mail=%s)(proxyAddresses=smtp:%s))", value, value);
    g_autofree char *filter = seal_directory_filter(address);

    g_assert_cmpstr(filter, ==, expected);
}

static void
test_filter(void)
{
    assert_filter("dora.k-l_m+n@example.net", "dora.k-l_m+n@example.net");
    assert_filter("*@example.net", "\\2a@example.net");
    assert_filter("a)(b@x", "a\\29\\28b@x");
    assert_filter("a\\2a@x", "a\\5c2a@x");
    assert_filter("j\xc3\xb6rg@x", "j\\c3\\b6rg@x");
    assert_filter("a\nb=c~d>e@x", "a\\0ab\\3dc\\7ed\\3ee@x");
}

static GBytes *
new_certificate(void)
{
    const TestSpec spec = {.name = "Dora", .address = "dora@example.net"};
    g_autoptr(TestIdentity) dora = test_identity_new(&spec, NULL);

    return test_identity_der(dora);
}

static gboolean
read_bytes(GBytes *value, GPtrArray *certificates)
{
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(value, &len);

    return seal_directory_value_read(data, len, certificates);
}

static void
test_certificate(void)
{
    g_autoptr(GPtrArray) certificates = new_list();
    g_autoptr(GBytes) der = new_certificate();
    g_autoptr(GBytes) part = g_bytes_new_from_bytes(der, 0, g_bytes_get_size(der) - 1);

    g_assert_true(read_bytes(der, certificates));
    g_assert_cmpuint(certificates->len, ==, 1);
    g_assert_true(g_bytes_equal(certificates->pdata[0], der));
    g_assert_false(read_bytes(part, certificates));
    g_assert_false(seal_directory_value_read("", 0, certificates));
    g_assert_false(seal_directory_value_read("noise", 5, certificates));
    g_assert_cmpuint(certificates->len, ==, 1);
}

static void
test_limits(void)
{
    g_autoptr(GPtrArray) certificates = new_list();
    g_autoptr(GBytes) der = new_certificate();
    g_autofree char *large = g_malloc0(SEAL_DIRECTORY_VALUE_MAX + 1);

    g_assert_false(seal_directory_value_read(large, SEAL_DIRECTORY_VALUE_MAX + 1, certificates));
    for (guint i = 0; i < SEAL_DIRECTORY_CERTIFICATES_MAX; i++)
        g_assert_true(read_bytes(der, certificates));
    g_assert_false(read_bytes(der, certificates));
    g_assert_cmpuint(certificates->len, ==, SEAL_DIRECTORY_CERTIFICATES_MAX);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/directory-parts/filter/address-is-a-value", test_filter);
    g_test_add_func("/directory-parts/value/certificate", test_certificate);
    g_test_add_func("/directory-parts/value/limits", test_limits);
    return g_test_run();
}
