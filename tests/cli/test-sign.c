/* privyseal sign: other programs accept what the token signed, and nothing comes out when it may
 * not. */
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/agent.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

/* openssl cms says so, and hands out what was signed. */
static void
assert_openssl_verifies(GBytes *signed_mail)
{
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_other(signed_mail, "openssl", "cms", "-verify", "-CAfile", root, NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, SEAL_CLI_TEST_WORDS));
}

static void
assert_privyseal_verifies(GBytes *signed_mail)
{
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(signed_mail, "verify", "--anchor", root, NULL);

    seal_cli_test_assert_status(result, 0);
}

typedef struct {
    const char *path, *key, *option; /* option: (nullable) */
    const char *algorithm; /* as `openssl cms -cmsout -print` names it; NULL: it cannot read it */
} AlgorithmCase;

static const AlgorithmCase algorithm_cases[] = {
    {"/cli/sign/rsa-2048", "Alice RSA signing", NULL, "rsaEncryption"},
    {"/cli/sign/rsa-3072", "Alice RSA-3072 signing", NULL, "rsaEncryption"},
    {"/cli/sign/rsa-2048-pss", "Alice RSA signing", "--pss", "rsassaPss"},
    {"/cli/sign/rsa-3072-pss", "Alice RSA-3072 signing", "--pss", "rsassaPss"},
    {"/cli/sign/p-256", "Alice P-256 signing", NULL, "ecdsa-with-SHA256"},
    {"/cli/sign/p-384", "Alice P-384 signing", NULL, "ecdsa-with-SHA384"},
    {"/cli/sign/p-521", "Alice P-521 signing", NULL, "ecdsa-with-SHA512"},
    {"/cli/sign/ed25519", "Alice Ed25519 signing", NULL, NULL},
};

static void
test_algorithm(gconstpointer data)
{
    const AlgorithmCase *with = data;
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "sign", "--key", with->key, with->option, NULL);
    g_autoptr(GBytes) signed_mail = seal_cli_test_output(result);
    g_autoptr(SealTestResult) print = NULL;

    seal_cli_test_assert_status(result, 0);
    g_assert_cmpstr(result->err, ==, "");
    assert_privyseal_verifies(signed_mail);
    if (!with->algorithm)
        return;
    assert_openssl_verifies(signed_mail);
    print = seal_cli_test_other(signed_mail, "openssl", "cms", "-cmsout", "-print", "-noout", NULL);
    g_assert_nonnull(strstr(print->out, with->algorithm));
}

static void
test_opaque(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(mail, "sign", "--opaque", NULL);
    g_autoptr(GBytes) signed_mail = seal_cli_test_output(result);

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, "smime-type=signed-data"));
    g_assert_null(strstr(result->out, SEAL_CLI_TEST_WORDS));
    assert_openssl_verifies(signed_mail);
    assert_privyseal_verifies(signed_mail);
}

/* RSA with SHA-256, P-384 with SHA-384; OpenSSL wants every signer to be good. */
static void
test_two_keys(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
        mail, "sign", "--key", "Alice RSA signing", "--key", "Alice P-384 signing", NULL);
    g_autoptr(GBytes) signed_mail = seal_cli_test_output(result);

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, "micalg=\"sha-256,sha-384\""));
    assert_openssl_verifies(signed_mail);
    assert_privyseal_verifies(signed_mail);
}

static void
test_key_twice(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "sign", "--key", "Alice RSA signing", "--key",
                                "pkcs11:token=Alice;object=Alice%20RSA%20signing", NULL);

    seal_cli_test_assert_error(result, 5, "cannot sign twice");
}

static void
test_second_key_is_missing(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
        mail, "sign", "--key", "Alice RSA signing", "--key", "Nobody's", NULL);

    seal_cli_test_assert_error(result, 3, "no key 'Nobody's'");
}

