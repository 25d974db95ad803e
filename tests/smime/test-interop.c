/* What `openssl cms` makes of our mail, and we of its: for every algorithm and option that OpenSSL 3.0
 * knows, without an agent. tests/interop/ has other programs, and whole commands of ours. */
#include "tests/smime/world.h"
#include "tests/support/process.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    World world;
    SealTestHome *home;
} Place;

static void
place_open(Place *place, gconstpointer data)
{
    world_open(&place->world, data);
    place->home = seal_test_home_new();
}

static void
place_close(Place *place, gconstpointer data)
{
    seal_test_home_free(place->home);
    world_close(&place->world, data);
}

/* Writes bytes to a file of the home; returns its path. */
static char *
store(Place *place, const char *name, GBytes *bytes)
{
    char *path = seal_test_home_path(place->home, name);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    g_assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
    return path;
}

static GBytes *
load(Place *place, const char *name)
{
    g_autofree char *path = seal_test_home_path(place->home, name);
    char *data = NULL;
    gsize len = 0;

    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    return g_bytes_new_take(data, len);
}

static void
store_identity(Place *place, const char *name, const TestIdentity *identity)
{
    g_autoptr(GBytes) certificate = test_identity_pem(identity);
    g_autoptr(GBytes) key = test_identity_key_pem(identity);
    g_autofree char *certificate_name = g_strconcat(name, ".pem", NULL);
    g_autofree char *key_name = g_strconcat(name, ".key", NULL);

    g_free(store(place, certificate_name, certificate));
    g_free(store(place, key_name, key));
}

/* Runs a command line of words without blanks in the home; it must succeed. Returns its output. */
static GBytes *
run(Place *place, const char *command)
{
    g_autofree char *folder = seal_test_home_path(place->home, "");
    g_auto(GStrv) words = g_strsplit(command, " ", -1);
    g_autoptr(SealTestResult) result = NULL;

    g_assert_cmpint(g_chdir(folder), ==, 0);
    result = seal_test_run(place->home, (const char *const *)words, NULL);
    if (result->status != 0)
        g_test_message("%s: %s%s", command, result->out, result->err);
    g_assert_cmpint(result->status, ==, 0);
    return g_bytes_new(result->out, result->out_len);
}

/* -- openssl reads ---------------------------------------------------------------------------- */

static const struct {
    const char *key;
    gboolean pss;
} signing_keys[] = {
    {"rsa:2048", FALSE},           {"rsa:2048", TRUE},
    {"rsa:3072", FALSE},           {"ec:P-256", FALSE},
    {"ec:P-384", FALSE},           {"ec:P-521", FALSE},
    {"ec:brainpoolP256r1", FALSE}, {"ec:brainpoolP384r1", FALSE},
    {"ec:brainpoolP512r1", FALSE},
};

static void
test_openssl_verifies(Place *place, gconstpointer data)
{
    store_identity(place, "root", place->world.root);
    for (gsize i = 0; i < G_N_ELEMENTS(signing_keys); i++) {
        const TestIdentity *alice = world_alice(&place->world, signing_keys[i].key);

        for (gint opaque = 0; opaque < 2; opaque++) {
            const SealSignOptions options = {.opaque = opaque, .pss = signing_keys[i].pss};
            g_autoptr(GBytes) mail = world_sign(&place->world, alice, NULL, &options);
            g_autofree char *path = store(place, "mail", mail);
            g_autoptr(GBytes) content = NULL;

            g_bytes_unref(run(place, "openssl cms -verify -in mail -CAfile root.pem -out content"));
            content = load(place, "content");
            g_assert_true(world_has(content, WORLD_TEXT));
        }
    }
}

/* A detached signature over bytes; `-binary` keeps OpenSSL from making lines of them. */
static void
test_openssl_verifies_detached(Place *place, gconstpointer data)
{
    g_autoptr(GBytes) content = world_bytes("lone line ends\n\rand none at the end");

    store_identity(place, "root", place->world.root);
    g_free(store(place, "content", content));
    for (gsize i = 0; i < G_N_ELEMENTS(signing_keys); i++) {
        const SealSignOptions options = {.pss = signing_keys[i].pss};
        SealSigner signer =
            test_signer(world_alice(&place->world, signing_keys[i].key), place->world.chain);
        g_autoptr(GBytes) signature = seal_detached_sign(content, &signer, &options, NULL);

        test_signer_clear(&signer);
        g_free(store(place, "signature", signature));
        g_bytes_unref(run(place, "openssl cms -verify -inform DER -in signature -binary "
                                 "-content content -CAfile root.pem -out verified"));
    }
}

