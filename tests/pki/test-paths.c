/* Paths of certificates: what RFC 5280 6.1 asks of them, several ways to an anchor, hostile
 * bundles, keys that cost time, and issuers that are fetched. Expected is what the RFC named at
 * each test says; every certificate is made here. */
#include "pki/trust.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#include "pki/cost.h"
#include "pki/issuers.h"
#include "pki/strength.h"
#include "tests/pki/authority.h"

#define HOUR (60 * 60)

/* A root that is trusted, and what a mail would carry. */
typedef struct {
    TestIdentity *root;
    SealTrust *trust;
    GPtrArray *made; /* identities */
    STACK_OF(X509) *carried;
} World;

static void
trust_identity(World *world, const TestIdentity *identity)
{
    seal_trust_add_anchor(world->trust, identity->certificate);
}

static void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};

    world->made = g_ptr_array_new_with_free_func((GDestroyNotify)test_identity_free);
    world->root = test_identity_new(&root, NULL);
    world->trust = seal_trust_new();
    world->carried = sk_X509_new_null();
    trust_identity(world, world->root);
}

static void
world_close(World *world, gconstpointer data)
{
    sk_X509_free(world->carried);
    seal_trust_free(world->trust);
    test_identity_free(world->root);
    g_ptr_array_unref(world->made);
}

/* A new identity (transfer none) that is not carried. */
static TestIdentity *
make(World *world, const TestSpec *spec, const TestIdentity *issuer)
{
    TestIdentity *identity = test_identity_new(spec, issuer);

    g_ptr_array_add(world->made, identity);
    return identity;
}

static TestIdentity *
carry(World *world, const TestSpec *spec, const TestIdentity *issuer)
{
    TestIdentity *identity = make(world, spec, issuer);

    sk_X509_push(world->carried, identity->certificate);
    return identity;
}

static TestIdentity *
new_alice(World *world, const TestIdentity *issuer)
{
    const TestSpec spec = {.name = "Alice", .address = "alice@example.org"};

    return make(world, &spec, issuer);
}

