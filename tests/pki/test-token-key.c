/* Keys of the agent in OpenSSL's hands. The requests are judged by the openssl command; TLS by
 * OpenSSL's server, which knows nothing of tokens. The token is SoftHSM's, under the moody module
 * so that it can be pulled. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/error.h"
#include "pki/certificate.h"
#include "pki/token-key-tls.h"
#include "pki/token-key.h"
#include "tests/pki/authority.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_REQ, X509_REQ_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL, SSL_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL_CTX, SSL_CTX_free)

/* What one end of TLS may write before the other reads: all of a handshake. */
#define PIPE_LEN 65536

typedef struct {
    SealTestHome *home;
    SealClient *client;
    char *pin;
} Scene;

static void
set_mood(Scene *scene, const char *mood)
{
    g_autofree char *path = seal_test_home_path(scene->home, "mood");
    g_autofree char *text = g_strdup_printf("[mood]\nremovable=true\n%s", mood);

    g_assert_true(g_file_set_contents(path, text, -1, NULL)); /* whole: it is read at any time */
}

/* Before the bus starts, from which the agent has its environment. */
static void
prepare_moody(Scene *scene)
{
    g_autofree char *softhsm = seal_test_fixture_module(scene->home);
    g_autofree char *control = seal_test_home_path(scene->home, "mood");

    set_mood(scene, "");
    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY", control);
    seal_test_home_setenv(scene->home, "PRIVYSEAL_MOODY_MODULE", softhsm);
}

/* `data`: (nullable) the fixture's profile, in place of the golden one. */
static void
set_up(Scene *scene, gconstpointer data)
{
    const char *const profiles[] = {data, NULL};
    g_autofree char *moody = seal_test_built("tests/mock/moody.so");
    g_autofree char *group = g_strdup_printf("[module moody]\npath=%s\n", moody);
    g_autoptr(GError) error = NULL;

    scene->home = seal_test_home_new();
    if (data)
        seal_test_fixture_make(scene->home, profiles);
    else
        seal_test_fixture_new(scene->home);
    prepare_moody(scene);
    seal_test_agent_new(scene->home);
    seal_test_agent_configure(scene->home, NULL, group);
    scene->pin = seal_test_fixture_pin(scene->home);
    seal_test_pinentry_answer(scene->home, "always pin %s\n", scene->pin);
    scene->client = seal_client_new(&error);
    g_assert_no_error(error);
}

static void
tear_down(Scene *scene, gconstpointer data)
{
    seal_client_free(scene->client);
    seal_test_home_free(scene->home);
    g_free(scene->pin);
}

/* The object path of the key with this label (transfer full). */
static char *
path_of(Scene *scene, const char *label)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SealClientObjects) objects = seal_client_list(scene->client, FALSE, &error);

    g_assert_no_error(error);
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];

        if (g_str_equal(key->label, label))
            return g_strdup(key->path);
    }
    g_error("no key '%s'", label);
}

static EVP_PKEY *
open_key(Scene *scene, const char *label)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = path_of(scene, label);
    EVP_PKEY *key = seal_token_key_open(scene->client, path, &error);

    g_assert_no_error(error);
    g_assert_nonnull(key);
    return key;
}

static X509 *
read_certificate(Scene *scene, const char *file)
{
    g_autofree char *path = seal_test_fixture_path(scene->home, file);
    BIO *bio = BIO_new_file(path, "r");
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    g_assert_nonnull(certificate);
    return certificate;
}

/* -- signatures ----------------------------------------------------------------------------------
 */

/* `padding`: 0 for what the key does by itself. */
static gboolean
sign(EVP_PKEY *key, const EVP_MD *hash, int padding, guint8 *signature, size_t *len)
{
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;

    return EVP_DigestSignInit(context, &settings, hash, NULL, key) == 1 &&
           (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(settings, padding) == 1) &&
           EVP_DigestSign(context, signature, len, (const guint8 *)"seal", 4) == 1;
}

static gboolean
can_sign(EVP_PKEY *key, const EVP_MD *hash, int padding)
{
    guint8 signature[512];
    size_t len = sizeof signature;

    return sign(key, hash, padding, signature, &len);
}

