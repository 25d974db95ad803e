/* One revocation list against one certificate, judged by what RFC 5280 (5.2.4 delta, 5.2.5 scope,
 * 5.3 entries, 6.3.3 what is checked) says of it. */
#include "pki/crl.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/error.h"
#include "pki/trust.h"
#include "tests/pki/authority.h"

#define HOUR  ((gint64)60 * 60)
#define PLACE "http://ca.example/one.crl"

/* What is left out is chosen so that the list is good and empty. */
typedef struct {
    gboolean revokes;      /* Alice */
    const char *reason;    /* "01": CRLReason of RFC 5280 5.3.1 in hexadecimal */
    gint64 from, until;    /* offsets from now; both 0: an hour ago, in an hour */
    gboolean endless;      /* no nextUpdate */
    const char *extension; /* "name=value" of the list */
    const char *entry;     /* one more of the entry */
    const char *hash;
} List;

typedef struct {
    TestIdentity *root, *other, *alice;
} World;

static void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};
    const TestSpec other = {.name = "Other", .authority = TRUE};
    const TestSpec alice = {.name = "Alice",
                            .address = "alice@example.org",
                            .extensions = {"crlDistributionPoints=URI:" PLACE}};

    world->root = test_identity_new(&root, NULL);
    world->other = test_identity_new(&other, NULL);
    world->alice = test_identity_new(&alice, world->root);
}

static void
world_close(World *world, gconstpointer data)
{
    test_identity_free(world->alice);
    test_identity_free(world->other);
    test_identity_free(world->root);
}

static X509_EXTENSION *
make_extension(X509_CRL *crl, const char *text)
{
    g_auto(GStrv) pair = g_strsplit(text, "=", 2);
    static const char sections[] = "[one]\nfullname=URI:" PLACE "\n"
                                   "[two]\nfullname=URI:http://ca.example/two.crl\n"
                                   "[users]\nonlyuser=TRUE\n[authorities]\nonlyCA=TRUE\n"
                                   "[some]\nonlysomereasons=keyCompromise\n"
                                   "[indirect]\nindirectCRL=TRUE\n";
    BIO *in = BIO_new_mem_buf(sections, -1);
    CONF *conf = NCONF_new(NULL);
    X509V3_CTX context;
    X509_EXTENSION *extension = NULL;

    g_assert_true(NCONF_load_bio(conf, in, NULL));
    X509V3_set_ctx(&context, NULL, NULL, NULL, crl, 0);
    X509V3_set_nconf(&context, conf);
    extension = X509V3_EXT_nconf(conf, &context, pair[0], pair[1]);
    g_assert_nonnull(extension);
    NCONF_free(conf);
    BIO_free(in);
    return extension;
}

static void
add_entry(X509_CRL *crl, const List *list, const TestIdentity *revoked)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, 1767323045); /* 2026-01-02 03:04:05 UTC */

    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->certificate));
    X509_REVOKED_set_revocationDate(entry, when);
    if (list->reason) {
        g_autofree char *text = g_strconcat("CRLReason=DER:0a01", list->reason, NULL);
        X509_EXTENSION *extension = make_extension(crl, text);

        X509_REVOKED_add_ext(entry, extension, -1);
        X509_EXTENSION_free(extension);
    }
    if (list->entry) {
        X509_EXTENSION *extension = make_extension(crl, list->entry);

        X509_REVOKED_add_ext(entry, extension, -1);
        X509_EXTENSION_free(extension);
    }
    ASN1_TIME_free(when);
    X509_CRL_add0_revoked(crl, entry);
}

static void
set_times(X509_CRL *crl, const List *list)
{
    gboolean dated = list->from != 0 || list->until != 0;
    ASN1_TIME *from = X509_gmtime_adj(NULL, dated ? list->from : -HOUR);
    ASN1_TIME *until = X509_gmtime_adj(NULL, dated ? list->until : HOUR);

    X509_CRL_set1_lastUpdate(crl, from);
    if (!list->endless)
        X509_CRL_set1_nextUpdate(crl, until);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
}

static X509_CRL *
make(World *world, const List *list, const TestIdentity *issuer, const TestIdentity *signer)
{
    X509_CRL *crl = X509_CRL_new();
    const EVP_MD *hash = EVP_get_digestbyname(list->hash ? list->hash : "SHA256");

    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate));
    set_times(crl, list);
    if (list->revokes)
        add_entry(crl, list, world->alice);
    if (list->extension) {
        X509_EXTENSION *extension = make_extension(crl, list->extension);

        X509_CRL_add_ext(crl, extension, -1);
        X509_EXTENSION_free(extension);
    }
    X509_CRL_sort(crl);
    g_assert_cmpint(X509_CRL_sign(crl, signer->key, hash), >, 0);
    return crl;
}

