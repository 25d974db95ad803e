/* Which certificate a signer's name means, among objects made by hand. */
#include "ui-cli/signer-name.h"

#include <string.h>

#include "base/error.h"
#include "tests/cli/objects.h"

#define DAY   ((gint64)24 * 60 * 60)
#define ALICE "alice@example.org"

typedef struct {
    SealClientObjects *objects;
    SealClientToken *token;
} World;

static void
set_up(World *world, gconstpointer data)
{
    world->objects = seal_test_objects_new();
    world->token = seal_test_objects_add_token(world->objects, "Blue", 'a', "locked");
}

static void
tear_down(World *world, gconstpointer data)
{
    seal_client_objects_free(world->objects);
}

static SealClientKey *
add_key(World *world, const char *label, char digit)
{
    return seal_test_objects_add_key(world->objects, world->token, label, digit, (guint8)digit,
                                     "sign");
}

static const SealClientCertificate *
add_certificate(World *world, SealClientKey *key, gint64 days)
{
    const TestSpec spec = {
        .name = "Alice", .address = ALICE, .from = -days * DAY, .until = 300 * DAY};

    return seal_test_objects_add_certificate(world->objects, key, &spec);
}

static void
expect(const World *world, const char *name, const SealClientCertificate *expected)
{
    g_autoptr(GError) error = NULL;
    const SealClientCertificate *found =
        seal_signer_by_name(world->objects, name, SEAL_PURPOSE_SIGN_DATA, &error);

    g_test_message("%s", name);
    g_assert_no_error(error);
    g_assert_true(found == expected);
}

static void
expect_error(const World *world, const char *name, SealErrorCode code, const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_signer_by_name(world->objects, name, SEAL_PURPOSE_SIGN_DATA, &error));
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
test_fingerprints(World *world, gconstpointer data)
{
    static const GChecksumType hashes[] = {G_CHECKSUM_SHA1, G_CHECKSUM_SHA256};
    /* The newer one of the same key would be taken by any other name. */
    SealClientKey *key = add_key(world, "key", '1');
    const SealClientCertificate *old = add_certificate(world, key, 200);

    (void)add_certificate(world, key, 2);
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        g_autofree char *digits = g_compute_checksum_for_bytes(hashes[i], old->certificate);
        g_autofree char *hex = g_strconcat("0x", digits, NULL);
        g_autofree char *colons = with_colons(digits);

        expect(world, digits, old);
        expect(world, hex, old);
        expect(world, colons, old);
        *digits = *digits == '0' ? '1' : '0';
        expect_error(world, digits, SEAL_ERROR_NOT_FOUND, "on any token");
    }
}

static void
test_fingerprint_that_cannot_sign(World *world, gconstpointer data)
{
    const TestSpec expired = {.name = "Alice", .from = -20 * DAY, .until = -DAY};
    SealClientKey *key = add_key(world, "key", '1');
    const SealClientCertificate *old =
        seal_test_objects_add_certificate(world->objects, key, &expired);
    const SealClientCertificate *others = add_certificate(world, NULL, 2);
    g_autofree char *of_old = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, old->certificate);
    g_autofree char *of_other = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, others->certificate);

    expect_error(world, of_old, SEAL_ERROR_KEY_USAGE, "it expired on 20");
    expect_error(world, of_other, SEAL_ERROR_KEY_USAGE, "its key is on no token");
}

/* Many tokens have a SHA-1 as CKA_ID, of forty digits like a fingerprint. */
static void
test_forty_digits_of_an_id(World *world, gconstpointer data)
{
    static const guint8 sha1[20] = {0xaa, 0xbb};
    SealClientKey *key = add_key(world, "key", '1');
    const SealClientCertificate *certificate = add_certificate(world, key, 2);

    g_bytes_unref(key->id);
    key->id = g_bytes_new_static(sha1, sizeof sha1);
    expect(world, "aabb000000000000000000000000000000000000", certificate);
    expect(world, "aabb", certificate);
}

static void
test_addresses(World *world, gconstpointer data)
{
    const SealClientCertificate *older = add_certificate(world, add_key(world, "older", '1'), 100);
    const SealClientCertificate *newer = add_certificate(world, add_key(world, "newer", '2'), 2);

    expect(world, ALICE, newer);
    expect(world, "<" ALICE ">", newer);
    expect(world, "Alice \"the Keeper\" <x> <" ALICE ">", newer);
    expect(world, "older", older);
    expect_error(world, "bob@example.org", SEAL_ERROR_NOT_FOUND, "signs as 'bob@example.org'");
    expect_error(world, "Alice <" ALICE, SEAL_ERROR_NOT_FOUND, "no key 'Alice <" ALICE "'");
    expect_error(world, "Alice <" ALICE "> Example", SEAL_ERROR_NOT_FOUND, "no key 'Alice <");
}

static void
test_label_with_at(World *world, gconstpointer data)
{
    const TestSpec nameless = {.name = "Alice"};
    SealClientKey *key = add_key(world, "alice@work", '1');
    const SealClientCertificate *labelled =
        seal_test_objects_add_certificate(world->objects, key, &nameless);
    const SealClientCertificate *addressed = NULL;

    expect(world, "alice@work", labelled);
    (void)add_key(world, ALICE, '2'); /* a label of one, an address of the other */
    addressed = add_certificate(world, add_key(world, "other", '3'), 2);
    expect(world, ALICE, addressed);
}

static void
test_purposes(World *world, gconstpointer data)
{
    const TestSpec code = {.name = "Alice", .address = ALICE, .extended = "codeSigning"};
    const TestSpec server = {
        .name = "Server", .address = "s@example.org", .extended = "serverAuth"};
    SealClientKey *key = add_key(world, "code", '1');
    const SealClientCertificate *certificate =
        seal_test_objects_add_certificate(world->objects, key, &code);
    g_autoptr(GError) error = NULL;

    (void)seal_test_objects_add_certificate(world->objects, add_key(world, "server", '2'), &server);
    expect(world, ALICE, certificate);
    expect(world, "code", certificate);
    g_assert_null(seal_signer_by_name(world->objects, ALICE, SEAL_PURPOSE_SIGN_MAIL, &error));
    g_assert_nonnull(strstr(error->message, "it is not for mail"));
    expect_error(world, "s@example.org", SEAL_ERROR_NOT_FOUND, "it is for neither mail nor code");
    expect_error(world, "server", SEAL_ERROR_NOT_FOUND, "it is for neither mail nor code");
}

#define ADD(path, function) g_test_add(path, World, NULL, set_up, function, tear_down)

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
