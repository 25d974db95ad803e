/* Signing through a real host at a SoftHSM token: OpenSSL verifies every signature with the public
 * key that the host told. */
#include <glib.h>
#include <openssl/rsa.h>
#include <string.h>

#include "pkcs11/host/openssl.h"
#include "pkcs11/host/padding.h"
#include "tests/pkcs11/host-client.h"
#include "tests/support/fixture.h"

typedef struct {
    SealTestHome *home;
    SealTestHost *host;
} Scene;

static void
scene_set_up(Scene *scene, gconstpointer mood)
{
    scene->home = seal_test_home_new();
    scene->host = seal_test_host_unlocked(scene->home, mood);
}

static void
scene_tear_down(Scene *scene, gconstpointer mood)
{
    seal_test_host_free(scene->host);
    seal_test_home_free(scene->home);
}

static GBytes *
some_bytes(gsize len)
{
    g_autofree guint8 *data = g_malloc(len + 1);

    memset(data, 0xd5, len);
    return g_bytes_new(data, len);
}

static EVP_PKEY *
public_key(const SealKeyInfo *key)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(key->public_key, &len);
    EVP_PKEY *decoded = d2i_PUBKEY(NULL, &at, (long)len);

    g_assert_nonnull(decoded);
    return decoded;
}

static gboolean
openssl_verifies(const SealKeyInfo *key, SealMechanism mechanism, SealHash hash, guint salt_len,
                 GBytes *digest, GBytes *signature)
{
    g_autoptr(EVP_PKEY) verifier = public_key(key);
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(verifier, NULL);

    g_assert_cmpint(EVP_PKEY_verify_init(context), ==, 1);
    if (mechanism == SEAL_MECHANISM_RSA_PSS) {
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), ==, 1);
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)salt_len), ==, 1);
    }
    g_assert_cmpint(EVP_PKEY_CTX_set_signature_md(context, seal_hash_digest(hash)), ==, 1);
    return EVP_PKEY_verify(context, g_bytes_get_data(signature, NULL), g_bytes_get_size(signature),
                           g_bytes_get_data(digest, NULL), g_bytes_get_size(digest)) == 1;
}

/* Signs with each hash, and a PSS salt of the hash's length. */
static void
sign_and_verify(Scene *scene, const char *label, SealMechanism mechanism)
{
    const SealHash hashes[] = {SEAL_HASH_SHA256, SEAL_HASH_SHA384, SEAL_HASH_SHA512};
    const SealKeyInfo *key = seal_test_host_key(scene->host, label);

    g_assert_true(key->flags & SEAL_KEY_PRIVATE_SEEN);
    g_assert_true(key->mechanisms & (1u << mechanism));
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        guint salt_len = mechanism == SEAL_MECHANISM_RSA_PSS ? (guint)seal_hash_len(hashes[i]) : 0;
        g_autoptr(GBytes) digest = some_bytes(seal_hash_len(hashes[i]));
        g_autoptr(SealTestAnswer) answer =
            seal_test_host_sign(scene->host, key, mechanism, hashes[i], salt_len, digest, NULL);

        g_assert_cmpstr(answer->message, ==, NULL);
        g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
        g_assert_true(openssl_verifies(key, mechanism, hashes[i], salt_len, digest, answer->body));
    }
}

static void
test_rsa_pkcs1(Scene *scene, gconstpointer mood)
{
    sign_and_verify(scene, "Alice RSA signing", SEAL_MECHANISM_RSA_PKCS);
    sign_and_verify(scene, "Alice RSA-3072 signing", SEAL_MECHANISM_RSA_PKCS);
}

static void
test_rsa_pss(Scene *scene, gconstpointer mood)
{
    sign_and_verify(scene, "Alice RSA signing", SEAL_MECHANISM_RSA_PSS);
    sign_and_verify(scene, "Alice RSA-3072 signing", SEAL_MECHANISM_RSA_PSS);
}

static void
test_ecdsa(Scene *scene, gconstpointer mood)
{
    sign_and_verify(scene, "Alice P-256 signing", SEAL_MECHANISM_ECDSA);
    sign_and_verify(scene, "Alice P-384 signing", SEAL_MECHANISM_ECDSA);
    sign_and_verify(scene, "Alice P-521 signing", SEAL_MECHANISM_ECDSA);
}

