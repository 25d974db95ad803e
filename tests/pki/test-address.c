/* Addresses of certificates and their comparison (RFC 5321 2.4, RFC 8550 3). */
#include "pki/address.h"
#include "pki/certificate.h"
#include "tests/pki/authority.h"

static void
expect_addresses(const TestSpec *spec, const char *expected)
{
    g_autoptr(TestIdentity) identity = test_identity_new(spec, NULL);
    g_autoptr(GPtrArray) list = seal_address_list(identity->certificate);
    g_autoptr(GString) joined = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(joined, "%s;", (const char *)g_ptr_array_index(list, i));
    g_assert_cmpstr(joined->str, ==, expected);
}

static void
test_alternative_name_first(void)
{
    const TestSpec both = {.name = "A", .address = "a@x.org", .subject_address = "b@x.org"};
    const TestSpec subject = {.name = "A", .subject_address = "b@x.org"};
    const TestSpec none = {.name = "A"};

    expect_addresses(&both, "a@x.org;");
    expect_addresses(&subject, "b@x.org;");
    expect_addresses(&none, "");
}

static void
test_odd_addresses(void)
{
    const TestSpec blank = {.name = "A", .subject_address = "a b@x.org"};
    const TestSpec no_at = {.name = "A", .subject_address = "alice"};

    expect_addresses(&blank, "");
    expect_addresses(&no_at, "");
}

static void
test_equal(void)
{
    static const struct {
        const char *a;
        const char *b;
        gboolean equal;
    } rows[] = {
        {"alice@example.org", "alice@EXAMPLE.org", TRUE},
        {"alice@example.org", "Alice@example.org", FALSE},
        {"alice@example.org", "alice@example.com", FALSE},
        {"alice@example.org", "alice@example.org.evil.net", FALSE},
        {"alice@example.org", "malice@example.org", FALSE},
        {"@example.org", "@example.org", FALSE},
        {"alice@", "alice@", FALSE},
        {"alice", "alice", FALSE},
        {"", "", FALSE},
        {NULL, NULL, FALSE},
        {"a@b@example.org", "a@b@example.org", FALSE},
        {"\"a@b\"@example.org", "\"a@b\"@example.org", TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(seal_address_equal(rows[i].a, rows[i].b), ==, rows[i].equal);
}

static void
test_certificate_text(void)
{
    const TestSpec spec = {.name = "Zo\xc3\xab \"The Seal\""};
    g_autoptr(TestIdentity) identity = test_identity_new(&spec, NULL);
    g_autofree char *subject = seal_certificate_subject(identity->certificate);
    g_autoptr(GBytes) der = test_identity_der(identity);
    g_autoptr(GBytes) shorter = g_bytes_new_from_bytes(der, 0, g_bytes_get_size(der) - 1);
    g_autoptr(GError) error = NULL;

    g_assert_cmpstr(subject, ==, "CN=Zo\xc3\xab \\\"The Seal\\\",O=Privy Seal Test");
    g_assert_null(seal_certificate_read(shorter, "it", &error));
    g_assert_nonnull(error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/address/alternative-name-before-subject", test_alternative_name_first);
    g_test_add_func("/address/what-is-no-address/is-left-out", test_odd_addresses);
    g_test_add_func("/address/comparison", test_equal);
    g_test_add_func("/certificate/subject-and-strict-reading", test_certificate_text);
    return g_test_run();
}
