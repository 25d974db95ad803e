/* privyseal decrypt, open and verify: mails that openssl, NSS and privyseal made for keys on the
 * token. */
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/pinentry.h"

/* -- mails of other programs ---------------------------------------------------------- */

typedef struct {
    const char *path, *key;
    const char *arguments[8]; /* of openssl cms, after the recipient */
    const char *cipher;
    const char *verdict;
} OpensslCase;

static const OpensslCase openssl_cases[] = {
    {"/cli/decrypt/openssl-rsa", "alice-rsa-decrypt", {NULL}, "-aes-256-cbc", "decrypted-noauth"},
    {"/cli/decrypt/openssl-rsa-oaep-sha1",
     "alice-rsa-decrypt",
     {"-keyopt", "rsa_padding_mode:oaep", NULL},
     "-aes-128-cbc",
     "decrypted-noauth"},
    {"/cli/decrypt/openssl-rsa-oaep-sha256",
     "alice-rsa-decrypt",
     {"-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", NULL},
     "-aes-256-cbc",
     "decrypted-noauth"},
    {"/cli/decrypt/openssl-rsa-gcm", "alice-rsa-decrypt", {NULL}, "-aes-256-gcm", "decrypted"},
    {"/cli/decrypt/openssl-p-256-sha1kdf",
     "alice-p256-decrypt",
     {NULL},
     "-aes-256-cbc",
     "decrypted-noauth"},
    {"/cli/decrypt/openssl-p-256",
     "alice-p256-decrypt",
     {"-keyopt", "ecdh_kdf_md:sha256", NULL},
     "-aes-128-gcm",
     "decrypted"},
    {"/cli/decrypt/openssl-p-384-cofactor",
     "alice-p384-decrypt",
     {"-keyopt", "ecdh_kdf_md:sha384", "-keyopt", "ecdh_cofactor_mode:1", NULL},
     "-aes-192-cbc",
     "decrypted-noauth"},
    {"/cli/decrypt/openssl-p-521",
     "alice-p521-decrypt",
     {"-keyopt", "ecdh_kdf_md:sha512", NULL},
     "-aes-256-cbc",
     "decrypted-noauth"},
};

static GBytes *
seal_with_openssl(const OpensslCase *with)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *name = g_strdup_printf("certs/%s.pem", with->key);
    g_autofree char *certificate = seal_cli_test_fixture_file(name);
    const char *const *more = with->arguments;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    static const char *const head[] = {"openssl", "cms", "-encrypt", "-binary"};
    g_autoptr(SealTestResult) result = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(head); i++)
        g_ptr_array_add(argv, (gpointer)head[i]);
    g_ptr_array_add(argv, (gpointer)with->cipher);
    g_ptr_array_add(argv, (gpointer) "-recip");
    g_ptr_array_add(argv, certificate);
    for (; *more; more++)
        g_ptr_array_add(argv, (gpointer)*more);
    g_ptr_array_add(argv, NULL);
    result = seal_test_run(seal_cli_test_home(), (const char *const *)argv->pdata, mail);
    seal_cli_test_assert_status(result, 0);
    return seal_cli_test_output(result);
}

static char *
verdict_of(const char *json)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) root = json_from_string(json, &error);

    g_assert_no_error(error);
    return g_strdup(json_object_get_string_member(json_node_get_object(root), "verdict"));
}

static void
test_openssl(gconstpointer data)
{
    const OpensslCase *with = data;
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(GBytes) sealed = seal_with_openssl(with);
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(sealed, "decrypt", "--json", NULL);
    g_autofree char *verdict = NULL;

    seal_cli_test_assert_status(result, 0);
    /* Byte for byte what openssl was given. */
    g_assert_cmpmem(result->out, result->out_len, g_bytes_get_data(mail, NULL),
                    g_bytes_get_size(mail));
    verdict = verdict_of(result->err);
    g_assert_cmpstr(verdict, ==, with->verdict);
}

