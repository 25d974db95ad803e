/* What other programs make of our mail, and we of theirs: `openssl cms` for every algorithm that
 * OpenSSL 3.0 knows, NSS's `cmsutil` and GnuPG's `gpgsm` for what they know, Bouncy Castle
 * for what none of them does. */
#include "base/error.h"
#include "tests/smime/world.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
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

static gboolean
is_installed(const char *program)
{
    g_autofree char *path = g_find_program_in_path(program);

    return path != NULL;
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

/* -- NSS -------------------------------------------------------------------------------------- */

/* Puts identities into an NSS database, the root trusted for mail. */
static void
make_nss(Place *place, const char *name, const TestIdentity *identity)
{
    PKCS12 *bundle =
        PKCS12_create("x", name, identity->key, identity->certificate, NULL, 0, 0, 0, 0, 0);
    unsigned char *der = NULL;
    int len = i2d_PKCS12(bundle, &der);
    g_autoptr(GBytes) bytes = g_bytes_new(der, (gsize)len);
    g_autofree char *command = NULL;

    OPENSSL_free(der);
    PKCS12_free(bundle);
    g_free(store(place, "bundle.p12", bytes));
    g_bytes_unref(run(place, "pk12util -d nss -i bundle.p12 -W x -k password"));
    command = g_strdup_printf("certutil -d nss -f password -L -n %s", name);
    g_bytes_unref(run(place, command));
}

static void
start_nss(Place *place)
{
    g_autofree char *folder = seal_test_home_path(place->home, "nss");
    g_autoptr(GBytes) password = world_bytes("x\n");

    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    g_free(store(place, "password", password));
    store_mail_parts(place);
    g_bytes_unref(run(place, "certutil -d nss -N -f password"));
    g_bytes_unref(run(place, "certutil -d nss -f password -A -n root -t ,C, -i root.pem"));
    g_bytes_unref(run(place, "certutil -d nss -f password -A -n issuer -t ,, -i issuer.pem"));
}

/* A mail around a CMS message another program made. */
static GBytes *
wrap(GBytes *cms, const char *type)
{
    gsize len = 0;
    const guchar *data = g_bytes_get_data(cms, &len);
    g_autofree char *base64 = g_base64_encode(data, len);
    g_autofree char *mail =
        g_strdup_printf("From: alice@example.org\r\n"
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: application/x-pkcs7-mime; smime-type=%s; name=smime.p7m\r\n"
                        "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n",
                        type, base64);

    return world_bytes(mail);
}

/* The CMS message of one of our opaque mails. */
static GBytes *
unwrap(GBytes *mail)
{
    gsize len = 0;
    const char *text = g_bytes_get_data(mail, &len);
    const char *body = g_strstr_len(text, (gssize)len, "\r\n\r\n");
    g_autofree char *base64 = g_strndup(body, (gsize)(text + len - body));
    gsize der_len = 0;
    guchar *der = g_base64_decode(base64, &der_len);

    return g_bytes_new_take(der, der_len);
}

static void
test_nss_encrypts(Place *place, gconstpointer data)
{
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) cms = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;

    if (!is_installed("cmsutil")) {
        g_test_skip("cmsutil is not installed (libnss3-tools)");
        return;
    }
    start_nss(place);
    make_nss(place, "bob", world_bob(&place->world, "rsa:2048"));
    cms = run(place, "cmsutil -E -d nss -f password -r bob@example.org -i entity");
    mail = wrap(cms, "enveloped-data");
    report = world_open_mail(&place->world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_DECRYPTED_NOAUTH,
                             &content);
    g_assert_true(world_has(content, WORLD_TEXT));
}

