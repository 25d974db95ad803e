/* What make-token makes is what the other tests take for granted, so it is judged by other programs
 * here: openssl for certificates and keys, pkcs11-tool for the tokens. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fixture.h"
#include "tests/support/home.h"
#include "tests/support/process.h"

/* Runs a shell command with the fixture as its folder; $module and $pin are set. */
static SealTestResult *
run_in_fixture(SealTestHome *home, const char *command)
{
    g_autofree char *folder = seal_test_fixture_path(home, "");
    g_autofree char *pin = seal_test_fixture_pin(home);
    g_autofree char *module = seal_test_fixture_module(home);
    g_autofree char *script =
        g_strdup_printf("cd '%s'; pin=%s; module='%s'\n%s", folder, pin, module, command);
    const char *argv[] = {"sh", "-ec", script, NULL};

    return seal_test_run(home, argv, NULL);
}

static void
assert_done(const SealTestResult *result)
{
    if (result->status != 0)
        g_test_message("stdout: %s\nstderr: %s", result->out, result->err);
    g_assert_cmpint(result->status, ==, 0);
}

/* Runs make-token itself. */
static SealTestResult *
make_token(SealTestHome *home, const char *argument1, const char *argument2, const char *argument3)
{
    g_autofree char *script = seal_test_source("softhsm-fixtures/make-token");
    g_autofree char *build = seal_test_built("");
    const char *argv[] = {script, argument1, argument2, argument3, NULL};

    seal_test_home_setenv(home, "PRIVYSEAL_BUILD", build);
    return seal_test_run(home, argv, NULL);
}

static void
test_certificates_chain_to_the_root(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;

    seal_test_fixture_new(home);
    result = run_in_fixture(
        home, "for c in certs/*-sign.pem; do openssl verify -x509_strict -purpose smimesign -crl_check_all "
              "-CAfile root.pem -untrusted intermediate.pem -CRLfile crl.pem -CRLfile root-crl.pem "
              "$c; done; for c in certs/*-rsa-decrypt.pem; do openssl verify -x509_strict -purpose "
              "smimeencrypt -CAfile root.pem -untrusted intermediate.pem $c; done");
    assert_done(result);
    g_assert_nonnull(strstr(result->out, "alice-ed25519-sign.pem: OK"));
    g_assert_nonnull(strstr(result->out, "bob-rsa-decrypt.pem: OK"));
}

static void
test_certificates_say_their_usage(void)
{
    static const struct {
        const char *name;
        const char *usage;
    } certificates[] = {
        {"alice-rsa-sign", "Digital Signature"},
        {"alice-rsa-decrypt", "Key Encipherment"},
        {"alice-p256-decrypt", "Key Agreement"},
        {"alice-x25519-decrypt", "Key Agreement"},
    };
    g_autoptr(SealTestHome) home = seal_test_home_new();

    seal_test_fixture_new(home);
    for (size_t i = 0; i < G_N_ELEMENTS(certificates); i++) {
        g_autofree char *command = g_strdup_printf(
            "openssl x509 -in certs/%s.pem -noout -ext keyUsage,extendedKeyUsage,subjectAltName",
            certificates[i].name);
        g_autoptr(SealTestResult) result = run_in_fixture(home, command);
        g_autofree char *line =
            g_strdup_printf("Key Usage: critical\n    %s\n", certificates[i].usage);

        assert_done(result);
        g_assert_nonnull(strstr(result->out, line));
        g_assert_nonnull(strstr(result->out, "E-mail Protection\n"));
        g_assert_nonnull(strstr(result->out, "email:alice@example.org\n"));
    }
}

