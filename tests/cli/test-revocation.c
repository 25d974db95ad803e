/* privyseal verify --revocation over HTTP: `openssl cms` signs, `openssl ocsp` answers behind a web
 * server on this machine. Expected are openssl's database and privyseal.conf(5). */
#include <json-glib/json-glib.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/ocsp.h"
#include "tests/cli/cli-fixture.h"
#include "tests/pki/authority.h"
#include "tests/pki/responder.h"
#include "tests/support/web.h"

#define HOUR ((gint64)60 * 60)
#define CONF "config/privyseal/privyseal.conf"

/* One for all tests: a CA that is trusted, its certificate in `anchor`. */
static struct {
    char *base;   /* of the web server */
    char *folder; /* from which it serves */
    char *before; /* privyseal.conf */
    TestIdentity *root;
    char *anchor;
} scene;

static void
configure(const char *text)
{
    g_autofree char *whole = g_strconcat(scene.before, text, NULL);

    g_free(seal_test_home_write(seal_cli_test_home(), CONF, whole));
}

static void
scene_open(void)
{
    const TestSpec spec = {.name = "Root", .authority = TRUE};
    g_autoptr(GBytes) pem = NULL;

    scene.base = seal_test_web_start(seal_cli_test_home());
    scene.folder = seal_test_home_path(seal_cli_test_home(), "web");
    scene.before = seal_test_home_read(seal_cli_test_home(), CONF);
    scene.root = test_identity_new(&spec, NULL);
    pem = test_identity_pem(scene.root);
    scene.anchor = seal_cli_test_save("revocation-root.pem", pem);
    configure("[revocation]\nprivate-hosts=127.0.0.1\ntimeout=6\n");
}

static void
scene_close(void)
{
    g_free(scene.base);
    g_free(scene.folder);
    g_free(scene.before);
    g_free(scene.anchor);
    test_identity_free(scene.root);
}

/* Forgets what privyseal has kept. */
static void
forget(void)
{
    g_autofree char *kept = seal_test_home_path(seal_cli_test_home(), "cache/privyseal");
    g_autoptr(SealTestResult) result = seal_cli_test_other(NULL, "rm", "-rf", kept, NULL);

    seal_cli_test_assert_status(result, 0);
}

/* Alice, whose certificate names "OCSP" and "LIST" (nullable) below the server's address. */
static TestIdentity *
new_alice(const char *ocsp, const char *list, const TestIdentity *issuer)
{
    g_autofree char *access =
        g_strdup_printf("authorityInfoAccess=OCSP;URI:%s%s", scene.base, ocsp);
    g_autofree char *points = g_strdup_printf("crlDistributionPoints=URI:%s%s", scene.base, list);
    const TestSpec spec = {.name = "Alice",
                           .address = "alice@example.org",
                           .usage = "critical,digitalSignature,keyAgreement",
                           .extensions = {ocsp ? access : points, ocsp && list ? points : NULL}};

    return test_identity_new(&spec, issuer);
}

/* A mail that she signed. (transfer full) */
static GBytes *
sign(const TestIdentity *alice)
{
    g_autoptr(GBytes) certificate = test_identity_pem(alice);
    g_autoptr(GBytes) key = test_identity_key_pem(alice);
    g_autofree char *signer = seal_cli_test_save("alice.pem", certificate);
    g_autofree char *key_file = seal_cli_test_save("alice.key", key);
    g_autoptr(GBytes) words = g_bytes_new_static("hello\n", 6);
    g_autoptr(SealTestResult) result =
        seal_cli_test_other(words, "openssl", "cms", "-sign", "-text", "-signer", signer, "-inkey",
                            key_file, "-from", "alice@example.org", NULL);

    seal_cli_test_assert_status(result, 0);
    return seal_cli_test_output(result);
}

/* Verifies, and compares verdict and revocation; `text` (nullable) is in the reason, or, if there
 * is none, in the detail. */
