/* Key.Sign over the private socket by a stock client: OpenSSL judges the signatures, and each bad
 * question gets its own answer before the token hears of it. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "ipc/names.h"
#include "tests/agent/world.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

/* -- signatures that OpenSSL accepts ---------------------------------------------- */

typedef struct {
    const char *label;
    const char *mechanism;
    const char *hash; /* NULL: ed25519 */
} Row;

static gboolean
openssl_accepts(EVP_PKEY *key, const Row *row, const guint8 *data, gsize len, GBytes *signature)
{
    gsize signature_len = 0;
    const guint8 *octets = g_bytes_get_data(signature, &signature_len);
    const EVP_MD *md = row->hash ? EVP_get_digestbyname(row->hash) : NULL;
    EVP_PKEY_CTX *context = NULL;
    EVP_MD_CTX *message = NULL;
    int good = 0;

    if (!md) {
        message = EVP_MD_CTX_new();
        g_assert_cmpint(EVP_DigestVerifyInit(message, NULL, NULL, NULL, key), ==, 1);
        good = EVP_DigestVerify(message, octets, signature_len, data, len);
        EVP_MD_CTX_free(message);
        return good == 1;
    }
    context = EVP_PKEY_CTX_new(key, NULL);
    g_assert_cmpint(EVP_PKEY_verify_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_signature_md(context, md), ==, 1);
    if (g_str_equal(row->mechanism, "rsa-pss")) {
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), ==, 1);
        /* the default salt is as long as the digest */
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST), ==, 1);
    }
    good = EVP_PKEY_verify(context, octets, signature_len, data, len);
    EVP_PKEY_CTX_free(context);
    return good == 1;
}

static void
openssl_accepts_each_mechanism(void)
{
    static const Row rows[] = {
        {"Alice RSA signing", "rsa-pkcs1", "sha256"},
        {"Alice RSA signing", "rsa-pkcs1", "sha384"},
        {"Alice RSA signing", "rsa-pkcs1", "sha512"},
        {"Alice RSA-3072 signing", "rsa-pss", "sha256"},
        {"Alice RSA signing", "rsa-pss", "sha384"},
        {"Alice RSA signing", "rsa-pss", "sha512"},
        {"Alice P-256 signing", "ecdsa", "sha256"},
        {"Alice P-256 signing", "ecdsa", "sha512"},
        {"Alice P-384 signing", "ecdsa", "sha384"},
        {"Alice P-521 signing", "ecdsa", "sha512"},
        {"Alice Ed25519 signing", "ed25519", NULL},
    };
    g_auto(World) world = {NULL};

    world_init(&world, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *key = seal_test_key(world.connection, rows[i].label);
        EVP_PKEY *public_key = world_public_key(&world, key);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) signature = NULL;
        guint8 data[64];
        gsize len = rows[i].hash ? (gsize)EVP_MD_get_size(EVP_get_digestbyname(rows[i].hash)) : 33;

        memset(data, (int)i + 1, sizeof data);
        signature = seal_test_sign(world.connection, key, rows[i].mechanism, rows[i].hash, data,
                                   len, &error);
        g_assert_no_error(error);
        g_assert_true(openssl_accepts(public_key, &rows[i], data, len, signature));
        data[0] ^= 1;
        g_assert_false(openssl_accepts(public_key, &rows[i], data, len, signature));
        EVP_PKEY_free(public_key);
    }
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 1);
}

static void
long_messages_are_signed_whole(void)
{
    g_auto(World) world = {NULL};
    Row row = {"Alice Ed25519 signing", "ed25519", NULL};
    g_autofree guint8 *message = g_malloc0(SEAL_LIMIT_DATA + 1);
    g_autofree char *key = NULL;
    g_autoptr(GBytes) signature = NULL;
    g_autoptr(GBytes) none = NULL;
    GError *error = NULL;
    EVP_PKEY *public_key = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, row.label);
    public_key = world_public_key(&world, key);
    signature =
        seal_test_sign(world.connection, key, "ed25519", NULL, message, SEAL_LIMIT_DATA, &error);
    g_assert_no_error(error);
    g_assert_true(openssl_accepts(public_key, &row, message, SEAL_LIMIT_DATA, signature));
    EVP_PKEY_free(public_key);
    none = seal_test_sign(world.connection, key, "ed25519", NULL, message, SEAL_LIMIT_DATA + 1,
                          &error);
    g_assert_null(none);
    seal_test_assert_error(error, SEAL_ERROR_LIMIT_EXCEEDED, "65536");
}