/* Fails with `code`, and the sentence says `text`. */
static void
expect_no_signature(EVP_PKEY *key, const EVP_MD *hash, int padding, SealErrorCode code,
                    const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(can_sign(key, hash, padding));
    g_assert_false(seal_token_key_set_error(&error, "sign it"));
    g_assert_error(error, SEAL_ERROR, (gint)code);
    g_assert_true(g_str_has_prefix(error->message, "cannot sign it: "));
    g_assert_nonnull(strstr(error->message, text));
    g_assert_cmpuint(ERR_peek_error(), ==, 0);
}

static void
expect_pss(Scene *scene, EVP_PKEY *key, X509 *certificate, const EVP_MD *hash)
{
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    guint8 signature[512];
    size_t len = sizeof signature;

    g_assert_true(sign(key, hash, RSA_PKCS1_PSS_PADDING, signature, &len));
    g_assert_cmpint(
        EVP_DigestVerifyInit(context, &settings, hash, NULL, X509_get0_pubkey(certificate)), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING), ==, 1);
    g_assert_cmpint(EVP_DigestVerify(context, signature, len, (const guint8 *)"seal", 4), ==, 1);
}

static void
test_pss(Scene *scene, gconstpointer data)
{
    g_autoptr(EVP_PKEY) key = open_key(scene, "Alice RSA signing");
    g_autoptr(X509) certificate = read_certificate(scene, "certs/alice-rsa-sign.pem");

    expect_pss(scene, key, certificate, EVP_sha256());
    expect_pss(scene, key, certificate, EVP_sha384());
    expect_pss(scene, key, certificate, EVP_sha512());
}

static void
expect_request(Scene *scene, const char *label)
{
    g_autoptr(EVP_PKEY) key = open_key(scene, label);
    g_autoptr(X509_REQ) request = X509_REQ_new();
    g_autofree char *path = seal_test_home_path(scene->home, "request.pem");
    const char *judge[] = {"openssl", "req", "-in", path, "-verify", "-noout", NULL};
    g_autoptr(SealTestResult) result = NULL;
    BIO *file = BIO_new_file(path, "w");

    g_assert_cmpint(X509_REQ_set_pubkey(request, key), ==, 1);
    g_assert_cmpint(X509_REQ_sign(request, key, EVP_sha256()), >, 0);
    g_assert_cmpint(PEM_write_bio_X509_REQ(file, request), ==, 1);
    BIO_free(file);
    result = seal_test_run(scene->home, judge, NULL);
    g_assert_cmpint(result->status, ==, 0);
}

static void
test_requests(Scene *scene, gconstpointer data)
{
    static const char *const labels[] = {"Alice RSA signing", "Alice RSA-3072 signing",
                                         "Alice P-256 signing", "Alice P-384 signing",
                                         "Alice P-521 signing"};

    for (gsize i = 0; i < G_N_ELEMENTS(labels); i++)
        expect_request(scene, labels[i]);
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 1);
}

/* -- TLS -----------------------------------------------------------------------------------------
 */

/* A server that wants a certificate of the fixture's CA (transfer full). */
static SSL_CTX *
make_server(Scene *scene)
{
    const TestSpec spec = {.name = "localhost", .extended = "serverAuth"};
    g_autoptr(TestIdentity) identity = test_identity_new(&spec, NULL);
    g_autofree char *root = seal_test_fixture_path(scene->home, "root.pem");
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());

    g_assert_cmpint(SSL_CTX_use_cert_and_key(server, identity->certificate, identity->key, NULL, 1),
                    ==, 1);
    g_assert_cmpint(SSL_CTX_load_verify_file(server, root), ==, 1);
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return server;
}

