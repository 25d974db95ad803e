/* privyseal git as git calls it, but for git: its command line, which key a name means, what stands
 * on stdout, stderr and the status descriptor. With git itself: tests/clients/git.sh. */
#include <glib/gstdio.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/agent.h"
#include "tests/support/pinentry.h"

#define CONTENT "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nno line end"

static GBytes *
new_content(void)
{
    return g_bytes_new_static(CONTENT, strlen(CONTENT));
}

/* The SHA-1 fingerprint of a certificate of the fixture, in capitals, as OpenSSL tells it. */
static char *
fingerprint_of(const char *certificate, const char *hash)
{
    g_autofree char *path = seal_cli_test_fixture_file(certificate);
    g_autofree char *option = g_strconcat("-", hash, NULL);
    g_autoptr(SealTestResult) result = seal_cli_test_other(NULL, "openssl", "x509", "-in", path,
                                                           "-noout", "-fingerprint", option, NULL);
    g_auto(GStrv) parts = NULL;

    seal_cli_test_assert_status(result, 0);
    parts = g_strsplit(strchr(g_strchomp(result->out), '=') + 1, ":", -1);
    return g_strjoinv("", parts);
}

static void
assert_matches(const char *text, const char *pattern)
{
    if (!g_regex_match_simple(pattern, text, 0, 0))
        g_error("'%s' does not match '%s'", text, pattern);
}

/* -- wrong use --------------------------------------------------------------------------------- */

static void
test_mistakes(void)
{
    static const struct {
        const char *arguments[7];
        const char *text;
    } cases[] = {
        {{"git", NULL}, "say one of --detach-sign and --verify"},
        {{"git", "-bsau", "a", "--verify", NULL}, "say one of --detach-sign and --verify"},
        {{"git", "--verify", "a", NULL}, "--verify needs two files"},
        {{"git", "--verify", "a", "b", "c", NULL}, "'c' is too much"},
        {{"git", "--verify", "-", "-", NULL}, "only one of the two files"},
        {{"git", "-sau", "a", NULL}, "say --detach-sign (-b)"},
        {{"git", "-bsa", NULL}, "say with which key"},
        {{"git", "-bsau", NULL}, "--local-user needs KEY"},
        {{"git", "-bsau", "a", "-u", "b", NULL}, "given twice"},
        {{"git", "-bsau", "a", "b", "c", NULL}, "one file at a time"},
        {{"git", "-bxau", "a", NULL}, "there is no option '-bxau'"},
        {{"git", "--status-fd=two", "-bsau", "a", NULL}, "needs a number, 'two' is none"},
        {{"git", "--status-fd", "-1", "-bsau", "a", NULL}, "needs a number, '-1' is none"},
        {{"git", "--status-fd=987", "-bsau", "a", NULL}, "nothing is open under --status-fd 987"},
        {{"git", "--revocation=never", "--verify", "a", "b", NULL}, "unknown revocation mode"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SealTestResult) result = seal_cli_test_run(cases[i].arguments, NULL);

        g_test_message("case %u", i);
        seal_cli_test_assert_error(result, 2, cases[i].text);
        g_assert_nonnull(strstr(result->err, "'privyseal git --help'"));
    }
}

/* What git calls: a name without arguments of ours. */
static void
test_program_of_its_own(void)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal-git");
    g_autoptr(SealTestResult) help = seal_cli_test_privyseal(NULL, "git", "--help", NULL);
    g_autoptr(SealTestResult) same = seal_cli_test_other(NULL, program, "--help", NULL);
    g_autoptr(SealTestResult) version = seal_cli_test_other(NULL, program, "--version", NULL);
    g_autoptr(SealTestResult) nothing = seal_cli_test_other(NULL, program, NULL);

    seal_cli_test_assert_status(same, 0);
    g_assert_cmpstr(same->out, ==, help->out);
    seal_cli_test_assert_status(version, 0);
    g_assert_true(g_str_has_prefix(version->out, "privyseal "));
    seal_cli_test_assert_error(nothing, 2, "say one of --detach-sign and --verify");
}

/* -- signing ----------------------------------------------------------------------------------- */

static SealTestResult *
sign_as(const char *name)
{
    g_autoptr(GBytes) content = new_content();

    return seal_cli_test_privyseal(content, "git", "--status-fd=2", "-bsau", name, NULL);
}

