/* Which certificate a signer's name means, among objects made by hand. */
#include "ui-cli/signer-name.h"

#include <string.h>

#include "base/error.h"
#include "tests/cli/objects.h"

#define DAY   ((gint64)24 * 60 * 60)
#define ALICE "alice@example.org"

static SealClientKey *
add_key(SealTestBlue *blue, const char *label, char digit)
{
    return seal_test_objects_add_key(blue->objects, blue->token, label, digit, (guint8)digit,
                                     "sign");
}

static const SealClientCertificate *
add_certificate(SealTestBlue *blue, SealClientKey *key, gint64 days)
{
    const TestSpec spec = {
        .name = "Alice", .address = ALICE, .from = -days * DAY, .until = 300 * DAY};

    return seal_test_objects_add_certificate(blue->objects, key, &spec);
}

static void
expect(const SealTestBlue *blue, const char *name, const SealClientCertificate *expected)
{
    g_autoptr(GError) error = NULL;
    const SealClientCertificate *found =
        seal_signer_by_name(blue->objects, name, SEAL_PURPOSE_SIGN_DATA, &error);

    g_test_message("%s", name);
    g_assert_no_error(error);
    g_assert_true(found == expected);
}

static void
expect_error(const SealTestBlue *blue, const char *name, SealErrorCode code, const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_signer_by_name(blue->objects, name, SEAL_PURPOSE_SIGN_DATA, &error));
    g_assert_error(error, SEAL_ERROR, (int)code);
    if (!strstr(error->message, text))
        g_error("'%s' is not in: %s", text, error->message);
}

/* As GnuPG and OpenSSL print them: A1:B2:... */
static char *
with_colons(const char *digits)
{
    g_autofree char *upper = g_ascii_strup(digits, -1);
    GString *text = g_string_new(NULL);

    for (guint i = 0; upper[i]; i++) {
        if (i > 0 && i % 2 == 0)
            g_string_append_c(text, ':');
        g_string_append_c(text, upper[i]);
    }
    return g_string_free(text, FALSE);
}

static void
test_fingerprints(SealTestBlue *blue, gconstpointer data)
{
    static const GChecksumType hashes[] = {G_CHECKSUM_SHA1, G_CHECKSUM_SHA256};
    /* The newer one of the same key would be taken by any other name. */
    SealClientKey *key = add_key(blue, "key", '1');
    const SealClientCertificate *old = add_certificate(blue, key, 200);

    (void)add_certificate(blue, key, 2);
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        g_autofree char *digits = g_compute_checksum_for_bytes(hashes[i], old->certificate);
        g_autofree char *hex = g_strconcat("0x", digits, NULL);
        g_autofree char *colons = with_colons(digits);

        expect(blue, digits, old);
        expect(blue, hex, old);
        expect(blue, colons, old);
        *digits = *digits == '0' ? '1' : '0';
        expect_error(blue, digits, SEAL_ERROR_NOT_FOUND, "on any token");
    }
}

static void
test_fingerprint_that_cannot_sign(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec expired = {.name = "Alice", .from = -20 * DAY, .until = -DAY};
    SealClientKey *key = add_key(blue, "key", '1');
    const SealClientCertificate *old =
        seal_test_objects_add_certificate(blue->objects, key, &expired);
    const SealClientCertificate *others = add_certificate(blue, NULL, 2);
    g_autofree char *of_old = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, old->certificate);
    g_autofree char *of_other = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, others->certificate);

    expect_error(blue, of_old, SEAL_ERROR_KEY_USAGE, "it expired on 20");
    expect_error(blue, of_other, SEAL_ERROR_KEY_USAGE, "its key is on no token");
}

/* Many tokens have a SHA-1 as CKA_ID, of forty digits like a fingerprint. */
static void
test_forty_digits_of_an_id(SealTestBlue *blue, gconstpointer data)
{
    static const guint8 sha1[20] = {0xaa, 0xbb};
    SealClientKey *key = add_key(blue, "key", '1');
    const SealClientCertificate *certificate = add_certificate(blue, key, 2);

    g_bytes_unref(key->id);
    key->id = g_bytes_new_static(sha1, sizeof sha1);
    expect(blue, "aabb000000000000000000000000000000000000", certificate);
    expect(blue, "aabb", certificate);
}

static void
test_addresses(SealTestBlue *blue, gconstpointer data)
{
    const SealClientCertificate *older = add_certificate(blue, add_key(blue, "older", '1'), 100);
    const SealClientCertificate *newer = add_certificate(blue, add_key(blue, "newer", '2'), 2);

    expect(blue, ALICE, newer);
    expect(blue, "<" ALICE ">", newer);
    expect(blue, "Alice \"the Keeper\" <x> <" ALICE ">", newer);
    expect(blue, "older", older);
    expect_error(blue, "bob@example.org", SEAL_ERROR_NOT_FOUND, "signs as 'bob@example.org'");
    expect_error(blue, "Alice <" ALICE, SEAL_ERROR_NOT_FOUND, "no key 'Alice <" ALICE "'");
    expect_error(blue, "Alice <" ALICE "> Example", SEAL_ERROR_NOT_FOUND, "no key 'Alice <");
}

static void
test_label_with_at(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec nameless = {.name = "Alice"};
    SealClientKey *key = add_key(blue, "alice@work", '1');
    const SealClientCertificate *labelled =
        seal_test_objects_add_certificate(blue->objects, key, &nameless);
    const SealClientCertificate *addressed = NULL;

    expect(blue, "alice@work", labelled);
    (void)add_key(blue, ALICE, '2'); /* a label of one, an address of the other */
    addressed = add_certificate(blue, add_key(blue, "other", '3'), 2);
    expect(blue, ALICE, addressed);
}

static void
test_purposes(SealTestBlue *blue, gconstpointer data)
{
    const TestSpec code = {.name = "Alice", .address = ALICE, .extended = "codeSigning"};
    const TestSpec server = {
        .name = "Server", .address = "s@example.org", .extended = "serverAuth"};
    SealClientKey *key = add_key(blue, "code", '1');
    const SealClientCertificate *certificate =
        seal_test_objects_add_certificate(blue->objects, key, &code);
    g_autoptr(GError) error = NULL;

    (void)seal_test_objects_add_certificate(blue->objects, add_key(blue, "server", '2'), &server);
    expect(blue, ALICE, certificate);
    expect(blue, "code", certificate);
    g_assert_null(seal_signer_by_name(blue->objects, ALICE, SEAL_PURPOSE_SIGN_MAIL, &error));
    g_assert_nonnull(strstr(error->message, "it is not for mail"));
    expect_error(blue, "s@example.org", SEAL_ERROR_NOT_FOUND, "it is for neither mail nor code");
    expect_error(blue, "server", SEAL_ERROR_NOT_FOUND, "it is for neither mail nor code");
}

#define ADD(path, function)                                                                        \
    g_test_add(path, SealTestBlue, NULL, seal_test_blue_open, function, seal_test_blue_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/signer-name/fingerprint/names-exactly-one", test_fingerprints);
    ADD("/signer-name/fingerprint-that-cannot-sign/says-why", test_fingerprint_that_cannot_sign);
    ADD("/signer-name/forty-digits/may-be-the-id-of-a-key", test_forty_digits_of_an_id);
    ADD("/signer-name/address/alone-or-in-brackets", test_addresses);
    ADD("/signer-name/label-with-at/gives-way-to-an-address", test_label_with_at);
    ADD("/signer-name/purpose/data-takes-code-signing-too", test_purposes);
    return g_test_run();
}
