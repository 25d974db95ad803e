/* privyseal encrypt: other programs open it with software copies of the keys, and nothing is
 * written when a recipient is missing. */
#include <string.h>

#include "tests/cli/cli-fixture.h"

typedef struct {
    const char *path, *key, *cipher, *option; /* (nullable) the latter two */
    const char *names[2];                     /* what `openssl cms -cmsout -print` must say */
} CipherCase;

static const CipherCase cipher_cases[] = {
    {"/cli/encrypt/rsa-cbc", "alice-rsa-decrypt", NULL, NULL, {"aes-256-cbc", "rsaEncryption"}},
    {"/cli/encrypt/rsa-oaep-cbc",
     "alice-rsa-decrypt",
     "aes-256-cbc",
     "--oaep",
     {"aes-256-cbc", "rsaesOaep"}},
    {"/cli/encrypt/rsa-gcm-256",
     "alice-rsa-decrypt",
     "aes-256-gcm",
     NULL,
     {"aes-256-gcm", "rsaEncryption"}},
    {"/cli/encrypt/p-256-cbc",
     "alice-p256-decrypt",
     NULL,
     NULL,
     {"aes-256-cbc", "dhSinglePass-stdDH-sha256kdf"}},
    {"/cli/encrypt/p-384-gcm-128",
     "alice-p384-decrypt",
     "aes-128-gcm",
     NULL,
     {"aes-128-gcm", "dhSinglePass"}},
    {"/cli/encrypt/p-521-cbc", "alice-p521-decrypt", NULL, NULL, {"aes-256-cbc", "dhSinglePass"}},
};

/* openssl opens it with the software copy of the key; what comes out (transfer full). */
static GBytes *
open_with_openssl(GBytes *sealed, const char *key_name)
{
    g_autofree char *key_file = g_strdup_printf("software-keys/%s.pem", key_name);
    g_autofree char *certificate_file = g_strdup_printf("certs/%s.pem", key_name);
    g_autofree char *key = seal_cli_test_fixture_file(key_file);
    g_autofree char *certificate = seal_cli_test_fixture_file(certificate_file);
    g_autoptr(SealTestResult) result = seal_cli_test_other(
        sealed, "openssl", "cms", "-decrypt", "-inkey", key, "-recip", certificate, NULL);

    seal_cli_test_assert_status(result, 0);
    return seal_cli_test_output(result);
}

static gboolean
contains(GBytes *bytes, const char *text)
{
    gsize len = 0;
    const void *data = g_bytes_get_data(bytes, &len);

    return memmem(data, len, text, strlen(text)) != NULL;
}

static void
test_cipher(gconstpointer data)
{
    const CipherCase *with = data;
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *name = g_strdup_printf("certs/%s.pem", with->key);
    g_autofree char *certificate = seal_cli_test_fixture_file(name);
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", certificate, "--cipher",
                                with->cipher ? with->cipher : "aes-256-cbc", with->option, NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(result);
    g_autoptr(GBytes) opened = NULL;
    g_autoptr(SealTestResult) print = NULL;

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->err, "privyseal: encrypted with aes-"));
    g_assert_nonnull(strstr(result->err, "(as --cipher says"));
    g_assert_false(contains(sealed, SEAL_CLI_TEST_WORDS));
    opened = open_with_openssl(sealed, with->key);
    g_assert_true(contains(opened, SEAL_CLI_TEST_WORDS));
    print = seal_cli_test_other(sealed, "openssl", "cms", "-cmsout", "-print", "-noout", NULL);
    for (guint i = 0; i < G_N_ELEMENTS(with->names); i++)
        g_assert_nonnull(strstr(print->out, with->names[i]));
}

