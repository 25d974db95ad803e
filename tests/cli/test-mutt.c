/* privyseal mutt: what each action takes, prints and refuses. That mutt and neomutt are content
 * with it is shown by tests/clients/neomutt.sh; here are the cases that a person at their screen
 * does not come by. The second opinion is OpenSSL's. */
#include <string.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"

#define ENTITY "Content-Type: text/plain\n\n" SEAL_CLI_TEST_WORDS "\n"
#define CRLF   "Content-Type: text/plain\r\n\r\n" SEAL_CLI_TEST_WORDS "\r\n"

static char *
save_text(const char *name, const char *text)
{
    return seal_test_home_write(seal_cli_test_home(), name, text);
}

/* What `privyseal mutt ...` with the fixture's root as an anchor wrote to stdout, as a file. */
static char *
save_output(const char *name, const SealTestResult *result)
{
    g_autoptr(GBytes) output = seal_cli_test_output(result);

    return seal_cli_test_save(name, output);
}

static void
assert_silent_success(const SealTestResult *result)
{
    seal_cli_test_assert_status(result, 0);
    g_assert_cmpstr(result->err, ==, ""); /* mutt would stop and wait for a key */
}

static SealTestResult *
judge(const char *action, const char *first, const char *second)
{
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");

    return seal_cli_test_privyseal(NULL, "mutt", action, "--anchor", root, first, second, NULL);
}

/* A folder of its own for the certificates of one test; its path (transfer full). */
static char *
new_folder(const char *name)
{
    g_autofree char *data = seal_cli_test_home_file(name);

    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", data);
    return g_build_filename(data, "privyseal", "mutt", NULL);
}

/* -- sign -------------------------------------------------------------------------------------- */

static SealTestResult *
sign(const char *key, const char *digest, const char *file)
{
    return seal_cli_test_privyseal(NULL, "mutt", "sign", "--key", key, "--digest", digest, file,
                                   NULL);
}

/* openssl's verdict on a detached signature over the entity with CRLF. */
static void
assert_openssl_verifies(const char *signature)
{
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *content = save_text("content", CRLF);
    g_autoptr(SealTestResult) result =
        seal_cli_test_other(NULL, "openssl", "cms", "-verify", "-inform", "DER", "-in", signature,
                            "-binary", "-content", content, "-CAfile", root, NULL);

    seal_cli_test_assert_status(result, 0);
}

static void
test_sign(void)
{
    static const char *const cases[][2] = {{"/keys/alice@example.org", "sha256"},
                                           {"/keys/Alice P-384 signing", "sha256"},
                                           {"Alice RSA-3072 signing", "sha512"},
                                           {"bob@example.org", "sha384"}};
    g_autofree char *entity = save_text("entity", ENTITY);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SealTestResult) result = sign(cases[i][0], cases[i][1], entity);
        g_autofree char *signature = save_output("signature", result);
        g_autoptr(SealTestResult) printed = seal_cli_test_other(
            NULL, "openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", signature, NULL);

        assert_silent_success(result);
        assert_openssl_verifies(signature);
        g_assert_nonnull(strstr(printed->out, cases[i][1]));
    }
}

static void
test_sign_refusals(void)
{
    g_autofree char *entity = save_text("entity", ENTITY);
    g_autofree char *empty = save_text("empty", "");
    g_autofree char *absent = seal_cli_test_home_file("absent");
    g_autoptr(SealTestResult) nobody = sign("/keys/frank@example.org", "sha256", entity);
    g_autoptr(SealTestResult) several = sign("/keys/me", "sha256", entity);
    g_autoptr(SealTestResult) weak = sign("alice@example.org", "sha1", entity);
    g_autoptr(SealTestResult) nothing = sign("alice@example.org", "sha256", empty);
    g_autoptr(SealTestResult) no_file = sign("alice@example.org", "sha256", absent);

    seal_cli_test_assert_error(nobody, 3, "signs as 'frank@example.org'");
    seal_cli_test_assert_error(several, 3,
                               "keys of alice@example.org, bob@example.org, carol@example.org:");
    seal_cli_test_assert_error(several, 3, "set smime_default_key=ADDRESS");
    seal_cli_test_assert_error(weak, 5, "sha1");
    seal_cli_test_assert_error(nothing, 5, "is empty");
    seal_cli_test_assert_error(no_file, 5, "absent");
}

/* -- encrypt ----------------------------------------------------------------------------------- */