static void
test_openssl_decrypts(Place *place, gconstpointer data)
{
    static const SealContentCipher ciphers[] = {SEAL_CONTENT_AES256_CBC, SEAL_CONTENT_AES128_CBC,
                                                SEAL_CONTENT_AES128_GCM, SEAL_CONTENT_AES256_GCM};
    static const char *const keys[] = {"rsa:2048", "ec:P-256", "ec:P-384", "ec:P-521"};
    g_autoptr(GBytes) mail = world_bytes(WORLD_MAIL);
    const TestIdentity *carol = world_bob(&place->world, "rsa:2048");

    for (gsize k = 0; k < G_N_ELEMENTS(keys); k++) {
        const TestIdentity *bob = world_bob(&place->world, keys[k]);

        store_identity(place, "bob", bob);
        for (gsize c = 0; c < G_N_ELEMENTS(ciphers); c++) {
            const SealEncryptOptions options = {ciphers[c], c % 2 == 1};
            g_autoptr(GBytes) encrypted = world_encrypt(mail, &options, carol, bob, NULL);
            g_autofree char *path = store(place, "mail", encrypted);
            g_autoptr(GBytes) content =
                run(place, "openssl cms -decrypt -in mail -recip bob.pem -inkey bob.key");

            g_assert_true(world_has(content, WORLD_TEXT));
        }
    }
}

/* -- openssl writes --------------------------------------------------------------------------- */

static void
store_mail_parts(Place *place)
{
    g_autoptr(GBytes) entity = world_bytes("Content-Type: text/plain\r\n\r\n" WORLD_TEXT);

    g_free(store(place, "entity", entity));
    store_identity(place, "root", place->world.root);
    store_identity(place, "issuer", place->world.issuer);
}

static void
test_verifies_openssl(Place *place, gconstpointer data)
{
    static const char *const variants[] = {"",
                                           " -nodetach",
                                           " -binary",
                                           " -md sha384",
                                           " -md sha512",
                                           " -noattr",
                                           " -keyid",
                                           " -nodetach -indef -stream",
                                           " -nosmimecap -cades"};

    store_mail_parts(place);
    for (gsize k = 0; k < G_N_ELEMENTS(signing_keys); k++) {
        store_identity(place, "alice", world_alice(&place->world, signing_keys[k].key));
        for (gsize v = 0; v < G_N_ELEMENTS(variants); v++) {
            /* OpenSSL 3.0 cannot write PSS as a stream: "illegal zero content". */
            gboolean can_write = !signing_keys[k].pss || !strstr(variants[v], "-stream");
            g_autofree char *command = g_strconcat(
                "openssl cms -sign -in entity -signer alice.pem -inkey alice.key -certfile "
                "issuer.pem "
                "-from alice@example.org -subject Hello",
                signing_keys[k].pss ? " -keyopt rsa_padding_mode:pss" : "", variants[v], NULL);
            g_autoptr(GBytes) mail = can_write ? run(place, command) : NULL;

            g_test_message("%s", command);
            if (mail)
                world_expect(&place->world, mail, SEAL_VERDICT_OK);
        }
    }
}

static void
test_verifies_openssl_detached(Place *place, gconstpointer data)
{
    g_autoptr(GBytes) content = world_bytes("lone line ends\n\rand none at the end");

    store_mail_parts(place);
    store_identity(place, "alice", world_alice(&place->world, "ec:P-256"));
    g_free(store(place, "content", content));
    for (gint pem = 0; pem < 2; pem++) {
        g_autofree char *command =
            g_strconcat("openssl cms -sign -in content -binary -signer alice.pem -inkey alice.key "
                        "-certfile issuer.pem -outform ",
                        pem ? "PEM" : "DER", NULL);
        g_autoptr(GBytes) text = run(place, command);
        g_autoptr(GBytes) signature = seal_armor_read(text, NULL);
        g_autoptr(SealReport) report =
            seal_detached_judge(content, signature, place->world.trust, SEAL_PURPOSE_SIGN_MAIL, 0);

        g_assert_cmpstr(seal_verdict_word(report->verdict), ==, "ok");
    }
}