static void
expect(GBytes *mail, const char *mode, const char *verdict, const char *revocation,
       const char *text)
{
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
        mail, "verify", "--json", "--anchor", scene.anchor, "--revocation", mode, NULL);
    g_autoptr(JsonNode) node = json_from_string(result->out, NULL);
    JsonObject *report = NULL;
    JsonObject *layer = NULL;
    JsonObject *signer = NULL;

    seal_cli_test_assert_status(result, strcmp(verdict, "ok") == 0 ? 0 : 1);
    g_assert_nonnull(node);
    report = json_node_get_object(node);
    layer = json_array_get_object_element(json_object_get_array_member(report, "layers"), 0);
    signer = json_array_get_object_element(json_object_get_array_member(layer, "signers"), 0);
    if (strcmp(json_object_get_string_member(report, "verdict"), verdict) != 0 ||
        strcmp(json_object_get_string_member(signer, "revocation"), revocation) != 0 ||
        (text && !strstr(result->out, text)))
        g_error("%s: %s, %s, '%s' instead of %s", mode, verdict, revocation, text, result->out);
}

static void
put_responder(const TestIdentity *signer, const TestIdentity *known, const TestIdentity *revoked)
{
    const TestIdentity *const all[] = {known, NULL};

    test_responder_put(scene.folder, "responder", scene.root, signer, all, revoked);
}

static void
put_list(const char *name, const TestIdentity *revoked)
{
    g_autoptr(GBytes) list = test_crl_new(scene.root, revoked, -HOUR, HOUR);

    seal_test_web_put(seal_cli_test_home(), name, list);
}

/* -- answers ---------------------------------------------------------------------------------- */

static void
test_ocsp(void)
{
    g_autoptr(TestIdentity) alice = new_alice("/ocsp/responder", NULL, scene.root);
    g_autoptr(GBytes) mail = sign(alice);

    put_responder(scene.root, alice, NULL);
    expect(mail, "require", "ok", "good", NULL);
    forget();
    put_responder(scene.root, alice, alice);
    expect(mail, "require", "revoked", "revoked",
           "was revoked by its issuer on 2026-01-02 (key compromise), do not rely on it");
    expect(mail, "prefer", "revoked", "revoked", NULL);
    expect(mail, "off", "ok", "not-checked", NULL);
    forget();
    put_responder(scene.root, scene.root, NULL);
    expect(mail, "require", "revocation-unknown", "unknown", "is not known to its issuer's OCSP");
    expect(mail, "prefer", "revocation-unknown", "unknown", NULL);
    g_assert_cmpuint(seal_test_web_count(seal_cli_test_home(), "POST /ocsp/responder privyseal"),
                     ==, 4);
}

/* Nothing is encrypted to a key that was lost. */
static void
test_encrypt(void)
{
    g_autoptr(TestIdentity) alice = new_alice("/ocsp/responder", NULL, scene.root);
    g_autoptr(GBytes) pem = test_identity_pem(alice);
    g_autofree char *reader = seal_cli_test_save("reader.pem", pem);
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    const char *const arguments[] = {"encrypt",      "--to",     reader,
                                     "--no-to-self", "--anchor", scene.anchor,
                                     "--revocation", "prefer",   NULL};
    g_autoptr(SealTestResult) good = NULL;
    g_autoptr(SealTestResult) revoked = NULL;

    put_responder(scene.root, alice, NULL);
    good = seal_cli_test_run(arguments, mail);
    seal_cli_test_assert_status(good, 0);
    forget();
    put_responder(scene.root, alice, alice);
    revoked = seal_cli_test_run(arguments, mail);
    seal_cli_test_assert_error(revoked, 3, "was revoked by its issuer on 2026-01-02");
    forget();
}

static void
test_delegated(void)
{
    const TestSpec right = {
        .name = "Responder", .extended = "OCSPSigning", .extensions = {"noCheck=ignored"}};
    const TestSpec wrong = {.name = "Server", .extended = "serverAuth"};
    g_autoptr(TestIdentity) responder = test_identity_new(&right, scene.root);
    g_autoptr(TestIdentity) server = test_identity_new(&wrong, scene.root);
    g_autoptr(TestIdentity) alice = new_alice("/ocsp/responder", NULL, scene.root);
    g_autoptr(GBytes) mail = sign(alice);

    put_responder(server, alice, NULL);
    expect(mail, "require", "revocation-unknown", "unknown", "its signer has no right to answer");
    put_responder(responder, alice, NULL);
    expect(mail, "require", "ok", "good", NULL);
    forget();
}