/* Tina with her key `name`, whose certificate is in certs/ (transfer full). */
static SSL_CTX *
make_client(Scene *scene, const char *label, const char *name)
{
    g_autofree char *file = g_strdup_printf("certs/%s.pem", name);
    g_autoptr(EVP_PKEY) key = open_key(scene, label);
    g_autoptr(X509) certificate = read_certificate(scene, file);
    g_autoptr(X509) intermediate = read_certificate(scene, "intermediate.pem");
    g_autoptr(GError) error = NULL;
    STACK_OF(X509) *chain = sk_X509_new_null();
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());

    sk_X509_push(chain, intermediate);
    g_assert_true(seal_token_key_use_in_tls(client, key, certificate, chain, &error));
    g_assert_no_error(error);
    sk_X509_free(chain);
    return client;
}

/* 1 done, 0 not yet, -1 failed. */
static int
step(SSL *end)
{
    int result = SSL_do_handshake(end);

    if (result == 1)
        return 1;
    return SSL_get_error(end, result) == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* Which kind of signature the server saw (an OpenSSL NID), 0 if it did not come to that. */
static int
shake_hands(SSL_CTX *client_settings, SSL_CTX *server_settings)
{
    g_autoptr(SSL) client = SSL_new(client_settings);
    g_autoptr(SSL) server = SSL_new(server_settings);
    BIO *client_end = NULL, *server_end = NULL;
    int at_client = 0, at_server = 0, nid = 0;

    g_assert_cmpint(BIO_new_bio_pair(&client_end, PIPE_LEN, &server_end, PIPE_LEN), ==, 1);
    SSL_set_bio(client, client_end, client_end);
    SSL_set_bio(server, server_end, server_end);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    while (at_client >= 0 && at_server >= 0 && (at_client == 0 || at_server == 0)) {
        at_client = at_client == 0 ? step(client) : at_client;
        at_server = at_server == 0 ? step(server) : at_server;
    }
    if (at_client == 1 && at_server == 1)
        g_assert_cmpint(SSL_get_peer_signature_type_nid(server, &nid), ==, 1);
    return nid;
}

static void
expect_login(Scene *scene, int version, const char *label, const char *name, int nid)
{
    g_autoptr(SSL_CTX) server = make_server(scene);
    g_autoptr(SSL_CTX) client = make_client(scene, label, name);

    g_assert_cmpint(SSL_CTX_set_min_proto_version(server, version), ==, 1);
    g_assert_cmpint(SSL_CTX_set_max_proto_version(server, version), ==, 1);
    g_assert_cmpint(shake_hands(client, server), ==, nid);
    ERR_clear_error();
}

static void
test_tls(Scene *scene, gconstpointer data)
{
    expect_login(scene, TLS1_2_VERSION, "Tina RSA", "tina-rsa", NID_rsassaPss);
    expect_login(scene, TLS1_3_VERSION, "Tina RSA", "tina-rsa", NID_rsassaPss);
    expect_login(scene, TLS1_2_VERSION, "Tina P-256", "tina-p256", NID_X9_62_id_ecPublicKey);
    expect_login(scene, TLS1_3_VERSION, "Tina P-256", "tina-p256", NID_X9_62_id_ecPublicKey);
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 1);
}

/* A server that takes SHA-1 only is left, and the person is not asked in vain. */
static void
test_tls_weak(Scene *scene, gconstpointer data)
{
    g_autoptr(SSL_CTX) server = make_server(scene);
    g_autoptr(SSL_CTX) client = make_client(scene, "Tina RSA", "tina-rsa");

    SSL_CTX_set_security_level(server, 0);
    SSL_CTX_set_security_level(client, 0);
    g_assert_cmpint(SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION), ==, 1);
    g_assert_cmpint(SSL_CTX_set1_client_sigalgs_list(server, "RSA+SHA1"), ==, 1);
    g_assert_cmpint(shake_hands(client, server), ==, 0);
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 0);
    ERR_clear_error();
}