/* The software copy of a fixture's key opens it, and there are this many recipients. */
static void
assert_openssl_opens(const char *sealed, const char *name, guint recipients, const char *cipher)
{
    g_autofree char *key_name = g_strdup_printf("software-keys/%s.pem", name);
    g_autofree char *certificate_name = g_strdup_printf("certs/%s.pem", name);
    g_autofree char *key = seal_cli_test_fixture_file(key_name);
    g_autofree char *certificate = seal_cli_test_fixture_file(certificate_name);
    g_autoptr(SealTestResult) opened =
        seal_cli_test_other(NULL, "openssl", "cms", "-decrypt", "-inform", "DER", "-in", sealed,
                            "-inkey", key, "-recip", certificate, NULL);
    g_autoptr(SealTestResult) printed = seal_cli_test_other(
        NULL, "openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", sealed, NULL);
    g_auto(GStrv) parts = g_strsplit(printed->out, "issuerAndSerialNumber", -1);

    seal_cli_test_assert_status(opened, 0);
    g_assert_cmpuint(opened->out_len, ==, strlen(CRLF));
    g_assert_cmpmem(opened->out, opened->out_len, CRLF, strlen(CRLF));
    g_assert_cmpuint(g_strv_length(parts) - 1, ==, recipients);
    g_assert_nonnull(strstr(printed->out, cipher));
}

static void
test_encrypt(void)
{
    g_autofree char *folder = new_folder("encrypt-data");
    g_autofree char *entity = save_text("entity", ENTITY);
    g_autofree char *bob = seal_cli_test_fixture_file("certs/bob-rsa-decrypt.pem");
    g_autoptr(SealTestResult) both =
        seal_cli_test_privyseal(NULL, "mutt", "encrypt", "--cipher", "aes128", entity, bob,
                                "/keys/alice@example.org", NULL);
    g_autoptr(SealTestResult) once = seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, bob,
                                                             "/keys/bob@example.org", bob, NULL);
    g_autoptr(SealTestResult) by_key = seal_cli_test_privyseal(
        NULL, "mutt", "encrypt", "--cipher", "aes256", entity, "/keys/Bob RSA signing", NULL);
    g_autofree char *sealed_both = save_output("both", both);
    g_autofree char *sealed_once = save_output("once", once);
    g_autofree char *sealed_by_key = save_output("by-key", by_key);

    assert_silent_success(both);
    assert_silent_success(once);
    assert_silent_success(by_key);
    assert_openssl_opens(sealed_both, "bob-rsa-decrypt", 2, "aes-128-cbc");
    assert_openssl_opens(sealed_both, "alice-rsa-decrypt", 2, "aes-128-cbc");
    assert_openssl_opens(sealed_once, "bob-rsa-decrypt", 1, "aes-256-cbc");
    assert_openssl_opens(sealed_by_key, "bob-rsa-decrypt", 1, "aes-256-cbc");
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS)); /* only looked at */
}

/* The index is mutt's, and ours to read for each address; anybody's hand may have been there. */
static void
test_endless_index(void)
{
    g_autofree char *folder = new_folder("endless-data");
    g_autofree char *index = g_build_filename(folder, ".index", NULL);
    g_autofree char *entity = save_text("entity", ENTITY);
    g_autoptr(SealTestResult) result = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_cmpint(symlink("/dev/zero", index), ==, 0);
    result = seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, "/x/frank@example.org", NULL);
    seal_cli_test_assert_error(result, 3, "frank@example.org");
}

static void
test_encrypt_refusals(void)
{
    g_autofree char *folder = new_folder("encrypt-data");
    g_autofree char *entity = save_text("entity", ENTITY);
    g_autofree char *signing = seal_cli_test_fixture_file("certs/bob-rsa-sign.pem");
    g_autoptr(SealTestResult) cipher = seal_cli_test_privyseal(
        NULL, "mutt", "encrypt", "--cipher", "des3", entity, "bob@example.org", NULL);
    g_autoptr(SealTestResult) nobody = seal_cli_test_privyseal(
        NULL, "mutt", "encrypt", entity, "bob@example.org", "/x/frank@example.org", NULL);
    g_autoptr(SealTestResult) usage =
        seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, signing, NULL);
    g_autoptr(SealTestResult) key =
        seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, "/x/no such key", NULL);

    seal_cli_test_assert_error(cipher, 5, "smime_encrypt_with");
    seal_cli_test_assert_error(nobody, 3, "frank@example.org");
    g_assert_nonnull(
        strstr(nobody->err, "; keep certificates with \"privyseal mutt import FILE\""));
    seal_cli_test_assert_error(usage, 3, "not for encryption");
    seal_cli_test_assert_error(key, 3, "no such key");
}

