/* Unwrapping through a real host at a SoftHSM token what OpenSSL wrapped with the public key. */
#include <glib.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/seal-box.h"
#include "pkcs11/host/openssl.h"
#include "pkcs11/host/padding.h"
#include "tests/pkcs11/host-client.h"

#define KEY_LEN 32

typedef struct {
    SealTestHome *home;
    SealTestHost *host;
    guint8 session_key[KEY_LEN];
    guint8 encrypted[1024];
    SealUnwrapRequest request;
} Scene;

static void
scene_set_up(Scene *scene, gconstpointer mood)
{
    scene->home = seal_test_home_new();
    scene->host = seal_test_host_unlocked(scene->home, mood);
    g_assert_cmpint(RAND_bytes(scene->session_key, KEY_LEN), ==, 1);
    memset(&scene->request, 0, sizeof scene->request);
}

static void
scene_tear_down(Scene *scene, gconstpointer mood)
{
    seal_test_host_free(scene->host);
    seal_test_home_free(scene->home);
}

static EVP_PKEY *
public_key(const SealKeyInfo *key)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(key->public_key, &len);

    return d2i_PUBKEY(NULL, &at, (long)len);
}

static SealTestAnswer *
unwrap(Scene *scene, const char *label, SealMechanism mechanism)
{
    return seal_test_host_unwrap(scene->host, seal_test_host_key(scene->host, label), mechanism,
                                 &scene->request);
}

static void
expect_session_key(Scene *scene, const char *label, SealMechanism mechanism)
{
    g_autoptr(SealTestAnswer) answer = unwrap(scene, label, mechanism);

    g_assert_cmpstr(answer->message, ==, NULL);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    g_assert_cmpmem(g_bytes_get_data(answer->body, NULL), g_bytes_get_size(answer->body),
                    scene->session_key, KEY_LEN);
}

/* -- RSA --------------------------------------------------------------------------------------- */

static void
encrypt_rsa(Scene *scene, const char *label, int padding, SealHash hash, SealHash mgf)
{
    g_autoptr(EVP_PKEY) key = public_key(seal_test_host_key(scene->host, label));
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);
    SealBytes name = scene->request.label;
    size_t len = sizeof scene->encrypted;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, padding), ==, 1);
    if (padding == RSA_PKCS1_OAEP_PADDING) {
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_oaep_md(context, seal_hash_digest(hash)), ==, 1);
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_mgf1_md(context, seal_hash_digest(mgf)), ==, 1);
        if (name.len > 0)
            g_assert_cmpint(EVP_PKEY_CTX_set0_rsa_oaep_label(
                                context, OPENSSL_memdup(name.data, name.len), (int)name.len),
                            ==, 1);
    }
    g_assert_cmpint(EVP_PKEY_encrypt(context, scene->encrypted, &len, scene->session_key, KEY_LEN),
                    ==, 1);
    scene->request.encrypted = (SealBytes){scene->encrypted, len};
    scene->request.parameters.hash = hash;
    scene->request.parameters.mgf_hash = mgf;
}

static const char rsa[] = "Alice RSA decryption";

static void
test_pkcs1_gives_the_session_key(Scene *scene, gconstpointer mood)
{
    encrypt_rsa(scene, rsa, RSA_PKCS1_PADDING, SEAL_HASH_NONE, SEAL_HASH_NONE);
    expect_session_key(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_PKCS);
    scene->request.parameters.session_key_len = KEY_LEN;
    expect_session_key(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_PKCS);
}

static GBytes *
substitute(Scene *scene, gsize expected_len)
{
    g_autoptr(SealTestAnswer) answer = unwrap(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_PKCS);

    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    g_assert_cmpuint(answer->ckr, ==, 0);
    if (expected_len > 0)
        g_assert_cmpuint(g_bytes_get_size(answer->body), ==, expected_len);
    g_assert_cmpuint(g_bytes_get_size(answer->body), <=, 256 - 11);
    return g_bytes_ref(answer->body);
}