static void
test_default_cipher(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *certificate = seal_cli_test_fixture_file("certs/bob-rsa-decrypt.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", certificate, NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(result);
    g_autoptr(SealTestResult) print =
        seal_cli_test_other(sealed, "openssl", "cms", "-cmsout", "-print", "-noout", NULL);

    g_assert_nonnull(strstr(print->out, "aes-256-cbc"));
    g_assert_nonnull(strstr(result->out, "smime-type=enveloped-data"));
}

/* By address: the certificates are on tokens. Each of the three can open it. */
static void
test_addresses(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *carol = seal_cli_test_fixture_file("certs/carol-p256-decrypt.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "alice@example.org", "--to",
                                "bob@EXAMPLE.org", "--to", carol, NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(result);
    static const char *const keys[] = {"alice-rsa-decrypt", "bob-rsa-decrypt",
                                       "carol-p256-decrypt"};

    seal_cli_test_assert_status(result, 0);
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(GBytes) opened = open_with_openssl(sealed, keys[i]);

        g_assert_true(contains(opened, SEAL_CLI_TEST_WORDS));
    }
}

static void
test_signed_inside(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
        mail, "encrypt", "--sign", "--key", "Alice P-256 signing", "--to", "bob@example.org", NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(result);
    g_autoptr(GBytes) inner = NULL;
    g_autoptr(SealTestResult) verified = NULL;

    seal_cli_test_assert_status(result, 0);
    inner = open_with_openssl(sealed, "bob-rsa-decrypt");
    verified = seal_cli_test_other(inner, "openssl", "cms", "-verify", "-CAfile", root, NULL);
    seal_cli_test_assert_status(verified, 0);
    g_assert_nonnull(strstr(verified->out, SEAL_CLI_TEST_WORDS));
}

/* No other program on Debian reads these two: the agent and its token do. */
static void
test_x25519_and_chacha20(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *certificate = seal_cli_test_fixture_file("certs/alice-x25519-decrypt.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--no-to-self", "--cipher", "chacha20-poly1305",
                                "--to", certificate, NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(result);
    g_autoptr(SealTestResult) opened = seal_cli_test_privyseal(sealed, "decrypt", "--json", NULL);

    seal_cli_test_assert_status(result, 0);
    seal_cli_test_assert_status(opened, 0);
    g_assert_nonnull(strstr(opened->out, SEAL_CLI_TEST_WORDS));
    g_assert_nonnull(strstr(opened->err, "\"decrypted\""));
    g_assert_nonnull(strstr(opened->err, "\"chacha20-poly1305\""));
    g_assert_nonnull(strstr(opened->err, "\"x25519\""));
}

/* Signed, compressed, encrypted: `privyseal open` finds all three. */
static void
test_compressed(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--compress", "--sign", "--key",
                                "Alice P-256 signing", "--to", "alice@example.org", NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(result);
    g_autoptr(SealTestResult) opened =
        seal_cli_test_privyseal(sealed, "open", "--json", "--anchor", root, NULL);

    seal_cli_test_assert_status(result, 0);
    seal_cli_test_assert_status(opened, 0);
    g_assert_nonnull(strstr(opened->err, "\"compressed\""));
    g_assert_nonnull(strstr(opened->err, "\"zlib\""));
    g_assert_nonnull(strstr(opened->out, "HP-Outer: Subject: [...]")); /* innermost, RFC 9788 */
}

/* -- what is chosen, and who can read it ------------------------------------------------------- */

static void
test_choice_is_told(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *certificate = seal_cli_test_fixture_file("certs/bob-rsa-decrypt.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", certificate, NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_true(g_str_has_prefix(result->err, "privyseal: encrypted with aes-256-cbc (nothing is "
                                                "known of what "));
    g_assert_nonnull(strstr(result->err, "bob-rsa-decrypt.pem reads), keys by rsa-pkcs1\n"));
}

/* Alice's signed mail says what is read here; that it is kept, and used for her address and for
 * the file of the same certificate, and that somebody else's silence counts for all. */
static void
test_stated(void)
{
    static const char all[] = "privyseal: encrypted with aes-256-gcm (everybody states to read "
                              "it), keys by rsa-oaep\n";
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *before = g_strdup(g_getenv("XDG_DATA_HOME"));
    g_autofree char *data = seal_cli_test_home_file("stated");
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *file = seal_cli_test_fixture_file("certs/alice-rsa-decrypt.pem");
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(GBytes) signed_mail = NULL;
    g_autoptr(SealTestResult) verified = NULL;
    g_autoptr(SealTestResult) by_address = NULL;
    g_autoptr(SealTestResult) by_file = NULL;
    g_autoptr(SealTestResult) with_bob = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(SealTestResult) opened = NULL;

    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", data);
    result = seal_cli_test_privyseal(mail, "sign", NULL);
    signed_mail = seal_cli_test_output(result);
    verified = seal_cli_test_privyseal(signed_mail, "verify", "--anchor", root, NULL);
    by_address = seal_cli_test_privyseal(mail, "encrypt", "--to", "alice@example.org", NULL);
    by_file = seal_cli_test_privyseal(mail, "encrypt", "--no-to-self", "--to", file, NULL);
    with_bob = seal_cli_test_privyseal(mail, "encrypt", "--to", "alice@example.org", "--to",
                                       "bob@example.org", NULL);
    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", before);
    seal_cli_test_assert_status(verified, 0);
    g_assert_cmpstr(by_address->err, ==, all);
    g_assert_cmpstr(by_file->err, ==, all);
    g_assert_cmpstr(with_bob->err, ==,
                    "privyseal: encrypted with aes-256-cbc (nothing is known of what "
                    "bob@example.org reads), keys by rsa-pkcs1\n");
    sealed = seal_cli_test_output(by_address);
    opened = seal_cli_test_privyseal(sealed, "decrypt", NULL);
    seal_cli_test_assert_status(opened, 0);
    g_assert_nonnull(strstr(opened->out, SEAL_CLI_TEST_WORDS));
}

/* To Bob, and to Alice, who writes it; not with --no-to-self. Twice named is once encrypted to. */
static void
test_to_self(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "bob@example.org", NULL);
    g_autofree char *bob = seal_cli_test_fixture_file("certs/bob-rsa-decrypt.pem");
    g_autoptr(SealTestResult) without = seal_cli_test_privyseal(
        mail, "encrypt", "--no-to-self", "--to", "bob@example.org", "--to", bob, NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(result);
    g_autoptr(GBytes) opened = open_with_openssl(sealed, "alice-rsa-decrypt");
    g_autoptr(SealTestResult) print = NULL;
    g_autoptr(GBytes) sealed_without = seal_cli_test_output(without);

    g_assert_true(contains(opened, SEAL_CLI_TEST_WORDS));
    print =
        seal_cli_test_other(sealed_without, "openssl", "cms", "-cmsout", "-print", "-noout", NULL);
    g_assert_nonnull(strstr(print->out, "d.ktri"));
    g_assert_null(strstr(strstr(print->out, "d.ktri") + 1, "d.ktri"));
}

static void
test_no_self(void)
{
    static const char text[] = "From: nobody@example.org\r\n\r\nhello\r\n";
    g_autoptr(GBytes) mail = g_bytes_new_static(text, sizeof text - 1);
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "bob@example.org", NULL);
    g_autoptr(SealTestResult) insisting =
        seal_cli_test_privyseal(mail, "encrypt", "--to-self", "--to", "bob@example.org", NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->err, "; not to yourself: "));
    seal_cli_test_assert_error(insisting, 3, "cannot encrypt to yourself: ");
}

/* RFC 9788 3.2.1 by default, and what turns it off. */
static void
test_headers(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) hidden =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "bob@example.org", NULL);
    g_autoptr(SealTestResult) shown = seal_cli_test_privyseal(
        mail, "encrypt", "--protect-headers", "yes", "--to", "bob@example.org", NULL);
    g_autoptr(SealTestResult) off = seal_cli_test_privyseal(mail, "encrypt", "--protect-headers",
                                                            "no", "--to", "bob@example.org", NULL);
    g_autoptr(GBytes) hidden_mail = seal_cli_test_output(hidden);
    g_autoptr(GBytes) shown_mail = seal_cli_test_output(shown);
    g_autoptr(GBytes) off_mail = seal_cli_test_output(off);
    g_autoptr(GBytes) hidden_inner = open_with_openssl(hidden_mail, "bob-rsa-decrypt");
    g_autoptr(GBytes) shown_inner = open_with_openssl(shown_mail, "bob-rsa-decrypt");
    g_autoptr(GBytes) off_inner = open_with_openssl(off_mail, "bob-rsa-decrypt");

    g_assert_true(contains(hidden_mail, "\r\nSubject: [...]\r\n"));
    g_assert_false(contains(hidden_mail, "The seal"));
    g_assert_true(contains(hidden_inner, "Subject: The seal"));
    g_assert_true(contains(hidden_inner, "HP-Outer: Subject: [...]"));
    g_assert_true(contains(shown_mail, "Subject: The seal"));
    g_assert_true(contains(shown_inner, "HP-Outer: Subject: The seal"));
    g_assert_true(contains(off_mail, "Subject: The seal"));
    g_assert_false(contains(off_inner, "Subject:"));
}