static void
nss(const char *what, SealTestResult *result)
{
    if (result->status != 0)
        g_error("%s: %d %s%s", what, result->status, result->out, result->err);
    seal_test_result_free(result);
}

/* A database of NSS with our CAs and the certificate of `key`; its folder (transfer full). */
static char *
make_nss_database(const char *key)
{
    g_autofree char *folder = seal_cli_test_home_file("nss");
    g_autofree char *name = g_strdup_printf("certs/%s.pem", key);
    g_autofree char *certificate = seal_cli_test_fixture_file(name);
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *intermediate = seal_cli_test_fixture_file("intermediate.pem");
    g_autofree char *database = g_strconcat("sql:", folder, NULL);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    nss("new",
        seal_cli_test_other(NULL, "certutil", "-N", "-d", database, "--empty-password", NULL));
    nss("root", seal_cli_test_other(NULL, "certutil", "-A", "-d", database, "-n", "root", "-t",
                                    ",C,", "-a", "-i", root, NULL));
    nss("CA", seal_cli_test_other(NULL, "certutil", "-A", "-d", database, "-n", "ca", "-t", ",,",
                                  "-a", "-i", intermediate, NULL));
    nss("person", seal_cli_test_other(NULL, "certutil", "-A", "-d", database, "-n", "person", "-t",
                                      ",P,", "-a", "-i", certificate, NULL));
    return g_steal_pointer(&database);
}

static GBytes *
mail_of_cms(GBytes *der)
{
    g_autofree char *base64 = g_base64_encode(g_bytes_get_data(der, NULL), g_bytes_get_size(der));
    GString *mail = g_string_new("From: nss@example.org\r\n"
                                 "MIME-Version: 1.0\r\n"
                                 "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; "
                                 "name=smime.p7m\r\n"
                                 "Content-Transfer-Encoding: base64\r\n\r\n");
    gsize len = 0;
    char *text = NULL;

    for (const char *at = base64; *at; at += MIN(strlen(at), 76))
        g_string_append_printf(mail, "%.76s\r\n", at);
    len = mail->len;
    text = g_string_free(mail, FALSE);
    return g_bytes_new_take(text, len);
}

static void
test_nss(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *plain = seal_cli_test_save("nss.eml", mail);
    g_autofree char *database = make_nss_database("alice-rsa-decrypt");
    g_autofree char *output = seal_cli_test_home_file("nss.p7m");
    g_autofree char *der = NULL;
    gsize der_len = 0;
    g_autoptr(GBytes) cms = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(SealTestResult) result = NULL;

    nss("cmsutil", seal_cli_test_other(NULL, "cmsutil", "-E", "-d", database, "-r",
                                       "alice@example.org", "-i", plain, "-o", output, NULL));
    g_assert_true(g_file_get_contents(output, &der, &der_len, NULL));
    cms = g_bytes_new(der, der_len);
    sealed = mail_of_cms(cms);
    result = seal_cli_test_privyseal(sealed, "decrypt", NULL);
    seal_cli_test_assert_status(result, 0);
    g_assert_cmpmem(result->out, result->out_len, g_bytes_get_data(mail, NULL),
                    g_bytes_get_size(mail));
}

/* -- our own, layer by layer ------------------------------------------------------------- */

static GBytes *
run_for_output(GBytes *input, const char *const *arguments)
{
    g_autoptr(SealTestResult) result = seal_cli_test_run(arguments, input);

    seal_cli_test_assert_status(result, 0);
    return seal_cli_test_output(result);
}

/* Signed by Alice and encrypted to her. */
static GBytes *
signed_and_sealed(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    static const char *const arguments[] = {"encrypt", "--sign", "--to", "alice@example.org", NULL};

    return run_for_output(mail, arguments);
}

static GBytes *
only_signed(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    static const char *const arguments[] = {"sign", NULL};

    return run_for_output(mail, arguments);
}

