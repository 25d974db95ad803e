/* Validation levels: policy and subject by the CA/Browser Forum's Baseline Requirements for S/MIME
 * 7.1.4.2.3 to 7.1.4.2.6, 7.1.6.1. */
#include "pki/level.h"

#include <string.h>

#include "pki/trust.h"
#include "tests/pki/authority.h"

#define POLICY(type, generation) "certificatePolicies=2.23.140.1.5." #type "." #generation
#define ANY_POLICY               "certificatePolicies=2.5.29.32.0"
#define ADDRESS                  "subjectAltName=email:a@example.org"
#define COMPANY                  "O=Company", "organizationIdentifier=NTRGB-12345678"

typedef struct {
    TestIdentity *root;
    SealTrust *trust;
} World;

static void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};

    world->root = test_identity_new(&root, NULL);
    world->trust = seal_trust_new();
    seal_trust_add_anchor(world->trust, world->root->certificate);
}

static void
world_close(World *world, gconstpointer data)
{
    seal_trust_free(world->trust);
    test_identity_free(world->root);
}

static void
judge(World *world, const TestSpec *spec, const TestIdentity *issuer,
      SealCertificatePurpose purpose, SealChainResult *ret_result)
{
    g_autoptr(TestIdentity) leaf = test_identity_new(spec, issuer ? issuer : world->root);
    STACK_OF(X509) *carried = sk_X509_new_null();

    if (issuer)
        sk_X509_push(carried, issuer->certificate);
    seal_trust_judge(world->trust, leaf->certificate, carried, purpose,
                     g_get_real_time() / G_USEC_PER_SEC, ret_result);
    sk_X509_free(carried);
}

typedef struct {
    TestSpec spec;
    SealLevel level;
    SealGeneration generation;
    const char *contradiction; /* (nullable) in the reason */
} Row;

static void
expect_rows(World *world, const Row *rows, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        g_auto(SealChainResult) result = {0};

        judge(world, &rows[i].spec, NULL, SEAL_PURPOSE_SIGN_MAIL, &result);
        g_assert_cmpint(result.level, ==, rows[i].level);
        g_assert_cmpint(result.generation, ==, rows[i].generation);
        g_assert_cmpstr(seal_chain_word(result.state), ==,
                        rows[i].contradiction ? "policy-inconsistent" : "good");
        if (rows[i].contradiction && !strstr(result.reason, rows[i].contradiction))
            g_error("'%s' is not in: %s", rows[i].contradiction, result.reason);
    }
}