static void
test_ed25519(Scene *scene, gconstpointer mood)
{
    const gsize lens[] = {0, 1, 1000, SEAL_DATA_MAX};
    const SealKeyInfo *key = seal_test_host_key(scene->host, "Alice Ed25519 signing");
    g_autoptr(EVP_PKEY) verifier = public_key(key);

    for (gsize i = 0; i < G_N_ELEMENTS(lens); i++) {
        g_autoptr(GBytes) message = some_bytes(lens[i]);
        g_autoptr(SealTestAnswer) answer = seal_test_host_sign(
            scene->host, key, SEAL_MECHANISM_ED25519, SEAL_HASH_NONE, 0, message, NULL);
        g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();

        if (lens[i] == 0 && answer->status != SEAL_ERROR_NONE)
            continue; /* SoftHSM takes no empty message */
        g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
        g_assert_cmpint(EVP_DigestVerifyInit(context, NULL, NULL, NULL, verifier), ==, 1);
        g_assert_cmpint(EVP_DigestVerify(context, g_bytes_get_data(answer->body, NULL),
                                         g_bytes_get_size(answer->body),
                                         g_bytes_get_data(message, NULL), lens[i]),
                        ==, 1);
    }
}

static void
expect_refusal(Scene *scene, const char *label, SealMechanism mechanism, SealHash hash, gsize len,
               SealErrorCode status)
{
    const SealKeyInfo *key = seal_test_host_key(scene->host, label);
    g_autoptr(GBytes) digest = some_bytes(len);
    g_autoptr(SealTestAnswer) answer =
        seal_test_host_sign(scene->host, key, mechanism, hash, 0, digest, NULL);

    g_test_message("%s", answer->message);
    g_assert_cmpint(answer->status, ==, status);
    g_assert_cmpuint(strlen(answer->message), >, 10);
}

/* The token sees nothing of any of these. */
static void
test_bad_input_is_refused_before_the_token(Scene *scene, gconstpointer mood)
{
    const char *rsa = "Alice RSA signing";

    expect_refusal(scene, rsa, SEAL_MECHANISM_RSA_PKCS, SEAL_HASH_SHA256, 31,
                   SEAL_ERROR_INVALID_INPUT);
    expect_refusal(scene, rsa, SEAL_MECHANISM_RSA_PKCS, SEAL_HASH_SHA256, 0,
                   SEAL_ERROR_INVALID_INPUT);
    expect_refusal(scene, rsa, SEAL_MECHANISM_RSA_PSS, SEAL_HASH_SHA512, 48,
                   SEAL_ERROR_INVALID_INPUT);
    expect_refusal(scene, rsa, SEAL_MECHANISM_RSA_PKCS, SEAL_HASH_SHA1, 20,
                   SEAL_ERROR_NOT_SUPPORTED);
    expect_refusal(scene, rsa, SEAL_MECHANISM_RSA_PKCS, SEAL_HASH_NONE, 20,
                   SEAL_ERROR_NOT_SUPPORTED);
    expect_refusal(scene, rsa, SEAL_MECHANISM_RSA_PKCS, 77, 20, SEAL_ERROR_NOT_SUPPORTED);
    expect_refusal(scene, rsa, SEAL_MECHANISM_ECDSA, SEAL_HASH_SHA256, 32,
                   SEAL_ERROR_NOT_SUPPORTED);
    expect_refusal(scene, rsa, SEAL_MECHANISM_NONE, SEAL_HASH_SHA256, 32, SEAL_ERROR_NOT_SUPPORTED);
    expect_refusal(scene, rsa, 4000000000u, SEAL_HASH_SHA256, 32, SEAL_ERROR_NOT_SUPPORTED);
    expect_refusal(scene, "Alice RSA decryption", SEAL_MECHANISM_RSA_PKCS, SEAL_HASH_SHA256, 32,
                   SEAL_ERROR_KEY_USAGE);
    expect_refusal(scene, "Alice P-256 decryption", SEAL_MECHANISM_ECDSA, SEAL_HASH_SHA256, 32,
                   SEAL_ERROR_KEY_USAGE);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Sign"), ==, 0);
}