static void
assert_member(JsonObject *object, const char *name, const char *value)
{
    if (!json_object_has_member(object, name))
        g_error("the report has no \"%s\"", name);
    g_assert_cmpstr(json_object_get_string_member(object, name), ==, value);
}

static void
test_open_json(void)
{
    g_autoptr(GBytes) sealed = signed_and_sealed();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *crl = seal_cli_test_fixture_file("crl.pem");
    g_autofree char *root_crl = seal_cli_test_fixture_file("root-crl.pem");
    g_autofree char *output = seal_cli_test_home_file("opened.eml");
    g_autofree char *opened = NULL;
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(sealed, "open", "--json", "--anchor", root, "--crl", crl, "--crl",
                                root_crl, "--revocation", "require", "--output", output, NULL);
    g_autoptr(JsonNode) node = json_from_string(result->out, NULL);
    JsonArray *layers = NULL;
    JsonObject *report = NULL;
    JsonObject *signer = NULL;

    seal_cli_test_assert_status(result, 0);
    g_assert_cmpstr(result->err, ==, "");
    report = json_node_get_object(node);
    assert_member(report, "verdict", "ok");
    layers = json_object_get_array_member(report, "layers");
    g_assert_cmpuint(json_array_get_length(layers), ==, 2);
    assert_member(json_array_get_object_element(layers, 0), "type", "encrypted");
    assert_member(json_array_get_object_element(layers, 1), "type", "signed");
    signer = json_array_get_object_element(
        json_object_get_array_member(json_array_get_object_element(layers, 1), "signers"), 0);
    assert_member(signer, "signature", "good");
    assert_member(signer, "chain", "good");
    assert_member(signer, "revocation", "good");
    assert_member(signer, "address-match", "match");
    g_assert_true(g_file_get_contents(output, &opened, NULL, NULL));
    g_assert_nonnull(strstr(opened, SEAL_CLI_TEST_WORDS));
}

static void
test_open_page(void)
{
    g_autoptr(GBytes) sealed = signed_and_sealed();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(sealed, "open", "--anchor", root, NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, SEAL_CLI_TEST_WORDS));
    g_assert_true(g_str_has_prefix(result->err, "good: "));
    g_assert_nonnull(strstr(result->err, "alice@example.org"));
}

/* The verdict forbids it: not a byte comes out, neither here nor in a file. */
static void
test_open_untrusted(void)
{
    g_autoptr(GBytes) sealed = signed_and_sealed();
    g_autofree char *output = seal_cli_test_home_file("untrusted.eml");
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(sealed, "open", NULL);
    g_autoptr(SealTestResult) to_file =
        seal_cli_test_privyseal(sealed, "open", "--json", "--output", output, NULL);
    g_autofree char *verdict = verdict_of(to_file->out);

    seal_cli_test_assert_status(result, 1);
    g_assert_cmpuint(result->out_len, ==, 0);
    seal_cli_test_assert_status(to_file, 1);
    g_assert_cmpstr(verdict, ==, "incomplete-chain"); /* no anchor was named */
    g_assert_false(g_file_test(output, G_FILE_TEST_EXISTS));
}

/* decrypt leaves the signature to others. */
static void
test_decrypt_keeps_signature(void)
{
    g_autoptr(GBytes) sealed = signed_and_sealed();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(sealed, "decrypt", NULL);
    g_autoptr(GBytes) inner = seal_cli_test_output(result);
    g_autoptr(SealTestResult) verified = NULL;

    seal_cli_test_assert_status(result, 0);
    verified = seal_cli_test_other(inner, "openssl", "cms", "-verify", "-CAfile", root, NULL);
    seal_cli_test_assert_status(verified, 0);
}