static void
test_list(void)
{
    g_autoptr(TestIdentity) alice = new_alice("/nothing", "/to?/root.crl", scene.root);
    g_autoptr(GBytes) mail = sign(alice);

    put_list("root.crl", NULL);
    expect(mail, "require", "ok", "good", NULL);
    forget();
    put_list("root.crl", alice);
    expect(mail, "require", "revoked", "revoked", "was revoked by its issuer");
    forget();
}

/* -- no answer -------------------------------------------------------------------------------- */

/* A response that the server gives to whatever is asked. */
static void
put_response(const char *name, const TestIdentity *alice, const TestResponse *spec)
{
    g_autoptr(SealOcsp) ocsp = seal_ocsp_new(alice->certificate, scene.root->certificate);
    g_autoptr(GBytes) request = seal_ocsp_request(ocsp);
    g_autoptr(GBytes) response = test_response_new(spec, request, scene.root, alice, scene.root);

    seal_test_web_put(seal_cli_test_home(), name, response);
}

static void
test_no_answer(void)
{
    static const struct {
        const char *ocsp, *list, *text;
    } rows[] = {
        {"/nothing", NULL, "status 404"},
        {"/garbage", NULL, "no readable OCSP response"},
        {"/old", NULL, "it is out of date"},
        {"/replayed", NULL, "the nonces differ"},
        {"/silent", NULL, "did not answer in time"},
        {"/slow", NULL, "did not answer in time"},
        {"/endless", NULL, "the answer has more than 64 KiB"},
        {"/heads", NULL, "the answer has more than 64 KiB"},
        {"/loop", NULL, "it redirects more than 3 times"},
        {"/to?/to?/to?/to?/ok", NULL, "it redirects more than 3 times"},
        {"/to?file:///etc/passwd", NULL, "neither http nor https"},
        {"/to?http://10.0.0.1/x", NULL, "none of the public Internet"},
        {NULL, "/garbage", "no readable revocation list"},
        {NULL, "/endless", "the answer has more than 16384 KiB"},
        {NULL, "/to?http://localhost/x", "none of the public Internet"},
    };
    const TestResponse old = {.from = -2 * HOUR, .until = -HOUR, .nonce = TEST_NONCE_NONE};
    const TestResponse replayed = {0};
    g_autoptr(GBytes) garbage = g_bytes_new_static("<html>", 6);

    seal_test_web_put(seal_cli_test_home(), "garbage", garbage);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(TestIdentity) alice = new_alice(rows[i].ocsp, rows[i].list, scene.root);
        g_autoptr(GBytes) mail = sign(alice);

        put_response("old", alice, &old);
        put_response("replayed", alice, &replayed);
        expect(mail, "require", "revocation-unknown", "unknown", rows[i].text);
        if (i == 0)
            expect(mail, "prefer", "ok", "not-checked", rows[i].text);
    }
}

/* privyseal open, which writes the text of good mail only; each mode as a user would give it. */
static void
test_open(void)
{
    static const struct {
        const char *mode; /* (nullable) not given */
        const char *error;
        const char *report; /* in it */
        int status;
    } rows[] = {
        {"require", NULL, "1 signed: revocation-unknown\n", 1},
        {"prefer", NULL, "revocation: not-checked\n", 0},
        {NULL, NULL, "revocation: not-checked\n", 0},
        {"cache-only", NULL, "nobody may be asked", 0},
        {"off", NULL, "revocation: not-checked\n", 0},
        {"Require", "unknown revocation mode 'Require'", NULL, 2},
        {"", "use require, prefer, cache-only or off", NULL, 2},
    };
    g_autoptr(TestIdentity) alice = new_alice("/nothing", NULL, scene.root);
    g_autoptr(GBytes) mail = sign(alice);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *mode = rows[i].mode;
        g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
            mail, "open", "--anchor", scene.anchor, mode ? "--revocation" : NULL, mode, NULL);

        g_test_message("--revocation %s", mode ? mode : "(none)");
        if (rows[i].error) {
            seal_cli_test_assert_error(result, rows[i].status, rows[i].error);
            continue;
        }
        seal_cli_test_assert_status(result, rows[i].status);
        g_assert_nonnull(strstr(result->err, rows[i].report));
        g_assert_cmpint(strstr(result->out, "hello") != NULL, ==, rows[i].status == 0);
    }
}

