/* Paths and their one verdict. Every certificate is made here; what is expected is RFC 5280 (paths,
 * revocation), RFC 8550 (usages of mail certificates) and our own order of verdicts. */
#include "base/error.h"
#include "pki/trust.h"
#include "tests/pki/authority.h"

#include <string.h>

#define HOUR (60 * 60)

/* A root, an intermediate below it, and a trust in the root. */
typedef struct {
    TestIdentity *root;
    TestIdentity *issuer;
    SealTrust *trust;
} World;

static void
add_anchor(SealTrust *trust, const TestIdentity *anchor)
{
    g_autoptr(GBytes) pem = test_identity_pem(anchor);
    g_autoptr(GError) error = NULL;

    seal_trust_add_anchors(trust, pem, "anchor", &error);
    g_assert_no_error(error);
}

static void
add_crl(SealTrust *trust, const TestIdentity *issuer, const TestIdentity *revoked, gint64 from,
        gint64 until)
{
    g_autoptr(GBytes) pem = test_crl_new(issuer, revoked, from, until);
    g_autoptr(GError) error = NULL;

    seal_trust_add_crls(trust, pem, "crl", &error);
    g_assert_no_error(error);
}

static void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};
    const TestSpec issuer = {.name = "Issuer", .authority = TRUE};

    world->root = test_identity_new(&root, NULL);
    world->issuer = test_identity_new(&issuer, world->root);
    world->trust = seal_trust_new();
    add_anchor(world->trust, world->root);
}

static void
world_close(World *world, gconstpointer data)
{
    seal_trust_free(world->trust);
    test_identity_free(world->issuer);
    test_identity_free(world->root);
}