/* -- open -------------------------------------------------------------------------------------- */

static char *
encrypt_to_alice(const char *name, const char *text)
{
    g_autofree char *entity = save_text("to-encrypt", text);
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, "alice@example.org", NULL);

    assert_silent_success(result);
    return save_output(name, result);
}

static void
test_open_encrypted(void)
{
    g_autofree char *sealed = encrypt_to_alice("sealed", ENTITY);
    g_autoptr(SealTestResult) result = judge("open", sealed, NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_cmpmem(result->out, result->out_len, CRLF, strlen(CRLF));
    g_assert_nonnull(strstr(result->err, "nothing shows who wrote it"));
    g_assert_true(strchr(result->err, '\n') == result->err + strlen(result->err) - 1);
}

/* What is signed inside gets its verdict from the next question. */
static void
test_open_encrypted_around_signed(void)
{
    static const char text[] = "Content-Type: multipart/signed; boundary=x; "
                               "protocol=\"application/pkcs7-signature\"\n\n--x\n\n--x--\n";
    g_autofree char *sealed = encrypt_to_alice("sealed", text);
    g_autoptr(SealTestResult) result = judge("open", sealed, NULL);

    assert_silent_success(result);
    g_assert_true(g_str_has_prefix(result->out, "Content-Type: multipart/signed"));
}

static void
test_open_damaged(void)
{
    g_autofree char *sealed = encrypt_to_alice("sealed", ENTITY);
    g_autofree char *damaged = seal_cli_test_home_file("damaged");
    g_autofree char *text = NULL;
    gsize len = 0;
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(SealTestResult) no_cms = NULL;

    g_assert_true(g_file_get_contents(sealed, &text, &len, NULL));
    /* The block before the last: in CBC this changes the same bit of the last byte, which says how
     * long the padding is: 128 or more then, never by chance a right one. */
    text[len - 17] ^= 0x80;
    g_assert_true(g_file_set_contents(damaged, text, (gssize)len, NULL));
    result = judge("open", damaged, NULL);
    no_cms = judge("open", "/dev/null", NULL);
    seal_cli_test_assert_status(result, 1);
    g_assert_cmpuint(result->out_len, ==, 0);
    g_assert_nonnull(strstr(result->err, "cannot be decrypted"));
    seal_cli_test_assert_status(no_cms, 1);
    g_assert_cmpuint(no_cms->out_len, ==, 0);
    g_assert_nonnull(strstr(no_cms->err, "MALFORMED"));
}

/* An opaque message, made by openssl from the software copy of Bob's key. */
static char *
sign_opaque(const char *name)
{
    g_autofree char *entity = save_text("to-sign", CRLF);
    g_autofree char *key = seal_cli_test_fixture_file("software-keys/bob-rsa-sign.pem");
    g_autofree char *certificate = seal_cli_test_fixture_file("certs/bob-rsa-sign.pem");
    g_autofree char *chain = seal_cli_test_fixture_file("intermediate.pem");
    g_autoptr(SealTestResult) result = seal_cli_test_other(
        NULL, "openssl", "cms", "-sign", "-nodetach", "-binary", "-in", entity, "-signer",
        certificate, "-inkey", key, "-certfile", chain, "-outform", "DER", NULL);

    seal_cli_test_assert_status(result, 0);
    return save_output(name, result);
}

static void
test_open_signed(void)
{
    g_autofree char *opaque = sign_opaque("opaque");
    g_autoptr(SealTestResult) good = judge("open", opaque, NULL);
    g_autoptr(SealTestResult) untrusted =
        seal_cli_test_privyseal(NULL, "mutt", "open", "--no-default-anchors", opaque, NULL);

    seal_cli_test_assert_status(good, 0);
    g_assert_cmpmem(good->out, good->out_len, CRLF, strlen(CRLF));
    g_assert_true(g_str_has_prefix(good->err, "Verification successful\n"));
    g_assert_nonnull(strstr(good->err, "certified as: bob@example.org"));
    /* Shown below its verdict, as mutt shows what is signed apart. */
    seal_cli_test_assert_status(untrusted, 1);
    g_assert_cmpmem(untrusted->out, untrusted->out_len, CRLF, strlen(CRLF));
    g_assert_null(strstr(untrusted->err, "Verification successful"));
    g_assert_nonnull(strstr(untrusted->err, "incomplete"));
}

/* -- verify ------------------------------------------------------------------------------------ */

static char *
sign_as_alice(void)
{
    g_autofree char *entity = save_text("entity", ENTITY);
    g_autoptr(SealTestResult) result = sign("alice@example.org", "sha256", entity);

    assert_silent_success(result);
    return save_output("signature", result);
}

static void
test_verify(void)
{
    g_autofree char *signature = sign_as_alice();
    g_autofree char *content = save_text("content", CRLF);
    g_autofree char *other = save_text("other", "Content-Type: text/plain\r\n\r\nother\r\n");
    g_autoptr(SealTestResult) good = judge("verify", signature, content);
    g_autoptr(SealTestResult) bad = judge("verify", signature, other);
    g_autoptr(SealTestResult) none = judge("verify", other, content);

    seal_cli_test_assert_status(good, 0);
    g_assert_true(g_str_has_prefix(good->err, "Verification successful\n"));
    g_assert_null(strstr(good->err, "by its sender")); /* nobody has asked who that is */
    seal_cli_test_assert_status(bad, 1);
    g_assert_true(g_str_has_prefix(bad->err, "BAD SIGNATURE"));
    seal_cli_test_assert_status(none, 1);
    g_assert_true(g_str_has_prefix(none->err, "MALFORMED"));
    g_assert_cmpuint(good->out_len + bad->out_len + none->out_len, ==, 0);
}

/* mutt reads the first line alone, so nothing may come before it. */
static void
test_warnings_come_last(void)
{
    g_autofree char *anchors = seal_cli_test_home_file("config/privyseal/anchors.d");
    g_autofree char *broken = g_build_filename(anchors, "broken.pem", NULL);
    g_autofree char *signature = sign_as_alice();
    g_autofree char *content = save_text("content", CRLF);
    g_autofree char *opaque = sign_opaque("opaque");
    g_autoptr(SealTestResult) detached = NULL;
    g_autoptr(SealTestResult) inside = NULL;

    g_assert_cmpint(g_mkdir_with_parents(anchors, 0700), ==, 0);
    g_assert_true(g_file_set_contents(broken, "no certificate", -1, NULL));
    detached = judge("verify", signature, content);
    inside = judge("open", opaque, NULL);
    g_assert_cmpint(unlink(broken), ==, 0);
    g_assert_true(g_str_has_prefix(detached->err, "Verification successful\n"));
    g_assert_nonnull(strstr(detached->err, "\nprivyseal: warning: "));
    g_assert_true(g_str_has_prefix(inside->err, "Verification successful\n"));
    g_assert_nonnull(strstr(inside->err, "\nprivyseal: warning: "));
}

/* -- the certificates of a mail ---------------------------------------------------------------- */

static char *
save_signed_mail(const char *from)
{
    g_autofree char *text =
        g_strdup_printf("From: %s\r\nSubject: The seal\r\n\r\n" SEAL_CLI_TEST_WORDS "\r\n", from);
    g_autoptr(GBytes) mail = g_bytes_new(text, strlen(text));
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(mail, "sign", "--from", "alice@example.org", NULL);

    seal_cli_test_assert_status(result, 0);
    return save_output("signed.eml", result);
}

static void
test_signer(void)
{
    g_autofree char *own = save_signed_mail("Alice <alice@example.org>");
    g_autoptr(SealTestResult) certificate = judge("signer", own, NULL);
    g_autofree char *saved = save_output("signer.pem", certificate);
    g_autoptr(SealTestResult) addresses =
        seal_cli_test_privyseal(NULL, "mutt", "addresses", saved, NULL);

    assert_silent_success(certificate);
    assert_silent_success(addresses);
    g_assert_cmpstr(addresses->out, ==, "alice@example.org\n");
}

static void
test_signer_is_another(void)
{
    /* The second one is a beginning of the first: mutt by itself would take it. */
    static const char *const others[] = {"mallory@example.org", "alice@example.or"};

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *mail = save_signed_mail(others[i]);
        g_autoptr(SealTestResult) result = judge("signer", mail, NULL);

        seal_cli_test_assert_error(result, 1, others[i]);
        seal_cli_test_assert_error(result, 1, "certified as alice@example.org");
    }
}

