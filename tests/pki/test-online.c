/* Trust that asks: OCSP, which `openssl ocsp` answers, lists, and what is kept of both. Expected
 * are the statuses that are put into openssl's database, and the rules of --revocation
 * (privyseal.conf(5)). The fetcher is the test's own and reads files; that over HTTP is tested by
 * test-http.c, and all together by tests/cli/test-revocation.c. */
#include "pki/online.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "pki/trust.h"
#include "tests/pki/authority.h"
#include "tests/pki/responder.h"
#include "tests/support/home.h"
#include "tests/support/process.h"

#define HOUR ((gint64)60 * 60)

/* One for all tests, as GLib remembers where the first one's cache is. */
static SealTestHome *home;

/* A root, an issuer below it whose certificate names a list, and Alice below that, whose
 * certificate names a responder and a list. */
typedef struct {
    char *web; /* the folder whose files are "http://ca.example/NAME" */
    TestIdentity *root, *issuer, *alice, *responder;
    STACK_OF(X509) *carried;
    SealFetcher fetcher;
    SealTrust *trust;
    GString *asked;   /* names, each with a space behind it */
    const char *down; /* (nullable) a name that does not answer */
} World;

static GBytes *
answer_ocsp(World *world, const char *name, GBytes *body)
{
    g_autofree char *arguments_file = g_strdup_printf("%s/%s.arguments", world->web, name);
    g_autofree char *asked = g_build_filename(world->web, "request.der", NULL);
    g_autofree char *answered = g_build_filename(world->web, "response.der", NULL);
    g_autofree char *text = NULL;
    g_autofree char *answer = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_auto(GStrv) lines = NULL;
    gsize len = 0;
    g_autoptr(SealTestResult) result = NULL;
    const char *const tail[] = {"-reqin", asked, "-respout", answered, NULL};

    g_assert_true(g_file_get_contents(arguments_file, &text, NULL, NULL));
    g_assert_true(g_file_set_contents(asked, g_bytes_get_data(body, NULL),
                                      (gssize)g_bytes_get_size(body), NULL));
    g_ptr_array_add(argv, (gpointer) "openssl");
    g_ptr_array_add(argv, (gpointer) "ocsp");
    lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (char **line = lines; *line; line++)
        g_ptr_array_add(argv, *line);
    for (gsize i = 0; i < G_N_ELEMENTS(tail); i++)
        g_ptr_array_add(argv, (gpointer)tail[i]);
    result = seal_test_run(home, (const char *const *)argv->pdata, NULL);
    if (result->status != 0 || !g_file_get_contents(answered, &answer, &len, NULL))
        g_error("openssl ocsp: %s%s", result->out, result->err);
    return g_bytes_new(answer, len);
}

static GBytes *
fetch(const SealFetcher *fetcher, const SealFetchRequest *request, GError **error)
{
    World *world = fetcher->data;
    const char *name = strrchr(request->url, '/') + 1;
    g_autofree char *path = g_build_filename(world->web, name, NULL);
    g_autofree char *data = NULL;
    gsize len = 0;

    g_string_append_printf(world->asked, "%s ", name);
    if (g_strcmp0(name, world->down) == 0) {
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_IO, "is down");
        return NULL;
    }
    if (request->body)
        return answer_ocsp(world, name, request->body);
    return g_file_get_contents(path, &data, &len, error) ? g_bytes_new(data, len) : NULL;
}

static void
renew_trust(World *world, SealRevocation mode)
{
    seal_trust_free(world->trust);
    world->trust = seal_trust_new();
    seal_trust_add_anchor(world->trust, world->root->certificate);
    seal_trust_set_revocation(world->trust, mode);
    seal_trust_take_online(
        world->trust, seal_online_new(mode == SEAL_REVOCATION_CACHE_ONLY ? NULL : &world->fetcher));
    g_string_truncate(world->asked, 0);
}

static void
put_list(World *world, const char *name, const TestIdentity *issuer, const TestIdentity *revoked)
{
    g_autoptr(GBytes) list = test_crl_new(issuer, revoked, -HOUR, HOUR);
    g_autofree char *path = g_build_filename(world->web, name, NULL);

    g_assert_true(g_file_set_contents(path, g_bytes_get_data(list, NULL),
                                      (gssize)g_bytes_get_size(list), NULL));
}