static void
test_nss_signs(Place *place, gconstpointer data)
{
    /* cmsutil names the certificate for answers too, and has only this one. */
    const TestSpec spec = {.name = "Alice",
                           .address = "alice@example.org",
                           .key = "rsa:2048",
                           .usage = "digitalSignature,keyEncipherment"};
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) cms = NULL;

    if (!is_installed("cmsutil")) {
        g_test_skip("cmsutil is not installed (libnss3-tools)");
        return;
    }
    start_nss(place);
    make_nss(place, "alice", world_person(&place->world, &spec));
    cms = run(place, "cmsutil -S -d nss -f password -N alice -H SHA256 -G -i entity");
    mail = wrap(cms, "signed-data");
    world_expect(&place->world, mail, SEAL_VERDICT_OK);
}

static void
test_nss_reads(Place *place, gconstpointer data)
{
    static const SealSignOptions opaque = {.opaque = TRUE};
    static const char *const keys[] = {"rsa:2048", "ec:P-256"};
    const TestIdentity *bob = NULL;
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) encrypted = NULL;
    g_autoptr(GBytes) message = NULL;
    g_autoptr(GBytes) content = NULL;

    if (!is_installed("cmsutil")) {
        g_test_skip("cmsutil is not installed (libnss3-tools)");
        return;
    }
    start_nss(place);
    bob = world_bob(&place->world, "rsa:2048");
    make_nss(place, "bob", bob);
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const TestIdentity *alice = world_alice(&place->world, keys[i]);
        g_autoptr(GBytes) mail = world_sign(&place->world, alice, NULL, &opaque);
        g_autoptr(GBytes) cms = unwrap(mail);
        g_autoptr(GBytes) read = NULL;

        g_free(store(place, "message", cms));
        read = run(place, "cmsutil -D -d nss -f password -u 4 -i message");
        g_assert_true(world_has(read, WORLD_TEXT));
    }
    encrypted = world_encrypt(plain, NULL, bob, NULL);
    message = unwrap(encrypted);
    g_free(store(place, "message", message));
    content = run(place, "cmsutil -D -d nss -f password -i message");
    g_assert_true(world_has(content, WORLD_TEXT));
}

/* -- GnuPG ------------------------------------------------------------------------------------ */

/* gpgsm asks its agent which roots to trust; the agent is ours, in the foreground, and ends with
 * the home. */
static void
start_gnupg(Place *place)
{
    static const char *const agent[] = {"gpg-agent",   "--homedir", "gnupg", "--verbose",
                                        "--no-detach", "--daemon",  NULL};
    g_autofree char *folder = seal_test_home_path(place->home, "gnupg");
    g_autofree char *home = seal_test_home_path(place->home, "");
    g_autofree char *log = NULL;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    g_autoptr(GString) line = g_string_new(NULL);
    g_autoptr(GBytes) trusted = NULL;

    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    X509_digest(place->world.root->certificate, EVP_sha1(), digest, &len);
    for (unsigned int i = 0; i < len; i++)
        g_string_append_printf(line, "%02X", digest[i]);
    g_string_append(line, " S\n");
    trusted = world_bytes(line->str);
    g_free(store(place, "gnupg/trustlist.txt", trusted));
    g_assert_cmpint(g_chdir(home), ==, 0);
    seal_test_start(place->home, agent, "gpg-agent.log");
    log = seal_test_home_path(place->home, "gpg-agent.log");
    g_assert_true(seal_test_wait_for_text(log, "started"));
}

static void
test_gpgsm_encrypts(Place *place, gconstpointer data)
{
    g_autoptr(GBytes) cms = NULL;
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(SealReport) report = NULL;

    if (!is_installed("gpgsm")) {
        g_test_skip("gpgsm is not installed");
        return;
    }
    start_gnupg(place);
    store_mail_parts(place);
    store_identity(place, "bob", world_bob(&place->world, "rsa:2048"));
    g_bytes_unref(run(place, "gpgsm --homedir gnupg --batch --no-autostart --disable-dirmngr "
                             "--import root.pem issuer.pem bob.pem"));
    cms = run(place,
              "gpgsm --homedir gnupg --batch --no-autostart --disable-dirmngr --disable-crl-checks "
              "--disable-trusted-cert-crl-check -e -r bob@example.org -o - entity");
    mail = wrap(cms, "enveloped-data");
    report = world_open_mail(&place->world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_DECRYPTED_NOAUTH,
                             &content);
    g_assert_true(world_has(content, WORLD_TEXT));
}

