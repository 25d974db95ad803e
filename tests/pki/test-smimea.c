/* Names and records of SMIMEA. The name of hugh@example.com is the example of RFC 8162 3; GLib
 * computes the other digests. */
#include "pki/smimea.h"

#include <string.h>

#include "pki/address.h"
#include "tests/pki/authority.h"

#define HUGH "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert."

/* -- names ------------------------------------------------------------------------------------ */

static void
assert_name(const char *address, const char *expected)
{
    g_autofree char *mailbox = seal_address_canonical(address);
    g_autofree char *name = seal_smimea_name(mailbox);

    g_assert_cmpstr(name, ==, expected);
}

static void
test_names(void)
{
    assert_name("hugh@example.com", HUGH "example.com");
    assert_name("hugh@EXAMPLE.com", HUGH "example.com");
    assert_name("\"hugh\"@example.com", HUGH "example.com"); /* quotes are no part of it */
    assert_name("hugh@b\xc3\xbc"
                "cher.example",
                HUGH "xn--bcher-kva.example");
}

/* RFC 8162 3: one spelling of what looks the same (NFC). */
static void
test_unicode(void)
{
    g_autofree char *composed = seal_smimea_name("j\xc3\xb6rg@example.com");
    g_autofree char *combining = seal_smimea_name("jo\xcc\x88rg@example.com");
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "j\xc3\xb6rg", -1);

    g_assert_true(strncmp(composed, hash, 56) == 0 && composed[56] == '.');
    g_assert_cmpstr(composed, ==, combining);
}

static void
test_no_names(void)
{
    g_autofree char *domain = g_strnfill(190, 'x');
    g_autofree char *address = g_strdup_printf("hugh@%s", domain);
    g_autofree char *fits = NULL;
    g_autofree char *too_long = NULL;

    g_assert_null(seal_smimea_name("hugh"));
    g_assert_null(seal_smimea_name("h\xffgh@example.com"));
    too_long = seal_smimea_name(address);
    address[strlen("hugh@") + 253 - strlen(HUGH)] = '\0';
    fits = seal_smimea_name(address);
    g_assert_null(too_long);
    g_assert_cmpuint(strlen(fits), ==, 253);
}

/* -- records ---------------------------------------------------------------------------------- */

static gboolean
read_record(guint usage, guint selector, guint matching, gsize len)
{
    guint8 rdata[128] = {(guint8)usage, (guint8)selector, (guint8)matching};
    SealSmimea record = {0};

    return seal_smimea_read(rdata, 3 + len, &record);
}

static void
test_lengths(void)
{
    g_assert_true(read_record(3, 0, 0, 1));
    g_assert_true(read_record(0, 1, 1, 32));
    g_assert_true(read_record(3, 1, 2, 64));
    g_assert_false(read_record(3, 0, 0, 0));
    g_assert_false(read_record(4, 0, 0, 1));
    g_assert_false(read_record(3, 2, 0, 1));
    g_assert_false(read_record(3, 0, 3, 1));
    g_assert_false(read_record(3, 0, 1, 31));
    g_assert_false(read_record(3, 0, 1, 64));
    g_assert_false(read_record(3, 0, 2, 32));
    g_assert_false(seal_smimea_read((const guint8 *)"\3\0", 2, &(SealSmimea){0}));
}

static GBytes *
part_of(const TestIdentity *identity, gboolean is_key)
{
    unsigned char *der = NULL;
    int len = is_key ? i2d_PUBKEY(identity->key, &der) : i2d_X509(identity->certificate, &der);
    GBytes *part = g_bytes_new(der, (gsize)len);

    OPENSSL_free(der);
    return part;
}

/* RDATA of `part`, whole or hashed. (transfer full) */
static GByteArray *
write_record(guint selector, guint matching, GBytes *part)
{
    GByteArray *rdata = g_byte_array_new();
    const guint8 head[] = {SEAL_SMIMEA_DANE_EE, (guint8)selector, (guint8)matching};
    g_autoptr(GChecksum) checksum =
        g_checksum_new(matching == 1 ? G_CHECKSUM_SHA256 : G_CHECKSUM_SHA512);
    const guint8 *bytes = g_bytes_get_data(part, NULL);
    guint8 digest[64];
    gsize len = sizeof digest;

    g_byte_array_append(rdata, head, sizeof head);
    g_checksum_update(checksum, bytes, (gssize)g_bytes_get_size(part));
    g_checksum_get_digest(checksum, digest, &len);
    if (matching == 0)
        g_byte_array_append(rdata, bytes, (guint)g_bytes_get_size(part));
    else
        g_byte_array_append(rdata, digest, (guint)len);
    return rdata;
}

static void
test_matching(void)
{
    const TestSpec spec = {.name = "Hugh", .address = "hugh@example.com"};
    g_autoptr(TestIdentity) hugh = test_identity_new(&spec, NULL);
    g_autoptr(TestIdentity) other = test_identity_new(&spec, NULL);

    for (guint i = 0; i < 6; i++) {
        guint selector = i % 2;
        guint matching = i / 2;
        g_autoptr(GBytes) part = part_of(hugh, selector == 1);
        g_autoptr(GByteArray) rdata = write_record(selector, matching, part);
        g_autoptr(GBytes) held = NULL;
        SealSmimea record = {0};

        g_assert_true(seal_smimea_read(rdata->data, rdata->len, &record));
        g_assert_true(seal_smimea_matches(&record, hugh->certificate));
        g_assert_false(seal_smimea_matches(&record, other->certificate));
        held = seal_smimea_certificate(&record);
        g_assert_true(i == 0 ? g_bytes_equal(held, part) : held == NULL);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/smimea/name/follows-rfc-8162", test_names);
    g_test_add_func("/smimea/name/is-normalised", test_unicode);
    g_test_add_func("/smimea/name/none-for-what-is-no-mailbox-or-too-long", test_no_names);
    g_test_add_func("/smimea/record/unknown-kinds-and-lengths-are-refused", test_lengths);
    g_test_add_func("/smimea/record/matches-its-certificate-only", test_matching);
    return g_test_run();
}