/* The numbers are OpenPGP's (RFC 9580 9.1 and 9.5). */
static void
assert_signed_by(const SealTestResult *result, const char *certificate, const char *numbers)
{
    g_autofree char *fingerprint = fingerprint_of(certificate, "sha1");
    g_autofree char *line = g_strdup_printf(
        "^\\[GNUPG:\\] SIG_CREATED D %s 00 \\d{8}T\\d{6} %s\\n$", numbers, fingerprint);

    seal_cli_test_assert_status(result, 0);
    assert_matches(result->err, line);
    assert_matches(result->out, "^-----BEGIN SIGNED MESSAGE-----\\n"
                                "([A-Za-z0-9+/=]{1,64}\\n)+"
                                "-----END SIGNED MESSAGE-----\\n$");
}

static void
test_names(void)
{
    g_autofree char *sha1 = fingerprint_of("certs/alice-p384-sign.pem", "sha1");
    g_autofree char *sha256 = fingerprint_of("certs/alice-p521-sign.pem", "sha256");
    const struct {
        const char *name, *certificate, *numbers;
    } cases[] = {
        /* Of the seven keys with her address the one that most programs read. */
        {"alice@example.org", "certs/alice-rsa-sign.pem", "1 8"},
        {"Alice Example <alice@example.org>", "certs/alice-rsa-sign.pem", "1 8"},
        {"<alice@EXAMPLE.org>", "certs/alice-rsa-sign.pem", "1 8"},
        {"Alice P-256 signing", "certs/alice-p256-sign.pem", "19 8"},
        {"pkcs11:token=Alice;object=Alice%20RSA-3072%20signing", "certs/alice-rsa3072-sign.pem",
         "1 8"},
        {"Alice Ed25519 signing", "certs/alice-ed25519-sign.pem", "22 10"},
        {sha1, "certs/alice-p384-sign.pem", "19 9"},
        {sha256, "certs/alice-p521-sign.pem", "19 10"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SealTestResult) result = sign_as(cases[i].name);

        g_test_message("%s", cases[i].name);
        assert_signed_by(result, cases[i].certificate, cases[i].numbers);
    }
}

/* A failure leaves nothing behind that git could take for a signature. */
static void
test_unusable_names(void)
{
    g_autofree char *decrypting = fingerprint_of("certs/alice-rsa-decrypt.pem", "sha1");
    g_autofree char *elsewhere = fingerprint_of("root.pem", "sha1");
    const struct {
        const char *name, *text;
    } cases[] = {
        {"nobody@example.org", "no certificate on any token signs as 'nobody@example.org'"},
        {"Nobody <nobody@example.org>", "signs as 'nobody@example.org'"},
        {"No Such Label", "no key 'No Such Label' on any token"},
        {"", "no key '' on any token"},
        {"Alice RSA decryption", "it is not a key for that"},
        {decrypting, "cannot sign with the certificate"},
        {elsewhere, "on any token"},
        {"pkcs11:token=Alice;pin-value=1234", "a PIN has no place on a command line"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SealTestResult) result = sign_as(cases[i].name);

        g_test_message("%s", cases[i].name);
        seal_cli_test_assert_error(result, strstr(cases[i].name, "pin") ? 2 : 3, cases[i].text);
    }
}

static void
test_refused_pin(void)
{
    g_autoptr(SealTestResult) result = NULL;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(seal_cli_test_home(), "cancel");
    result = sign_as("alice@example.org");
    seal_cli_test_pin_is_right();
    seal_cli_test_assert_error(result, 4, "");
}

static void
test_der_without_armor(void)
{
    g_autoptr(GBytes) content = new_content();
    g_autofree char *content_file = seal_cli_test_save("content", content);
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "git", "-b", "-uAlice RSA signing", content_file, NULL);
    g_autoptr(GBytes) signature = seal_cli_test_output(result);
    g_autoptr(SealTestResult) verified = NULL;

    seal_cli_test_assert_status(result, 0);
    g_assert_cmpstr(result->err, ==, ""); /* no status where none was asked for */
    verified = seal_cli_test_other(signature, "openssl", "cms", "-verify", "-inform", "DER",
                                   "-binary", "-content", content_file, "-CAfile", root, NULL);
    seal_cli_test_assert_status(verified, 0);
}

static gboolean
holds(const SealTestResult *result, const char *text)
{
    return memmem(result->out, result->out_len, text, strlen(text)) != NULL;
}