static void
test_gpgsm_verifies(Place *place, gconstpointer data)
{
    static const SealSignOptions opaque = {.opaque = TRUE};
    static const char *const keys[] = {"rsa:2048", "ec:P-256"};

    if (!is_installed("gpgsm")) {
        g_test_skip("gpgsm is not installed");
        return;
    }
    start_gnupg(place);
    store_mail_parts(place);
    g_bytes_unref(run(place, "gpgsm --homedir gnupg --batch --no-autostart --disable-dirmngr "
                             "--import root.pem issuer.pem"));
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        const TestIdentity *alice = world_alice(&place->world, keys[i]);
        g_autoptr(GBytes) mail = world_sign(&place->world, alice, NULL, &opaque);
        g_autoptr(GBytes) cms = unwrap(mail);
        g_autoptr(GBytes) read = NULL;

        g_free(store(place, "message", cms));
        read = run(place,
                   "gpgsm --homedir gnupg --batch --no-autostart --disable-dirmngr "
                   "--disable-crl-checks --disable-trusted-cert-crl-check --verify -o - message");
        g_assert_true(world_has(read, WORLD_TEXT));
    }
}

/* -- Bouncy Castle ---------------------------------------------------------------------------- */

#define JARS "/usr/share/java/bcpkix.jar:/usr/share/java/bcutil.jar:/usr/share/java/bcprov.jar"

static gboolean
has_bouncy_castle(void)
{
    if (is_installed("javac") && g_file_test("/usr/share/java/bcpkix.jar", G_FILE_TEST_EXISTS))
        return TRUE;
    g_test_skip("Bouncy Castle or a JDK is not installed (libbcpkix-java, "
                "openjdk-17-jdk-headless)");
    return FALSE;
}

/* What the program BouncyCastle.java writes about the CMS message of an opaque mail. */
static GBytes *
ask_bouncy_castle(Place *place, const char *what, GBytes *mail)
{
    g_autofree char *source = seal_test_source("tests/smime/BouncyCastle.java");
    g_autofree char *command = g_strdup_printf("java -cp " JARS " %s %s message", source, what);
    g_autoptr(GBytes) cms = unwrap(mail);

    g_free(store(place, "message", cms));
    return run(place, command);
}

/* OpenSSL 3.0's CMS knows no Ed25519. */
static void
test_bouncy_castle_verifies(Place *place, gconstpointer data)
{
    static const SealSignOptions opaque = {.opaque = TRUE};
    static const char *const keys[] = {"ed25519", "ec:P-384"};

    if (!has_bouncy_castle())
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GBytes) mail =
            world_sign(&place->world, world_alice(&place->world, keys[i]), NULL, &opaque);
        g_autoptr(GBytes) content = ask_bouncy_castle(place, "verify", mail);

        g_assert_true(world_has(content, WORLD_TEXT));
    }
}

static void
test_bouncy_castle_expands(Place *place, gconstpointer data)
{
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(GBytes) content = NULL;

    if (!has_bouncy_castle())
        return;
    mail = seal_mail_compress(plain, NULL);
    content = ask_bouncy_castle(place, "expand", mail);
    g_assert_true(world_has(content, WORLD_TEXT));
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
        {"/interop/nss/its-encryption-opens", test_nss_encrypts},
        {"/interop/nss/its-signature-verifies", test_nss_signs},
        {"/interop/nss/reads-ours", test_nss_reads},
        {"/interop/gpgsm/verifies-ours", test_gpgsm_verifies},
        {"/interop/gpgsm/its-encryption-opens", test_gpgsm_encrypts},
        {"/interop/bouncy-castle/verifies-ours", test_bouncy_castle_verifies},
        {"/interop/bouncy-castle/expands-ours", test_bouncy_castle_expands},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Place, NULL, place_open, tests[i].test, place_close);
    return g_test_run();
}