static void
test_compressed_alone(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--compress", "--to", "bob@example.org", NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(result);
    g_autoptr(SealTestResult) opened = seal_cli_test_privyseal(sealed, "open", NULL);

    seal_cli_test_assert_status(opened, 0);
    g_assert_nonnull(strstr(opened->out, "HP-Outer: Subject: [...]"));
    g_assert_null(strstr(result->out, "The seal"));
}

/* RFC 2634 1.1: signed, encrypted, signed. */
static void
test_triple(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
        mail, "encrypt", "--sign", "--triple", "--to", "bob@example.org", NULL);
    g_autoptr(GBytes) wrapped = seal_cli_test_output(result);
    g_autoptr(SealTestResult) outer =
        seal_cli_test_other(wrapped, "openssl", "cms", "-verify", "-CAfile", root, NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(outer);
    g_autoptr(GBytes) inner = NULL;
    g_autoptr(SealTestResult) verified = NULL;

    seal_cli_test_assert_status(result, 0);
    seal_cli_test_assert_status(outer, 0);
    inner = open_with_openssl(sealed, "bob-rsa-decrypt");
    verified = seal_cli_test_other(inner, "openssl", "cms", "-verify", "-CAfile", root, NULL);
    seal_cli_test_assert_status(verified, 0);
    g_assert_nonnull(strstr(verified->out, SEAL_CLI_TEST_WORDS));
    g_assert_nonnull(strstr(verified->out, "Subject: The seal"));
    g_assert_false(contains(wrapped, "The seal"));
}

