/* CMS messages without a mail around them, as a mail program hands them over that packs its own
 * MIME; and the certificates that a signed mail brings along. What openssl makes of them:
 * tests/clients/neomutt.sh. */
#include "base/error.h"
#include "tests/smime/dissect.h"
#include "tests/smime/world.h"

#define ENTITY "Content-Type: text/plain\r\n\r\nFrom the keeper.\r\n"

static GBytes *
encrypt(const TestIdentity *who, const char *text, SealContentCipher cipher)
{
    const SealEncryptOptions options = {.cipher = cipher};
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    g_autoptr(GBytes) certificate = test_identity_der(who);
    g_autoptr(GBytes) content = world_bytes(text);
    g_autoptr(GError) error = NULL;
    GBytes *cms = NULL;

    g_ptr_array_add(recipients, certificate);
    cms = seal_cms_encrypt(content, recipients, &options, &error);
    g_assert_no_error(error);
    return cms;
}

/* Opens, compares the verdict, and gives what was inside (transfer full) (nullable). */
static GBytes *
open_alone(World *world, GBytes *cms, const char *from, SealVerdict expected)
{
    const SealOpenOptions options = {
        .trust = world->trust, .unwrapper = &world->unwrapper, .from = from};
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GError) error = NULL;
    GBytes *content = NULL;

    g_assert_true(seal_cms_open(cms, &options, &report, &content, &error));
    g_assert_no_error(error);
    if (report->verdict != expected)
        g_test_message("reason: %s", report->reason ? report->reason : "none");
    g_assert_cmpstr(seal_verdict_word(report->verdict), ==, seal_verdict_word(expected));
    g_assert_true(report->good || report->reason);
    g_assert_cmpuint(report->layers->len, ==, 1);
    return content;
}

static void
test_encrypted(World *world, gconstpointer data)
{
    static const struct {
        SealContentCipher cipher;
        SealVerdict verdict;
    } cases[] = {{SEAL_CONTENT_AES256_CBC, SEAL_VERDICT_DECRYPTED_NOAUTH},
                 {SEAL_CONTENT_AES256_GCM, SEAL_VERDICT_DECRYPTED}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) cms = encrypt(world_bob(world, "rsa:2048"), ENTITY, cases[i].cipher);
        g_autoptr(GBytes) content = open_alone(world, cms, NULL, cases[i].verdict);

        g_assert_cmpmem(g_bytes_get_data(content, NULL), g_bytes_get_size(content), ENTITY,
                        strlen(ENTITY));
    }
}

static void
test_signed(World *world, gconstpointer data)
{
    const SealSignOptions opaque = {.opaque = TRUE};
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &opaque);
    g_autoptr(GBytes) cms = test_cms_of(mail);
    g_autoptr(GBytes) unasked = open_alone(world, cms, NULL, SEAL_VERDICT_OK);
    g_autoptr(GBytes) asked = open_alone(world, cms, "alice@example.org", SEAL_VERDICT_OK);
    g_autoptr(GBytes) other =
        open_alone(world, cms, "mallory@example.org", SEAL_VERDICT_ADDRESS_MISMATCH);

    g_assert_true(world_has(unasked, WORLD_TEXT));
    g_assert_true(g_bytes_equal(unasked, asked));
    g_assert_true(g_bytes_equal(unasked, other));
}

/* One layer only: what is inside of it is another question. */
static void
test_inner_layer_is_left(World *world, gconstpointer data)
{
    g_autoptr(GBytes) mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, NULL);
    g_autofree char *text = g_strndup(g_bytes_get_data(mail, NULL), g_bytes_get_size(mail));
    g_autoptr(GBytes) cms = encrypt(world_bob(world, "ec:P-256"), text, SEAL_CONTENT_AES256_CBC);
    g_autoptr(GBytes) content = open_alone(world, cms, NULL, SEAL_VERDICT_DECRYPTED_NOAUTH);

    g_assert_true(g_bytes_equal(content, mail));
}

static void
expect_closed(World *world, GBytes *cms, SealVerdict verdict)
{
    g_assert_null(open_alone(world, cms, NULL, verdict));
}

