/* Sealed boxes: both directions of base/seal-box.c, and the layout by an independent hand. */
#include <glib.h>
#include <openssl/kdf.h>
#include <string.h>

#include "base/error.h"
#include "base/seal-box.h"
#include "pkcs11/host/openssl.h"

static void
test_box_opens_for_its_key_only(void)
{
    guint8 mine[32], others[32], box[32 + SEAL_BOX_OVERHEAD];
    g_autoptr(GError) error = NULL;
    g_autoptr(SealSecret) key = seal_box_key_new(mine, &error);
    g_autoptr(SealSecret) other = seal_box_key_new(others, &error);
    g_autoptr(SealSecret) content = NULL;
    SealBytes sealed = {box, sizeof box};

    g_assert_no_error(error);
    g_assert_true(seal_box_seal(mine, "0123456789abcdef0123456789abcdef", 32, box, &error));
    content = seal_box_open(key, sealed, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(seal_secret_peek(content), seal_secret_len(content),
                    "0123456789abcdef0123456789abcdef", 32);
    g_assert_null(seal_box_open(other, sealed, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
}

static void
test_damaged_box_stays_shut(void)
{
    guint8 mine[32], box[16 + SEAL_BOX_OVERHEAD];
    g_autoptr(SealSecret) key = seal_box_key_new(mine, NULL);

    g_assert_true(seal_box_seal(mine, "0123456789abcdef", 16, box, NULL));
    for (gsize i = 0; i < sizeof box; i++) {
        box[i] ^= 1;
        g_assert_null(seal_box_open(key, (SealBytes){box, sizeof box}, NULL));
        box[i] ^= 1;
    }
    for (gsize len = 0; len < sizeof box; len++)
        g_assert_null(seal_box_open(key, (SealBytes){box, len}, NULL));
}

static void
test_two_boxes_of_one_secret_differ(void)
{
    guint8 mine[32], one[16 + SEAL_BOX_OVERHEAD], two[16 + SEAL_BOX_OVERHEAD];
    g_autoptr(SealSecret) key = seal_box_key_new(mine, NULL);

    g_assert_true(seal_box_seal(mine, "0123456789abcdef", 16, one, NULL));
    g_assert_true(seal_box_seal(mine, "0123456789abcdef", 16, two, NULL));
    g_assert_true(memcmp(one, two, 32) != 0);
    g_assert_true(memcmp(one + 32, two + 32, 16) != 0);
}

/* RFC 7748 6.1: points of small order give no secret. */
static void
test_useless_public_key_is_refused(void)
{
    const guint8 zero[32] = {0}, one[32] = {1};
    guint8 box[16 + SEAL_BOX_OVERHEAD];
    g_autoptr(GError) error = NULL, error2 = NULL;

    g_assert_false(seal_box_seal(zero, "0123456789abcdef", 16, box, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    g_assert_false(seal_box_seal(one, "0123456789abcdef", 16, box, &error2));
    g_assert_error(error2, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
}

static void
test_too_much_is_refused(void)
{
    static guint8 data[SEAL_BOX_DATA_MAX + 1], box[SEAL_BOX_DATA_MAX + 1 + SEAL_BOX_OVERHEAD];
    guint8 mine[32];
    g_autoptr(SealSecret) key = seal_box_key_new(mine, NULL);
    g_autoptr(SealSecret) content = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(seal_box_seal(mine, data, SEAL_BOX_DATA_MAX, box, &error));
    content = seal_box_open(key, (SealBytes){box, SEAL_BOX_DATA_MAX + SEAL_BOX_OVERHEAD}, &error);
    g_assert_cmpuint(seal_secret_len(content), ==, SEAL_BOX_DATA_MAX);
    g_assert_false(seal_box_seal(mine, data, sizeof data, box, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED);
}

/* Opens a box step by step as the header describes it, through OpenSSL's older HKDF interface. */
static gboolean
open_by_hand(const SealSecret *key, const guint8 *mine, const guint8 *box, gsize len, guint8 *out)
{
    g_autoptr(EVP_PKEY) own =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, seal_secret_peek(key), 32);
    g_autoptr(EVP_PKEY) ephemeral = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, box, 32);
    g_autoptr(EVP_PKEY_CTX) agree = EVP_PKEY_CTX_new(own, NULL);
    g_autoptr(EVP_PKEY_CTX) hkdf = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    g_autoptr(EVP_CIPHER_CTX) gcm = EVP_CIPHER_CTX_new();
    guint8 shared[32], derived[44];
    size_t shared_len = 32, derived_len = 44;
    int done = 0;

    return EVP_PKEY_derive_init(agree) == 1 && EVP_PKEY_derive_set_peer(agree, ephemeral) == 1 &&
           EVP_PKEY_derive(agree, shared, &shared_len) == 1 && EVP_PKEY_derive_init(hkdf) == 1 &&
           EVP_PKEY_CTX_set_hkdf_md(hkdf, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set1_hkdf_key(hkdf, shared, 32) == 1 &&
           EVP_PKEY_CTX_add1_hkdf_info(hkdf, (const guint8 *)"privyseal unwrap 1", 18) == 1 &&
           EVP_PKEY_CTX_add1_hkdf_info(hkdf, box, 32) == 1 &&
           EVP_PKEY_CTX_add1_hkdf_info(hkdf, mine, 32) == 1 &&
           EVP_PKEY_derive(hkdf, derived, &derived_len) == 1 &&
           EVP_DecryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, derived, derived + 32) == 1 &&
           EVP_DecryptUpdate(gcm, out, &done, box + 32, (int)len - 48) == 1 &&
           EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_GCM_SET_TAG, 16, (void *)(box + len - 16)) == 1 &&
           EVP_DecryptFinal_ex(gcm, out + done, &done) == 1;
}

static void
test_layout_is_as_documented(void)
{
    guint8 mine[32], box[16 + SEAL_BOX_OVERHEAD], out[16];
    g_autoptr(SealSecret) key = seal_box_key_new(mine, NULL);

    g_assert_true(seal_box_seal(mine, "0123456789abcdef", 16, box, NULL));
    g_assert_true(open_by_hand(key, mine, box, sizeof box, out));
    g_assert_cmpmem(out, 16, "0123456789abcdef", 16);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/seal-box/opens-for-its-key-only", test_box_opens_for_its_key_only);
    g_test_add_func("/seal-box/damaged-stays-shut", test_damaged_box_stays_shut);
    g_test_add_func("/seal-box/two-of-one-secret-differ", test_two_boxes_of_one_secret_differ);
    g_test_add_func("/seal-box/useless-public-key-is-refused", test_useless_public_key_is_refused);
    g_test_add_func("/seal-box/too-much-is-refused", test_too_much_is_refused);
    g_test_add_func("/seal-box/layout-is-as-documented", test_layout_is_as_documented);
    return g_test_run();
}