/* -- bad questions ------------------------------------------------------------------- */

typedef struct {
    const char *label, *mechanism;
    const char *parameters; /* of a vardict, as text */
    gsize len;
    SealErrorCode code;
    const char *words;
} BadRow;

static const BadRow bad_rows[] = {
    {"Alice RSA signing", "rsa-x509", "{'hash': <'sha256'>}", 32, SEAL_ERROR_NOT_SUPPORTED,
     "expected rsa-pkcs1, rsa-pss, ecdsa or ed25519"},
    {"Alice RSA signing", "unwrap-rsa-pkcs1", "{'hash': <'sha256'>}", 32, SEAL_ERROR_NOT_SUPPORTED,
     "expected rsa-pkcs1"},
    {"Alice RSA signing", "ecdsa", "{'hash': <'sha256'>}", 32, SEAL_ERROR_NOT_SUPPORTED,
     "it can do rsa-pkcs1, rsa-pss"},
    {"Alice P-256 signing", "rsa-pss", "{'hash': <'sha256'>}", 32, SEAL_ERROR_NOT_SUPPORTED,
     "it can do ecdsa"},
    {"Alice RSA signing", "rsa-pkcs1", "{'hash': <'md5'>}", 16, SEAL_ERROR_NOT_SUPPORTED,
     "hash 'md5' is not served, expected sha256, sha384 or sha512"},
    {"Alice RSA signing", "rsa-pkcs1", "{'hash': <'sha1'>}", 20, SEAL_ERROR_NOT_SUPPORTED,
     "'sha1'"},
    {"Alice RSA signing", "rsa-pkcs1", "@a{sv} {}", 32, SEAL_ERROR_INVALID_INPUT,
     "'hash' is missing"},
    {"Alice RSA signing", "rsa-pkcs1", "{'hash': <'sha256'>}", 31, SEAL_ERROR_INVALID_INPUT,
     "the digest has 31 bytes, sha256 has 32"},
    {"Alice P-384 signing", "ecdsa", "{'hash': <'sha384'>}", 0, SEAL_ERROR_INVALID_INPUT,
     "sha384 has 48"},
    {"Alice RSA signing", "rsa-pkcs1", "{'hash': <'sha256'>}", SEAL_LIMIT_DATA + 1,
     SEAL_ERROR_LIMIT_EXCEEDED, "at most 65536"},
    {"Alice RSA signing", "rsa-pkcs1", "{'hash': <'sha256'>, 'padding': <'x'>}", 32,
     SEAL_ERROR_INVALID_INPUT, "unknown parameter 'padding'"},
    {"Alice RSA signing", "rsa-pkcs1", "{'hash': <uint32 4>}", 32, SEAL_ERROR_INVALID_INPUT,
     "'hash' has a value of the wrong type"},
    {"Alice RSA signing", "rsa-pkcs1", "{'hash': <'sha256'>, 'salt-length': <uint32 3>}", 32,
     SEAL_ERROR_INVALID_INPUT, "'salt-length' is for rsa-pss"},
    /* RFC 8017 9.1.1: 256 - 32 - 2 */
    {"Alice RSA signing", "rsa-pss", "{'hash': <'sha256'>, 'salt-length': <uint32 223>}", 32,
     SEAL_ERROR_INVALID_INPUT, "at most 222"},
    {"Alice RSA signing", "rsa-pss", "{'hash': <'sha256'>, 'salt-length': <uint32 4294967295>}", 32,
     SEAL_ERROR_INVALID_INPUT, "at most 222"},
    {"Alice Ed25519 signing", "ed25519", "{'hash': <'sha512'>}", 64, SEAL_ERROR_INVALID_INPUT,
     "no parameter 'hash'"},
    {"Alice RSA decryption", "rsa-pkcs1", "{'hash': <'sha256'>}", 32, SEAL_ERROR_KEY_USAGE,
     "cannot sign with key 'Alice RSA decryption' on token 'Alice'"},
    {"Alice X25519 decryption", "ed25519", "@a{sv} {}", 32, SEAL_ERROR_KEY_USAGE, "key usage"},
};