static void
test_not_recipient(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *other = seal_cli_test_home_file("other.pem");
    g_autofree char *key = seal_cli_test_home_file("other.key");
    g_autoptr(SealTestResult) made = seal_cli_test_other(
        NULL, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
        other, "-subj", "/CN=Other", "-addext", "keyUsage=keyEncipherment", NULL);
    g_autoptr(SealTestResult) sealed_by =
        seal_cli_test_other(mail, "openssl", "cms", "-encrypt", "-aes256", "-recip", other, NULL);
    g_autoptr(GBytes) sealed = seal_cli_test_output(sealed_by);
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(sealed, "decrypt", "--json", NULL);
    g_autofree char *verdict = verdict_of(result->err);

    seal_cli_test_assert_status(made, 0);
    seal_cli_test_assert_status(result, 1);
    g_assert_cmpuint(result->out_len, ==, 0);
    g_assert_cmpstr(verdict, ==, "not-recipient");
}

/* One byte of the ciphertext changed: GCM shows it. */
static void
test_tampered(void)
{
    static const OpensslCase with = {NULL, "alice-rsa-decrypt", {NULL}, "-aes-256-gcm", NULL};
    g_autoptr(GBytes) sealed = seal_with_openssl(&with);
    gsize len = 0;
    g_autofree char *text = NULL;
    g_autoptr(GBytes) changed = NULL;
    g_autoptr(SealTestResult) result = NULL;
    g_autofree char *verdict = NULL;

    text = g_memdup2(g_bytes_get_data(sealed, &len), g_bytes_get_size(sealed));
    /* In the base64 of the last line but some: inside of the ciphertext or its tag. */
    text[len - 100] = text[len - 100] == 'A' ? 'B' : 'A';
    changed = g_bytes_new(text, len);
    result = seal_cli_test_privyseal(changed, "decrypt", "--json", NULL);
    verdict = verdict_of(result->err);
    seal_cli_test_assert_status(result, 1);
    g_assert_cmpuint(result->out_len, ==, 0);
    g_assert_cmpstr(verdict, ==, "decrypt-failed");
}

static void
test_refused(void)
{
    g_autoptr(GBytes) sealed = signed_and_sealed();
    g_autoptr(SealTestResult) result = NULL;
    g_autofree char *verdict = NULL;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(seal_cli_test_home(), "cancel");
    result = seal_cli_test_privyseal(sealed, "decrypt", "--json", NULL);
    seal_cli_test_pin_is_right();
    verdict = verdict_of(result->err);
    seal_cli_test_assert_status(result, 4);
    g_assert_cmpstr(verdict, ==, "refused");
    g_assert_cmpuint(result->out_len, ==, 0);
}

/* -- verify ------------------------------------------------------------------------------ */

static void
test_verify_output(void)
{
    g_autoptr(GBytes) signed_mail = only_signed();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *output = seal_cli_test_home_file("verified.eml");
    g_autofree char *content = NULL;
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
        signed_mail, "verify", "--json", "--anchor", root, "--output", output, NULL);
    g_autofree char *verdict = verdict_of(result->out);

    seal_cli_test_assert_status(result, 0);
    g_assert_cmpstr(verdict, ==, "ok");
    g_assert_true(g_file_get_contents(output, &content, NULL, NULL));
    g_assert_nonnull(strstr(content, SEAL_CLI_TEST_WORDS));
}

static void
assert_verdict(GBytes *mail, const char *word, const char *const *arguments)
{
    g_autoptr(SealTestResult) result = seal_cli_test_run(arguments, mail);
    g_autofree char *verdict = verdict_of(result->out);

    seal_cli_test_assert_status(result, 1);
    g_assert_cmpstr(verdict, ==, word);
}