static void
put_responder(World *world, const TestIdentity *signer, gboolean knows, gboolean revoked)
{
    const TestIdentity *const known[] = {knows ? world->alice : world->issuer, NULL};

    test_responder_put(world->web, "responder", world->issuer, signer, known,
                       revoked ? world->alice : NULL);
}

static void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};
    const TestSpec issuer = {
        .name = "Issuer",
        .authority = TRUE,
        .extensions = {"crlDistributionPoints=URI:http://ca.example/root.crl"}};
    const TestSpec alice = {
        .name = "Alice",
        .address = "alice@example.org",
        .extensions = {"authorityInfoAccess=OCSP;URI:http://ca.example/responder",
                       "crlDistributionPoints=URI:http://ca.example/issuer.crl"}};
    const TestSpec responder = {
        .name = "Responder", .extended = "OCSPSigning", .extensions = {"noCheck=ignored"}};
    g_autofree char *mark = NULL;

    mark = seal_test_home_write(home, "web/mark", "");
    world->web = g_path_get_dirname(mark);
    world->root = test_identity_new(&root, NULL);
    world->issuer = test_identity_new(&issuer, world->root);
    world->alice = test_identity_new(&alice, world->issuer);
    world->responder = test_identity_new(&responder, world->issuer);
    world->carried = sk_X509_new_null();
    sk_X509_push(world->carried, world->issuer->certificate);
    world->fetcher = (SealFetcher){fetch, world};
    world->asked = g_string_new(NULL);
    put_list(world, "root.crl", world->root, NULL);
    put_list(world, "issuer.crl", world->issuer, NULL);
    put_responder(world, world->responder, TRUE, FALSE);
    renew_trust(world, SEAL_REVOCATION_REQUIRE);
}

static void
forget(World *world)
{
    g_autofree char *kept = seal_test_home_path(home, "cache/privyseal");
    const char *const argv[] = {"rm", "-rf", kept, NULL};
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, NULL);

    g_assert_cmpint(result->status, ==, 0);
}

static void
world_close(World *world, gconstpointer data)
{
    forget(world);
    seal_trust_free(world->trust);
    g_string_free(world->asked, TRUE);
    sk_X509_free(world->carried);
    test_identity_free(world->responder);
    test_identity_free(world->alice);
    test_identity_free(world->issuer);
    test_identity_free(world->root);
    g_free(world->web);
}

static void
expect_at(World *world, gint64 at, const char *word, const char *revocation, const char *text)
{
    g_auto(SealChainResult) result = {0};

    seal_trust_judge(world->trust, world->alice->certificate, world->carried,
                     SEAL_PURPOSE_SIGN_MAIL, at, &result);
    if (strcmp(seal_chain_word(result.state), word) != 0 ||
        strcmp(result.revocation, revocation) != 0)
        g_error("%s, %s instead of %s, %s: %s %s", seal_chain_word(result.state), result.revocation,
                word, revocation, result.reason, result.revocation_detail);
    if (text && !strstr(result.reason ? result.reason : result.revocation_detail, text))
        g_error("'%s' is not in: %s %s", text, result.reason, result.revocation_detail);
}

static void
expect(World *world, const char *word, const char *revocation, const char *text)
{
    expect_at(world, g_get_real_time() / G_USEC_PER_SEC, word, revocation, text);
}

/* -- answers ---------------------------------------------------------------------------------- */

/* OCSP first; the issuer's own certificate names only a list; the anchor is not asked about. */
static void
test_good(World *world, gconstpointer data)
{
    expect(world, "good", "good", NULL);
    g_assert_cmpstr(world->asked->str, ==, "responder root.crl ");
    expect(world, "good", "good", NULL);
    g_assert_cmpstr(world->asked->str, ==, "responder root.crl ");
}