/* -- blind copies ------------------------------------------------------------------------------ */

static void
test_blind_copy(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *folder = seal_cli_test_home_file("copies");
    g_autofree char *carol = seal_cli_test_fixture_file("certs/carol-p256-decrypt.pem");
    g_autofree char *path = g_build_filename(folder, "carol-p256-decrypt.pem.eml", NULL);
    g_autofree char *text = NULL;
    gsize len = 0;
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(GBytes) common = NULL;
    g_autoptr(GBytes) copy = NULL;
    g_autoptr(GBytes) opened = NULL;
    g_autoptr(SealTestResult) print = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    result = seal_cli_test_privyseal(mail, "encrypt", "--to", "bob@example.org", "--bcc", carol,
                                     "--bcc-output", folder, NULL);
    seal_cli_test_assert_status(result, 0);
    common = seal_cli_test_output(result);
    print = seal_cli_test_other(common, "openssl", "cms", "-cmsout", "-print", "-noout", NULL);
    g_assert_null(strstr(print->out, "d.kari")); /* Carol's key alone is of this kind */
    g_assert_true(g_file_get_contents(path, &text, &len, NULL));
    copy = g_bytes_new(text, len);
    opened = open_with_openssl(copy, "carol-p256-decrypt");
    g_assert_true(contains(opened, SEAL_CLI_TEST_WORDS));
    g_assert_nonnull(strstr(result->err, path));
}

