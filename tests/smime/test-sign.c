/* Signed mail, made and judged with software keys. */
#include "base/error.h"
#include "tests/smime/world.h"

#include <string.h>

static const SealSignOptions opaque = {.opaque = TRUE};

typedef struct {
    const char *key;
    gboolean pss;
    const char *digest;
    const char *scheme;
    const char *micalg;
} Kind;

static const Kind kinds[] = {
    {"rsa:2048", FALSE, "sha256", "rsa-pkcs1", "micalg=\"sha-256\""},
    {"rsa:3072", TRUE, "sha256", "rsa-pss", "micalg=\"sha-256\""},
    {"ec:P-256", FALSE, "sha256", "ecdsa", "micalg=\"sha-256\""},
    {"ec:P-384", FALSE, "sha384", "ecdsa", "micalg=\"sha-384\""},
    {"ec:P-521", FALSE, "sha512", "ecdsa", "micalg=\"sha-512\""},
    {"ed25519", FALSE, "sha512", "ed25519", "micalg=\"sha-512\""},
};

static void
expect_signed_by_alice(const SealReport *report, const Kind *kind, gboolean detached)
{
    const SealLayerReport *layer = g_ptr_array_index(report->layers, 0);
    const SealSignerReport *signer = g_ptr_array_index(layer->signers, 0);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    g_assert_cmpuint(report->layers->len, ==, 1);
    g_assert_cmpint(layer->type, ==, SEAL_LAYER_SIGNED);
    g_assert_cmpint(layer->detached, ==, detached);
    g_assert_cmpuint(layer->signers->len, ==, 1);
    g_assert_cmpstr(signer->subject, ==, "CN=Alice,O=Privy Seal Test");
    g_assert_cmpstr(g_ptr_array_index(signer->addresses, 0), ==, "alice@example.org");
    g_assert_cmpstr(signer->digest_algorithm, ==, kind->digest);
    g_assert_cmpstr(signer->signature_algorithm, ==, kind->scheme);
    g_assert_cmpstr(signer->signature, ==, "good");
    g_assert_cmpstr(signer->chain, ==, "good");
    g_assert_cmpstr(signer->address_match, ==, "match");
    g_assert_cmpstr(signer->revocation, ==, "not-checked");
    g_assert_cmpint(ABS(signer->signing_time - now), <, 60);
}

static void
test_round_trip(World *world, gconstpointer data)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const TestIdentity *alice = world_alice(world, kinds[i].key);

        for (gint is_opaque = 0; is_opaque < 2; is_opaque++) {
            const SealSignOptions options = {.opaque = is_opaque, .pss = kinds[i].pss};
            g_autoptr(GBytes) mail = world_sign(world, alice, NULL, &options);
            g_autoptr(GBytes) content = NULL;
            g_autoptr(SealReport) report =
                world_open_mail(world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_OK, &content);

            expect_signed_by_alice(report, &kinds[i], !is_opaque);
            g_assert_true(report->good);
            g_assert_true(
                world_has(content, "Content-Type: text/plain; charset=utf-8\r\n\r\n" WORLD_TEXT));
            if (!is_opaque)
                g_assert_true(world_has(mail, kinds[i].micalg));
        }
    }
}

static void
test_hash_that_is_asked_for(World *world, gconstpointer data)
{
    static const char *const hashes[] = {"sha256", "sha384", "sha512"};
    const TestIdentity *alice = world_alice(world, "ec:P-384");

    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        const SealSignOptions options = {.hash = hashes[i]};
        g_autoptr(GBytes) mail = world_sign(world, alice, NULL, &options);
        g_autoptr(SealReport) report =
            world_open_mail(world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_OK, NULL);
        const SealLayerReport *layer = g_ptr_array_index(report->layers, 0);
        const SealSignerReport *signer = g_ptr_array_index(layer->signers, 0);
        g_autofree char *micalg = g_strdup_printf("micalg=\"sha-%s\"", hashes[i] + strlen("sha"));

        g_assert_cmpstr(signer->digest_algorithm, ==, hashes[i]);
        g_assert_true(world_has(mail, micalg));
    }
}

/* Hashes with collisions, one that no token is asked for, none at all; RFC 8419 2.3 for Ed25519. */
static void
test_hash_that_is_refused(World *world, gconstpointer data)
{
    static const struct {
        const char *key;
        const char *hash;
    } cases[] = {{"ec:P-256", "sha1"},
                 {"ec:P-256", "md5"},
                 {"ec:P-256", "sha224"},
                 {"ec:P-256", "SHA-256 "},
                 {"ec:P-256", ""},
                 {"ed25519", "sha256"}};
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const SealSignOptions options = {.hash = cases[i].hash};
        SealSigner signer = test_signer(world_alice(world, cases[i].key), NULL);
        g_autoptr(GError) error = NULL;

        g_assert_null(seal_mail_sign(mail, &signer, &options, &error));
        g_assert_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED);
        g_assert_nonnull(strstr(error->message, cases[i].hash));
        test_signer_clear(&signer);
    }
}

/* RFC 8551 3.1 and 3.5.3: what is inside, what is outside. */
static void
test_layout(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    gsize len = 0;
    const char *text = g_bytes_get_data(mail, &len);

    g_assert_true(g_str_has_prefix(text, "From: Alice <alice@example.org>\r\n"
                                         "To: Bob <bob@example.org>\r\n"
                                         "Subject: The seal\r\n"
                                         "MIME-Version: 1.0\r\n"
                                         "Content-Type: multipart/signed;"));
    g_assert_true(
        world_has(mail, "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" WORLD_TEXT "\r\n--"));
    g_assert_true(world_has(mail, "protocol=\"application/pkcs7-signature\""));
    g_assert_true(world_has(mail, "filename=\"smime.p7s\""));
    for (gsize i = 0; i < len; i++)
        g_assert_true(text[i] != '\n' || text[i - 1] == '\r');
}