static void
test_token_signs_for_its_certificate(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;

    seal_test_fixture_new(home);
    result = run_in_fixture(
        home,
        "sign() { pkcs11-tool --module $module --token-label Alice --pin $pin --sign --id $1 -m $2 "
        "--signature-format openssl -i digest -o signature; }\n"
        "public() { openssl x509 -in certs/$1.pem -noout -pubkey >public.pem; }\n"
        "head -c 32 root.pem >digest\n"
        "sign 01 SHA256-RSA-PKCS; public alice-rsa-sign\n"
        "openssl dgst -sha256 -verify public.pem -signature signature digest\n"
        "for c in 04:p256 05:p384 06:p521; do sign ${c%:*} ECDSA; public alice-${c#*:}-sign\n"
        "openssl pkeyutl -verify -pubin -inkey public.pem -in digest -sigfile signature; done\n"
        "pkcs11-tool --module $module --token-label Alice --pin $pin --sign --id 0a -m EDDSA -i "
        "digest -o signature; public alice-ed25519-sign\n"
        "openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in digest -sigfile signature\n");
    assert_done(result);
}

static void
test_token_derives_as_its_software_copy(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;

    seal_test_fixture_new(home);
    result = run_in_fixture(
        home, "for c in 07:P-256:p256 08:P-384:p384 09:P-521:p521; do curve=${c#*:}\n"
              "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:${curve%:*} -out peer.pem\n"
              "openssl pkey -in peer.pem -pubout -out peer-public.pem\n"
              "openssl pkey -in peer.pem -pubout -outform DER -out peer.der\n"
              "pkcs11-tool --module $module --token-label Alice --pin $pin --derive --id ${c%%:*} "
              "-m ECDH1-DERIVE -i peer.der -o token.bin\n"
              "openssl pkeyutl -derive -inkey software-keys/alice-${c##*:}-decrypt.pem -peerkey "
              "peer-public.pem -out software.bin\n"
              "cmp token.bin software.bin; done");
    assert_done(result);
}

static void
test_software_keys_fit_their_certificates(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;

    seal_test_fixture_new(home);
    result = run_in_fixture(
        home, "for k in software-keys/*; do openssl pkey -in $k -pubout >a; openssl x509 -in "
              "certs/${k##*/} -noout -pubkey >b; cmp a b; done; ls software-keys | wc -l");
    assert_done(result);
    g_assert_cmpint(atoi(result->out), ==, 15);
}

static void
test_generated_keys_never_left_the_token(void)
{
    const char *const profiles[] = {"generated", NULL};
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;

    seal_test_fixture_make(home, profiles);
    result = run_in_fixture(home, "ls software-keys; pkcs11-tool --module $module --token-label "
                                  "Blue --pin $pin -O --type privkey");
    assert_done(result);
    g_assert_true(g_str_has_prefix(result->out, "blue-9c-sign.pem\nPrivate Key Object"));
    g_assert_nonnull(strstr(result->out, "never extractable, local"));
    g_assert_nonnull(strstr(result->out, "always authenticate"));
}

static void
test_judged_signers_fail_for_their_reason(void)
{
    static const struct {
        const char *name;
        const char *reason; /* openssl's words */
    } signers[] = {
        {"expired", "certificate has expired"},
        {"not-yet-valid", "certificate is not yet valid"},
        {"revoked", "certificate revoked"},
        {"wrong-usage", "unsuitable certificate purpose"},
        {"stranger", "unable to get local issuer certificate"},
    };
    const char *const profiles[] = {"judged", NULL};
    g_autoptr(SealTestHome) home = seal_test_home_new();

    seal_test_fixture_make(home, profiles);
    for (size_t i = 0; i < G_N_ELEMENTS(signers); i++) {
        g_autofree char *command =
            g_strdup_printf("openssl verify -purpose smimesign -crl_check -CAfile root.pem "
                            "-untrusted intermediate.pem -CRLfile crl.pem certs/%s-sign.pem",
                            signers[i].name);
        g_autoptr(SealTestResult) result = run_in_fixture(home, command);

        g_assert_cmpint(result->status, !=, 0);
        g_assert_nonnull(strstr(result->err, signers[i].reason));
    }
}

static void
test_existing_folder_is_not_touched(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *file = seal_test_home_write(home, "mine/letter", "dear\n");
    g_autofree char *folder = seal_test_home_path(home, "mine");
    g_autoptr(SealTestResult) result = make_token(home, folder, NULL, NULL);
    g_autofree char *kept = seal_test_home_read(home, "mine/letter");

    g_assert_cmpint(result->status, ==, 1);
    g_assert_nonnull(strstr(result->err, "exists already: remove it, or say --replace"));
    g_assert_cmpstr(kept, ==, "dear\n");
}

