/* Which CA certificates go along with a signature. The tokens have none here; openssl, which trusts
 * the root alone, can verify only if the one between came along. */
#include <glib/gstdio.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/pki/authority.h"
#include "tests/support/fixture.h"

#define WARNING                                                                                    \
    "privyseal: warning: the certificate of the CA 'CN=Fixture Intermediate,O=Privy Seal "         \
    "Fixtures', which issued the signer's, is not known here and does not go along"

/* Before the agent has seen the tokens. */
static void
forget_on_token(const char *token)
{
    g_autofree char *module = seal_test_fixture_module(seal_cli_test_home());
    g_autofree char *pin = seal_test_fixture_pin(seal_cli_test_home());
    g_autoptr(SealTestResult) result = seal_cli_test_other(
        NULL, "pkcs11-tool", "--module", module, "--token-label", token, "--login", "--pin", pin,
        "--delete-object", "--type", "cert", "--label", "Fixture Intermediate", NULL);

    seal_cli_test_assert_status(result, 0);
}

/* Signed with `option` and its `file` (both nullable), in an own data home. (transfer full) */
static SealTestResult *
sign(const char *option, const char *file)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    SealTestResult *result =
        seal_cli_test_privyseal(mail, "sign", "--key", "Alice RSA signing", option, file, NULL);

    seal_cli_test_assert_status(result, 0);
    return result;
}

static int
openssl_verifies(const SealTestResult *signing)
{
    g_autoptr(GBytes) mail = seal_cli_test_output(signing);
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_autoptr(SealTestResult) result =
        seal_cli_test_other(mail, "openssl", "cms", "-verify", "-CAfile", root, NULL);

    return result->status;
}

static void
assert_goes_along(const SealTestResult *signing)
{
    g_assert_cmpstr(signing->err, ==, "");
    g_assert_cmpint(openssl_verifies(signing), ==, 0);
}

static void
assert_is_missed(const SealTestResult *signing)
{
    g_assert_true(g_str_has_prefix(signing->err, WARNING));
    g_assert_cmpint(openssl_verifies(signing), !=, 0);
}

/* A file of the user's anchors.d with `pem`; its path (transfer full). */
static char *
save_anchor(const char *pem)
{
    return seal_test_home_write(seal_cli_test_home(), "config/privyseal/anchors.d/between.pem",
                                pem);
}

static void
test_unknown(void)
{
    g_autoptr(SealTestResult) signing = sign(NULL, NULL);

    assert_is_missed(signing);
}

static void
test_named(void)
{
    g_autofree char *file = seal_cli_test_fixture_file("intermediate.pem");
    g_autoptr(SealTestResult) signing = sign("--chain", file);

    assert_goes_along(signing);
}

static void
test_trusted(void)
{
    g_autofree char *file = seal_cli_test_fixture_file("intermediate.pem");
    g_autofree char *pem = NULL;
    g_autofree char *anchor = NULL;
    g_autoptr(SealTestResult) signing = NULL;

    g_assert_true(g_file_get_contents(file, &pem, NULL, NULL));
    anchor = save_anchor(pem);
    signing = sign(NULL, NULL);
    g_assert_cmpint(g_unlink(anchor), ==, 0);
    assert_goes_along(signing);
}

/* It has the name, but has not issued the certificate. */
static void
test_impostor(void)
{
    const TestSpec spec = {.name = "Fixture Intermediate",
                           .subject = {"O=Privy Seal Fixtures", "CN=Fixture Intermediate"},
                           .authority = TRUE};
    g_autoptr(TestIdentity) impostor = test_identity_new(&spec, NULL);
    g_autoptr(GBytes) bytes = test_identity_pem(impostor);
    g_autofree char *pem = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    g_autofree char *anchor = save_anchor(pem);
    g_autoptr(SealTestResult) signing = sign(NULL, NULL);

    g_assert_cmpint(g_unlink(anchor), ==, 0);
    assert_is_missed(signing);
}

/* As signed mail brings one along, too. */
static void
test_kept(void)
{
    g_autofree char *before = g_strdup(g_getenv("XDG_DATA_HOME"));
    g_autofree char *data = seal_cli_test_home_file("kept");
    g_autofree char *file = seal_cli_test_fixture_file("intermediate.pem");
    g_autoptr(SealTestResult) import = NULL;
    g_autoptr(SealTestResult) signing = NULL;

    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", data);
    import = seal_cli_test_privyseal(NULL, "recipients", "import", file, NULL);
    signing = sign(NULL, NULL);
    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", before);
    seal_cli_test_assert_status(import, 0);
    assert_goes_along(signing);
}

static void
add(void)
{
    static const char *const tokens[] = {"Alice", "Bob", "Carol"};

    for (gsize i = 0; i < G_N_ELEMENTS(tokens); i++)
        forget_on_token(tokens[i]);
    g_test_add_func("/cli/chain/issuer-unknown/is-told", test_unknown);
    g_test_add_func("/cli/chain/issuer-named/goes-along", test_named);
    g_test_add_func("/cli/chain/issuer-trusted/goes-along", test_trusted);
    g_test_add_func("/cli/chain/issuer-kept-from-mail/goes-along", test_kept);
    g_test_add_func("/cli/chain/issuer-of-that-name-only/stays-home", test_impostor);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
