/* Encrypting, and who is refused as a recipient. */
#include "base/error.h"
#include "tests/smime/world.h"

#include <string.h>

static void
test_every_cipher_and_key(World *world, gconstpointer data)
{
    static const struct {
        SealContentCipher cipher;
        const char *name;
        const char *type;
        SealVerdict verdict;
    } ciphers[] = {
        {SEAL_CONTENT_AES256_CBC, "aes256-cbc", "smime-type=enveloped-data",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {SEAL_CONTENT_AES192_CBC, "aes192-cbc", "smime-type=enveloped-data",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {SEAL_CONTENT_AES128_CBC, "aes128-cbc", "smime-type=enveloped-data",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {SEAL_CONTENT_AES128_GCM, "aes128-gcm", "smime-type=authEnveloped-data",
         SEAL_VERDICT_DECRYPTED},
        {SEAL_CONTENT_AES192_GCM, "aes192-gcm", "smime-type=authEnveloped-data",
         SEAL_VERDICT_DECRYPTED},
        {SEAL_CONTENT_AES256_GCM, "aes256-gcm", "smime-type=authEnveloped-data",
         SEAL_VERDICT_DECRYPTED},
        {SEAL_CONTENT_CHACHA20_POLY1305, "chacha20-poly1305", "smime-type=authEnveloped-data",
         SEAL_VERDICT_DECRYPTED},
    };
    static const struct {
        const char *key;
        gboolean oaep;
        const char *scheme;
    } keys[] = {{"rsa:2048", FALSE, "rsa-pkcs1"}, {"rsa:2048", TRUE, "rsa-oaep"},
                {"ec:P-256", FALSE, "ecdh"},      {"ec:P-384", FALSE, "ecdh"},
                {"ec:P-521", FALSE, "ecdh"},      {"x25519", FALSE, "x25519"}};
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);

    for (gsize k = 0; k < G_N_ELEMENTS(keys); k++) {
        const TestIdentity *bob = world_bob(world, keys[k].key);

        for (gsize c = 0; c < G_N_ELEMENTS(ciphers); c++) {
            const SealEncryptOptions options = {ciphers[c].cipher, keys[k].oaep};
            g_autoptr(GBytes) mail = world_encrypt(plain, &options, bob, NULL);
            g_autoptr(GBytes) content = NULL;
            g_autoptr(SealReport) report =
                world_open_mail(world, SEAL_OPEN_ALL, mail, ciphers[c].verdict, &content);
            const SealLayerReport *layer = g_ptr_array_index(report->layers, 0);

            g_assert_true(world_has(mail, ciphers[c].type));
            g_assert_true(
                world_has(content, "Content-Type: text/plain; charset=utf-8\r\n\r\n" WORLD_TEXT));
            g_assert_cmpstr(g_ptr_array_index(layer->algorithms, 0), ==, ciphers[c].name);
            g_assert_cmpstr(g_ptr_array_index(layer->algorithms, 1), ==, keys[k].scheme);
            g_assert_cmpuint(layer->recipients, ==, 1);
        }
    }
}

static void
test_three_recipients(World *world, gconstpointer data)
{
    static const char *const keys[] = {"rsa:2048", "ec:P-256", "x25519"};
    const TestIdentity *people[] = {world_bob(world, keys[0]), world_bob(world, keys[1]),
                                    world_bob(world, keys[2])};
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = world_encrypt(plain, NULL, people[0], people[1], people[2], NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(people); i++) {
        g_autoptr(GPtrArray) alone = g_ptr_array_new();
        g_autoptr(GBytes) content = NULL;
        g_autoptr(SealReport) report = NULL;

        g_ptr_array_add(alone, (gpointer)people[i]);
        world->keyring.identities = alone;
        world->keyring.asked = 0;
        report =
            world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_DECRYPTED_NOAUTH, &content);
        g_assert_true(world_has(content, WORLD_TEXT));
        g_assert_cmpuint(world->keyring.asked, ==, 1);
    }
    world->keyring.identities = world->people;
}

static void
expect_refusal(GBytes *mail, GBytes *certificate, SealErrorCode code, const char *named)
{
    g_autoptr(GPtrArray) recipients = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GError) error = NULL;

    if (certificate)
        g_ptr_array_add(recipients, certificate);
    g_assert_null(seal_mail_encrypt(mail, recipients, NULL, &error));
    g_assert_error(error, SEAL_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, named));
}