/* RFC 8551 2.5.3: Alice signs with one certificate and reads with another. */
static void
test_encryption_certificate(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *file = seal_cli_test_fixture_file("certs/alice-rsa-decrypt.pem");
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(mail, "sign", NULL);
    g_autoptr(GBytes) signed_mail = seal_cli_test_output(result);
    g_autoptr(SealTestResult) print =
        seal_cli_test_other(signed_mail, "openssl", "cms", "-cmsout", "-print", "-noout", NULL);
    g_autoptr(SealTestResult) serial =
        seal_cli_test_other(NULL, "openssl", "x509", "-noout", "-serial", "-in", file, NULL);
    g_autofree char *number = g_strdup_printf(":%s", g_strstrip(strchr(serial->out, '=') + 1));
    const char *attribute = strstr(print->out, "id-smime-aa-encrypKeyPref");

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(attribute);
    g_assert_nonnull(g_strstr_len(attribute, 2000, number)); /* asn1parse: ":58B429..." */
}

/* RFC 9788, by default; --protect-headers no leaves them outside alone. */
static void
test_headers(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(mail, "sign", NULL);
    g_autoptr(SealTestResult) off =
        seal_cli_test_privyseal(mail, "sign", "--protect-headers", "no", NULL);
    g_autoptr(SealTestResult) wrong =
        seal_cli_test_privyseal(mail, "sign", "--protect-headers", "hide", NULL);
    g_autoptr(GBytes) signed_mail = seal_cli_test_output(result);
    const char *outer = strstr(result->out, "Subject: The seal\r\n");

    seal_cli_test_assert_status(result, 0);
    assert_openssl_verifies(signed_mail);
    assert_privyseal_verifies(signed_mail);
    g_assert_nonnull(strstr(outer + 1, "Subject: The seal\r\n"));
    g_assert_nonnull(strstr(outer, "hp=\"clear\""));
    g_assert_null(strstr(off->out, "hp="));
    seal_cli_test_assert_error(wrong, 2, "yes or no");
}

static void
test_bcc_is_left_out(void)
{
    static const char text[] = "From: alice@example.org\r\nBcc: carol@example.org\r\n\r\nhello\r\n";
    g_autoptr(GBytes) mail = g_bytes_new_static(text, sizeof text - 1);
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(mail, "sign", NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_null(strstr(result->out, "carol"));
    g_assert_nonnull(strstr(result->err, "warning: the Bcc field is left out"));
}

/* Of Alice's signing keys the first RSA one: every mail program reads it. */
static void
test_from_header_chooses(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *certificate = seal_cli_test_fixture_file("certs/alice-rsa-sign.pem");
    g_autofree char *signer = seal_cli_test_home_file("signer.pem");
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(mail, "sign", NULL);
    g_autoptr(GBytes) signed_mail = seal_cli_test_output(result);
    g_autoptr(SealTestResult) verified = NULL;
    g_autoptr(SealTestResult) expected = NULL;
    g_autoptr(SealTestResult) actual = NULL;

    seal_cli_test_assert_status(result, 0);
    verified = seal_cli_test_other(signed_mail, "openssl", "cms", "-verify", "-CAfile", root,
                                   "-signer", signer, "-out", "/dev/null", NULL);
    seal_cli_test_assert_status(verified, 0);
    expected =
        seal_cli_test_other(NULL, "openssl", "x509", "-noout", "-serial", "-in", certificate, NULL);
    actual = seal_cli_test_other(NULL, "openssl", "x509", "-noout", "-serial", "-in", signer, NULL);
    g_assert_cmpstr(actual->out, ==, expected->out);
}

static void
test_output_file(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *input = seal_cli_test_save("letter.eml", mail);
    g_autofree char *output = seal_cli_test_home_file("signed.eml");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "sign", "--output", output, input, NULL);
    g_autoptr(SealTestResult) mode = NULL;
    g_autofree char *text = NULL;
    gsize len = 0;

    seal_cli_test_assert_status(result, 0);
    g_assert_cmpuint(result->out_len, ==, 0);
    mode = seal_cli_test_other(NULL, "stat", "-c", "%a", output, NULL);
    g_assert_cmpstr(mode->out, ==, "600\n");
    g_assert_true(g_file_get_contents(output, &text, &len, NULL));
    {
        g_autoptr(GBytes) signed_mail = g_bytes_new(text, len);

        assert_openssl_verifies(signed_mail);
    }
}

/* -- which key ---------------------------------------------------------------------- */