/* Without leave, this machine is not asked; the page says so. */
static void
test_private(void)
{
    g_autoptr(TestIdentity) alice = new_alice("/ocsp/never", NULL, scene.root);
    g_autoptr(GBytes) mail = sign(alice);
    g_autoptr(SealTestResult) page = NULL;

    configure("");
    expect(mail, "require", "revocation-unknown", "unknown", "none of the public Internet");
    page = seal_cli_test_privyseal(mail, "verify", "--anchor", scene.anchor, NULL);
    configure("[revocation]\nprivate-hosts=127.0.0.1\ntimeout=6\n");
    seal_cli_test_assert_status(page, 0);
    g_assert_nonnull(strstr(page->out, "revocation: not-checked\n"));
    g_assert_nonnull(strstr(page->out, "because: 'CN=Alice,O=Privy Seal Test': http://127.0.0.1"));
    g_assert_cmpuint(seal_test_web_count(seal_cli_test_home(), "/ocsp/never"), ==, 0);
}

/* -- what is kept ----------------------------------------------------------------------------- */

static void
damage_kept(void)
{
    g_autofree char *folder =
        seal_test_home_path(seal_cli_test_home(), "cache/privyseal/revocation");
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name = NULL;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        g_assert_true(g_file_set_contents(path, "damaged", -1, NULL));
    }
    g_dir_close(dir);
}

static void
test_kept(void)
{
    g_autoptr(TestIdentity) alice = new_alice("/ocsp/responder", "/root.crl", scene.root);
    g_autoptr(GBytes) mail = sign(alice);
    guint before = 0;

    put_list("root.crl", NULL);
    put_responder(scene.root, alice, NULL);
    before = seal_test_web_count(seal_cli_test_home(), "/ocsp/");
    expect(mail, "cache-only", "ok", "not-checked", "nobody may be asked");
    expect(mail, "require", "ok", "good", NULL);
    expect(mail, "cache-only", "ok", "good", NULL);
    expect(mail, "require", "ok", "good", NULL);
    g_assert_cmpuint(seal_test_web_count(seal_cli_test_home(), "/ocsp/"), ==, before + 1);
    damage_kept();
    expect(mail, "cache-only", "ok", "not-checked", NULL);
    expect(mail, "require", "ok", "good", NULL);
    g_assert_cmpuint(seal_test_web_count(seal_cli_test_home(), "/ocsp/"), ==, before + 2);
    forget();
}

/* -- issuers ---------------------------------------------------------------------------------- */

/* RFC 5280 4.2.2.1; only where privyseal.conf says so. */
static void
test_fetch_issuer(void)
{
    g_autofree char *access =
        g_strdup_printf("authorityInfoAccess=caIssuers;URI:%s/issuer.cer", scene.base);
    const TestSpec issuer_spec = {.name = "Issuer", .authority = TRUE};
    const TestSpec spec = {.name = "Alice", .address = "alice@example.org", .extensions = {access}};
    g_autoptr(TestIdentity) issuer = test_identity_new(&issuer_spec, scene.root);
    g_autoptr(TestIdentity) alice = test_identity_new(&spec, issuer);
    g_autoptr(GBytes) mail = sign(alice);
    g_autoptr(GBytes) der = test_identity_der(issuer);

    seal_test_web_put(seal_cli_test_home(), "issuer.cer", der);
    expect(mail, "off", "incomplete-chain", "not-checked", NULL);
    g_assert_cmpuint(seal_test_web_count(seal_cli_test_home(), "issuer.cer"), ==, 0);
    configure("[trust]\nfetch-issuers=yes\n[revocation]\nprivate-hosts=127.0.0.1\n");
    expect(mail, "off", "ok", "not-checked", NULL);
    expect(mail, "cache-only", "incomplete-chain", "not-checked", NULL);
    configure("[revocation]\nprivate-hosts=127.0.0.1\ntimeout=6\n");
}