static void
test_revoked(World *world, gconstpointer data)
{
    static const SealRevocation modes[] = {SEAL_REVOCATION_REQUIRE, SEAL_REVOCATION_PREFER};

    put_responder(world, world->responder, TRUE, TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        renew_trust(world, modes[i]);
        expect(world, "revoked", "revoked",
               "'CN=Alice,O=Privy Seal Test' was revoked by its issuer "
               "on 2026-01-02 (key compromise)");
    }
    renew_trust(world, SEAL_REVOCATION_OFF);
    expect(world, "good", "not-checked", NULL);
}

/* Nobody who holds back newer answers brings a certificate back. */
static void
test_revoked_for_good(World *world, gconstpointer data)
{
    put_responder(world, world->responder, TRUE, TRUE);
    expect(world, "revoked", "revoked", NULL);
    renew_trust(world, SEAL_REVOCATION_CACHE_ONLY);
    expect_at(world, g_get_real_time() / G_USEC_PER_SEC + 2 * HOUR, "revoked", "revoked",
              "on 2026-01-02 (key compromise)");
}

/* No kinder list is looked for, in any mode. */
static void
test_unknown(World *world, gconstpointer data)
{
    static const SealRevocation modes[] = {SEAL_REVOCATION_REQUIRE, SEAL_REVOCATION_PREFER};

    put_responder(world, world->responder, FALSE, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
        renew_trust(world, modes[i]);
        expect(world, "revocation-unknown", "unknown", "is not known to its issuer's OCSP");
        g_assert_null(strstr(world->asked->str, "issuer.crl"));
    }
}

static void
test_fallback(World *world, gconstpointer data)
{
    world->down = "responder";
    expect(world, "good", "good", NULL);
    g_assert_cmpstr(world->asked->str, ==, "responder issuer.crl root.crl ");
    forget(world);
    put_list(world, "issuer.crl", world->issuer, world->alice);
    renew_trust(world, SEAL_REVOCATION_REQUIRE);
    expect(world, "revoked", "revoked", "was revoked by its issuer");
}

/* Whoever signs without the right to is not heard, and the list is asked. */
static void
test_wrong_responder(World *world, gconstpointer data)
{
    const TestSpec spec = {.name = "Mail only"};
    g_autoptr(TestIdentity) mail = test_identity_new(&spec, world->issuer);

    put_responder(world, mail, TRUE, FALSE);
    put_list(world, "issuer.crl", world->issuer, world->alice);
    expect(world, "revoked", "revoked", NULL);
    g_assert_cmpstr(world->asked->str, ==, "responder issuer.crl ");
}

/* RFC 6960 4.2.2.2.1: the responder's own list, where its certificate has no nocheck. */
static void
test_responder_is_looked_up(World *world, gconstpointer data)
{
    const TestSpec spec = {
        .name = "Mortal",
        .extended = "OCSPSigning",
        .extensions = {"crlDistributionPoints=URI:http://ca.example/mortal.crl"}};
    g_autoptr(TestIdentity) mortal = test_identity_new(&spec, world->issuer);

    world->down = "issuer.crl";
    put_responder(world, mortal, TRUE, FALSE);
    put_list(world, "mortal.crl", world->issuer, NULL);
    expect(world, "good", "good", NULL);
    forget(world);
    put_list(world, "mortal.crl", world->issuer, mortal);
    renew_trust(world, SEAL_REVOCATION_REQUIRE);
    expect(world, "revocation-unknown", "unknown", "its signer's certificate may be revoked");
}

static void
test_revoked_issuer(World *world, gconstpointer data)
{
    put_list(world, "root.crl", world->root, world->issuer);
    expect(world, "revoked", "revoked", "'CN=Issuer,O=Privy Seal Test' was revoked by its issuer");
}

/* -- silence ---------------------------------------------------------------------------------- */

static void
test_silence(World *world, gconstpointer data)
{
    world->down = "root.crl";
    expect(world, "revocation-unknown", "unknown",
           "nobody says otherwise (http://ca.example/root.crl: is down)");
    renew_trust(world, SEAL_REVOCATION_PREFER);
    expect(world, "good", "not-checked",
           "'CN=Issuer,O=Privy Seal Test': http://ca.example/root.crl");
}