static void
test_signer_of_unsigned(void)
{
    g_autofree char *mail = save_text("plain.eml", "From: alice@example.org\n\ntext\n");
    g_autoptr(SealTestResult) signer = judge("signer", mail, NULL);
    g_autoptr(SealTestResult) pk7out = seal_cli_test_privyseal(NULL, "mutt", "pk7out", mail, NULL);
    g_autoptr(SealTestResult) certificates =
        seal_cli_test_privyseal(NULL, "mutt", "certificates", mail, NULL);
    g_autoptr(SealTestResult) addresses =
        seal_cli_test_privyseal(NULL, "mutt", "addresses", mail, NULL);

    seal_cli_test_assert_error(signer, 1, "nobody signed it");
    seal_cli_test_assert_error(pk7out, 5, "no S/MIME signature");
    seal_cli_test_assert_error(certificates, 5, "no CMS signature");
    seal_cli_test_assert_error(addresses, 5, "no certificate");
}

/* Each step's file is what openssl reads and writes at that place. */
static void
test_steps(void)
{
    g_autofree char *mail = save_signed_mail("alice@example.org");
    g_autoptr(SealTestResult) pk7 = seal_cli_test_privyseal(NULL, "mutt", "pk7out", mail, NULL);
    g_autofree char *saved = save_output("signature.pk7", pk7);
    g_autoptr(SealTestResult) openssl =
        seal_cli_test_other(NULL, "openssl", "pkcs7", "-print_certs", "-in", saved, NULL);
    g_autoptr(SealTestResult) ours =
        seal_cli_test_privyseal(NULL, "mutt", "certificates", saved, NULL);
    g_auto(GStrv) theirs = g_strsplit(openssl->out, "-----BEGIN", -1);
    g_auto(GStrv) blocks = g_strsplit(ours->out, "-----BEGIN", -1);

    assert_silent_success(pk7);
    seal_cli_test_assert_status(openssl, 0);
    assert_silent_success(ours);
    g_assert_cmpuint(g_strv_length(theirs), ==, 4); /* Alice's two, and the intermediate's */
    g_assert_cmpuint(g_strv_length(blocks), ==, 4);
    g_assert_nonnull(strstr(openssl->out, "Alice Example"));
}