static void
test_salt_that_does_not_fit_is_refused(Scene *scene, gconstpointer mood)
{
    const SealKeyInfo *key = seal_test_host_key(scene->host, "Alice RSA signing");
    g_autoptr(GBytes) digest = some_bytes(32);
    g_autoptr(SealTestAnswer) fits = seal_test_host_sign(scene->host, key, SEAL_MECHANISM_RSA_PSS,
                                                         SEAL_HASH_SHA256, 222, digest, NULL);
    g_autoptr(SealTestAnswer) longer = seal_test_host_sign(scene->host, key, SEAL_MECHANISM_RSA_PSS,
                                                           SEAL_HASH_SHA256, 223, digest, NULL);
    g_autoptr(SealTestAnswer) huge = seal_test_host_sign(
        scene->host, key, SEAL_MECHANISM_RSA_PSS, SEAL_HASH_SHA256, G_MAXUINT32, digest, NULL);

    g_assert_cmpint(fits->status, ==, SEAL_ERROR_NONE);
    g_assert_cmpint(longer->status, ==, SEAL_ERROR_INVALID_INPUT);
    g_assert_cmpint(huge->status, ==, SEAL_ERROR_INVALID_INPUT);
}

static void
test_locked_token_wants_its_pin(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestAnswer) logout = seal_test_host_logout(scene->host, "Alice");
    guint before = seal_test_mood_count(scene->home, "C_Logout");

    g_assert_cmpint(logout->status, ==, SEAL_ERROR_NONE);
    g_assert_cmpuint(before, ==, 1);
    g_assert_false(seal_test_host_token(scene->host, "Alice")->flags & SEAL_TOKEN_LOGGED_IN);
    expect_refusal(scene, "Alice RSA signing", SEAL_MECHANISM_RSA_PKCS, SEAL_HASH_SHA256, 32,
                   SEAL_ERROR_PIN_REQUIRED);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Sign"), ==, 0);
}

static void
test_login_again_signs_again(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestAnswer) logout = seal_test_host_logout(scene->host, "Alice");
    g_autofree char *pin = seal_test_fixture_pin(scene->home);
    g_autoptr(SealTestAnswer) login = seal_test_host_login(scene->host, "Alice", pin);

    g_assert_cmpint(login->status, ==, SEAL_ERROR_NONE);
    g_assert_true(seal_test_host_token(scene->host, "Alice")->flags & SEAL_TOKEN_LOGGED_IN);
    sign_and_verify(scene, "Alice P-256 signing", SEAL_MECHANISM_ECDSA);
}

#define ADD(path, mood, test) g_test_add(path, Scene, mood, scene_set_up, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/host/sign/rsa-pkcs1", NULL, test_rsa_pkcs1);
    ADD("/host/sign/rsa-pkcs1-by-plain-rsa", "hide=pkcs", test_rsa_pkcs1);
    ADD("/host/sign/rsa-pss", NULL, test_rsa_pss);
    ADD("/host/sign/rsa-pss-by-plain-rsa", "hide=pss", test_rsa_pss);
    ADD("/host/sign/ecdsa", NULL, test_ecdsa);
    ADD("/host/sign/ed25519", NULL, test_ed25519);
    ADD("/host/sign/removable-is-verified-rsa", "removable=true", test_rsa_pss);
    ADD("/host/sign/removable-is-verified-ecdsa", "removable=true", test_ecdsa);
    ADD("/host/sign/removable-is-verified-ed25519", "removable=true", test_ed25519);
    ADD("/host/sign/bad-input-is-refused-before-the-token", "",
        test_bad_input_is_refused_before_the_token);
    ADD("/host/sign/salt-that-does-not-fit-is-refused", NULL,
        test_salt_that_does_not_fit_is_refused);
    ADD("/host/sign/locked-token-wants-its-pin", "", test_locked_token_wants_its_pin);
    ADD("/host/sign/login-again-signs-again", NULL, test_login_again_signs_again);
    return g_test_run();
}