/* What the issuer's certificate and hers name is asked, too; the issuer comes as RFC 5280 4.2.2.1
 * also has it, in a "certs-only" CMS message. */
static void
test_fetch_and_ask(void)
{
    g_autofree char *access = g_strdup_printf(
        "authorityInfoAccess=caIssuers;URI:%s/to?/issuer.p7c,OCSP;URI:%s/ocsp/below", scene.base,
        scene.base);
    g_autofree char *points = g_strdup_printf("crlDistributionPoints=URI:%s/root.crl", scene.base);
    const TestSpec issuer_spec = {.name = "Issuer", .authority = TRUE, .extensions = {points}};
    const TestSpec spec = {.name = "Alice", .address = "alice@example.org", .extensions = {access}};
    g_autoptr(TestIdentity) issuer = test_identity_new(&issuer_spec, scene.root);
    g_autoptr(TestIdentity) alice = test_identity_new(&spec, issuer);
    const TestIdentity *const known[] = {alice, NULL};
    g_autoptr(GBytes) mail = sign(alice);
    g_autoptr(GBytes) pem = test_identity_pem(issuer);
    g_autofree char *file = seal_cli_test_save("issuer.pem", pem);
    g_autofree char *bundle = g_build_filename(scene.folder, "issuer.p7c", NULL);
    g_autoptr(SealTestResult) bundled =
        seal_cli_test_other(NULL, "openssl", "crl2pkcs7", "-nocrl", "-certfile", file, "-outform",
                            "DER", "-out", bundle, NULL);

    seal_cli_test_assert_status(bundled, 0);
    put_list("root.crl", NULL);
    test_responder_put(scene.folder, "below", issuer, issuer, known, NULL);
    configure("[trust]\nfetch-issuers=yes\n");
    expect(mail, "require", "incomplete-chain", "not-checked", NULL);
    g_assert_cmpuint(seal_test_web_count(seal_cli_test_home(), "issuer.p7c"), ==, 0);
    configure("[trust]\nfetch-issuers=yes\n[revocation]\nprivate-hosts=127.0.0.1\n");
    expect(mail, "require", "ok", "good", NULL);
    forget();
    put_list("root.crl", issuer);
    expect(mail, "require", "revoked", "revoked", "'CN=Issuer,O=Privy Seal Test' was revoked");
    forget();
    configure("[revocation]\nprivate-hosts=127.0.0.1\ntimeout=6\n");
}

static void
add(void)
{
    scene_open();
    g_test_add_func("/cli/revocation/ocsp/good-revoked-and-unknown", test_ocsp);
    g_test_add_func("/cli/revocation/ocsp/delegated-needs-the-right", test_delegated);
    g_test_add_func("/cli/revocation/encrypt/not-to-a-revoked-certificate", test_encrypt);
    g_test_add_func("/cli/revocation/list/where-ocsp-fails", test_list);
    g_test_add_func("/cli/revocation/no-answer/is-told-with-its-reason", test_no_answer);
    g_test_add_func("/cli/revocation/open/each-mode-and-wrong-ones", test_open);
    g_test_add_func("/cli/revocation/private-hosts/only-when-named", test_private);
    g_test_add_func("/cli/revocation/kept/saves-asking-and-is-verified-again", test_kept);
    g_test_add_func("/cli/revocation/issuers/are-fetched-only-when-allowed", test_fetch_issuer);
    g_test_add_func("/cli/revocation/issuers/that-are-fetched-are-asked-about", test_fetch_and_ask);
}

int
main(int argc, char **argv)
{
    int status = seal_cli_test_main(argc, argv, add);

    scene_close();
    return status;
}