/* A profile with a mistake: refused with its place, and nothing is left behind. */
static void
assert_refused(const char *profile, const char *why)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *file = seal_test_home_write(home, "wrong.ini", profile);
    g_autofree char *folder = seal_test_home_path(home, "made/fixture");
    g_autofree char *parent = seal_test_home_path(home, "made");
    g_autoptr(SealTestResult) result = make_token(home, folder, file, NULL);
    GDir *left = g_dir_open(parent, 0, NULL);

    g_assert_cmpint(result->status, ==, 1);
    g_assert_nonnull(strstr(result->err, why));
    g_assert_nonnull(left);
    g_assert_null(g_dir_read_name(left));
    g_dir_close(left);
}

static void
test_mistakes_are_refused_with_their_place(void)
{
    assert_refused("[key a]\nalgorithm=rsa-1024\npurpose=sign\nid=01\n",
                   "wrong.ini: [key a]: unknown algorithm 'rsa-1024'");
    assert_refused("[key a]\nalgorithm=p-256\npurpose=sign\nid=1\n", "id is an even number");
    assert_refused("[key a]\nalgorithm=p-256\npurpose=sing\nid=01\n", "not 'sing'");
    assert_refused("[key a]\nalgorithm=p-256\npurpose=sign\nid=01\nemial=a@b\n",
                   "unknown setting 'emial'");
    assert_refused("[key a]\nalgorithm=x25519\npurpose=sign\nid=01\n", "x25519 keys cannot do that");
    assert_refused("[key a]\nalgorithm=p-256\npurpose=sign\nid=01\nissuer=me\n", "no issuer 'me'");
    assert_refused("[sofa]\n", "[token NAME] or [key NAME]");
}

static void
test_unknown_profile_names_those_there_are(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *folder = seal_test_home_path(home, "made");
    g_autoptr(SealTestResult) result = make_token(home, folder, "nobody", NULL);

    g_assert_cmpint(result->status, ==, 1);
    g_assert_nonnull(strstr(result->err, "no profile 'nobody': there are default generated"));
}

static void
test_compiles_its_helper_without_a_build(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *folder = seal_test_home_path(home, "made");
    g_autofree char *script = seal_test_source("softhsm-fixtures/make-token");
    const char *argv[] = {script, folder, "people", NULL};
    g_autoptr(SealTestResult) result = NULL;
    g_autofree char *pin = NULL;

    seal_test_home_setenv(home, "PRIVYSEAL_BUILD", "/nonexistent");
    result = seal_test_run(home, argv, NULL);
    assert_done(result);
    pin = seal_test_home_read(home, "made/pin");
    g_assert_cmpuint(strlen(pin), ==, 8);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/make-token/certificates/chain-to-the-root",
                    test_certificates_chain_to_the_root);
    g_test_add_func("/make-token/certificates/say-their-usage", test_certificates_say_their_usage);
    g_test_add_func("/make-token/token/signs-for-its-certificate",
                    test_token_signs_for_its_certificate);
    g_test_add_func("/make-token/token/derives-as-its-software-copy",
                    test_token_derives_as_its_software_copy);
    g_test_add_func("/make-token/software-keys/fit-their-certificates",
                    test_software_keys_fit_their_certificates);
    g_test_add_func("/make-token/generated/never-left-the-token",
                    test_generated_keys_never_left_the_token);
    g_test_add_func("/make-token/judged/fail-for-their-reason",
                    test_judged_signers_fail_for_their_reason);
    g_test_add_func("/make-token/existing-folder/is-not-touched",
                    test_existing_folder_is_not_touched);
    g_test_add_func("/make-token/mistakes/are-refused-with-their-place",
                    test_mistakes_are_refused_with_their_place);
    g_test_add_func("/make-token/unknown-profile/names-those-there-are",
                    test_unknown_profile_names_those_there_are);
    g_test_add_func("/make-token/no-build/compiles-its-helper",
                    test_compiles_its_helper_without_a_build);
    return g_test_run();
}