static GBytes *
encode(X509_CRL *crl)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)len);

    OPENSSL_free(der);
    X509_CRL_free(crl);
    return bytes;
}

/* `text` is in the answer's, NULL: there is none. */
static void
expect_bytes(World *world, GBytes *bytes, SealAnswerKind kind, const char *text)
{
    g_auto(SealAnswer) answer = {0};

    g_assert_cmpint(seal_crl_judge(bytes, world->alice->certificate, world->root->certificate,
                                   g_get_real_time() / G_USEC_PER_SEC, &answer),
                    ==, kind != SEAL_ANSWER_NONE);
    if (answer.kind != kind || (text && !strstr(answer.text, text)))
        g_error("%d '%s' instead of %d '%s'", answer.kind, answer.text, kind, text);
    g_assert_true(text || !answer.text);
}

static void
expect(World *world, const List *list, SealAnswerKind kind, const char *text)
{
    g_autoptr(GBytes) bytes = encode(make(world, list, world->root, world->root));

    expect_bytes(world, bytes, kind, text);
}

static void
test_entries(World *world, gconstpointer data)
{
    static const List empty = {0};
    static const List plain = {.revokes = TRUE};
    static const List stolen = {.revokes = TRUE, .reason = "01"};
    static const List held = {.revokes = TRUE, .reason = "06"};
    static const List old = {.revokes = TRUE, .from = -2 * HOUR, .until = -HOUR};

    expect(world, &empty, SEAL_ANSWER_GOOD, NULL);
    expect(world, &plain, SEAL_ANSWER_REVOKED, "on 2026-01-02 (no reason given)");
    expect(world, &stolen, SEAL_ANSWER_REVOKED, "on 2026-01-02 (key compromise)");
    expect(world, &held, SEAL_ANSWER_REVOKED, "(certificate hold)");
    expect(world, &old, SEAL_ANSWER_REVOKED, "on 2026-01-02");
}

static void
test_unusable(World *world, gconstpointer data)
{
    static const struct {
        List list;
        const char *text;
    } rows[] = {
        {{.revokes = TRUE, .extension = "deltaCRL=critical,DER:020101"}, "a delta CRL"},
        {{.revokes = TRUE, .extension = "issuingDistributionPoint=critical,@indirect"},
         "an indirect CRL"},
        {{.extension = "issuingDistributionPoint=critical,@authorities"}, "other certificates"},
        {{.extension = "issuingDistributionPoint=critical,@two"}, "other certificates"},
        {{.extension = "issuingDistributionPoint=critical,@some"}, "other certificates"},
        {{.extension = "1.2.3.4=critical,DER:0500"}, "critical extension"},
        {{.entry = "1.2.3.4=critical,DER:0500", .revokes = TRUE}, "critical extension"},
        {{.from = -2 * HOUR, .until = -HOUR}, "out of date"},
        {{.revokes = TRUE, .reason = "06", .from = -2 * HOUR, .until = -HOUR}, "out of date"},
        {{.revokes = TRUE, .from = HOUR, .until = 2 * HOUR}, "from the future"},
        {{.from = HOUR, .until = 2 * HOUR}, "from the future"},
        {{.endless = TRUE}, "how long it is good for"},
        {{.hash = "SHA1"}, "SHA-1"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(world, &rows[i].list, SEAL_ANSWER_NONE, rows[i].text);
}

/* The same for files, which are not asked about one certificate. */
static void
test_files(World *world, gconstpointer data)
{
    static const struct {
        List list;
        const char *text; /* (nullable) */
    } rows[] = {
        {{.extension = "deltaCRL=critical,DER:020101"}, "'a.crl': it lists changes only"},
        {{.extension = "issuingDistributionPoint=critical,@indirect"}, "an indirect CRL"},
        {{.endless = TRUE}, "how long it is good for"},
        {{.hash = "SHA1"}, "SHA-1"},
        {{.from = -2 * HOUR, .until = -HOUR}, NULL},
        {{.extension = "issuingDistributionPoint=critical,@users"}, NULL},
    };
    g_autoptr(SealTrust) trust = seal_trust_new();

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) bytes = encode(make(world, &rows[i].list, world->root, world->root));
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(seal_trust_add_crls(trust, bytes, "a.crl", &error), ==, !rows[i].text);
        if (rows[i].text && (!seal_error_is(error, SEAL_ERROR_INVALID_INPUT) ||
                             !strstr(error->message, rows[i].text)))
            g_error("'%s' instead of '%s'", error->message, rows[i].text);
    }
}