static void
test_agreeing(World *world, gconstpointer data)
{
    static const Row rows[] = {
        {{.name = "A"}, SEAL_LEVEL_UNKNOWN, SEAL_GENERATION_UNKNOWN, NULL},
        {{.name = "A", .extensions = {"certificatePolicies=1.2.3"}},
         SEAL_LEVEL_UNKNOWN,
         SEAL_GENERATION_UNKNOWN,
         NULL},
        {{.subject = {"CN=a@example.org"}, .extensions = {POLICY(1, 3), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_STRICT,
         NULL},
        {{.subject = {"emailAddress=a@example.org", "serialNumber=1"},
          .extensions = {POLICY(1, 1), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_LEGACY,
         NULL},
        {{.subject = {COMPANY, "CN=Company"}, .extensions = {POLICY(2, 2), ADDRESS}},
         SEAL_LEVEL_ORGANIZATION,
         SEAL_GENERATION_MULTIPURPOSE,
         NULL},
        {{.subject = {COMPANY, "GN=Alice", "SN=Smith", "C=GB"},
          .extensions = {POLICY(3, 3), ADDRESS}},
         SEAL_LEVEL_SPONSOR,
         SEAL_GENERATION_STRICT,
         NULL},
        {{.subject = {COMPANY, "CN=Alice Smith"}, .extensions = {POLICY(3, 1), ADDRESS}},
         SEAL_LEVEL_SPONSOR,
         SEAL_GENERATION_LEGACY,
         NULL},
        {{.subject = {"pseudonym=Al", "C=GB"}, .extensions = {POLICY(4, 2), ADDRESS}},
         SEAL_LEVEL_INDIVIDUAL,
         SEAL_GENERATION_MULTIPURPOSE,
         NULL},
        {{.subject = {"GN=Alice"},
          .extended = "emailProtection,clientAuth",
          .extensions = {POLICY(4, 2), ADDRESS}},
         SEAL_LEVEL_INDIVIDUAL,
         SEAL_GENERATION_MULTIPURPOSE,
         NULL},
    };

    expect_rows(world, rows, G_N_ELEMENTS(rows));
}

static void
test_contradicting(World *world, gconstpointer data)
{
    static const Row rows[] = {
        {{.subject = {"O=Bank"}, .extensions = {POLICY(1, 3), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_STRICT,
         "names more"},
        {{.subject = {"CN=Bank"}, .extensions = {POLICY(1, 3), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_STRICT,
         "names more"},
        {{.subject = {"CN=b@example.org"}, .extensions = {POLICY(1, 3), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_STRICT,
         "names more"},
        {{.subject = {"GN=Alice"}, .extensions = {POLICY(1, 2), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_MULTIPURPOSE,
         "names more"},
        {{.subject = {"C=GB"}, .extensions = {POLICY(1, 1), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_LEGACY,
         "names more"},
        {{.subject = {"O=Bank"}, .extensions = {POLICY(2, 3), ADDRESS}},
         SEAL_LEVEL_ORGANIZATION,
         SEAL_GENERATION_STRICT,
         "does not name it fully"},
        {{.subject = {COMPANY, "SN=Smith"}, .extensions = {POLICY(2, 3), ADDRESS}},
         SEAL_LEVEL_ORGANIZATION,
         SEAL_GENERATION_STRICT,
         "names a person"},
        {{.subject = {COMPANY, "CN=Alice"}, .extensions = {POLICY(3, 3), ADDRESS}},
         SEAL_LEVEL_SPONSOR,
         SEAL_GENERATION_STRICT,
         "names none"},
        {{.subject = {"GN=Alice"}, .extensions = {POLICY(3, 1), ADDRESS}},
         SEAL_LEVEL_SPONSOR,
         SEAL_GENERATION_LEGACY,
         "does not name it fully"},
        {{.subject = {"GN=Alice", "O=Bank"}, .extensions = {POLICY(4, 2), ADDRESS}},
         SEAL_LEVEL_INDIVIDUAL,
         SEAL_GENERATION_MULTIPURPOSE,
         "names an organisation"},
        {{.subject = {"CN=Alice"}, .extensions = {POLICY(4, 3), ADDRESS}},
         SEAL_LEVEL_INDIVIDUAL,
         SEAL_GENERATION_STRICT,
         "names none"},
        {{.subject = {"CN=a@example.org"},
          .extended = "emailProtection,clientAuth",
          .extensions = {POLICY(1, 3), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_STRICT,
         "has other uses"},
        {{.subject = {"CN=a@example.org"},
          .extended = "anyExtendedKeyUsage,emailProtection",
          .extensions = {POLICY(1, 1), ADDRESS}},
         SEAL_LEVEL_MAILBOX,
         SEAL_GENERATION_LEGACY,
         "for any use"},
        {{.subject = {COMPANY}, .extensions = {POLICY(1, 3) ",2.23.140.1.5.2.3", ADDRESS}},
         SEAL_LEVEL_ORGANIZATION,
         SEAL_GENERATION_STRICT,
         "more than one"},
    };

    expect_rows(world, rows, G_N_ELEMENTS(rows));
}

/* Neighbours of the twelve. */
static void
test_other_policies(World *world, gconstpointer data)
{
    static const char *const policies[] = {
        "2.23.140.1.5",       "2.23.140.1.5.1",    "2.23.140.1.5.0.1",
        "2.23.140.1.5.5.1",   "2.23.140.1.5.1.4",  "2.23.140.1.5.1.0",
        "2.23.140.1.5.1.1.1", "2.23.140.1.5.11.1", "2.23.140.1.4.1.1",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(policies); i++) {
        g_autofree char *value = g_strconcat("certificatePolicies=", policies[i], NULL);
        const TestSpec spec = {.subject = {"O=Bank"}, .extensions = {value}};
        g_auto(SealChainResult) result = {0};

        judge(world, &spec, NULL, SEAL_PURPOSE_SIGN_MAIL, &result);
        g_assert_cmpint(result.state, ==, SEAL_CHAIN_GOOD);
        g_assert_cmpint(result.level, ==, SEAL_LEVEL_UNKNOWN);
    }
}

/* RFC 5280 6.1.3 (d): what an intermediate does not allow is not valid below it. */
static void
test_issuer_allows(World *world, gconstpointer data)
{
    static const struct {
        const char *issuer_policies; /* (nullable) */
        SealLevel level;
    } rows[] = {
        {ANY_POLICY, SEAL_LEVEL_MAILBOX},
        {POLICY(1, 3), SEAL_LEVEL_MAILBOX},
        {POLICY(2, 3), SEAL_LEVEL_UNKNOWN},
        {NULL, SEAL_LEVEL_UNKNOWN},
    };
    const TestSpec spec = {.subject = {"CN=a@example.org"}, .extensions = {POLICY(1, 3), ADDRESS}};

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const TestSpec issuer_spec = {
            .name = "Issuer", .authority = TRUE, .extensions = {rows[i].issuer_policies}};
        g_autoptr(TestIdentity) issuer = test_identity_new(&issuer_spec, world->root);
        g_auto(SealChainResult) result = {0};

        judge(world, &spec, issuer, SEAL_PURPOSE_SIGN_MAIL, &result);
        g_assert_cmpint(result.state, ==, SEAL_CHAIN_GOOD);
        g_assert_cmpint(result.level, ==, rows[i].level);
    }
}

static void
test_minimum(World *world, gconstpointer data)
{
    const TestSpec mailbox = {.subject = {"CN=a@example.org"},
                              .extensions = {POLICY(1, 3), ADDRESS}};
    g_auto(SealChainResult) low = {0};
    g_auto(SealChainResult) enough = {0};
    g_auto(SealChainResult) commit = {0};

    seal_trust_set_minimum_level(world->trust, SEAL_LEVEL_ORGANIZATION);
    judge(world, &mailbox, NULL, SEAL_PURPOSE_SIGN_MAIL, &low);
    g_assert_cmpint(low.state, ==, SEAL_CHAIN_UNTRUSTED);
    g_assert_nonnull(strstr(low.reason, "'mailbox-validated'"));
    g_assert_nonnull(strstr(low.reason, "minimum-level"));
    judge(world, &mailbox, NULL, SEAL_PURPOSE_SIGN_DATA, &commit);
    g_assert_cmpint(commit.state, ==, SEAL_CHAIN_GOOD);
    seal_trust_set_minimum_level(world->trust, SEAL_LEVEL_MAILBOX);
    judge(world, &mailbox, NULL, SEAL_PURPOSE_SIGN_MAIL, &enough);
    g_assert_cmpint(enough.state, ==, SEAL_CHAIN_GOOD);
}

static void
test_order(void)
{
    static const gboolean reaches[5][5] = {
        /* of:           unknown mailbox organization sponsor individual (the minimum) */
        /* unknown */ {TRUE, FALSE, FALSE, FALSE, FALSE},
        /* mailbox */ {TRUE, TRUE, FALSE, FALSE, FALSE},
        /* organization */ {TRUE, TRUE, TRUE, FALSE, FALSE},
        /* sponsor */ {TRUE, TRUE, TRUE, TRUE, TRUE},
        /* individual */ {TRUE, TRUE, FALSE, FALSE, TRUE},
    };

    for (guint level = 0; level < 5; level++)
        for (guint minimum = 0; minimum < 5; minimum++)
            g_assert_cmpint(seal_level_reaches((SealLevel)level, (SealLevel)minimum), ==,
                            reaches[level][minimum]);
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/level/policy-and-subject/agree", test_agreeing);
    ADD("/level/policy-and-subject/contradict-each-other", test_contradicting);
    ADD("/level/other-policies/say-nothing", test_other_policies);
    ADD("/level/issuer/must-allow-the-policy", test_issuer_allows);
    ADD("/level/minimum/is-asked-of-signers-of-mail", test_minimum);
    g_test_add_func("/level/order", test_order);
    return g_test_run();
}