static void
test_verify_bad(void)
{
    g_autoptr(GBytes) signed_mail = only_signed();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    const char *const arguments[] = {"verify", "--json", "--anchor", root, NULL};
    const char *const require[] = {"verify",       "--json",  "--anchor", root,
                                   "--revocation", "require", NULL};
    gsize len = g_bytes_get_size(signed_mail);
    g_autofree char *text = g_strndup(g_bytes_get_data(signed_mail, NULL), len);
    char *at = strstr(text, "never lets");
    g_autoptr(GBytes) changed = NULL;
    g_autoptr(GBytes) plain = seal_cli_test_mail();

    g_assert_nonnull(at);
    memcpy(at, "often lets", 10);
    changed = g_bytes_new(text, len);
    assert_verdict(changed, "bad-signature", arguments);
    assert_verdict(plain, "unsigned", arguments);
    assert_verdict(signed_mail, "revocation-unknown", require);
}

/* The user's folder makes the root trusted, what is broken in it is told, and both can be left out.
 */
static void
test_verify_default_anchors(void)
{
    g_autoptr(GBytes) signed_mail = only_signed();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *text = NULL;
    g_autofree char *anchor = NULL;
    g_autofree char *broken = NULL;
    g_autoptr(SealTestResult) good = NULL;
    g_autoptr(SealTestResult) warned = NULL;
    static const char *const without[] = {"verify", "--json", "--no-default-anchors", NULL};

    g_assert_true(g_file_get_contents(root, &text, NULL, NULL));
    anchor = seal_test_home_write(seal_cli_test_home(), "config/privyseal/anchors.d/a.pem", text);
    good = seal_cli_test_privyseal(signed_mail, "verify", NULL);
    seal_cli_test_assert_status(good, 0);
    g_assert_cmpstr(good->err, ==, "");
    assert_verdict(signed_mail, "incomplete-chain", without);
    broken = seal_test_home_write(seal_cli_test_home(), "config/privyseal/anchors.d/b.pem", "no");
    warned = seal_cli_test_privyseal(signed_mail, "verify", NULL);
    seal_cli_test_assert_status(warned, 0);
    g_assert_true(g_str_has_prefix(warned->err, "privyseal: warning: cannot use '"));
    g_assert_nonnull(strstr(warned->err, broken));
    g_assert_cmpint(remove(anchor), ==, 0);
    g_assert_cmpint(remove(broken), ==, 0);
}

/* Half understood, it could trust too much: a mistake in privyseal.conf ends the command. */
static void
test_verify_configuration(void)
{
    static const char conf[] = "config/privyseal/privyseal.conf";
    g_autoptr(GBytes) signed_mail = only_signed();
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *before = seal_test_home_read(seal_cli_test_home(), conf);
    g_autofree char *strict = g_strconcat(before, "[revocation]\nmode=require\n", NULL);
    g_autofree char *wrong = g_strconcat(before, "[trust]\nsystem=yes\n", NULL);
    const char *const arguments[] = {"verify", "--json", "--anchor", root, NULL};
    g_autoptr(SealTestResult) result = NULL;

    g_free(seal_test_home_write(seal_cli_test_home(), conf, strict));
    assert_verdict(signed_mail, "revocation-unknown", arguments);
    g_free(seal_test_home_write(seal_cli_test_home(), conf, wrong));
    result = seal_cli_test_privyseal(signed_mail, "verify", NULL);
    g_free(seal_test_home_write(seal_cli_test_home(), conf, before));
    seal_cli_test_assert_error(result, 5, "unknown key 'system' in [trust]");
}

static void
test_verify_from(void)
{
    static const char text[] = "Subject: no sender\r\n\r\nhello\r\n";
    g_autoptr(GBytes) mail = g_bytes_new_static(text, sizeof text - 1);
    static const char *const sign[] = {"sign", "--key", "Alice RSA signing", NULL};
    g_autoptr(GBytes) signed_mail = run_for_output(mail, sign);
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    const char *const bob[] = {"verify", "--json",          "--anchor", root,
                               "--from", "bob@example.org", NULL};
    g_autoptr(SealTestResult) alice = seal_cli_test_privyseal(
        signed_mail, "verify", "--anchor", root, "--from", "alice@example.org", NULL);

    seal_cli_test_assert_status(alice, 0);
    assert_verdict(signed_mail, "address-mismatch", bob);
}

