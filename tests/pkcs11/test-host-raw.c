/* Raw operations through a real host at a SoftHSM token. OpenSSL does the other half of each with
 * the public key, so the results are right if they meet. */
#include <glib.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#include "pkcs11/host/openssl.h"
#include "tests/pkcs11/host-client.h"

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

static EVP_PKEY *
public_key(Scene *scene, const char *label)
{
    gsize len = 0;
    const unsigned char *at =
        g_bytes_get_data(seal_test_host_key(scene->host, label)->public_key, &len);
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)len);

    g_assert_nonnull(key);
    return key;
}

static SealTestAnswer *
ask_raw(Scene *scene, const char *label, SealMechanism mechanism, const void *input, gsize len)
{
    return seal_test_host_raw(scene->host, seal_test_host_key(scene->host, label), mechanism, input,
                              len);
}

static void
expect_bytes(const SealTestAnswer *answer, const void *bytes, gsize len)
{
    g_assert_cmpstr(answer->message, ==, NULL);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    g_assert_cmpmem(g_bytes_get_data(answer->body, NULL), g_bytes_get_size(answer->body), bytes,
                    len);
}

/* -- ECDH ------------------------------------------------------------------------------------- */

static GBytes *
derive_by_openssl(EVP_PKEY *ours, EVP_PKEY *theirs)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(ours, NULL);
    guint8 secret[66];
    gsize len = sizeof secret;

    g_assert_cmpint(EVP_PKEY_derive_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive_set_peer(context, theirs), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive(context, secret, &len), ==, 1);
    return g_bytes_new(secret, len);
}

static void
test_ecdh_gives_the_coordinate(Scene *scene, gconstpointer mood)
{
    static const struct {
        const char *label, *curve;
    } rows[] = {
        {"Alice P-256 decryption", "P-256"},
        {"Alice P-384 decryption", "P-384"},
        {"Alice P-521 decryption", "P-521"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(EVP_PKEY) theirs = public_key(scene, rows[i].label);
        g_autoptr(EVP_PKEY) ours = EVP_EC_gen(rows[i].curve);
        g_autoptr(GBytes) secret = derive_by_openssl(ours, theirs);
        g_autoptr(SealTestAnswer) answer = NULL;
        guint8 *point = NULL;
        gsize len = EVP_PKEY_get1_encoded_public_key(ours, &point);

        answer = ask_raw(scene, rows[i].label, SEAL_MECHANISM_RAW_ECDH, point, len);
        expect_bytes(answer, g_bytes_get_data(secret, NULL), g_bytes_get_size(secret));
        OPENSSL_free(point);
    }
}

static void
test_ecdh_takes_points_of_its_curve_only(Scene *scene, gconstpointer mood)
{
    g_autoptr(EVP_PKEY) ours = EVP_EC_gen("P-256");
    guint8 *point = NULL;
    gsize len = EVP_PKEY_get1_encoded_public_key(ours, &point);
    const char *key = "Alice P-256 decryption";
    const guint derived = seal_test_mood_count(scene->home, "C_DeriveKey");

    point[40] ^= 1;
    for (int i = 0; i < 4; i++) {
        const gsize lens[] = {len, len - 1, 1, 0};
        g_autoptr(SealTestAnswer) answer =
            ask_raw(scene, key, SEAL_MECHANISM_RAW_ECDH, point, lens[i]);

        g_assert_cmpint(answer->status, ==, SEAL_ERROR_INVALID_INPUT);
    }
    g_assert_cmpuint(seal_test_mood_count(scene->home, "C_DeriveKey"), ==, derived);
    OPENSSL_free(point);
}

/* -- RSA -------------------------------------------------------------------------------------- */

static gsize
encrypt_plain(Scene *scene, const char *label, const guint8 block[256], guint8 out[256])
{
    g_autoptr(EVP_PKEY) key = public_key(scene, label);
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);
    gsize len = 256;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &len, block, 256), ==, 1);
    return len;
}

/* Leading zeroes stay, whatever the padding would have been. */
static void
test_rsa_decrypts_any_block(Scene *scene, gconstpointer mood)
{
    guint8 block[256], encrypted[256];

    for (guint zeroes = 0; zeroes < 3; zeroes++) {
        g_autoptr(SealTestAnswer) answer = NULL;

        memset(block, 0x35, sizeof block);
        memset(block, 0, zeroes);
        (void)encrypt_plain(scene, "Alice RSA decryption", block, encrypted);
        answer = ask_raw(scene, "Alice RSA decryption", SEAL_MECHANISM_RAW_RSA_DECRYPT, encrypted,
                         sizeof encrypted);
        expect_bytes(answer, block, sizeof block);
    }
}

static void
test_rsa_signs_any_block(Scene *scene, gconstpointer mood)
{
    guint8 block[256], back[256];
    g_autoptr(SealTestAnswer) answer = NULL;

    memset(block, 0x35, sizeof block);
    answer = ask_raw(scene, "Alice RSA signing", SEAL_MECHANISM_RAW_RSA_SIGN, block, sizeof block);
    g_assert_cmpint(answer->status, ==, SEAL_ERROR_NONE);
    g_assert_cmpuint(g_bytes_get_size(answer->body), ==, sizeof block);
    (void)encrypt_plain(scene, "Alice RSA signing", g_bytes_get_data(answer->body, NULL), back);
    g_assert_cmpmem(back, sizeof back, block, sizeof block);
}

static void
expect_status(Scene *scene, const char *label, SealMechanism mechanism, const void *input,
              gsize len, SealErrorCode status)
{
    g_autoptr(SealTestAnswer) answer = ask_raw(scene, label, mechanism, input, len);

    g_assert_cmpint(answer->status, ==, status);
}