/* Nobody learns of certificates that are refused anyway. */
static void
test_refused_anyway(World *world, gconstpointer data)
{
    expect_at(world, g_get_real_time() / G_USEC_PER_SEC + 2 * 365 * 24 * HOUR, "expired", "unknown",
              NULL);
    seal_trust_free(world->trust);
    world->trust = seal_trust_new();
    seal_trust_take_online(world->trust, seal_online_new(&world->fetcher));
    expect(world, "incomplete-chain", "not-checked", NULL);
    g_assert_cmpstr(world->asked->str, ==, "");
}

/* A list of the site's own that clears a certificate saves the question. */
static void
test_own_lists(World *world, gconstpointer data)
{
    g_autoptr(GBytes) list = test_crl_new(world->issuer, NULL, -HOUR, HOUR);
    g_autoptr(GBytes) old = test_crl_new(world->root, NULL, -2 * HOUR, -HOUR);

    g_assert_true(seal_trust_add_crls(world->trust, list, "list", NULL));
    g_assert_true(seal_trust_add_crls(world->trust, old, "list", NULL));
    expect(world, "good", "good", NULL);
    g_assert_cmpstr(world->asked->str, ==, "root.crl ");
}

/* -- what is kept ----------------------------------------------------------------------------- */

static void
test_kept(World *world, gconstpointer data)
{
    renew_trust(world, SEAL_REVOCATION_CACHE_ONLY);
    expect(world, "good", "not-checked", "no answer about it was kept");
    renew_trust(world, SEAL_REVOCATION_REQUIRE);
    expect(world, "good", "good", NULL);
    renew_trust(world, SEAL_REVOCATION_CACHE_ONLY);
    expect(world, "good", "good", NULL);
    renew_trust(world, SEAL_REVOCATION_REQUIRE);
    expect(world, "good", "good", NULL);
    g_assert_cmpstr(world->asked->str, ==, "");
    /* Two hours on, what was kept is out of date, and so is what the server has. */
    renew_trust(world, SEAL_REVOCATION_CACHE_ONLY);
    expect_at(world, g_get_real_time() / G_USEC_PER_SEC + 2 * HOUR, "good", "not-checked", NULL);
}

static void
damage(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name = NULL;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *data = NULL;
        gsize len = 0;

        g_assert_true(g_file_get_contents(path, &data, &len, NULL));
        data[len - 1] ^= 1; /* of a signature or a certificate */
        data[len / 2] ^= 1;
        g_assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
    }
    g_dir_close(dir);
}

/* Nothing is believed because it was kept. */
static void
test_damaged(World *world, gconstpointer data)
{
    g_autofree char *folder = seal_test_home_path(home, "cache/privyseal/revocation");

    expect(world, "good", "good", NULL);
    damage(folder);
    renew_trust(world, SEAL_REVOCATION_CACHE_ONLY);
    expect(world, "good", "not-checked", "no answer about it was kept");
    renew_trust(world, SEAL_REVOCATION_REQUIRE);
    expect(world, "good", "good", NULL);
    g_assert_cmpstr(world->asked->str, ==, "responder root.crl ");
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    int status = 0;

    g_test_init(&argc, &argv, NULL);
    home = seal_test_home_new();
    ADD("/online/good/ocsp-is-asked-first-and-once", test_good);
    ADD("/online/revoked/counts-in-every-mode-but-off", test_revoked);
    ADD("/online/revoked/counts-beyond-the-end-of-the-answer", test_revoked_for_good);
    ADD("/online/unknown/is-no-silence", test_unknown);
    ADD("/online/responder-down/its-list-is-asked", test_fallback);
    ADD("/online/responder-without-right/its-list-is-asked", test_wrong_responder);
    ADD("/online/responder-without-nocheck/is-looked-up", test_responder_is_looked_up);
    ADD("/online/issuer/is-asked-about-too", test_revoked_issuer);
    ADD("/online/silence/is-told-or-refused", test_silence);
    ADD("/online/refused-anyway/nobody-is-asked", test_refused_anyway);
    ADD("/online/own-lists/save-the-question", test_own_lists);
    ADD("/online/kept/answers-without-the-network-until-it-ends", test_kept);
    ADD("/online/kept/damaged-is-asked-anew", test_damaged);
    status = g_test_run();
    seal_test_home_free(home);
    return status;
}