/* The id of the key with this label, from the list. */
static char *
id_of_key(const char *label)
{
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "list", "keys", "--json", NULL);
    g_autoptr(JsonNode) root = json_from_string(result->out, NULL);
    JsonArray *keys = json_object_get_array_member(json_node_get_object(root), "keys");

    for (guint i = 0; i < json_array_get_length(keys); i++) {
        JsonObject *key = json_array_get_object_element(keys, i);

        if (g_str_equal(json_object_get_string_member(key, "label"), label))
            return g_strdup(json_object_get_string_member(key, "id"));
    }
    g_error("no key '%s' in the list", label);
}

static void
test_key_names(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *id = id_of_key("Alice P-384 signing");
    g_autofree char *beginning = g_strndup(id, 10);
    const char *names[] = {"Alice P-384 signing", id, beginning,
                           "pkcs11:token=Alice;object=Alice%20P-384%20signing",
                           "pkcs11:token=Alice;id=%05"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(SealTestResult) result =
            seal_cli_test_privyseal(mail, "sign", "--key", names[i], NULL);

        seal_cli_test_assert_status(result, 0);
        g_assert_nonnull(strstr(result->out, "micalg=\"sha-384\""));
    }
}

static void
test_unknown_key(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "sign", "--key", "Nobody's", NULL);

    seal_cli_test_assert_error(result, 3, "no key 'Nobody's'");
}

static void
test_ambiguous_key(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "sign", "--key", "pkcs11:token=Alice", NULL);

    seal_cli_test_assert_error(result, 3, "'Alice P-384 signing' (id ");
    g_assert_nonnull(strstr(result->err, "'Alice RSA signing' (id "));
    /* What cannot sign is no candidate. */
    g_assert_null(strstr(result->err, "decryption"));
}

static void
test_decryption_key(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "sign", "--key", "Alice RSA decryption", NULL);

    seal_cli_test_assert_error(result, 3, "cannot sign with 'Alice RSA decryption'");
}

static void
test_pin_in_uri(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
        mail, "sign", "--key", "pkcs11:token=Alice;object=Alice%20RSA%20signing?pin-value=4711",
        NULL);

    seal_cli_test_assert_error(result, 2, "command line");
    g_assert_null(strstr(result->err, "4711"));
}

static void
test_unknown_sender(void)
{
    static const char text[] = "From: nobody@example.org\r\n\r\nhello\r\n";
    g_autoptr(GBytes) mail = g_bytes_new_static(text, sizeof text - 1);
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(mail, "sign", NULL);

    seal_cli_test_assert_error(result, 3, "nobody@example.org");
}

static void
test_other_sender_warns(void)
{
    static const char text[] = "From: nobody@example.org\r\n\r\nhello\r\n";
    g_autoptr(GBytes) mail = g_bytes_new_static(text, sizeof text - 1);
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "sign", "--from", "alice@example.org", NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->err, "warning: the mail is from nobody@example.org"));
}

/* -- refusals ----------------------------------------------------------------------- */

static void
test_prompt_cancelled(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result = NULL;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(seal_cli_test_home(), "cancel");
    result = seal_cli_test_privyseal(mail, "sign", NULL);
    seal_cli_test_pin_is_right();
    seal_cli_test_assert_error(result, 4, "cancel");
}

static gboolean
asked_more_often(gpointer data)
{
    return seal_test_pinentry_count(seal_cli_test_home()) > *(guint *)data;
}

/* Ends privyseal by `number` while it waits for the PIN; the prompt ends, nothing is written. */
static void
interrupt_with(int number)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autofree char *input = seal_cli_test_save("interrupted.eml", mail);
    g_autofree char *output = seal_cli_test_home_file("interrupted-signed.eml");
    const char *argv[] = {program, "sign", "--output", output, input, NULL};
    g_autofree char *log_name = g_strdup_printf("interrupted-%d.log", number);
    g_autofree char *log = NULL;
    guint asked = seal_test_pinentry_count(seal_cli_test_home());
    int status = 0;
    pid_t pid = 0;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(seal_cli_test_home(), "hang");
    pid = seal_test_start(seal_cli_test_home(), argv, log_name);
    g_assert_true(seal_cli_test_wait_until(asked_more_often, &asked));
    g_assert_cmpint(kill(pid, number), ==, 0);
    g_assert_true(seal_test_wait_for_end(pid));
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(WTERMSIG(status), ==, 0);
    g_assert_cmpint(WEXITSTATUS(status), ==, 4);
    log = seal_test_home_read(seal_cli_test_home(), log_name);
    g_assert_cmpstr(log, ==, "privyseal: cancelled\n");
    g_assert_false(g_file_test(output, G_FILE_TEST_EXISTS));
    seal_cli_test_pin_is_right();
}