/* Judges, and compares the word; `text` (nullable) is in the reason. */
static void
expect(World *world, const TestIdentity *leaf, const char *word, const char *text)
{
    g_auto(SealChainResult) result = {0};

    seal_trust_judge(world->trust, leaf->certificate, world->carried, SEAL_PURPOSE_SIGN_MAIL,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    if (strcmp(seal_chain_word(result.state), word) != 0)
        g_error("%s instead of %s: %s", seal_chain_word(result.state), word, result.reason);
    if (text && !strstr(result.reason, text))
        g_error("'%s' is not in: %s", text, result.reason);
}

/* -- RFC 5280 --------------------------------------------------------------------------------- */

/* 4.2.1.9: pathLenConstraint counts the intermediates below. */
static void
test_path_length(World *world, gconstpointer data)
{
    const TestSpec upper = {.name = "Upper",
                            .authority = TRUE,
                            .extensions = {"basicConstraints=critical,CA:TRUE,pathlen:0"}};
    const TestSpec lower = {.name = "Lower", .authority = TRUE};
    TestIdentity *above = carry(world, &upper, world->root);
    TestIdentity *below = carry(world, &lower, above);

    expect(world, new_alice(world, above), "good", NULL);
    expect(world, new_alice(world, below), "untrusted", "more CAs than it may have below it");
}

/* 4.2.1.9 and 4.2.1.3: an issuer says CA:TRUE, and keyCertSign if it has a key usage. */
static void
test_issuer_is_no_authority(World *world, gconstpointer data)
{
    static const TestSpec specs[] = {
        {.name = "No CA", .authority = TRUE, .extensions = {"basicConstraints=critical,CA:FALSE"}},
        {.name = "Silent", .authority = TRUE, .extensions = {"basicConstraints="}},
        {.name = "No signing", .authority = TRUE, .usage = "critical,cRLSign"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(specs); i++) {
        TestIdentity *issuer = carry(world, &specs[i], world->root);
        TestIdentity *alice = new_alice(world, issuer);
        g_auto(SealChainResult) result = {0};

        seal_trust_judge(world->trust, alice->certificate, world->carried, SEAL_PURPOSE_SIGN_MAIL,
                         g_get_real_time() / G_USEC_PER_SEC, &result);
        g_assert_true(result.state == SEAL_CHAIN_UNTRUSTED ||
                      result.state == SEAL_CHAIN_INCOMPLETE);
    }
}

/* 4.2.1.10: rfc822Name, and directoryName of the subject. */
static void
test_name_constraints(World *world, gconstpointer data)
{
    static const struct {
        const char *constraint;
        TestSpec leaf;
        const char *word;
    } rows[] = {
        {"permitted;email:example.org", {.name = "A", .address = "a@example.org"}, "good"},
        {"permitted;email:example.org", {.name = "A", .address = "a@EXAMPLE.org"}, "good"},
        {"permitted;email:example.org", {.name = "A", .address = "a@sub.example.org"}, "untrusted"},
        {"permitted;email:.example.org", {.name = "A", .address = "a@sub.example.org"}, "good"},
        {"permitted;email:.example.org", {.name = "A", .address = "a@example.org"}, "untrusted"},
        {"permitted;email:example.org", {.name = "A", .address = "a@example.net"}, "untrusted"},
        {"permitted;email:a@example.org", {.name = "A", .address = "a@example.org"}, "good"},
        {"permitted;email:a@example.org", {.name = "A", .address = "b@example.org"}, "untrusted"},
        {"excluded;email:example.org", {.name = "A", .address = "a@example.net"}, "good"},
        {"excluded;email:example.org", {.name = "A", .address = "a@example.org"}, "untrusted"},
        {"permitted;email:example.org",
         {.name = "A", .subject_address = "a@example.net"},
         "untrusted"},
        {"permitted;dirName:" TEST_DIRECTORY "", {.name = "A", .address = "a@example.org"}, "good"},
        {"permitted;dirName:" TEST_DIRECTORY "",
         {.name = "A", .address = "a@example.org", .subject = {"O=Another"}},
         "untrusted"},
        /* RFC 9598 6: limits on rfc822Name hold for SmtpUTF8Mailbox, too. */
        {"permitted;email:example.org",
         {.name = "A", .utf8_mailbox = "\xc3\xa4@example.net"},
         "untrusted"},
        {"permitted;email:example.org",
         {.name = "A", .utf8_mailbox = "\xc3\xa4@example.org"},
         "good"},
        {"permitted;email:xn--bcher-kva.example",
         {.name = "A",
          .utf8_mailbox = "\xc3\xa4@b\xc3\xbc"
                          "cher.example"},
         "good"},
        {"excluded;email:xn--bcher-kva.example",
         {.name = "A",
          .utf8_mailbox = "\xc3\xa4@b\xc3\xbc"
                          "cher.example"},
         "untrusted"},
        {"excluded;email:xn--bcher-kva.example",
         {.name = "A", .utf8_mailbox = "\xc3\xa4@xn--bcher-kva.example"},
         "untrusted"},
        {"excluded;email:xn--bcher-kva.example",
         {.name = "A", .utf8_mailbox = "\xc3\xa4@XN--BCHER-KVA.example"},
         "untrusted"},
        {"excluded;email:.example",
         {.name = "A", .utf8_mailbox = "\xc3\xa4@xn--bcher-kva.example"},
         "untrusted"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *value = g_strconcat("nameConstraints=critical,", rows[i].constraint, NULL);
        const TestSpec issuer = {.name = "Limited", .authority = TRUE, .extensions = {value}};

        expect(world, make(world, &rows[i].leaf, carry(world, &issuer, world->root)), rows[i].word,
               strcmp(rows[i].word, "good") == 0 ? NULL : "may not vouch");
    }
}

/* 4.2.1.11 and 6.1: an issuer that wants a policy, and one that allows another only. */
static void
test_policies(World *world, gconstpointer data)
{
    static const struct {
        const char *issuer_policies;
        const char *constraints;
        const char *leaf_policies;
        const char *word;
    } rows[] = {
        {"certificatePolicies=1.2.3", "policyConstraints=critical,requireExplicitPolicy:0",
         "certificatePolicies=1.2.3", "good"},
        {"certificatePolicies=1.2.3", "policyConstraints=critical,requireExplicitPolicy:0",
         "certificatePolicies=1.2.4", "untrusted"},
        {"certificatePolicies=1.2.3", "policyConstraints=critical,requireExplicitPolicy:0", NULL,
         "untrusted"},
        {"certificatePolicies=1.2.3", NULL, "certificatePolicies=1.2.4", "good"},
        {"certificatePolicies=2.5.29.32.0", "policyConstraints=critical,requireExplicitPolicy:0",
         "certificatePolicies=1.2.4", "good"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const TestSpec issuer = {.name = "Policy",
                                 .authority = TRUE,
                                 .extensions = {rows[i].issuer_policies, rows[i].constraints}};
        const TestSpec leaf = {
            .name = "Alice", .address = "alice@example.org", .extensions = {rows[i].leaf_policies}};

        sk_X509_zero(world->carried);
        expect(world, make(world, &leaf, carry(world, &issuer, world->root)), rows[i].word, NULL);
    }
}

/* 4.2: what is critical and unknown is refused, what is not critical is passed over. */
static void
test_critical_extension(World *world, gconstpointer data)
{
    const TestSpec critical = {.name = "Odd", .extensions = {"1.2.3.4=critical,DER:0500"}};
    const TestSpec harmless = {.name = "Odd", .extensions = {"1.2.3.4=DER:0500"}};

    expect(world, make(world, &critical, world->root), "malformed", "critical extension");
    expect(world, make(world, &harmless, world->root), "good", NULL);
}

static void
test_forged_signature(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};
    TestIdentity *forger = make(world, &root, NULL); /* the root's name, another key */
    const TestSpec issuer = {.name = "Issuer", .authority = TRUE};

    expect(world, new_alice(world, carry(world, &issuer, forger)), "untrusted", NULL);
}

/* RFC 8551: SHA-1 anywhere below the anchor. */
static void
test_weak_issuer(World *world, gconstpointer data)
{
    const TestSpec sha1 = {.name = "Sha1", .authority = TRUE, .hash = "SHA1"};
    const TestSpec short_key = {.name = "Short", .authority = TRUE, .key = "rsa:1024"};
    const TestSpec curve = {.name = "Curve", .authority = TRUE, .key = "ec:secp256k1"};

    expect(world, new_alice(world, carry(world, &sha1, world->root)), "weak-algorithm", "Sha1");
    expect(world, new_alice(world, carry(world, &short_key, world->root)), "weak-algorithm",
           "Short");
    expect(world, new_alice(world, carry(world, &curve, world->root)), "weak-algorithm", "Curve");
}

/* A root may be signed with anything: nobody looks at its own signature. */
static void
test_old_root(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Old Root", .authority = TRUE, .hash = "SHA1"};
    TestIdentity *old = make(world, &root, NULL);

    trust_identity(world, old);
    expect(world, new_alice(world, old), "good", NULL);
}

/* -- several ways ----------------------------------------------------------------------------- */

/* One CA key with two certificates: an expired or a limited one must not hide the good one. */
static void
test_cross_signed(World *world, gconstpointer data)
{
    static const TestSpec bad[] = {
        {.name = "Crossed", .authority = TRUE, .from = -2 * HOUR, .until = -HOUR},
        {.name = "Crossed", .authority = TRUE, .extended = "serverAuth"},
        {.name = "Crossed",
         .authority = TRUE,
         .extensions = {"nameConstraints=critical,permitted;email:example.net"}},
        {.name = "Crossed", .authority = TRUE, .hash = "SHA1"},
    };
    const TestSpec good = {.name = "Crossed", .authority = TRUE};

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        TestSpec crossed = bad[i];
        TestIdentity *issuer = make(world, &good, world->root);
        TestIdentity *alice = new_alice(world, issuer);

        sk_X509_zero(world->carried);
        crossed.same_key = issuer->key;
        carry(world, &crossed, world->root);
        expect(world, alice,
               seal_chain_word(i == 0   ? SEAL_CHAIN_EXPIRED
                               : i == 1 ? SEAL_CHAIN_WRONG_USAGE
                               : i == 2 ? SEAL_CHAIN_UNTRUSTED
                                        : SEAL_CHAIN_WEAK_ALGORITHM),
               NULL);
        sk_X509_push(world->carried, issuer->certificate);
        expect(world, alice, "good", NULL);
    }
}

/* A stranger's root signed the CA as well, and comes first. */
static void
test_cross_signed_by_stranger(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Foreign Root", .authority = TRUE};
    TestSpec spec = {.name = "Crossed", .authority = TRUE};
    TestIdentity *foreign = carry(world, &root, NULL);
    TestIdentity *crossed = carry(world, &spec, foreign);
    TestIdentity *alice = new_alice(world, crossed);

    expect(world, alice, "untrusted", NULL);
    spec.same_key = crossed->key;
    carry(world, &spec, world->root);
    expect(world, alice, "good", NULL);
}

/* Two CAs that sign each other: without an anchor, and with a way out. */
static void
test_circle(World *world, gconstpointer data)
{
    TestSpec one = {.name = "One", .authority = TRUE};
    TestSpec two = {.name = "Two", .authority = TRUE};
    TestIdentity *first = make(world, &one, NULL);
    TestIdentity *second = carry(world, &two, first);
    TestIdentity *alice = new_alice(world, second);

    one.same_key = first->key;
    carry(world, &one, second);
    expect(world, alice, "incomplete-chain", NULL);
    carry(world, &one, world->root);
    expect(world, alice, "good", NULL);
}

/* 1,000 certificates of one name and key that all issue each other: bounded, and told. */
static void
test_flood(World *world, gconstpointer data)
{
    TestSpec spec = {.name = "Flood", .authority = TRUE};
    TestIdentity *first = carry(world, &spec, NULL);
    TestIdentity *alice = new_alice(world, first);
    gint64 start = 0;

    spec.same_key = first->key;
    for (int i = 0; i < 999; i++)
        carry(world, &spec, first);
    start = g_get_monotonic_time();
    expect(world, alice, "untrusted", NULL);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 10 * G_USEC_PER_SEC);
}

static void
test_too_deep(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Deep", .authority = TRUE};
    TestIdentity *issuer = world->root;

    for (int i = 0; i < 12; i++)
        issuer = carry(world, &spec, issuer);
    expect(world, new_alice(world, issuer), "untrusted", NULL);
}

/* -- keys ------------------------------------------------------------------------------------- */

/* An RSA public key of these numbers (transfer full). */
static EVP_PKEY *
public_key(BIGNUM *modulus, BIGNUM *exponent)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key = NULL;

    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
    parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(context);
    g_assert_cmpint(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), ==, 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

static BIGNUM *
odd_number(int bits)
{
    BIGNUM *number = BN_new();

    g_assert_true(BN_rand(number, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
    return number;
}

static BIGNUM *
small_number(guint value)
{
    BIGNUM *number = BN_new();

    BN_set_word(number, value);
    return number;
}

/* As leaf and as issuer, before anything is computed with them. */
static void
test_costly_keys(World *world, gconstpointer data)
{
    const struct {
        EVP_PKEY *key;
        const char *text;
    } rows[] = {
        {public_key(odd_number(32768), small_number(65537)), "more than 16384 bits"},
        {public_key(odd_number(3072), odd_number(3000)), "more than 64 bits"},
        {public_key(odd_number(8192), odd_number(18)), "long modulus and a long exponent"},
        {public_key(odd_number(2048), small_number(1)), "everybody can sign"},
        {public_key(odd_number(2048), small_number(4)), "everybody can sign"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const TestSpec leaf = {.name = "Costly", .same_key = rows[i].key};
        const TestSpec issuer = {.name = "Costly", .authority = TRUE, .same_key = rows[i].key};
        TestIdentity *costly = make(world, &leaf, world->root);
        TestIdentity forger = {world->root->key, carry(world, &issuer, world->root)->certificate};

        expect(world, costly, "malformed", rows[i].text);
        expect(world, new_alice(world, &forger), "incomplete-chain", NULL);
        EVP_PKEY_free(rows[i].key);
    }
}

/* "email:a0@example.org,..." (transfer full) */
static char *
many_names(const char *start, const char *between, guint count)
{
    GString *text = g_string_new(start);

    for (guint i = 0; i < count; i++)
        g_string_append_printf(text, "%sa%u@example.org", between, i);
    return g_string_free(text, FALSE);
}

/* OpenSSL compares each name with each limit. */
static void
test_many_names(World *world, gconstpointer data)
{
    g_autofree char *most = many_names("subjectAltName=email:x@example.org", ",email:", 255);
    g_autofree char *names = many_names("subjectAltName=email:x@example.org", ",email:", 256);
    g_autofree char *limits =
        many_names("nameConstraints=permitted;email:example.org", ",excluded;email:", 257);
    const TestSpec with_most = {.name = "Most", .extensions = {most}};
    const TestSpec with_names = {.name = "Names", .extensions = {names}};
    const TestSpec with_limits = {.name = "Limits", .authority = TRUE, .extensions = {limits}};
    TestIdentity *limited = carry(world, &with_limits, world->root);

    expect(world, make(world, &with_most, world->root), "good", NULL);
    expect(world, make(world, &with_names, world->root), "malformed", "more than 256 names");
    expect(world, new_alice(world, limited), "incomplete-chain", NULL);
}

/* The slower the keys, the fewer ways are tried; the one that is found at once costs nothing. */
static void
test_cost_of_signatures(void)
{
    const struct {
        EVP_PKEY *key;
        guint cost;
    } rows[] = {
        {public_key(odd_number(2048), small_number(65537)), 1},
        {public_key(odd_number(4096), odd_number(64)), 6},
        {public_key(odd_number(8192), small_number(65537)), 4},
        {public_key(odd_number(16384), small_number(3)), 16},
        {EVP_EC_gen("P-256"), 1},
        {EVP_EC_gen("P-384"), 15},
        {EVP_EC_gen("brainpoolP512r1"), 15},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        X509 *issuer = X509_new();

        X509_set_pubkey(issuer, rows[i].key);
        g_assert_cmpuint(seal_cost_signature(issuer, issuer), ==, rows[i].cost);
        X509_free(issuer);
        EVP_PKEY_free(rows[i].key);
    }
}

static void
test_accepted_keys(World *world, gconstpointer data)
{
    static const struct {
        const char *key;
        gboolean strong;
    } rows[] = {
        {"rsa:2048", TRUE},
        {"rsa:1536", FALSE},
        {"ec:P-256", TRUE},
        {"ec:P-384", TRUE},
        {"ec:P-521", TRUE},
        {"ec:P-224", FALSE},
        {"ec:brainpoolP256r1", TRUE},
        {"ec:secp256k1", FALSE},
        {"ED25519", TRUE},
        {"ED448", TRUE},
        {"ec:sect283r1", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const TestSpec spec = {.name = "Key", .key = rows[i].key};

        expect(world, make(world, &spec, world->root), rows[i].strong ? "good" : "weak-algorithm",
               NULL);
    }
}

/* -- issuers that are fetched ----------------------------------------------------------------- */

/* Answers every URL by `answer` (nullable) and counts. */
typedef struct {
    GBytes *answer;
    char *url;
    guint asked;
} Web;

static GBytes *
fetch_answer(const SealFetcher *fetcher, const SealFetchRequest *request, GError **error)
{
    Web *web = fetcher->data;

    web->asked++;
    g_free(web->url);
    web->url = g_strdup(request->url);
    if (web->answer)
        return g_bytes_ref(web->answer);
    g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "nobody answers");
    return NULL;
}

static void
web_clear(Web *web)
{
    g_clear_pointer(&web->answer, g_bytes_unref);
    g_clear_pointer(&web->url, g_free);
}

#define AIA "authorityInfoAccess=caIssuers;URI:http://ca.example/issuer.cer"

/* RFC 5280 4.2.2.1: in DER; PEM is common. Only with a fetcher. */
static void
test_fetch_issuer(World *world, gconstpointer data)
{
    const TestSpec issuer_spec = {.name = "Issuer", .authority = TRUE};
    const TestSpec leaf_spec = {.name = "Alice", .extensions = {AIA}};
    TestIdentity *issuer = make(world, &issuer_spec, world->root);
    TestIdentity *alice = make(world, &leaf_spec, issuer);
    Web web = {.answer = test_identity_der(issuer)};
    const SealFetcher fetcher = {fetch_answer, &web};

    expect(world, alice, "incomplete-chain", NULL);
    seal_trust_set_fetcher(world->trust, &fetcher);
    expect(world, alice, "good", NULL);
    g_assert_cmpuint(web.asked, ==, 1);
    g_assert_cmpstr(web.url, ==, "http://ca.example/issuer.cer");
    g_bytes_unref(web.answer);
    web.answer = test_identity_pem(issuer);
    expect(world, alice, "good", NULL);
    web_clear(&web);
}

/* Nothing, nonsense, a stranger, and one that only names itself the issuer: no good, no circle. */
static void
test_fetch_nothing_good(World *world, gconstpointer data)
{
    const TestSpec issuer_spec = {.name = "Issuer", .authority = TRUE, .extensions = {AIA}};
    const TestSpec leaf_spec = {.name = "Alice", .extensions = {AIA}};
    TestIdentity *issuer = make(world, &issuer_spec, world->root);
    TestIdentity *alice = make(world, &leaf_spec, issuer);
    TestIdentity *forger = make(world, &issuer_spec, make(world, &issuer_spec, NULL));
    GBytes *answers[] = {NULL, g_bytes_new_static("no", 2), test_identity_der(world->root),
                         test_identity_der(forger)};

    for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
        Web web = {.answer = answers[i]};
        const SealFetcher fetcher = {fetch_answer, &web};

        seal_trust_set_fetcher(world->trust, &fetcher);
        expect(world, alice, i == 3 ? "untrusted" : "incomplete-chain", NULL);
        g_assert_cmpuint(web.asked, <=, 5);
        web_clear(&web);
    }
}

static void
test_urls(World *world, gconstpointer data)
{
    const TestSpec spec = {
        .name = "Alice",
        .extensions = {"authorityInfoAccess=OCSP;URI:http://o.example/,"
                       "caIssuers;URI:https://s.example/a,caIssuers;URI:file:///etc/passwd,"
                       "caIssuers;URI:ldap://l.example/,caIssuers;URI:HTTP://1.example/a,"
                       "caIssuers;URI:http://2.example/,caIssuers;URI:http://3.example/,"
                       "caIssuers;URI:http://4.example/,caIssuers;URI:http://5.example/"}};
    TestIdentity *alice = make(world, &spec, world->root);
    g_autoptr(GPtrArray) urls = seal_issuer_urls(alice->certificate);

    g_assert_cmpuint(urls->len, ==, 4);
    g_assert_cmpstr(urls->pdata[0], ==, "HTTP://1.example/a");
    g_assert_cmpstr(urls->pdata[3], ==, "http://4.example/");
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/paths/length-is-limited-by-the-issuer", test_path_length);
    ADD("/paths/issuer-that-is-no-authority/is-not-good", test_issuer_is_no_authority);
    ADD("/paths/name-constraints", test_name_constraints);
    ADD("/paths/policies", test_policies);
    ADD("/paths/unknown-critical-extension/is-malformed", test_critical_extension);
    ADD("/paths/issuer-of-a-forger/is-not-good", test_forged_signature);
    ADD("/paths/weak-issuer/is-weak", test_weak_issuer);
    ADD("/paths/root-with-an-old-signature/is-good", test_old_root);
    ADD("/paths/cross-signed/the-good-way-wins", test_cross_signed);
    ADD("/paths/cross-signed/stranger-first", test_cross_signed_by_stranger);
    ADD("/paths/circle/ends-and-finds-the-way-out", test_circle);
    ADD("/paths/thousand-certificates/are-bounded", test_flood);
    ADD("/paths/too-deep/is-untrusted", test_too_deep);
    ADD("/paths/costly-keys/are-refused-before-use", test_costly_keys);
    ADD("/paths/names/more-than-are-looked-at", test_many_names);
    g_test_add_func("/paths/keys/slow-ones-cost-more", test_cost_of_signatures);
    ADD("/paths/kinds-of-keys", test_accepted_keys);
    ADD("/paths/fetch/issuer-completes-the-path", test_fetch_issuer);
    ADD("/paths/fetch/what-is-not-the-issuer-changes-nothing", test_fetch_nothing_good);
    ADD("/paths/fetch/only-http-and-only-a-few", test_urls);
    return g_test_run();
}