/* Random numbers below the modulus have a wrong padding but for one in 2^16 or so. */
static void
test_pkcs1_damaged_gives_a_substitute(Scene *scene, gconstpointer mood)
{
    g_autoptr(GBytes) previous = NULL;

    scene->request.parameters.session_key_len = KEY_LEN;
    for (int i = 0; i < 8; i++) {
        g_autoptr(GBytes) first = NULL, second = NULL;

        encrypt_rsa(scene, rsa, RSA_PKCS1_PADDING, SEAL_HASH_NONE, SEAL_HASH_NONE);
        scene->encrypted[0] = 0;
        scene->encrypted[100] ^= 0x55;
        first = substitute(scene, KEY_LEN);
        second = substitute(scene, KEY_LEN);
        g_assert_true(g_bytes_equal(first, second));
        g_assert_true(memcmp(g_bytes_get_data(first, NULL), scene->session_key, KEY_LEN) != 0);
        g_assert_false(previous && g_bytes_equal(previous, first));
        g_clear_pointer(&previous, g_bytes_unref);
        previous = g_steal_pointer(&first);
    }
    scene->request.parameters.session_key_len = 0;
    g_bytes_unref(substitute(scene, 0));
}

/* A module that does not end its operations: the next one finds the session busy and gets another.
 */
static void
test_operation_left_open_is_overcome(Scene *scene, gconstpointer mood)
{
    encrypt_rsa(scene, rsa, RSA_PKCS1_PADDING, SEAL_HASH_NONE, SEAL_HASH_NONE);
    scene->request.parameters.session_key_len = KEY_LEN;
    seal_test_mood(scene->home, "hide=x509\nleave-open=true");
    g_bytes_unref(substitute(scene, KEY_LEN));
    seal_test_mood(scene->home, "hide=x509");
    expect_session_key(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_PKCS);
    expect_session_key(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_PKCS);
}

/* No ciphertext at all: too short, too long, not below the modulus. Answers like damaged ones. */
static void
test_pkcs1_impossible_gives_a_substitute(Scene *scene, gconstpointer mood)
{
    static guint8 data[1000];
    const gsize lens[] = {0, 1, 255, 257, 1000};

    scene->request.parameters.session_key_len = 24;
    memset(data, 0xff, sizeof data);
    for (gsize i = 0; i < G_N_ELEMENTS(lens); i++) {
        g_autoptr(GBytes) key = NULL;

        scene->request.encrypted = (SealBytes){data, lens[i]};
        key = substitute(scene, 24);
    }
    scene->request.encrypted = (SealBytes){data, 256};
    g_bytes_unref(substitute(scene, 24));
}

/* A key of another length than the content needs counts as damaged. */
static void
test_pkcs1_of_another_length_gives_a_substitute(Scene *scene, gconstpointer mood)
{
    g_autoptr(GBytes) key = NULL;

    encrypt_rsa(scene, rsa, RSA_PKCS1_PADDING, SEAL_HASH_NONE, SEAL_HASH_NONE);
    scene->request.parameters.session_key_len = 16;
    key = substitute(scene, 16);
    g_assert_true(memcmp(g_bytes_get_data(key, NULL), scene->session_key, 16) != 0);
    g_assert_true(memcmp(g_bytes_get_data(key, NULL), scene->session_key + 16, 16) != 0);
}