static void
test_tls_wrong_certificate(Scene *scene, gconstpointer data)
{
    g_autoptr(EVP_PKEY) key = open_key(scene, "Tina RSA");
    g_autoptr(X509) other = read_certificate(scene, "certs/tina-p256.pem");
    g_autoptr(SSL_CTX) client = SSL_CTX_new(TLS_client_method());
    g_autoptr(GError) error = NULL;

    g_assert_false(seal_token_key_use_in_tls(client, key, other, NULL, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
}

/* -- refusals ------------------------------------------------------------------------------------
 */

static void
expect_refused(Scene *scene, const char *path, SealErrorCode code, const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(seal_token_key_open(scene->client, path, &error));
    g_assert_error(error, SEAL_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, text));
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 0);
}

static void
test_refused_keys(Scene *scene, gconstpointer data)
{
    g_autofree char *ed25519 = path_of(scene, "Alice Ed25519 signing");
    g_autofree char *x25519 = path_of(scene, "Alice X25519 decryption");
    g_autofree char *decryption = path_of(scene, "Alice RSA decryption");

    expect_refused(scene, ed25519, SEAL_ERROR_NOT_SUPPORTED, "RSA and EC keys only");
    expect_refused(scene, x25519, SEAL_ERROR_NOT_SUPPORTED, "RSA and EC keys only");
    expect_refused(scene, decryption, SEAL_ERROR_KEY_USAGE, "does not sign");
    expect_refused(scene, "/org/privyseal/Agent1/key/none", SEAL_ERROR_NOT_FOUND, "no such key");
}

static void
test_refused_operations(Scene *scene, gconstpointer data)
{
    g_autoptr(EVP_PKEY) rsa = open_key(scene, "Alice RSA signing");
    g_autoptr(EVP_PKEY) ec = open_key(scene, "Alice P-256 signing");
    g_autoptr(EVP_PKEY_CTX) raw = EVP_PKEY_CTX_new(rsa, NULL);
    g_autoptr(EVP_PKEY_CTX) agreement = EVP_PKEY_CTX_new(ec, NULL);
    g_autoptr(X509) peer = read_certificate(scene, "certs/carol-p256-decrypt.pem");
    guint8 block[256] = {0}, result[256];
    size_t len = sizeof result;

    g_assert_cmpint(EVP_PKEY_sign_init(raw), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(raw, RSA_NO_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_sign(raw, result, &len, block, sizeof block), <=, 0);
    g_assert_cmpint(EVP_PKEY_derive_init(agreement), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive_set_peer(agreement, X509_get0_pubkey(peer)), ==, 1);
    len = sizeof result;
    g_assert_cmpint(EVP_PKEY_derive(agreement, result, &len), <=, 0);
    ERR_clear_error();
    expect_no_signature(rsa, EVP_sha1(), 0, SEAL_ERROR_NOT_SUPPORTED, "SHA-256");
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 0);
}

/* Each is asked for once, and named for what it is. */
static void
test_cancelled(Scene *scene, gconstpointer data)
{
    g_autoptr(EVP_PKEY) rsa = open_key(scene, "Alice RSA signing");
    g_autoptr(EVP_PKEY) ec = open_key(scene, "Alice P-256 signing");

    seal_test_pinentry_answer(scene->home, "cancel\ncancel\ncancel\npin %s\n", scene->pin);
    expect_no_signature(rsa, EVP_sha256(), 0, SEAL_ERROR_CANCELLED, "cancelled");
    expect_no_signature(rsa, EVP_sha256(), RSA_PKCS1_PSS_PADDING, SEAL_ERROR_CANCELLED,
                        "cancelled");
    expect_no_signature(ec, EVP_sha256(), 0, SEAL_ERROR_CANCELLED, "cancelled");
    g_assert_true(can_sign(rsa, EVP_sha256(), 0));
    g_assert_cmpuint(seal_test_pinentry_count(scene->home), ==, 4);
}

static void
test_no_agent(void)
{
    Scene scene = {.home = seal_test_home_new()};
    g_autoptr(GError) error = NULL;

    seal_test_home_setenv(scene.home, "PRIVYSEAL_ADDRESS", "unix:path=/nonexistent/bus");
    scene.client = seal_client_new_unconnected(NULL);
    g_assert_null(seal_token_key_open(scene.client, "/org/privyseal/Agent1/key/x", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE);
    seal_client_free(scene.client);
    seal_test_home_free(scene.home);
}

/* -- a key's life --------------------------------------------------------------------------------
 */

static gboolean
is_there(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SealClientObjects) objects = seal_client_list(scene->client, TRUE, &error);
    gboolean there = FALSE;

    g_assert_no_error(error);
    for (guint i = 0; i < objects->tokens->len; i++)
        there |= !g_str_equal(((SealClientToken *)objects->tokens->pdata[i])->state, "absent");
    return there;
}