static void
test_chain_goes_along(void)
{
    g_autofree char *chain = seal_cli_test_fixture_file("certs/bob-rsa-sign.pem");
    g_autoptr(GBytes) content = new_content();
    g_autoptr(SealTestResult) without =
        seal_cli_test_privyseal(content, "git", "-bsu", "Alice RSA signing", NULL);
    g_autoptr(SealTestResult) with = seal_cli_test_privyseal(content, "git", "--chain", chain,
                                                             "-bsu", "Alice RSA signing", NULL);
    g_autoptr(SealTestResult) missing = seal_cli_test_privyseal(
        content, "git", "--chain", "/nonexistent", "-bsu", "Alice RSA signing", NULL);

    seal_cli_test_assert_status(without, 0);
    seal_cli_test_assert_status(with, 0);
    g_assert_true(holds(without, "Fixture Intermediate")); /* it is on the token */
    g_assert_false(holds(without, "Bob Example"));
    g_assert_true(holds(with, "Bob Example"));
    seal_cli_test_assert_error(missing, 5, "cannot read '/nonexistent'");
}

/* -- verifying --------------------------------------------------------------------------------- */

/* Alice's signature over the content, as a file in the home (transfer full). */
static char *
save_signature(const char *key)
{
    g_autoptr(SealTestResult) result = sign_as(key);
    g_autoptr(GBytes) signature = NULL;

    seal_cli_test_assert_status(result, 0);
    signature = seal_cli_test_output(result);
    return seal_cli_test_save("signature", signature);
}

static SealTestResult *
verify(const char *signature, const char *content, const char *anchor)
{
    g_autoptr(GBytes) input = g_bytes_new(content, strlen(content));
    g_autofree char *root = seal_cli_test_fixture_file(anchor);

    return seal_cli_test_privyseal(input, "git", "--anchor", root, "--status-fd=1", "--verify",
                                   signature, "-", NULL);
}

/* git takes a good one only if GOODSIG begins a line that is not the first. */
static void
test_good(void)
{
    g_autofree char *signature = save_signature("Alice P-256 signing");
    g_autofree char *fingerprint = fingerprint_of("certs/alice-p256-sign.pem", "sha1");
    g_autoptr(SealTestResult) result = verify(signature, CONTENT, "root.pem");
    g_autofree char *lines = g_strdup_printf(
        "^\\[GNUPG:\\] NEWSIG\\n"
        "\\[GNUPG:\\] GOODSIG %s Alice Example <alice@example.org>\\n"
        "\\[GNUPG:\\] VALIDSIG %s \\d{4}-\\d\\d-\\d\\d \\d{8}T\\d{6} 0 0 0 19 8 00\\n"
        "\\[GNUPG:\\] TRUST_FULLY 0 shell\\n$",
        fingerprint, fingerprint);

    seal_cli_test_assert_status(result, 0);
    assert_matches(result->out, lines);
    g_assert_nonnull(strstr(result->err, "good signature of Alice Example <alice@example.org>"));
}

static void
assert_refused(const SealTestResult *result, const char *keyword, const char *word)
{
    g_autofree char *line = g_strdup_printf("\n[GNUPG:] %s ", keyword);

    seal_cli_test_assert_status(result, 1);
    g_assert_nonnull(strstr(result->out, line));
    g_assert_null(strstr(result->out, "GOODSIG"));
    g_assert_null(strstr(result->out, "VALIDSIG"));
    g_assert_null(strstr(result->out, "TRUST_FULLY"));
    g_assert_nonnull(strstr(result->err, word));
    g_assert_null(strstr(result->err, "good signature of"));
}

static void
test_refused(void)
{
    g_autofree char *signature = save_signature("Alice RSA signing");
    g_autoptr(SealTestResult) changed = verify(signature, CONTENT "\n", "root.pem");
    g_autoptr(SealTestResult) stranger = verify(signature, CONTENT, "stranger.pem");

    assert_refused(changed, "BADSIG", "(bad-signature)");
    assert_refused(stranger, "ERRSIG", "(incomplete-chain)");
}

static void
test_garbage(void)
{
    static const char *const garbage[] = {
        "", "no signature", "-----BEGIN SIGNED MESSAGE-----\n",
        "-----BEGIN SIGNED MESSAGE-----\nMAA=\n-----END SIGNED MESSAGE-----\n"};

    for (guint i = 0; i < G_N_ELEMENTS(garbage); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(garbage[i], strlen(garbage[i]));
        g_autofree char *path = seal_cli_test_save("signature", bytes);
        g_autoptr(SealTestResult) result = verify(path, CONTENT, "root.pem");

        assert_refused(result, "ERRSIG", "(malformed)");
    }
}