static void
test_oaep_gives_the_session_key(Scene *scene, gconstpointer mood)
{
    const SealHash hashes[] = {SEAL_HASH_SHA1, SEAL_HASH_SHA256, SEAL_HASH_SHA384,
                               SEAL_HASH_SHA512};

    for (gsize i = 0; i < 8; i++) {
        if (i >= 4)
            scene->request.label = (SealBytes){(const guint8 *)"label", 5};
        encrypt_rsa(scene, rsa, RSA_PKCS1_OAEP_PADDING, hashes[i % 4], hashes[i / 2]);
        expect_session_key(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
    }
    scene->request.parameters.session_key_len = KEY_LEN;
    expect_session_key(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
}

static void
expect_failure(Scene *scene, const char *label, SealMechanism mechanism)
{
    g_autoptr(SealTestAnswer) answer = unwrap(scene, label, mechanism);

    g_assert_cmpint(answer->status, ==, SEAL_ERROR_DECRYPT_FAILED);
    g_assert_cmpuint(answer->ckr, ==, 0);
    g_assert_cmpstr(answer->message, ==, "the wrapped key could not be opened");
}

static void
test_oaep_failures_are_one(Scene *scene, gconstpointer mood)
{
    SealHash hash = mood && strstr(mood, "x509") ? SEAL_HASH_SHA1 : SEAL_HASH_SHA256;

    encrypt_rsa(scene, rsa, RSA_PKCS1_OAEP_PADDING, hash, hash);
    scene->request.parameters.session_key_len = 16;
    expect_failure(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
    scene->request.parameters.session_key_len = 0;
    if (hash == SEAL_HASH_SHA256) { /* SoftHSM's own OAEP knows no labels */
        scene->request.label = (SealBytes){(const guint8 *)"other", 5};
        expect_failure(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
        scene->request.label = (SealBytes){0};
    }
    scene->encrypted[200] ^= 1;
    expect_failure(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
    memset(scene->encrypted, 0xff, 256);
    expect_failure(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
    scene->request.encrypted.len = 300;
    expect_failure(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
    scene->request.encrypted.len = 0;
    expect_failure(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
}

/* Without plain RSA the token's own OAEP is all there is: SHA-1 only, in SoftHSM. */
static void
test_oaep_of_the_token(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealTestAnswer) answer = NULL;

    encrypt_rsa(scene, rsa, RSA_PKCS1_OAEP_PADDING, SEAL_HASH_SHA1, SEAL_HASH_SHA1);
    expect_session_key(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
    encrypt_rsa(scene, rsa, RSA_PKCS1_OAEP_PADDING, SEAL_HASH_SHA256, SEAL_HASH_SHA256);
    answer = unwrap(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NOT_SUPPORTED);
}

static void
test_answer_is_sealed_on_request(Scene *scene, gconstpointer mood)
{
    g_autoptr(SealSecret) key = seal_box_key_new(scene->request.parameters.seal_to, NULL);
    g_autoptr(SealSecret) content = NULL;
    g_autoptr(SealTestAnswer) answer = NULL;
    SealBytes box;

    encrypt_rsa(scene, rsa, RSA_PKCS1_PADDING, SEAL_HASH_NONE, SEAL_HASH_NONE);
    scene->request.parameters.flags = SEAL_UNWRAP_SEAL;
    answer = unwrap(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_PKCS);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    box.data = g_bytes_get_data(answer->body, &box.len);
    content = seal_box_open(key, box, NULL);
    g_assert_nonnull(content);
    g_assert_cmpmem(seal_secret_peek(content), seal_secret_len(content), scene->session_key,
                    KEY_LEN);
}

/* -- key agreement -------------------------------------------------------------------------------
 */

typedef struct {
    guint8 point[133];
    gsize point_len;
    guint8 wrapped[KEY_LEN + 8];
} Agreement;

static gsize
agree(EVP_PKEY *own, EVP_PKEY *other, guint8 *out)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(own, NULL);
    size_t len = 66;

    g_assert_cmpint(EVP_PKEY_derive_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive_set_peer(context, other), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive(context, out, &len), ==, 1);
    return len;
}

static void
derive(const char *method, SealHash hash, SealBytes secret, SealBytes salt, SealBytes info,
       guint8 *out, gsize len)
{
    g_autoptr(EVP_KDF) kdf = EVP_KDF_fetch(NULL, method, NULL);
    g_autoptr(EVP_KDF_CTX) context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM parameters[5] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)seal_hash_name(hash), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret.data, secret.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.data, info.len),
        OSSL_PARAM_construct_end(),
    };

    if (salt.len > 0)
        parameters[3] =
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.data, salt.len);
    g_assert_cmpint(EVP_KDF_derive(context, out, len, parameters), ==, 1);
}

static void
wrap(const guint8 *key, gsize key_len, const guint8 *content, guint8 *out)
{
    g_autoptr(EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = key_len == 16   ? EVP_aes_128_wrap()
                               : key_len == 24 ? EVP_aes_192_wrap()
                                               : EVP_aes_256_wrap();
    int len = 0;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    g_assert_cmpint(EVP_EncryptInit_ex(context, cipher, NULL, key, NULL), ==, 1);
    g_assert_cmpint(EVP_EncryptUpdate(context, out, &len, content, KEY_LEN), ==, 1);
    g_assert_cmpint(len, ==, KEY_LEN + 8);
}

/* Plays the sender: a fresh key, the agreement with the token's public key, KDF, key wrap. */
static void
wrap_for(Scene *scene, const char *label, SealHash hash, gsize wrap_len, Agreement *agreement)
{
    const SealKeyInfo *info = seal_test_host_key(scene->host, label);
    const char *groups[] = {NULL, "P-256", "P-384", "P-521"};
    gboolean x25519 = info->algorithm == SEAL_ALGORITHM_X25519;
    g_autoptr(EVP_PKEY) recipient = public_key(info);
    g_autoptr(EVP_PKEY) sender =
        x25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "X25519") : EVP_EC_gen(groups[info->curve]);
    guint8 shared[66], key[32];
    SealBytes secret = {shared, 0}, shared_info = {(const guint8 *)"shared info", 11};
    size_t len = sizeof agreement->point;

    g_assert_cmpint(EVP_PKEY_get_octet_string_param(sender, OSSL_PKEY_PARAM_PUB_KEY,
                                                    agreement->point, len, &len),
                    ==, 1);
    agreement->point_len = len;
    secret.len = agree(sender, recipient, shared);
    derive(x25519 ? "HKDF" : "X963KDF", hash, secret, scene->request.label, shared_info, key,
           wrap_len);
    wrap(key, wrap_len, scene->session_key, agreement->wrapped);
    scene->request.parameters.hash = hash;
    scene->request.parameters.wrap_key_len = (guint32)wrap_len;
    scene->request.originator = (SealBytes){agreement->point, agreement->point_len};
    scene->request.shared_info = shared_info;
    scene->request.encrypted = (SealBytes){agreement->wrapped, sizeof agreement->wrapped};
}

static const char *const agree_keys[] = {"Alice P-256 decryption", "Alice P-384 decryption",
                                         "Alice P-521 decryption", "Alice X25519 decryption"};

static SealMechanism
mechanism_of(gsize key)
{
    return key == 3 ? SEAL_MECHANISM_UNWRAP_X25519 : SEAL_MECHANISM_UNWRAP_ECDH;
}

static void
test_agreement_gives_the_session_key(Scene *scene, gconstpointer mood)
{
    const SealHash hashes[] = {SEAL_HASH_SHA256, SEAL_HASH_SHA384, SEAL_HASH_SHA512, SEAL_HASH_SHA1,
                               SEAL_HASH_SHA224};
    const gsize wrap_lens[] = {16, 24, 32};

    for (gsize key = 0; key < G_N_ELEMENTS(agree_keys); key++)
        for (gsize i = 0; i < (key == 3 ? 3 : G_N_ELEMENTS(hashes)); i++) {
            Agreement agreement;

            wrap_for(scene, agree_keys[key], hashes[i], wrap_lens[i % 3], &agreement);
            scene->request.parameters.session_key_len = i % 2 ? KEY_LEN : 0;
            scene->request.parameters.flags = i % 2 ? SEAL_UNWRAP_COFACTOR : 0;
            expect_session_key(scene, agree_keys[key], mechanism_of(key));
        }
}

/* RFC 8418 2.2: the user keying material is HKDF's salt. */
static void
test_x25519_with_ukm(Scene *scene, gconstpointer mood)
{
    Agreement agreement;

    scene->request.label = (SealBytes){(const guint8 *)"user keying material", 20};
    wrap_for(scene, agree_keys[3], SEAL_HASH_SHA256, 32, &agreement);
    expect_session_key(scene, agree_keys[3], SEAL_MECHANISM_UNWRAP_X25519);
    scene->request.label.len--;
    expect_failure(scene, agree_keys[3], SEAL_MECHANISM_UNWRAP_X25519);
}

static void
test_agreement_failures_are_one(Scene *scene, gconstpointer mood)
{
    for (gsize key = 0; key < G_N_ELEMENTS(agree_keys); key++) {
        Agreement agreement;

        wrap_for(scene, agree_keys[key], SEAL_HASH_SHA256, 32, &agreement);
        scene->request.parameters.session_key_len = 16;
        expect_failure(scene, agree_keys[key], mechanism_of(key));
        scene->request.parameters.session_key_len = 0;
        scene->request.shared_info.len--;
        expect_failure(scene, agree_keys[key], mechanism_of(key));
        scene->request.shared_info.len++;
        agreement.wrapped[3] ^= 1;
        expect_failure(scene, agree_keys[key], mechanism_of(key));
        scene->request.encrypted.len = 0;
        expect_failure(scene, agree_keys[key], mechanism_of(key));
    }
}

static void
test_x25519_of_small_order_fails(Scene *scene, gconstpointer mood)
{
    const guint8 zero[32] = {0}, one[32] = {1};
    Agreement agreement;

    wrap_for(scene, agree_keys[3], SEAL_HASH_SHA256, 32, &agreement);
    scene->request.originator = (SealBytes){zero, 32};
    expect_failure(scene, agree_keys[3], SEAL_MECHANISM_UNWRAP_X25519);
    scene->request.originator = (SealBytes){one, 32};
    expect_failure(scene, agree_keys[3], SEAL_MECHANISM_UNWRAP_X25519);
}

static void
expect_refusal(Scene *scene, const char *label, SealMechanism mechanism, SealErrorCode status)
{
    g_autoptr(SealTestAnswer) answer = unwrap(scene, label, mechanism);

    g_assert_cmpint(answer->status, ==, status);
    g_test_message("%s", answer->message);
}

static void
test_point_off_the_curve_never_reaches_the_token(Scene *scene, gconstpointer mood)
{
    Agreement agreement;

    wrap_for(scene, agree_keys[0], SEAL_HASH_SHA256, 32, &agreement);
    agreement.point[64] ^= 1;
    expect_refusal(scene, agree_keys[0], SEAL_MECHANISM_UNWRAP_ECDH, SEAL_ERROR_INVALID_INPUT);
    agreement.point[64] ^= 1;
    scene->request.originator.len = 64;
    expect_refusal(scene, agree_keys[0], SEAL_MECHANISM_UNWRAP_ECDH, SEAL_ERROR_INVALID_INPUT);
    scene->request.originator.len = 0;
    expect_refusal(scene, agree_keys[0], SEAL_MECHANISM_UNWRAP_ECDH, SEAL_ERROR_INVALID_INPUT);
    scene->request.originator.len = 65;
    expect_refusal(scene, agree_keys[1], SEAL_MECHANISM_UNWRAP_ECDH, SEAL_ERROR_INVALID_INPUT);
    expect_refusal(scene, agree_keys[3], SEAL_MECHANISM_UNWRAP_X25519, SEAL_ERROR_INVALID_INPUT);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_DeriveKey"), ==, 0);
}

static void
test_bad_parameters_are_refused_before_the_token(Scene *scene, gconstpointer mood)
{
    Agreement agreement;

    wrap_for(scene, agree_keys[0], SEAL_HASH_SHA256, 32, &agreement);
    scene->request.parameters.wrap_key_len = 20;
    expect_refusal(scene, agree_keys[0], SEAL_MECHANISM_UNWRAP_ECDH, SEAL_ERROR_NOT_SUPPORTED);
    scene->request.parameters.wrap_key_len = 32;
    scene->request.parameters.hash = 99;
    expect_refusal(scene, agree_keys[0], SEAL_MECHANISM_UNWRAP_ECDH, SEAL_ERROR_NOT_SUPPORTED);
    expect_refusal(scene, agree_keys[0], SEAL_MECHANISM_UNWRAP_RSA_PKCS, SEAL_ERROR_NOT_SUPPORTED);
    expect_refusal(scene, "Alice P-256 signing", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_ERROR_KEY_USAGE);
    expect_refusal(scene, "Alice RSA signing", SEAL_MECHANISM_UNWRAP_RSA_PKCS,
                   SEAL_ERROR_KEY_USAGE);
    scene->request.parameters.mgf_hash = SEAL_HASH_SHA224;
    scene->request.parameters.hash = SEAL_HASH_SHA256;
    expect_refusal(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_OAEP, SEAL_ERROR_NOT_SUPPORTED);
    scene->request.parameters.session_key_len = 246;
    expect_refusal(scene, rsa, SEAL_MECHANISM_UNWRAP_RSA_PKCS, SEAL_ERROR_INVALID_INPUT);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_DeriveKey"), ==, 0);
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_Decrypt"), ==, 0);
}

#define ADD(path, mood, test) g_test_add(path, Scene, mood, scene_set_up, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/host/unwrap/pkcs1/gives-the-session-key", NULL, test_pkcs1_gives_the_session_key);
    ADD("/host/unwrap/pkcs1/damaged-gives-a-substitute", NULL,
        test_pkcs1_damaged_gives_a_substitute);
    ADD("/host/unwrap/pkcs1/impossible-gives-a-substitute", NULL,
        test_pkcs1_impossible_gives_a_substitute);
    ADD("/host/unwrap/pkcs1/of-another-length-gives-a-substitute", NULL,
        test_pkcs1_of_another_length_gives_a_substitute);
    ADD("/host/unwrap/pkcs1-of-the-token/gives-the-session-key", "hide=x509",
        test_pkcs1_gives_the_session_key);
    ADD("/host/unwrap/pkcs1-of-the-token/damaged-gives-a-substitute", "hide=x509",
        test_pkcs1_damaged_gives_a_substitute);
    ADD("/host/unwrap/pkcs1-of-the-token/of-another-length-gives-a-substitute", "hide=x509",
        test_pkcs1_of_another_length_gives_a_substitute);
    ADD("/host/unwrap/pkcs1-of-the-token/operation-left-open-is-overcome", "hide=x509",
        test_operation_left_open_is_overcome);
    ADD("/host/unwrap/oaep/gives-the-session-key", NULL, test_oaep_gives_the_session_key);
    ADD("/host/unwrap/oaep/failures-are-one", NULL, test_oaep_failures_are_one);
    ADD("/host/unwrap/oaep-of-the-token/gives-the-session-key", "hide=x509",
        test_oaep_of_the_token);
    ADD("/host/unwrap/oaep-of-the-token/failures-are-one", "hide=x509", test_oaep_failures_are_one);
    ADD("/host/unwrap/answer-is-sealed-on-request", NULL, test_answer_is_sealed_on_request);
    ADD("/host/unwrap/agreement/gives-the-session-key", NULL, test_agreement_gives_the_session_key);
    ADD("/host/unwrap/agreement/x25519-with-ukm", NULL, test_x25519_with_ukm);
    ADD("/host/unwrap/agreement/failures-are-one", NULL, test_agreement_failures_are_one);
    ADD("/host/unwrap/agreement/x25519-of-small-order-fails", NULL,
        test_x25519_of_small_order_fails);
    ADD("/host/unwrap/agreement/point-off-the-curve-never-reaches-the-token", "",
        test_point_off_the_curve_never_reaches_the_token);
    ADD("/host/unwrap/bad-parameters-are-refused-before-the-token", "",
        test_bad_parameters_are_refused_before_the_token);
    return g_test_run();
}