static void
test_closed(World *world, gconstpointer data)
{
    const SealSignOptions opaque = {.opaque = TRUE};
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    const TestIdentity *bob = world_bob(world, "rsa:2048");
    SealSigner signer = test_signer(alice, NULL);
    g_autoptr(GBytes) text = world_bytes(ENTITY);
    g_autoptr(GBytes) detached = seal_detached_sign(text, &signer, NULL, NULL);
    g_autoptr(GBytes) sealed = encrypt(bob, ENTITY, SEAL_CONTENT_AES256_CBC);
    g_autoptr(GBytes) half = g_bytes_new_from_bytes(sealed, 0, g_bytes_get_size(sealed) / 2);
    g_autoptr(GBytes) mail = world_sign(world, alice, NULL, &opaque);
    g_autoptr(GBytes) certificate = test_identity_der(alice);

    expect_closed(world, text, SEAL_VERDICT_MALFORMED);
    expect_closed(world, half, SEAL_VERDICT_MALFORMED);
    expect_closed(world, mail, SEAL_VERDICT_MALFORMED); /* a mail is no CMS message */
    expect_closed(world, certificate, SEAL_VERDICT_MALFORMED);
    expect_closed(world, detached, SEAL_VERDICT_MALFORMED);
    world->keyring.mood = TEST_UNWRAP_WRONG; /* as a damaged message looks */
    expect_closed(world, sealed, SEAL_VERDICT_DECRYPT_FAILED);
    test_signer_clear(&signer);
}

/* -- certificates ----------------------------------------------------------------------------- */

static void
expect_certificates(GBytes *mail, const TestIdentity *signer, guint count)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) cms = seal_mail_signature(mail, &error);
    g_autoptr(GPtrArray) certificates = NULL;
    g_autoptr(GBytes) own = test_identity_der(signer);
    gboolean found = FALSE;

    g_assert_no_error(error);
    certificates = seal_cms_certificates(cms, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(certificates->len, ==, count);
    for (guint i = 0; i < certificates->len; i++)
        found |= g_bytes_equal(certificates->pdata[i], own);
    g_assert_true(found);
}

static void
test_certificates(World *world, gconstpointer data)
{
    const SealSignOptions opaque = {.opaque = TRUE};
    const TestIdentity *alice = world_alice(world, "ec:P-256");
    g_autoptr(GBytes) parts = world_sign(world, alice, NULL, NULL);
    g_autoptr(GBytes) one = world_sign(world, alice, NULL, &opaque);

    expect_certificates(parts, alice, 2); /* with the issuer, without the root */
    expect_certificates(one, alice, 2);
}

static void
test_no_certificates(World *world, gconstpointer data)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) sealed = world_encrypt(plain, NULL, world_bob(world, "rsa:2048"), NULL);
    g_autoptr(GBytes) foreign = world_bytes("Content-Type: multipart/signed; boundary=x; "
                                            "protocol=\"application/pgp-signature\"\r\n\r\n--x\r\n"
                                            "\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n");
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
    GBytes *const mails[] = {plain, sealed, foreign, nothing};

    for (gsize i = 0; i < G_N_ELEMENTS(mails); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GError) alone = NULL;

        g_assert_null(seal_mail_signature(mails[i], &error));
        g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
        g_assert_null(seal_cms_certificates(mails[i], &alone));
        g_assert_error(alone, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    }
}

#define ADD(path, function) g_test_add(path, World, NULL, world_open, function, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bare/encrypted/opens-to-the-same-bytes", test_encrypted);
    ADD("/bare/signed/is-judged-for-whom-is-named", test_signed);
    ADD("/bare/inner-layer/is-left-as-it-stands", test_inner_layer_is_left);
    ADD("/bare/damaged-or-foreign/gives-nothing-out", test_closed);
    ADD("/bare/certificates/of-parts-and-of-opaque-mail", test_certificates);
    ADD("/bare/certificates/of-unsigned-mail/are-refused", test_no_certificates);
    return g_test_run();
}