static void
test_rsa_blocks_are_below_the_modulus(Scene *scene, gconstpointer mood)
{
    guint8 block[1024];
    const gsize lens[] = {0, 1, 255, 256, 257, sizeof block};

    memset(block, 0xff, sizeof block);
    for (gsize i = 0; i < G_N_ELEMENTS(lens); i++) {
        expect_status(scene, "Alice RSA signing", SEAL_MECHANISM_RAW_RSA_SIGN, block, lens[i],
                      SEAL_ERROR_INVALID_INPUT);
        expect_status(scene, "Alice RSA decryption", SEAL_MECHANISM_RAW_RSA_DECRYPT, block, lens[i],
                      SEAL_ERROR_INVALID_INPUT);
    }
}

/* -- keys and frames -------------------------------------------------------------------------- */

static void
test_keys_do_what_they_are_for(Scene *scene, gconstpointer mood)
{
    guint8 block[256] = {0};

    expect_status(scene, "Alice RSA signing", SEAL_MECHANISM_RAW_RSA_DECRYPT, block, sizeof block,
                  SEAL_ERROR_KEY_USAGE);
    expect_status(scene, "Alice RSA decryption", SEAL_MECHANISM_RAW_RSA_SIGN, block, sizeof block,
                  SEAL_ERROR_KEY_USAGE);
    expect_status(scene, "Alice RSA decryption", SEAL_MECHANISM_RAW_ECDH, block, 65,
                  SEAL_ERROR_NOT_SUPPORTED);
    expect_status(scene, "Alice X25519 decryption", SEAL_MECHANISM_RAW_ECDH, block, 32,
                  SEAL_ERROR_NOT_SUPPORTED);
}

/* No other type of frame takes a raw mechanism, and this one no other. */
static void
test_frames_take_mechanisms_of_their_own(Scene *scene, gconstpointer mood)
{
    g_autoptr(GBytes) digest = g_bytes_new_static("0123456789abcdef0123456789abcdef", 32);
    g_autoptr(SealTestAnswer) sign = NULL, unwrap = NULL;
    SealUnwrapRequest request = {.encrypted = {g_bytes_get_data(digest, NULL), 32}};
    guint8 block[256] = {0};

    expect_status(scene, "Alice RSA signing", SEAL_MECHANISM_RSA_PKCS, block, sizeof block,
                  SEAL_ERROR_NOT_SUPPORTED);
    expect_status(scene, "Alice RSA decryption", SEAL_MECHANISM_UNWRAP_RSA_PKCS, block,
                  sizeof block, SEAL_ERROR_NOT_SUPPORTED);
    expect_status(scene, "Alice RSA signing", 99, block, sizeof block, SEAL_ERROR_NOT_SUPPORTED);
    sign = seal_test_host_sign(scene->host, seal_test_host_key(scene->host, "Alice RSA signing"),
                               SEAL_MECHANISM_RAW_RSA_SIGN, SEAL_HASH_SHA256, 0, digest, NULL);
    g_assert_cmpint(sign->status, ==, SEAL_ERROR_NOT_SUPPORTED);
    unwrap =
        seal_test_host_unwrap(scene->host, seal_test_host_key(scene->host, "Alice RSA decryption"),
                              SEAL_MECHANISM_RAW_RSA_DECRYPT, &request);
    g_assert_cmpint(unwrap->status, ==, SEAL_ERROR_NOT_SUPPORTED);
}

static void
test_token_without_plain_rsa_offers_none(Scene *scene, gconstpointer mood)
{
    guint8 block[256] = {0};

    expect_status(scene, "Alice RSA signing", SEAL_MECHANISM_RAW_RSA_SIGN, block, sizeof block,
                  SEAL_ERROR_NOT_SUPPORTED);
    expect_status(scene, "Alice RSA decryption", SEAL_MECHANISM_RAW_RSA_DECRYPT, block,
                  sizeof block, SEAL_ERROR_NOT_SUPPORTED);
}

static void
test_block_of_a_swapped_card_is_kept_back(Scene *scene, gconstpointer mood)
{
    guint8 block[256] = {0, 1};

    expect_status(scene, "Alice RSA signing", SEAL_MECHANISM_RAW_RSA_SIGN, block, sizeof block,
                  SEAL_ERROR_NONE);
    seal_test_mood(scene->home, "removable=true\nwrong-signature=true");
    expect_status(scene, "Alice RSA signing", SEAL_MECHANISM_RAW_RSA_SIGN, block, sizeof block,
                  SEAL_ERROR_TOKEN_REMOVED);
}

#define ADD(path, mood, test) g_test_add(path, Scene, mood, scene_set_up, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/host/raw/ecdh/gives-the-coordinate", NULL, test_ecdh_gives_the_coordinate);
    ADD("/host/raw/ecdh/points-of-its-curve-only", "", test_ecdh_takes_points_of_its_curve_only);
    ADD("/host/raw/rsa/decrypts-any-block", NULL, test_rsa_decrypts_any_block);
    ADD("/host/raw/rsa/signs-any-block", NULL, test_rsa_signs_any_block);
    ADD("/host/raw/rsa/blocks-are-below-the-modulus", NULL, test_rsa_blocks_are_below_the_modulus);
    ADD("/host/raw/rsa/token-without-it-offers-none", "hide=x509",
        test_token_without_plain_rsa_offers_none);
    ADD("/host/raw/rsa/block-of-a-swapped-card-is-kept-back", "removable=true",
        test_block_of_a_swapped_card_is_kept_back);
    ADD("/host/raw/keys-do-what-they-are-for", NULL, test_keys_do_what_they_are_for);
    ADD("/host/raw/frames-take-mechanisms-of-their-own", NULL,
        test_frames_take_mechanisms_of_their_own);
    return g_test_run();
}