/* Pulls the tokens, or puts them back; the agent looks at once. */
static void
move_tokens(Scene *scene, gboolean there)
{
    set_mood(scene, there ? "" : "absent=true\n");
    g_assert_cmpint(is_there(scene), ==, there);
}

static void
test_pulled(Scene *scene, gconstpointer data)
{
    g_autofree char *path = path_of(scene, "Alice P-256 signing");
    g_autoptr(EVP_PKEY) open = open_key(scene, "Alice RSA signing");

    move_tokens(scene, FALSE);
    expect_refused(scene, path, SEAL_ERROR_TOKEN_REMOVED, "insert it");
    expect_no_signature(open, EVP_sha256(), 0, SEAL_ERROR_TOKEN_REMOVED, "insert it");
    expect_no_signature(open, EVP_sha256(), RSA_PKCS1_PSS_PADDING, SEAL_ERROR_TOKEN_REMOVED,
                        "insert it");
    move_tokens(scene, TRUE);
    g_assert_true(can_sign(open, EVP_sha256(), 0));
}

/* Keys of one token, freed in any order: none takes the sessions of another with it. */
static void
test_several(Scene *scene, gconstpointer data)
{
    EVP_PKEY *first = open_key(scene, "Alice RSA signing");
    EVP_PKEY *second = open_key(scene, "Alice P-256 signing");
    EVP_PKEY *again = open_key(scene, "Alice RSA signing");
    EVP_PKEY *bob = open_key(scene, "Bob RSA signing");

    g_assert_true(can_sign(first, EVP_sha256(), 0));
    EVP_PKEY_free(first);
    g_assert_true(can_sign(second, EVP_sha256(), 0));
    EVP_PKEY_free(second);
    g_assert_true(can_sign(again, EVP_sha256(), RSA_PKCS1_PSS_PADDING));
    EVP_PKEY_free(again);
    g_assert_true(can_sign(bob, EVP_sha256(), 0));
    EVP_PKEY_free(bob);
    first = open_key(scene, "Alice RSA signing");
    g_assert_true(can_sign(first, EVP_sha256(), 0));
    EVP_PKEY_free(first);
}

static void
test_outlives_client(Scene *scene, gconstpointer data)
{
    g_autoptr(EVP_PKEY) key = open_key(scene, "Alice P-384 signing");

    g_clear_pointer(&scene->client, seal_client_free);
    g_assert_true(can_sign(key, EVP_sha384(), 0));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(Scene *scene, gconstpointer data);
        const char *profile;
    } tests[] = {
        {"/token-key/requests/of-all-kinds-verify", test_requests},
        {"/token-key/pss/verifies", test_pss},
        {"/token-key/tls/client-is-known-in-1.2-and-1.3", test_tls, "tls"},
        {"/token-key/tls/weak-server-is-left-before-the-prompt", test_tls_weak, "tls"},
        {"/token-key/tls/other-certificate-is-refused", test_tls_wrong_certificate, "tls"},
        {"/token-key/refused/keys-that-libp11-or-purpose-forbid", test_refused_keys},
        {"/token-key/refused/raw-rsa-bare-ecdh-sha1", test_refused_operations},
        {"/token-key/cancelled/is-asked-once-and-named", test_cancelled},
        {"/token-key/pulled/is-refused-and-comes-back", test_pulled},
        {"/token-key/several/freed-in-any-order", test_several},
        {"/token-key/client-freed/key-still-signs", test_outlives_client},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/token-key/no-agent/is-unreachable", test_no_agent);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Scene, tests[i].profile, set_up, tests[i].test, tear_down);
    return g_test_run();
}