static void
test_verify_files(void)
{
    g_autoptr(GBytes) signed_mail = only_signed();
    g_autoptr(SealTestResult) missing =
        seal_cli_test_privyseal(signed_mail, "verify", "--anchor", "/nonexistent.pem", NULL);
    g_autoptr(SealTestResult) mode =
        seal_cli_test_privyseal(signed_mail, "verify", "--revocation", "maybe", NULL);
    g_autoptr(SealTestResult) from =
        seal_cli_test_privyseal(signed_mail, "verify", "--from", "Alice", NULL);

    seal_cli_test_assert_error(missing, 5, "/nonexistent.pem");
    seal_cli_test_assert_error(mode, 2, "cache-only");
    seal_cli_test_assert_error(from, 2, "needs a mail address");
}

/* Whoever of the two stands first in the mail. */
static void
test_unlocked_token_goes_first(void)
{
    static const char *const names[] = {"Alice", "Bob"};
    g_autoptr(GBytes) plain = seal_cli_test_mail();
    g_autoptr(SealTestResult) made = seal_cli_test_privyseal(
        plain, "encrypt", "--to", "alice@example.org", "--to", "bob@example.org", NULL);
    g_autoptr(GBytes) mail = seal_cli_test_output(made);

    seal_cli_test_assert_status(made, 0);
    seal_cli_test_pin_is_right();
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(SealTestResult) unlock = NULL;
        g_autoptr(SealTestResult) opened = NULL;
        guint asked = 0;

        seal_cli_test_lock_all();
        unlock = seal_cli_test_privyseal(NULL, "unlock", names[i], NULL);
        seal_cli_test_assert_status(unlock, 0);
        asked = seal_test_pinentry_count(seal_cli_test_home());
        opened = seal_cli_test_privyseal(mail, "decrypt", NULL);
        seal_cli_test_assert_status(opened, 0);
        g_assert_nonnull(strstr(opened->out, SEAL_CLI_TEST_WORDS));
        g_assert_cmpuint(seal_test_pinentry_count(seal_cli_test_home()), ==, asked);
    }
}

static void
add(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(openssl_cases); i++)
        g_test_add_data_func(openssl_cases[i].path, &openssl_cases[i], test_openssl);
    g_test_add_func("/cli/decrypt/nss-cmsutil", test_nss);
    g_test_add_func("/cli/decrypt/signature-stays-inside", test_decrypt_keeps_signature);
    g_test_add_func("/cli/decrypt/mail-for-others", test_not_recipient);
    g_test_add_func("/cli/decrypt/tampered-ciphertext", test_tampered);
    g_test_add_func("/cli/decrypt/cancelled-prompt-is-refused", test_refused);
    g_test_add_func("/cli/decrypt/an-unlocked-token-goes-first", test_unlocked_token_goes_first);
    g_test_add_func("/cli/open/json-tells-every-layer", test_open_json);
    g_test_add_func("/cli/open/content-on-stdout-report-on-stderr", test_open_page);
    g_test_add_func("/cli/open/nothing-comes-out-of-an-untrusted-mail", test_open_untrusted);
    g_test_add_func("/cli/verify/output-is-what-was-signed", test_verify_output);
    g_test_add_func("/cli/verify/mails-that-are-not-good", test_verify_bad);
    g_test_add_func("/cli/verify/anchors-of-the-user-are-trusted", test_verify_default_anchors);
    g_test_add_func("/cli/verify/configuration-decides-and-must-be-right",
                    test_verify_configuration);
    g_test_add_func("/cli/verify/from-where-the-mail-has-none", test_verify_from);
    g_test_add_func("/cli/verify/bad-options", test_verify_files);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