/* One would overwrite the other, and its reader would get nothing. */
static void
test_blind_copies_collide(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *folder = seal_cli_test_home_file("collision");
    g_autofree char *written = g_build_filename(folder, "reader.pem.eml", NULL);
    g_autoptr(SealTestResult) result = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    result = seal_cli_test_privyseal(mail, "encrypt", "--to", "bob@example.org", "--bcc",
                                     "one/reader.pem", "--bcc", "two/reader.pem", "--bcc-output",
                                     folder, NULL);
    seal_cli_test_assert_error(result, 2, "one/reader.pem and two/reader.pem");
    g_assert_false(g_file_test(written, G_FILE_TEST_EXISTS));
}

static void
test_bcc_field(void)
{
    static const char text[] = "From: alice@example.org\r\nBcc: carol@example.org\r\n\r\nhello\r\n";
    static const char again[] = "From: alice@example.org\r\nResent-Bcc: carol@example.org\r\n\r\n";
    g_autoptr(GBytes) mail = g_bytes_new_static(text, sizeof text - 1);
    g_autoptr(GBytes) mail_again = g_bytes_new_static(again, sizeof again - 1);
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "bob@example.org", NULL);
    g_autoptr(SealTestResult) result_again =
        seal_cli_test_privyseal(mail_again, "encrypt", "--to", "bob@example.org", NULL);

    seal_cli_test_assert_error(result, 5, "Bcc field");
    seal_cli_test_assert_error(result_again, 5, "Bcc field");
}

/* -- configuration ------------------------------------------------------------------------------
 */

/* The agent's configuration with `text` behind it; what it was (transfer full). */
static char *
configure(const char *text)
{
    static const char conf[] = "config/privyseal/privyseal.conf";
    char *before = seal_test_home_read(seal_cli_test_home(), conf);
    g_autofree char *all = g_strconcat(before, text, NULL);

    g_free(seal_test_home_write(seal_cli_test_home(), conf, all));
    return before;
}

static void
restore(const char *before)
{
    g_free(seal_test_home_write(seal_cli_test_home(), "config/privyseal/privyseal.conf", before));
}

static void
test_configuration(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *before = configure("\n[encrypt]\ncipher=aes-128-gcm\noaep=always\n"
                                        "protect-headers=no\nto-self=no\n");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "bob@example.org", NULL);
    g_autoptr(SealTestResult) wrong = NULL;

    restore(before);
    g_free(configure("\n[encrypt]\ncipher=rot13\n"));
    wrong = seal_cli_test_privyseal(mail, "encrypt", "--to", "bob@example.org", NULL);
    restore(before);
    seal_cli_test_assert_status(result, 0);
    g_assert_cmpstr(result->err, ==,
                    "privyseal: encrypted with aes-128-gcm (as privyseal.conf says, though "
                    "bob@example.org has not stated to read it), keys by rsa-oaep (as "
                    "privyseal.conf says)\n");
    g_assert_nonnull(strstr(result->out, "Subject: The seal"));
    seal_cli_test_assert_error(wrong, 5, "cipher is 'rot13', expected stated, aes-256-cbc");
}

/* -- refusals ---------------------------------------------------------------------------------- */

static void
test_missing_recipients(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *output = seal_cli_test_home_file("never.eml");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "alice@example.org", "--to",
                                "x@example.net", "--to", "y@example.net", "--output", output, NULL);

    seal_cli_test_assert_error(result, 3, "'x@example.net'");
    g_assert_nonnull(strstr(result->err, "'y@example.net'"));
    g_assert_false(g_file_test(output, G_FILE_TEST_EXISTS));
}

static void
test_signing_certificate(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *certificate = seal_cli_test_fixture_file("certs/alice-rsa-sign.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "encrypt", "--to", certificate, NULL);

    seal_cli_test_assert_error(result, 3, "it is not for encryption");
}

static void
test_no_certificate_in_file(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *key = seal_cli_test_fixture_file("software-keys/bob-rsa-decrypt.pem");
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(mail, "encrypt", "--to", key, NULL);
    g_autoptr(SealTestResult) missing =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "/nonexistent.pem", NULL);

    seal_cli_test_assert_error(result, 5, "no certificate in it");
    seal_cli_test_assert_error(missing, 5, "/nonexistent.pem");
}