static GError *
ask(World *world, const char *key, const char *mechanism, const char *parameters, gsize len,
    gboolean interactive)
{
    GError *error = NULL;
    g_autofree guint8 *data = g_malloc0(len + 1);
    g_autoptr(GVariant) answer =
        seal_test_call(world->connection, key, SEAL_INTERFACE_KEY, "Sign",
                       g_variant_new("(s@a{sv}@ay)", mechanism, g_variant_new_parsed(parameters),
                                     seal_test_bytes(data, len)),
                       interactive, &error);

    return error;
}

static void
bad_questions_name_what_is_accepted(void)
{
    g_auto(World) world = {NULL};

    world_init(&world, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(bad_rows); i++) {
        const BadRow *row = &bad_rows[i];
        g_autofree char *key = seal_test_key(world.connection, row->label);

        seal_test_assert_error(ask(&world, key, row->mechanism, row->parameters, row->len, TRUE),
                               row->code, row->words);
    }
    /* none of them came as far as the PIN */
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 0);
}

static void
longest_salt_is_taken(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    GError *error = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, "Alice RSA signing");
    error =
        ask(&world, key, "rsa-pss", "{'hash': <'sha256'>, 'salt-length': <uint32 222>}", 32, TRUE);
    g_assert_no_error(error);
}

static void
malformed_calls_are_refused(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    GError *error = NULL;
    g_autoptr(GVariant) answer = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, "Alice RSA signing");
    answer = seal_test_call(world.connection, key, SEAL_INTERFACE_KEY, "Sign",
                            g_variant_new("(s)", "ecdsa"), TRUE, &error);
    g_assert_null(answer);
    g_assert_error(error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
    g_clear_error(&error);
    answer =
        seal_test_call(world.connection, SEAL_KEY_PREFIX "/0123456789abcdef", SEAL_INTERFACE_KEY,
                       "Sign", g_variant_new_parsed("('ecdsa', @a{sv} {}, @ay [])"), TRUE, &error);
    g_assert_null(answer);
    g_assert_error(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT);
    g_clear_error(&error);
}

/* -- who may -------------------------------------------------------------------------- */

static void
locked_token_without_the_flag_fails_at_once(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, "Alice P-256 signing");
    seal_test_assert_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, FALSE),
                           SEAL_ERROR_INTERACTION_REQUIRED, "locked");
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 0);
}

static void
unlocked_token_needs_no_flag(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    GError *error = NULL;

    world_init(&world, NULL);
    key = seal_test_key(world.connection, "Alice P-256 signing");
    g_assert_no_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE));
    error = ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, FALSE);
    g_assert_no_error(error);
}

static void
denied_caller_leaves_the_token_untouched(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    g_autofree char *log = NULL;

    world_init(&world, "[policy nobody-signs]\npurpose=sign\naction=deny\n");
    key = seal_test_key(world.connection, "Alice P-256 signing");
    seal_test_assert_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE),
                           SEAL_ERROR_DENIED, "nobody-signs");
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 0);
    /* the refusal is on record; the answer comes first */
    log = seal_test_home_path(world.home, "bus.log");
    g_assert_true(seal_test_wait_for_text(log, "rule nobody-signs"));
}