static void
test_two_signers(Place *place, gconstpointer data)
{
    const TestSpec other = {.name = "Eve", .address = "eve@example.net", .key = "rsa:2048"};
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(SealReport) report = NULL;
    const SealLayerReport *layer = NULL;

    store_mail_parts(place);
    store_identity(place, "alice", world_alice(&place->world, "ec:P-256"));
    store_identity(place, "eve", world_person(&place->world, &other));
    mail =
        run(place, "openssl cms -sign -in entity -signer alice.pem -inkey alice.key "
                   "-signer eve.pem -inkey eve.key -certfile issuer.pem -from alice@example.org");
    report = world_open_mail(&place->world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_OK_PARTIAL, NULL);
    layer = g_ptr_array_index(report->layers, 0);
    g_assert_cmpuint(layer->signers->len, ==, 2);
    g_assert_false(report->good);
}

static void
test_decrypts_openssl(Place *place, gconstpointer data)
{
    static const struct {
        const char *key;
        const char *options;
        SealVerdict verdict;
    } rows[] = {
        {"rsa:2048", " -aes256", SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"rsa:2048", " -aes128 -keyid", SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"rsa:2048", " -aes192 -indef -stream", SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"rsa:2048", " -des3", SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"rsa:2048", " -aes-256-gcm", SEAL_VERDICT_DECRYPTED},
        {"rsa:2048", " -aes-128-gcm -indef -stream", SEAL_VERDICT_DECRYPTED},
        {"rsa:2048", " -aes256 -recip bob.pem -keyopt rsa_padding_mode:oaep",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"rsa:2048",
         " -aes256 -recip bob.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"ec:P-256", " -aes256", SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"ec:P-384", " -aes-192-gcm", SEAL_VERDICT_DECRYPTED},
        {"ec:P-521", " -aes128 -keyid", SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"rsa:2048",
         " -aes256 -recip bob.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha384",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"rsa:2048",
         " -aes-192-gcm -recip bob.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha512",
         SEAL_VERDICT_DECRYPTED},
        {"ec:P-256", " -aes256 -recip bob.pem -keyopt ecdh_kdf_md:sha1",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"ec:P-256", " -aes256 -recip bob.pem -keyopt ecdh_kdf_md:sha224",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"ec:P-256", " -aes256 -recip bob.pem -keyopt ecdh_kdf_md:sha384",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"ec:P-521", " -aes256 -recip bob.pem -keyopt ecdh_kdf_md:sha512",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"ec:P-384", " -aes256 -recip bob.pem -keyopt ecdh_cofactor_mode:1",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"ec:P-384",
         " -aes256 -recip bob.pem -keyopt ecdh_cofactor_mode:1 -keyopt ecdh_kdf_md:sha256",
         SEAL_VERDICT_DECRYPTED_NOAUTH},
        {"ec:brainpoolP256r1", " -aes256", SEAL_VERDICT_DECRYPTED_NOAUTH},
    };

    store_mail_parts(place);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gboolean named = strstr(rows[i].options, "-recip") != NULL;
        g_autofree char *command =
            g_strconcat("openssl cms -encrypt -in entity -from alice@example.org", rows[i].options,
                        named ? "" : " bob.pem", NULL);
        g_autoptr(GBytes) mail = NULL;
        g_autoptr(GBytes) content = NULL;
        g_autoptr(SealReport) report = NULL;
        const SealLayerReport *layer = NULL;

        store_identity(place, "bob", world_bob(&place->world, rows[i].key));
        g_test_message("%s", command);
        mail = run(place, command);
        report = world_open_mail(&place->world, SEAL_OPEN_DECRYPT, mail, rows[i].verdict, &content);
        g_assert_true(report->good);
        g_assert_true(world_has(content, WORLD_TEXT));
        layer = g_ptr_array_index(report->layers, 0);
        g_assert_cmpuint(layer->warnings->len, ==, strstr(rows[i].options, "-des3") != NULL);
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(Place *place, gconstpointer data);
    } tests[] = {
        {"/interop/openssl/verifies-ours", test_openssl_verifies},
        {"/interop/openssl/verifies-our-detached-signature", test_openssl_verifies_detached},
        {"/interop/openssl/decrypts-ours", test_openssl_decrypts},
        {"/interop/openssl/its-signatures-verify", test_verifies_openssl},
        {"/interop/openssl/its-detached-signatures-verify", test_verifies_openssl_detached},
        {"/interop/openssl/two-signers-one-of-them-a-stranger/is-partial", test_two_signers},
        {"/interop/openssl/its-encryption-opens", test_decrypts_openssl},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Place, NULL, place_open, tests[i].test, place_close);
    return g_test_run();
}