static void
test_anchor(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *stranger = seal_cli_test_fixture_file("stranger.pem");
    g_autoptr(SealTestResult) trusted =
        seal_cli_test_privyseal(mail, "encrypt", "--anchor", root, "--to", "bob@example.org", NULL);
    g_autoptr(SealTestResult) untrusted = seal_cli_test_privyseal(
        mail, "encrypt", "--anchor", stranger, "--to", "bob@example.org", NULL);

    seal_cli_test_assert_status(trusted, 0);
    seal_cli_test_assert_error(untrusted, 3, "Bob Example");
}

static void
test_usage(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) nobody = seal_cli_test_privyseal(mail, "encrypt", NULL);
    g_autoptr(SealTestResult) cipher =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "a@b", "--cipher", "des", NULL);
    g_autoptr(SealTestResult) key =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "a@b", "--key", "x", NULL);
    g_autoptr(SealTestResult) folder =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "a@b", "--bcc", "c@d", NULL);
    g_autoptr(SealTestResult) headers =
        seal_cli_test_privyseal(mail, "encrypt", "--to", "a@b", "--protect-headers", "all", NULL);

    seal_cli_test_assert_error(nobody, 2, "say to whom");
    seal_cli_test_assert_error(cipher, 2, "aes-256-gcm or chacha20-poly1305");
    seal_cli_test_assert_error(key, 2, "say --sign too");
    seal_cli_test_assert_error(folder, 2, "--bcc-output belong together");
    seal_cli_test_assert_error(headers, 2, "hide, yes or no, not 'all'");
}

static void
add(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cipher_cases); i++)
        g_test_add_data_func(cipher_cases[i].path, &cipher_cases[i], test_cipher);
    g_test_add_func("/cli/encrypt/default-is-cbc-that-programs-read", test_default_cipher);
    g_test_add_func("/cli/encrypt/addresses-and-files", test_addresses);
    g_test_add_func("/cli/encrypt/signature-is-inside", test_signed_inside);
    g_test_add_func("/cli/encrypt/compressed/opens", test_compressed);
    g_test_add_func("/cli/encrypt/x25519-and-chacha20/token-opens", test_x25519_and_chacha20);
    g_test_add_func("/cli/encrypt/choice-and-reason-are-told", test_choice_is_told);
    g_test_add_func("/cli/encrypt/readers-state-it/strongest-is-chosen", test_stated);
    g_test_add_func("/cli/encrypt/sender-can-read-it", test_to_self);
    g_test_add_func("/cli/encrypt/sender-without-certificate-is-told", test_no_self);
    g_test_add_func("/cli/encrypt/subject-is-hidden-unless-told-otherwise", test_headers);
    g_test_add_func("/cli/encrypt/compressed/subject-is-hidden", test_compressed_alone);
    g_test_add_func("/cli/encrypt/triple-wrapped/both-signatures-verify", test_triple);
    g_test_add_func("/cli/encrypt/blind-copy/is-a-message-of-its-own", test_blind_copy);
    g_test_add_func("/cli/encrypt/blind-copies-to-one-file/are-refused", test_blind_copies_collide);
    g_test_add_func("/cli/encrypt/bcc-field/is-refused", test_bcc_field);
    g_test_add_func("/cli/encrypt/configuration-decides", test_configuration);
    g_test_add_func("/cli/encrypt/missing-recipients-are-all-named", test_missing_recipients);
    g_test_add_func("/cli/encrypt/certificate-for-signing-is-refused", test_signing_certificate);
    g_test_add_func("/cli/encrypt/file-without-certificate", test_no_certificate_in_file);
    g_test_add_func("/cli/encrypt/anchor-judges-recipients", test_anchor);
    g_test_add_func("/cli/encrypt/usage", test_usage);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