static void
test_refusals(World *world, gconstpointer data)
{
    const TestSpec weak = {.name = "Weak", .key = "rsa:1024", .usage = "keyEncipherment"};
    const TestSpec edwards = {.name = "Edwards", .key = "ed25519", .usage = "keyEncipherment"};
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) nothing = world_bytes("");

    expect_refusal(mail, NULL, SEAL_ERROR_INVALID_INPUT, "no recipient");
    expect_refusal(mail, world_bytes("PEM?"), SEAL_ERROR_INVALID_INPUT, "recipient's certificate");
    expect_refusal(mail, test_identity_der(world_alice(world, "rsa:2048")), SEAL_ERROR_KEY_USAGE,
                   "CN=Alice");
    expect_refusal(mail, test_identity_der(world_alice(world, "ec:P-256")), SEAL_ERROR_KEY_USAGE,
                   "CN=Alice");
    expect_refusal(mail, test_identity_der(world_person(world, &weak)), SEAL_ERROR_NOT_SUPPORTED,
                   "CN=Weak");
    expect_refusal(mail, test_identity_der(world_person(world, &edwards)), SEAL_ERROR_NOT_SUPPORTED,
                   "CN=Edwards");
    expect_refusal(nothing, test_identity_der(world_bob(world, "ec:P-256")),
                   SEAL_ERROR_INVALID_INPUT, "header");
}

/* RFC 7748 6.1: with a point of small order everybody knows what was agreed on. */
static void
test_point_of_small_order(World *world, gconstpointer data)
{
    static const unsigned char zeroes[32] = {0};
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, zeroes, sizeof zeroes);
    const TestSpec spec = {.name = "Zero", .same_key = key, .usage = "keyAgreement"};
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);

    expect_refusal(mail, test_identity_der(world_person(world, &spec)), SEAL_ERROR_NOT_SUPPORTED,
                   "CN=Zero");
    EVP_PKEY_free(key);
}

/* Garbage under a key that was made up for damaged input is not handed out as a mail. */
static void
test_garbage_is_no_mail(World *world, gconstpointer data)
{
    const TestIdentity *bob = world_bob(world, "rsa:2048");
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    guint given = 0;

    world->keyring.mood = TEST_UNWRAP_WRONG;
    for (guint i = 0; i < 600; i++) { /* a padding survives once in 256 times */
        const SealOpenOptions options = {SEAL_OPEN_ALL, world->trust, &world->unwrapper, NULL, 0};
        g_autoptr(GBytes) mail = world_encrypt(plain, NULL, bob, NULL);
        g_autoptr(GBytes) content = NULL;
        g_autoptr(SealReport) report = NULL;

        g_assert_true(seal_mail_open(mail, &options, &report, &content, NULL));
        given += content != NULL;
        g_assert_cmpstr(seal_verdict_word(report->verdict), ==, "decrypt-failed");
        g_assert_cmpstr(
            report->reason, ==,
            "it cannot be opened with the key it names: it was damaged or made wrongly, "
            "ask the sender to send it again");
    }
    g_assert_cmpuint(given, ==, 0);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/encrypt/every-cipher-and-kind-of-key/opens", test_every_cipher_and_key},
        {"/encrypt/three-recipients/each-opens-it", test_three_recipients},
        {"/encrypt/unfit-recipients/are-refused-by-name", test_refusals},
        {"/encrypt/point-of-small-order/is-refused", test_point_of_small_order},
        {"/encrypt/wrong-key/gives-no-garbage", test_garbage_is_no_mail},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    return g_test_run();
}