static void
consent_is_asked_where_the_policy_says_so(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    g_autofree char *pin = NULL;
    GError *error = NULL;

    world_init(&world, "[policy ask-me]\npurpose=sign\naction=ask\n");
    pin = seal_test_fixture_pin(world.home);
    key = seal_test_key(world.connection, "Alice P-256 signing");
    seal_test_assert_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, FALSE),
                           SEAL_ERROR_INTERACTION_REQUIRED, "consent");
    seal_test_pinentry_answer(world.home, "no");
    seal_test_assert_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE),
                           SEAL_ERROR_DENIED, "");
    seal_test_pinentry_answer(world.home, "yes\npin %s", pin);
    error = ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE);
    g_assert_no_error(error);
}

/* -- a key that wants its PIN each time ------------------------------------------------- */

/* The world of profile `generated`: token Blue, one of whose keys is CKA_ALWAYS_AUTHENTICATE. */
static void
blue_world_init(World *world)
{
    static const char *const profiles[] = {"generated", NULL};

    world->home = seal_test_home_new();
    seal_test_fixture_make(world->home, profiles);
    seal_test_agent_new(world->home);
    world->connection = seal_test_private();
}

static void
careful_key_asks_for_each_use(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    g_autofree char *pin = NULL;
    g_autoptr(GVariant) always = NULL;
    GError *error = NULL;

    blue_world_init(&world);
    pin = seal_test_fixture_pin(world.home);
    key = seal_test_key(world.connection, "Blue 9C signing");
    seal_test_pinentry_answer(world.home, "always pin %s", pin);
    g_assert_no_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE));
    /* what was typed for the login serves this use, too */
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 1);
    /* the private key shows itself after the login only */
    always = seal_test_property(world.connection, key, SEAL_INTERFACE_KEY, "AlwaysAuthenticate");
    g_assert_true(g_variant_get_boolean(always));
    error = ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE);
    g_assert_no_error(error);
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 2);
    /* unlocked or not: without a person it is not used */
    seal_test_assert_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, FALSE),
                           SEAL_ERROR_INTERACTION_REQUIRED, "");
}

/* A wrong PIN is asked again; the right one then signs; cancelling ends it. */
static void
careful_key_asks_again_after_a_wrong_pin(void)
{
    g_auto(World) world = {NULL};
    g_autofree char *key = NULL;
    g_autofree char *pin = NULL;
    GError *error = NULL;

    blue_world_init(&world);
    pin = seal_test_fixture_pin(world.home);
    key = seal_test_key(world.connection, "Blue 9C signing");
    seal_test_pinentry_answer(world.home, "pin %s\npin 00000000\npin %s", pin, pin);
    g_assert_no_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE));
    error = ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE);
    g_assert_no_error(error);
    g_assert_cmpuint(seal_test_pinentry_count(world.home), ==, 3);
    seal_test_pinentry_answer(world.home, "cancel");
    seal_test_assert_error(ask(&world, key, "ecdsa", "{'hash': <'sha256'>}", 32, TRUE),
                           SEAL_ERROR_CANCELLED, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sign/openssl-accepts-each-mechanism", openssl_accepts_each_mechanism);
    g_test_add_func("/sign/long-messages-are-signed-whole", long_messages_are_signed_whole);
    g_test_add_func("/sign/bad-questions-name-what-is-accepted",
                    bad_questions_name_what_is_accepted);
    g_test_add_func("/sign/longest-salt-is-taken", longest_salt_is_taken);
    g_test_add_func("/sign/malformed-calls-are-refused", malformed_calls_are_refused);
    g_test_add_func("/sign/locked-token/without-the-flag-fails-at-once",
                    locked_token_without_the_flag_fails_at_once);
    g_test_add_func("/sign/unlocked-token/needs-no-flag", unlocked_token_needs_no_flag);
    g_test_add_func("/sign/denied-caller/leaves-token-untouched",
                    denied_caller_leaves_the_token_untouched);
    g_test_add_func("/sign/consent-is-asked-where-the-policy-says-so",
                    consent_is_asked_where_the_policy_says_so);
    g_test_add_func("/sign/careful-key/asks-for-each-use", careful_key_asks_for_each_use);
    g_test_add_func("/sign/careful-key/asks-again-after-a-wrong-pin",
                    careful_key_asks_again_after_a_wrong_pin);
    return g_test_run();
}