static void
test_scope(World *world, gconstpointer data)
{
    static const List users = {.extension = "issuingDistributionPoint=critical,@users"};
    static const List here = {.revokes = TRUE,
                              .extension = "issuingDistributionPoint=critical,@one"};

    expect(world, &users, SEAL_ANSWER_GOOD, NULL);
    expect(world, &here, SEAL_ANSWER_REVOKED, "2026-01-02");
}

/* A list is its issuer's by name and signature, and by its right to sign lists. */
static void
test_issuer(World *world, gconstpointer data)
{
    static const List revoking = {.revokes = TRUE};
    static const TestSpec mute = {
        .name = "Root", .authority = TRUE, .usage = "critical,keyCertSign"};
    const TestSpec leaf = {.name = "Bob"};
    g_autoptr(GBytes) foreign = encode(make(world, &revoking, world->other, world->other));
    g_autoptr(GBytes) forged = encode(make(world, &revoking, world->root, world->other));
    g_autoptr(TestIdentity) silent = test_identity_new(&mute, NULL);
    g_autoptr(TestIdentity) bob = test_identity_new(&leaf, silent);
    g_autoptr(GBytes) unauthorised = encode(make(world, &revoking, silent, silent));
    g_auto(SealAnswer) answer = {0};

    expect_bytes(world, foreign, SEAL_ANSWER_NONE, "another issuer");
    expect_bytes(world, forged, SEAL_ANSWER_NONE, "signature is wrong");
    g_assert_false(seal_crl_judge(unauthorised, bob->certificate, silent->certificate,
                                  g_get_real_time() / G_USEC_PER_SEC, &answer));
    g_assert_nonnull(strstr(answer.text, "may not sign lists"));
}

static void
test_bytes(World *world, gconstpointer data)
{
    static const List revoking = {.revokes = TRUE};
    g_autoptr(GBytes) bytes = encode(make(world, &revoking, world->root, world->root));
    g_autoptr(GBytes) pem = test_crl_new(world->root, world->alice, -HOUR, HOUR);
    gsize len = g_bytes_get_size(bytes);

    expect_bytes(world, pem, SEAL_ANSWER_REVOKED, "");
    for (gsize cut = 0; cut < len; cut++) {
        g_autoptr(GBytes) part = g_bytes_new_from_bytes(bytes, 0, cut);

        expect_bytes(world, part, SEAL_ANSWER_NONE, "no readable revocation list");
    }
    for (gsize at = 0; at < len; at++) {
        g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(bytes, NULL), len);
        g_autoptr(GBytes) flipped = NULL;
        g_auto(SealAnswer) answer = {0};

        copy[at] ^= 0x40;
        flipped = g_bytes_new(copy, len);
        (void)seal_crl_judge(flipped, world->alice->certificate, world->root->certificate,
                             g_get_real_time() / G_USEC_PER_SEC, &answer);
        g_assert_cmpint(answer.kind, ==, SEAL_ANSWER_NONE);
    }
}

/* RFC 5280 4.2.1.13. What is not http, or not for all reasons and of the issuer, is left out. */
static void
test_urls(World *world, gconstpointer data)
{
    const TestSpec spec = {
        .name = "Bob",
        .extensions = {"crlDistributionPoints=URI:ldap://ca/x,URI:HTTP://a/1,URI:https://b/2,"
                       "URI:file:///etc/passwd,URI:http://c/3,URI:http://d/4,URI:http://e/5"}};
    g_autoptr(TestIdentity) bob = test_identity_new(&spec, world->root);
    g_autoptr(GPtrArray) urls = seal_crl_urls(bob->certificate);
    g_autoptr(GPtrArray) none = seal_crl_urls(world->root->certificate);

    g_assert_cmpuint(urls->len, ==, 4);
    g_assert_cmpstr(urls->pdata[0], ==, "HTTP://a/1");
    g_assert_cmpstr(urls->pdata[1], ==, "https://b/2");
    g_assert_cmpstr(urls->pdata[3], ==, "http://d/4");
    g_assert_cmpuint(none->len, ==, 0);
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/crl/entries/revoke-with-date-and-reason", test_entries);
    ADD("/crl/unusable/is-refused-with-its-reason", test_unusable);
    ADD("/crl/unusable/files-are-refused-too", test_files);
    ADD("/crl/scope/that-fits-is-used", test_scope);
    ADD("/crl/issuer/others-have-no-right", test_issuer);
    ADD("/crl/bytes/damaged-ones-are-refused", test_bytes);
    ADD("/crl/urls/http-only-and-only-a-few", test_urls);
    return g_test_run();
}