/* Judges `leaf` with the issuer's certificate beside it and compares both words. */
static void
expect(World *world, const TestIdentity *leaf, SealCertificatePurpose purpose, const char *word,
       const char *revocation)
{
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    g_auto(SealChainResult) result = {0};

    sk_X509_push(untrusted, world->issuer->certificate);
    seal_trust_judge(world->trust, leaf->certificate, untrusted, purpose,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    g_assert_cmpstr(seal_chain_word(result.state), ==, word);
    g_assert_cmpstr(result.revocation, ==, revocation);
    g_assert_true((result.reason != NULL) == (result.state != SEAL_CHAIN_GOOD));
    sk_X509_free(untrusted);
}

static void
expect_spec(World *world, const TestSpec *spec, SealCertificatePurpose purpose, const char *word)
{
    g_autoptr(TestIdentity) leaf = test_identity_new(spec, world->issuer);

    expect(world, leaf, purpose, word, "not-checked");
}

static void
test_good(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice", .address = "alice@example.org"};

    expect_spec(world, &spec, SEAL_PURPOSE_SIGN_MAIL, "good");
}

static void
test_usages(World *world, gconstpointer data)
{
    static const struct {
        TestSpec spec;
        SealCertificatePurpose purpose;
        const char *word;
    } rows[] = {
        {{.name = "any", .extended = "anyExtendedKeyUsage"}, SEAL_PURPOSE_SIGN_MAIL, "good"},
        {{.name = "nr", .usage = "nonRepudiation"}, SEAL_PURPOSE_SIGN_MAIL, "good"},
        {{.name = "tls", .extended = "clientAuth"}, SEAL_PURPOSE_SIGN_MAIL, "wrong-usage"},
        {{.name = "no eku", .extended = ""}, SEAL_PURPOSE_SIGN_MAIL, "good"},
        {{.name = "no ku", .usage = ""}, SEAL_PURPOSE_SIGN_MAIL, "good"},
        {{.name = "neither", .usage = "", .extended = ""}, SEAL_PURPOSE_SIGN_MAIL, "wrong-usage"},
        {{.name = "neither", .usage = "", .extended = ""}, SEAL_PURPOSE_SIGN_DATA, "good"},
        {{.name = "two", .extended = "clientAuth,emailProtection"}, SEAL_PURPOSE_SIGN_MAIL, "good"},
        {{.name = "x25519", .key = "X25519", .usage = "keyAgreement"},
         SEAL_PURPOSE_ENCRYPT_MAIL,
         "good"},
        {{.name = "ed", .key = "ED25519", .usage = "keyAgreement"},
         SEAL_PURPOSE_ENCRYPT_MAIL,
         "wrong-usage"},
        {{.name = "ed", .key = "ED25519"}, SEAL_PURPOSE_SIGN_MAIL, "good"},
        {{.name = "agree", .usage = "keyAgreement"}, SEAL_PURPOSE_SIGN_MAIL, "wrong-usage"},
        {{.name = "mail"}, SEAL_PURPOSE_SIGN_DATA, "good"},
        {{.name = "code", .extended = "codeSigning"}, SEAL_PURPOSE_SIGN_DATA, "good"},
        {{.name = "no eku", .extended = ""}, SEAL_PURPOSE_SIGN_DATA, "good"},
        {{.name = "no ku", .usage = ""}, SEAL_PURPOSE_SIGN_DATA, "good"},
        {{.name = "tls", .extended = "clientAuth"}, SEAL_PURPOSE_SIGN_DATA, "wrong-usage"},
        {{.name = "agree", .usage = "keyAgreement"}, SEAL_PURPOSE_SIGN_DATA, "wrong-usage"},
        {{.name = "agree", .usage = "keyAgreement"}, SEAL_PURPOSE_ENCRYPT_MAIL, "good"},
        {{.name = "sign", .usage = "digitalSignature"}, SEAL_PURPOSE_ENCRYPT_MAIL, "wrong-usage"},
        {{.name = "rsa", .key = "rsa:2048", .usage = "keyEncipherment"},
         SEAL_PURPOSE_ENCRYPT_MAIL,
         "good"},
        {{.name = "rsa", .key = "rsa:2048", .usage = "keyAgreement"},
         SEAL_PURPOSE_ENCRYPT_MAIL,
         "wrong-usage"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        expect_spec(world, &rows[i].spec, rows[i].purpose, rows[i].word);
}

static void
test_issuer_not_for_mail(World *world, gconstpointer data)
{
    const TestSpec tls = {.name = "TLS Issuer", .authority = TRUE, .extended = "serverAuth"};
    const TestSpec spec = {.name = "Alice"};

    test_identity_free(world->issuer);
    world->issuer = test_identity_new(&tls, world->root);
    expect_spec(world, &spec, SEAL_PURPOSE_SIGN_MAIL, "wrong-usage");
}

static void
test_times(World *world, gconstpointer data)
{
    const TestSpec expired = {.name = "Old", .from = -2 * HOUR, .until = -HOUR};
    const TestSpec early = {.name = "Early", .from = HOUR, .until = 2 * HOUR};

    expect_spec(world, &expired, SEAL_PURPOSE_SIGN_MAIL, "expired");
    expect_spec(world, &early, SEAL_PURPOSE_SIGN_MAIL, "not-yet-valid");
}

static void
test_weak(World *world, gconstpointer data)
{
    const TestSpec short_key = {.name = "Short", .key = "rsa:1024"};
    const TestSpec sha1 = {.name = "Sha1", .hash = "SHA1"};
    const TestSpec md5 = {.name = "Md5", .hash = "MD5"};
    const TestSpec rsa_issuer = {.name = "Issuer", .key = "rsa:2048", .authority = TRUE};

    test_identity_free(world->issuer); /* there is no ECDSA with MD5 */
    world->issuer = test_identity_new(&rsa_issuer, world->root);

    expect_spec(world, &short_key, SEAL_PURPOSE_SIGN_MAIL, "weak-algorithm");
    expect_spec(world, &sha1, SEAL_PURPOSE_SIGN_MAIL, "weak-algorithm");
    expect_spec(world, &md5, SEAL_PURPOSE_SIGN_MAIL, "weak-algorithm");
}

static void
test_strange_root(World *world, gconstpointer data)
{
    const TestSpec other = {.name = "Other Root", .authority = TRUE};
    const TestSpec spec = {.name = "Mallory"};
    g_autoptr(TestIdentity) root = test_identity_new(&other, NULL);
    g_autoptr(TestIdentity) own = test_identity_new(&spec, NULL);
    g_autoptr(TestIdentity) leaf = test_identity_new(&spec, root);
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    g_auto(SealChainResult) result = {0};

    expect(world, own, SEAL_PURPOSE_SIGN_MAIL, "untrusted", "not-checked");
    expect(world, leaf, SEAL_PURPOSE_SIGN_MAIL, "incomplete-chain", "not-checked");
    sk_X509_push(untrusted, root->certificate);
    seal_trust_judge(world->trust, leaf->certificate, untrusted, SEAL_PURPOSE_SIGN_MAIL,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    g_assert_cmpstr(seal_chain_word(result.state), ==, "untrusted");
    sk_X509_free(untrusted);
}

static void
test_leaf_as_issuer(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice"};
    const TestSpec forged = {.name = "Forged"};
    TestIdentity *leaf = test_identity_new(&spec, world->issuer);

    g_clear_pointer(&world->issuer, test_identity_free);
    world->issuer = leaf;
    expect_spec(world, &forged, SEAL_PURPOSE_SIGN_MAIL, "untrusted");
}

static void
test_intermediate_as_anchor(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice"};

    seal_trust_free(world->trust);
    world->trust = seal_trust_new();
    add_anchor(world->trust, world->issuer);
    expect_spec(world, &spec, SEAL_PURPOSE_SIGN_MAIL, "good");
}

/* -- revocation ------------------------------------------------------------------------------- */

static void
test_revoked(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice"};
    g_autoptr(TestIdentity) alice = test_identity_new(&spec, world->issuer);
    g_autoptr(TestIdentity) bob = test_identity_new(&spec, world->issuer);

    add_crl(world->trust, world->root, NULL, -HOUR, HOUR);
    add_crl(world->trust, world->issuer, alice, -HOUR, HOUR);
    expect(world, alice, SEAL_PURPOSE_SIGN_MAIL, "revoked", "revoked");
    expect(world, bob, SEAL_PURPOSE_SIGN_MAIL, "good", "good");
    seal_trust_set_revocation(world->trust, SEAL_REVOCATION_REQUIRE);
    expect(world, bob, SEAL_PURPOSE_SIGN_MAIL, "good", "good");
    seal_trust_set_revocation(world->trust, SEAL_REVOCATION_OFF);
    expect(world, alice, SEAL_PURPOSE_SIGN_MAIL, "good", "not-checked");
}

static void
test_revoked_issuer(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice"};
    g_autoptr(TestIdentity) alice = test_identity_new(&spec, world->issuer);

    add_crl(world->trust, world->root, world->issuer, -HOUR, HOUR);
    expect(world, alice, SEAL_PURPOSE_SIGN_MAIL, "revoked", "revoked");
}

static void
test_no_crl(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice"};
    g_autoptr(TestIdentity) alice = test_identity_new(&spec, world->issuer);

    expect(world, alice, SEAL_PURPOSE_SIGN_MAIL, "good", "not-checked");
    seal_trust_set_revocation(world->trust, SEAL_REVOCATION_CACHE_ONLY);
    expect(world, alice, SEAL_PURPOSE_SIGN_MAIL, "good", "not-checked");
    seal_trust_set_revocation(world->trust, SEAL_REVOCATION_REQUIRE);
    expect(world, alice, SEAL_PURPOSE_SIGN_MAIL, "revocation-unknown", "unknown");
}

static void
test_stale_crl(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice"};
    g_autoptr(TestIdentity) alice = test_identity_new(&spec, world->issuer);

    add_crl(world->trust, world->root, NULL, -HOUR, HOUR);
    add_crl(world->trust, world->issuer, NULL, -2 * HOUR, -HOUR);
    expect(world, alice, SEAL_PURPOSE_SIGN_MAIL, "revocation-unknown", "unknown");
}

static void
test_forged_crl(World *world, gconstpointer data)
{
    const TestSpec forger = {.name = "Issuer", .authority = TRUE};
    const TestSpec spec = {.name = "Alice"};
    g_autoptr(TestIdentity) other = test_identity_new(&forger, NULL);
    g_autoptr(TestIdentity) alice = test_identity_new(&spec, world->issuer);

    add_crl(world->trust, other, alice, -HOUR, HOUR);
    seal_trust_set_revocation(world->trust, SEAL_REVOCATION_REQUIRE);
    expect(world, alice, SEAL_PURPOSE_SIGN_MAIL, "revocation-unknown", "unknown");
}

/* -- files ------------------------------------------------------------------------------------ */

static void
test_bad_files(void)
{
    static const char *const texts[] = {
        "", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    g_autoptr(SealTrust) trust = seal_trust_new();
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(texts[i], strlen(texts[i]));

        g_assert_false(seal_trust_add_anchors(trust, bytes, "some-file", &error));
        g_assert_true(seal_error_is(error, SEAL_ERROR_INVALID_INPUT));
        g_assert_nonnull(strstr(error->message, "some-file"));
        g_clear_error(&error);
        g_assert_false(seal_trust_add_crls(trust, bytes, "some-file", &error));
        g_assert_true(seal_error_is(error, SEAL_ERROR_INVALID_INPUT));
        g_clear_error(&error);
    }
    g_assert_false(seal_trust_add_anchor_file(trust, "/nonexistent/anchor", &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_clear_error(&error);
    g_assert_false(seal_trust_add_anchor_file(trust, "/dev/zero", &error));
    g_assert_true(seal_error_is(error, SEAL_ERROR_LIMIT_EXCEEDED));
}

static void
test_der_anchor(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Alice"};
    g_autoptr(GBytes) der = test_identity_der(world->root);
    g_autoptr(GError) error = NULL;

    seal_trust_free(world->trust);
    world->trust = seal_trust_new();
    g_assert_true(seal_trust_add_anchors(world->trust, der, "der", &error));
    expect_spec(world, &spec, SEAL_PURPOSE_SIGN_MAIL, "good");
}

static void
test_modes(void)
{
    g_autoptr(GError) error = NULL;
    SealRevocation mode = SEAL_REVOCATION_OFF;

    g_assert_true(seal_revocation_parse("require", &mode, NULL));
    g_assert_cmpint(mode, ==, SEAL_REVOCATION_REQUIRE);
    g_assert_true(seal_revocation_parse("cache-only", &mode, NULL));
    g_assert_cmpint(mode, ==, SEAL_REVOCATION_CACHE_ONLY);
    g_assert_false(seal_revocation_parse("always", &mode, &error));
    g_assert_true(seal_error_is(error, SEAL_ERROR_INVALID_INPUT));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(World *world, gconstpointer data);
    } tests[] = {
        {"/trust/good-path", test_good},
        {"/trust/usages-of-mail-certificates", test_usages},
        {"/trust/issuer-not-for-mail/is-wrong-usage", test_issuer_not_for_mail},
        {"/trust/expired-and-not-yet-valid", test_times},
        {"/trust/short-key-and-old-hash/are-weak", test_weak},
        {"/trust/strange-root/is-untrusted-or-incomplete", test_strange_root},
        {"/trust/leaf-cannot-issue", test_leaf_as_issuer},
        {"/trust/intermediate-may-be-an-anchor", test_intermediate_as_anchor},
        {"/trust/crl/revoked", test_revoked},
        {"/trust/crl/revoked-issuer", test_revoked_issuer},
        {"/trust/crl/none", test_no_crl},
        {"/trust/crl/stale-is-unknown", test_stale_crl},
        {"/trust/crl/forged-is-not-believed", test_forged_crl},
        {"/trust/anchor-in-der", test_der_anchor},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, World, NULL, world_open, tests[i].test, world_close);
    g_test_add_func("/trust/files-without-certificates/are-refused-by-name", test_bad_files);
    g_test_add_func("/trust/revocation-words", test_modes);
    return g_test_run();
}