/* -- the command line -------------------------------------------------------------------------- */

static void
test_mistakes(void)
{
    static const struct {
        const char *arguments[6];
        const char *text;
    } cases[] = {
        {{"mutt", NULL}, "something is missing"},
        {{"mutt", "forge", NULL}, "there is no action 'forge'"},
        {{"mutt", "sign", NULL}, "privyseal mutt sign [--key KEY] FILE"},
        {{"mutt", "sign", "a", "b", NULL}, "too much"},
        {{"mutt", "encrypt", "a", NULL}, "something is missing"},
        {{"mutt", "verify", "a", NULL}, "SIGNATURE FILE"},
        {{"mutt", "index", "a", NULL}, "too much"},
        {{"mutt", "open", "--key", "a", "b", NULL}, "--key is not for 'open'"},
        {{"mutt", "sign", "--anchor", "a", "b", NULL}, "--anchor is not for 'sign'"},
        {{"mutt", "verify", "--revocation=never", "a", "b", NULL}, "never"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SealTestResult) result = seal_cli_test_run(cases[i].arguments, NULL);

        seal_cli_test_assert_error(result, 2, cases[i].text);
    }
}

static void
add(void)
{
    g_test_add_func("/cli/mutt/sign/openssl-verifies-it", test_sign);
    g_test_add_func("/cli/mutt/sign/refusals-say-why", test_sign_refusals);
    g_test_add_func("/cli/mutt/encrypt/openssl-opens-it", test_encrypt);
    g_test_add_func("/cli/mutt/encrypt/refusals-write-nothing", test_encrypt_refusals);
    g_test_add_func("/cli/mutt/encrypt/endless-index-is-passed-over", test_endless_index);
    g_test_add_func("/cli/mutt/open/encrypted/gives-the-entity", test_open_encrypted);
    g_test_add_func("/cli/mutt/open/signed-inside/is-silent", test_open_encrypted_around_signed);
    g_test_add_func("/cli/mutt/open/damaged/gives-nothing", test_open_damaged);
    g_test_add_func("/cli/mutt/open/opaque/verdict-and-content", test_open_signed);
    g_test_add_func("/cli/mutt/verify/verdict-on-stderr-alone", test_verify);
    g_test_add_func("/cli/mutt/verify/warnings-come-after-the-words", test_warnings_come_last);
    g_test_add_func("/cli/mutt/signer/of-its-sender/certificate", test_signer);
    g_test_add_func("/cli/mutt/signer/of-another/no-certificate", test_signer_is_another);
    g_test_add_func("/cli/mutt/signer/unsigned-mail/is-refused", test_signer_of_unsigned);
    g_test_add_func("/cli/mutt/certificates/steps-are-those-of-openssl", test_steps);
    g_test_add_func("/cli/mutt/mistakes-name-the-action", test_mistakes);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
