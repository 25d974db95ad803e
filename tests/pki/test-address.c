/* Addresses of certificates and their comparison (RFC 5321 2.4, RFC 8550 3, RFC 9598). The names
 * in ASCII are those of RFC 3492, of RFC 5891's registries, and of "idn2 --no-tr46". */
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
        {"\"a@b\"@example.org", "a@b@example.org", FALSE},
        {"\"alice\"@example.org", "alice@example.org", TRUE},
        {"\"al\\ice\"@example.org", "alice@example.org", TRUE},
        {"\"alice@example.org", "\"alice@example.org", FALSE},
        {"\"a\"b\"@example.org", "\"a\"b\"@example.org", FALSE},
        {"\"a\\\"@example.org", "\"a\\\"@example.org", FALSE},
        {"\"\"@example.org", "\"\"@example.org", FALSE},
        {"a b@example.org", "a b@example.org", FALSE},
        {"alice@example.org.", "alice@example.org", FALSE},
        {"alice@[192.0.2.1]", "alice@[192.0.2.1]", TRUE},
        /* domains in Unicode and in ASCII */
        {"alice@b\xc3\xbc"
         "cher.example",
         "alice@xn--bcher-kva.example", TRUE},
        {"alice@B\xc3\x9c"
         "CHER.Example",
         "alice@XN--BCHER-KVA.example", TRUE},
        {"alice@bu\xcc\x88"
         "cher.example",
         "alice@b\xc3\xbc"
         "cher.example",
         TRUE},
        {"alice@stra\xc3\x9f"
         "e.example",
         "alice@xn--strae-oqa.example", TRUE},
        {"alice@stra\xc3\x9f"
         "e.example",
         "alice@strasse.example", FALSE},
        {"alice@p\xd0\xb0"
         "ypal.example",
         "alice@paypal.example", FALSE},
        {"alice@e\xef\xbd\x98"
         "ample.org",
         "alice@example.org", FALSE},
        {"alice@exa\xe2\x80\x8bmple.org", "alice@example.org", FALSE},
        {"alice@exa\xc2\xa0mple.org", "alice@example.org", FALSE},
        {"alice@example\xe3\x80\x82org", "alice@example.org", FALSE},
        {"alice@\xff", "alice@\xff", FALSE},
        /* RFC 9598 5: octets of the local part; e with an accent in one and in two characters */
        {"\xc3\xa9lodie@example.org", "\xc3\xa9lodie@EXAMPLE.org", TRUE},
        {"\xc3\xa9lodie@example.org", "e\xcc\x81lodie@example.org", FALSE},
        {"\xc3\xa9lodie@example.org", "\xc3\x89lodie@example.org", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(seal_address_equal(rows[i].a, rows[i].b), ==, rows[i].equal);
}

static void
test_case(void)
{
    g_assert_true(seal_address_differs_in_case("Alice@example.org", "alice@example.ORG"));
    g_assert_true(seal_address_differs_in_case("\xc3\xa9@example.org", "\xc3\x89@example.org"));
    g_assert_false(seal_address_differs_in_case("alice@example.org", "alice@example.ORG"));
    g_assert_false(seal_address_differs_in_case("Alice@example.org", "bob@example.org"));
    g_assert_false(seal_address_differs_in_case(NULL, NULL));
}

/* RFC 9598 3, and what looks like something that it is not. */
static void
test_utf8_mailboxes(void)
{
    static const struct {
        TestSpec spec;
        const char *expected;
    } rows[] = {
        {{.utf8_mailbox = "\xc3\xa9lodie@xn--bcher-kva.example"},
         "\xc3\xa9lodie@xn--bcher-kva.example;"},
        {{.utf8_mailbox = "\xc3\xa9lodie@b\xc3\xbc"
                          "cher.example",
          .subject_address = "b@x.org"},
         "\xc3\xa9lodie@xn--bcher-kva.example;"},
        {{.utf8_mailbox = "\xc3\xa9@x.org", .address = "a@x.org"}, "a@x.org;\xc3\xa9@x.org;"},
        {{.utf8_mailbox = "alice@x.org", .subject_address = "b@x.org"}, ""},
        {{.utf8_mailbox = "\xc3\xa9"}, ""},
        {{.utf8_mailbox = "\xc3\xa9\xe2\x80\xae@x.org"}, ""},
        {{.utf8_mailbox = "\xc3\xa9\xe2\x80\x8b@x.org"}, ""},
        {{.utf8_mailbox = "\xc3\xa9\xc2\xa0@x.org"}, ""},
        {{.utf8_mailbox = "\xc3\xa9@exa\xe2\x80\x8bmple.org"}, ""},
        {{.extensions = {"subjectAltName=otherName:1.3.6.1.5.5.7.8.9;IA5:alice@x.org"}}, ""},
        {{.extensions = {"subjectAltName=otherName:1.3.6.1.5.5.7.8.7;UTF8:\xe9@x.org"},
          .subject_address = "b@x.org"},
         "b@x.org;"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        TestSpec spec = rows[i].spec;

        spec.name = "A";
        expect_addresses(&spec, rows[i].expected);
    }
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
    g_test_add_func("/address/difference-in-case-alone/is-told", test_case);
    g_test_add_func("/address/utf8-mailboxes", test_utf8_mailboxes);
    g_test_add_func("/certificate/subject-and-strict-reading", test_certificate_text);
    return g_test_run();
}