/* Nobody in git's world signs twice; two answers to one question are none. */
static void
test_two_signers(void)
{
    g_autoptr(GBytes) content = new_content();
    g_autofree char *alice = seal_cli_test_fixture_file("certs/alice-rsa-sign.pem");
    g_autofree char *alices_key = seal_cli_test_fixture_file("software-keys/alice-rsa-sign.pem");
    g_autofree char *bob = seal_cli_test_fixture_file("certs/bob-rsa-sign.pem");
    g_autofree char *bobs_key = seal_cli_test_fixture_file("software-keys/bob-rsa-sign.pem");
    g_autofree char *chain = seal_cli_test_fixture_file("intermediate.pem");
    g_autoptr(SealTestResult) both = seal_cli_test_other(
        content, "openssl", "cms", "-sign", "-binary", "-outform", "PEM", "-certfile", chain,
        "-signer", alice, "-inkey", alices_key, "-signer", bob, "-inkey", bobs_key, NULL);
    g_autoptr(GBytes) signature = seal_cli_test_output(both);
    g_autofree char *path = seal_cli_test_save("signature", signature);
    g_autoptr(SealTestResult) result = verify(path, CONTENT, "root.pem");

    seal_cli_test_assert_status(both, 0);
    assert_refused(result, "ERRSIG", "it has 2 signers, git takes one");
}

static void
test_missing_files(void)
{
    g_autofree char *signature = save_signature("Alice RSA signing");
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) no_signature = verify("/nonexistent", CONTENT, "root.pem");
    g_autoptr(SealTestResult) no_content =
        seal_cli_test_privyseal(NULL, "git", "--status-fd=1", "--anchor", root, "--verify",
                                signature, "/nonexistent", NULL);
    g_autoptr(SealTestResult) no_anchor = verify(signature, CONTENT, "nonexistent.pem");

    seal_cli_test_assert_error(no_signature, 5, "cannot read '/nonexistent'");
    seal_cli_test_assert_error(no_content, 5, "cannot read '/nonexistent'");
    seal_cli_test_assert_error(no_anchor, 5, "nonexistent.pem");
}

/* Without it a revoked certificate could pass; who does not ask for lists need not care. */
static void
test_broken_crl(void)
{
    g_autofree char *signature = save_signature("Alice RSA signing");
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autofree char *crl =
        seal_test_home_write(seal_cli_test_home(), "config/privyseal/crls.d/broken.crl", "no list");
    g_autoptr(GBytes) content = new_content();
    g_autoptr(SealTestResult) result = verify(signature, CONTENT, "root.pem");
    g_autoptr(SealTestResult) off =
        seal_cli_test_privyseal(content, "git", "--anchor", root, "--revocation", "off",
                                "--status-fd=1", "--verify", signature, "-", NULL);

    g_assert_cmpint(g_remove(crl), ==, 0);
    seal_cli_test_assert_error(result, 5, crl);
    seal_cli_test_assert_status(off, 0);
}

/* Anybody can verify: no agent is asked, no token is there. */
static void
test_without_agent(void)
{
    g_autofree char *signature = save_signature("Alice RSA signing");
    g_autoptr(SealTestResult) verified = NULL;
    g_autoptr(SealTestResult) signing = NULL;

    seal_test_home_setenv(seal_cli_test_home(), "PRIVYSEAL_ADDRESS", "unix:path=/nonexistent/bus");
    verified = verify(signature, CONTENT, "root.pem");
    signing = sign_as("alice@example.org");
    seal_test_home_setenv(seal_cli_test_home(), "PRIVYSEAL_ADDRESS", NULL);
    seal_cli_test_assert_status(verified, 0);
    seal_cli_test_assert_error(signing, 3, "cannot reach the agent");
}

static void
add(void)
{
    g_test_add_func("/cli/git/mistakes-are-status-2", test_mistakes);
    g_test_add_func("/cli/git/privyseal-git-is-the-command", test_program_of_its_own);
    g_test_add_func("/cli/git/sign/each-kind-of-name-finds-its-certificate", test_names);
    g_test_add_func("/cli/git/sign/unusable-name-leaves-no-signature", test_unusable_names);
    g_test_add_func("/cli/git/sign/cancelled-prompt-leaves-no-signature", test_refused_pin);
    g_test_add_func("/cli/git/sign/without-armor-it-is-der", test_der_without_armor);
    g_test_add_func("/cli/git/sign/chain-goes-along", test_chain_goes_along);
    g_test_add_func("/cli/git/verify/good-one-has-the-lines-git-wants", test_good);
    g_test_add_func("/cli/git/verify/changed-or-untrusted-has-no-goodsig", test_refused);
    g_test_add_func("/cli/git/verify/garbage-is-malformed", test_garbage);
    g_test_add_func("/cli/git/verify/two-signers-are-refused", test_two_signers);
    g_test_add_func("/cli/git/verify/missing-file-is-status-5", test_missing_files);
    g_test_add_func("/cli/git/verify/broken-revocation-list-is-an-error", test_broken_crl);
    g_test_add_func("/cli/git/verify/needs-no-agent", test_without_agent);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