/* The agent's children but its hosts: open prompts. */
static gboolean
no_prompt_is_open(gpointer data)
{
    g_autoptr(GArray) children = seal_test_children(*(pid_t *)data);

    for (guint i = 0; i < children->len; i++) {
        g_autofree char *path =
            g_strdup_printf("/proc/%d/comm", (int)g_array_index(children, pid_t, i));
        g_autofree char *name = NULL;

        if (g_file_get_contents(path, &name, NULL, NULL) && strstr(name, "pinentry"))
            return FALSE;
    }
    return TRUE;
}

static void
test_interrupt(void)
{
    pid_t agent = seal_test_agent_pid(seal_cli_test_home());

    interrupt_with(SIGINT);
    g_assert_true(seal_cli_test_wait_until(no_prompt_is_open, &agent));
    interrupt_with(SIGTERM);
    g_assert_true(seal_cli_test_wait_until(no_prompt_is_open, &agent));
}

/* -- input ------------------------------------------------------------------------ */

static void
test_missing_file(void)
{
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "sign", "/nonexistent.eml", NULL);

    seal_cli_test_assert_error(result, 5, "/nonexistent.eml");
}

static void
test_no_mail(void)
{
    g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(empty, "sign", "--key", "Alice RSA signing", NULL);

    seal_cli_test_assert_error(result, 5, "mail");
}

static void
test_unwritable_output(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "sign", "--output", "/nonexistent/signed.eml", NULL);

    seal_cli_test_assert_error(result, 5, "/nonexistent/signed.eml");
}

static void
test_full_output(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autofree char *command = g_strdup_printf("'%s' sign >/dev/full", program);
    g_autoptr(SealTestResult) result = seal_cli_test_other(mail, "sh", "-c", command, NULL);

    seal_cli_test_assert_error(result, 5, "cannot write to standard output");
}

static void
add(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(algorithm_cases); i++)
        g_test_add_data_func(algorithm_cases[i].path, &algorithm_cases[i], test_algorithm);
    g_test_add_func("/cli/sign/header-fields-are-signed", test_headers);
    g_test_add_func("/cli/sign/bcc-is-left-out", test_bcc_is_left_out);
    g_test_add_func("/cli/sign/two-keys/both-sign", test_two_keys);
    g_test_add_func("/cli/sign/key-named-twice/is-refused", test_key_twice);
    g_test_add_func("/cli/sign/second-key-is-missing/nothing-is-signed",
                    test_second_key_is_missing);
    g_test_add_func("/cli/sign/encryption-certificate-is-named", test_encryption_certificate);
    g_test_add_func("/cli/sign/opaque", test_opaque);
    g_test_add_func("/cli/sign/from-header-chooses-the-key", test_from_header_chooses);
    g_test_add_func("/cli/sign/output-file-is-private", test_output_file);
    g_test_add_func("/cli/sign/key-by-label-id-beginning-and-uri", test_key_names);
    g_test_add_func("/cli/sign/unknown-key", test_unknown_key);
    g_test_add_func("/cli/sign/ambiguous-key-names-candidates", test_ambiguous_key);
    g_test_add_func("/cli/sign/key-of-another-purpose", test_decryption_key);
    g_test_add_func("/cli/sign/pin-in-uri-is-refused-and-not-repeated", test_pin_in_uri);
    g_test_add_func("/cli/sign/sender-without-certificate", test_unknown_sender);
    g_test_add_func("/cli/sign/other-sender-warns", test_other_sender_warns);
    g_test_add_func("/cli/sign/cancelled-prompt", test_prompt_cancelled);
    g_test_add_func("/cli/sign/interrupt-ends-prompt-and-writes-nothing", test_interrupt);
    g_test_add_func("/cli/sign/missing-file", test_missing_file);
    g_test_add_func("/cli/sign/input-that-is-no-mail", test_no_mail);
    g_test_add_func("/cli/sign/output-that-cannot-be-written", test_unwritable_output);
    g_test_add_func("/cli/sign/full-disk-is-an-error", test_full_output);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