static void
test_unix_lines(World *world, gconstpointer data)
{
    static const char unix_mail[] = "From: alice@example.org\n"
                                    "Subject: a\n folded one\n"
                                    "\n"
                                    "one\ntwo\n";
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) mail = world_sign(world, alice, unix_mail, NULL);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_OK, &content);
    g_autofree char *text = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    g_autofree char *stored = g_strjoinv("\n", lines);
    g_autoptr(GBytes) stored_mail = world_bytes(stored);

    g_assert_true(report->good);
    g_assert_true(world_has(mail, "Subject: a\r\n folded one\r\n"));
    g_assert_true(
        world_has(content, "Content-Type: text/plain; charset=us-ascii\r\n\r\none\r\ntwo\r\n"));
    world_expect(world, stored_mail, SEAL_VERDICT_OK); /* as a mailbox file keeps it */
}

static void
test_multipart_is_kept(World *world, gconstpointer data)
{
    static const char body[] =
        "preamble\r\n--x\r\n\r\n\tone\r\n--x\r\nContent-Type: text/html\r\n\r\n"
        "<p>\r\n\r\n--x--\r\nepilogue without end";
    g_autofree char *plain = g_strconcat(
        "From: alice@example.org\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n", body, NULL);
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) mail = world_sign(world, alice, plain, NULL);
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_OK, &content);

    g_assert_true(report->good);
    g_assert_true(world_has(content, body));
    g_assert_true(memcmp((const char *)g_bytes_get_data(content, NULL) + g_bytes_get_size(content) -
                             strlen(body),
                         body, strlen(body)) == 0);
}

static void
test_root_stays_home(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);

    /* The path is complete with the root as an anchor, and incomplete, not untrusted, without. */
    world_expect(world, mail, SEAL_VERDICT_OK);
    seal_trust_free(world->trust);
    world->trust = seal_trust_new();
    world_expect(world, mail, SEAL_VERDICT_INCOMPLETE_CHAIN);
}

static void
expect_refusal(World *world, const TestIdentity *who, const char *mail, SealErrorCode code)
{
    SealSigner signer = test_signer(who, NULL);
    g_autoptr(GBytes) bytes = world_bytes(mail);
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_mail_sign(bytes, &signer, NULL, &error));
    g_assert_error(error, SEAL_ERROR, (gint)code);
    test_signer_clear(&signer);
}

static void
test_refusals(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");

    expect_refusal(world, alice, "", SEAL_ERROR_INVALID_INPUT);
    expect_refusal(world, alice, "no header here\r\n", SEAL_ERROR_INVALID_INPUT);
    expect_refusal(world, alice, "From: a@b.c\r\nnot a field\r\n\r\ntext",
                   SEAL_ERROR_INVALID_INPUT);
    expect_refusal(world, world_bob(world, "ec:P-256"), WORLD_MAIL, SEAL_ERROR_KEY_USAGE);
}

/* Key and certificate that do not belong together are found out before a mail leaves. */
static void
test_wrong_key(World *world, gconstpointer data)
{
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    const TestIdentity *other = world_alice(world, "ec:P-256");
    SealSigner signer = test_signer(alice, NULL);
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);
    g_autoptr(GError) error = NULL;

    signer.user_data = (gpointer)other;
    g_assert_null(seal_mail_sign(mail, &signer, NULL, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    test_signer_clear(&signer);
}

static GBytes *
refuse_to_sign(const SealSigner *signer, const char *mechanism, const char *hash, GBytes *data,
               GError **error)
{
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_CANCELLED, "cancelled by the test");
    return NULL;
}

static void
test_signer_refuses(World *world, gconstpointer data)
{
    SealSigner signer = test_signer(world_alice(world, "ec:P-256"), NULL);
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);
    g_autoptr(GError) error = NULL;

    signer.sign = refuse_to_sign;
    g_assert_null(seal_mail_sign(mail, &signer, NULL, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED);
    g_assert_cmpstr(error->message, ==, "cancelled by the test");
    test_signer_clear(&signer);
}

static void
test_certificate_on_a_token_that_is_none(World *world, gconstpointer data)
{
    SealSigner signer = test_signer(world_alice(world, "ec:P-256"), NULL);
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);
    g_autoptr(GError) error = NULL;

    g_bytes_unref(signer.certificate);
    signer.certificate = world_bytes("not DER");
    g_assert_null(seal_mail_sign(mail, &signer, NULL, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    test_signer_clear(&signer);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/sign/every-kind-of-key/verifies", test_round_trip},
        {"/sign/hash-that-is-asked-for/is-used-and-named", test_hash_that_is_asked_for},
        {"/sign/hash-that-does-not-do/is-refused", test_hash_that_is_refused},
        {"/sign/layout-of-multipart-signed", test_layout},
        {"/sign/unix-line-ends/become-canonical", test_unix_lines},
        {"/sign/multipart-body/keeps-every-byte", test_multipart_is_kept},
        {"/sign/chain-goes-along-without-root", test_root_stays_home},
        {"/sign/bad-mail-or-certificate/is-refused", test_refusals},
        {"/sign/key-of-another-certificate/is-found-out", test_wrong_key},
        {"/sign/signer-refuses/error-is-passed-on", test_signer_refuses},
        {"/sign/unreadable-certificate/is-refused", test_certificate_on_a_token_that_is_none},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
