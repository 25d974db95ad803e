/* Padding against OpenSSL's own and against published vectors. OpenSSL pads or encrypts, plain RSA
 * (RSA_NO_PADDING) plays the token's CKM_RSA_X_509. */
#include <glib.h>
#include <openssl/rsa.h>
#include <string.h>

#include "pkcs11/host/openssl.h"
#include "pkcs11/host/padding.h"
#include "tests/support/home.h"

static EVP_PKEY *
key_of(unsigned bits)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);

    g_assert_nonnull(key);
    return key;
}

/* Plain RSA with the private key, in place. */
static void
private_operation(EVP_PKEY *key, const guint8 *in, guint8 *out, gsize len)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);
    gsize out_len = len;

    g_assert_cmpint(EVP_PKEY_decrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_decrypt(context, out, &out_len, in, len), ==, 1);
    g_assert_cmpuint(out_len, ==, len);
}

static gsize
modulus_len(EVP_PKEY *key)
{
    return (gsize)EVP_PKEY_get_size(key);
}

/* -- making ------------------------------------------------------------------------------------ */

static gboolean
openssl_verifies(EVP_PKEY *key, int padding, int salt_len, SealHash hash, const guint8 *signature,
                 const guint8 *digest)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);

    g_assert_cmpint(EVP_PKEY_verify_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, padding), ==, 1);
    if (padding == RSA_PKCS1_PSS_PADDING)
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_len), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_signature_md(context, seal_hash_digest(hash)), ==, 1);
    return EVP_PKEY_verify(context, signature, modulus_len(key), digest, seal_hash_len(hash)) == 1;
}

/* 2049 bits: the encoded message is a byte shorter than the modulus. 2047: seven bits are cleared.
 */
static void
test_pss_is_verified_by_openssl(void)
{
    const unsigned sizes[] = {2048, 2047, 2046, 1024};
    const SealHash hashes[] = {SEAL_HASH_SHA256, SEAL_HASH_SHA384, SEAL_HASH_SHA512};
    guint8 digest[64], block[512], signature[512];

    memset(digest, 0xd1, sizeof digest);
    for (gsize i = 0; i < G_N_ELEMENTS(sizes) * G_N_ELEMENTS(hashes); i++) {
        g_autoptr(EVP_PKEY) key = key_of(sizes[i / 3]);
        SealHash hash = hashes[i % 3];
        gsize salt_len = hash == SEAL_HASH_SHA512 ? 20 : seal_hash_len(hash);

        g_assert_true(seal_pss_pad(hash, digest, salt_len, (unsigned)EVP_PKEY_get_bits(key), block,
                                   modulus_len(key)));
        private_operation(key, block, signature, modulus_len(key));
        g_assert_true(
            openssl_verifies(key, RSA_PKCS1_PSS_PADDING, (int)salt_len, hash, signature, digest));
    }
}

static void
test_pss_that_does_not_fit_is_refused(void)
{
    guint8 digest[64] = {0}, block[128];

    g_assert_true(seal_pss_pad(SEAL_HASH_SHA512, digest, 62, 1024, block, 128));
    g_assert_false(seal_pss_pad(SEAL_HASH_SHA512, digest, 63, 1024, block, 128));
    g_assert_false(seal_pss_pad(SEAL_HASH_SHA512, digest, G_MAXUINT32, 1024, block, 128));
    g_assert_false(seal_pss_pad(SEAL_HASH_NONE, digest, 0, 1024, block, 128));
    g_assert_true(seal_pss_pad(SEAL_HASH_SHA256, digest, 0, 1024, block, 128));
}

static void
test_digest_info_is_verified_by_openssl(void)
{
    const SealHash hashes[] = {SEAL_HASH_SHA256, SEAL_HASH_SHA384, SEAL_HASH_SHA512};
    g_autoptr(EVP_PKEY) key = key_of(2048);
    guint8 digest[64], info[SEAL_DIGEST_INFO_MAX], block[256], signature[256];

    memset(digest, 0xd2, sizeof digest);
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        gsize len = seal_digest_info(hashes[i], digest, info);

        g_assert_true(seal_pkcs1_pad(info, len, block, sizeof block));
        private_operation(key, block, signature, sizeof signature);
        g_assert_true(openssl_verifies(key, RSA_PKCS1_PADDING, 0, hashes[i], signature, digest));
    }
    g_assert_cmpuint(seal_digest_info(SEAL_HASH_SHA1, digest, info), ==, 0);
    g_assert_false(seal_pkcs1_pad(info, 246, block, 256));
}

/* -- OAEP ----------------------------------------------------------------------------------------
 */

static void
encrypt_oaep(EVP_PKEY *key, SealHash hash, SealHash mgf, SealBytes label, SealBytes message,
             guint8 *out)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);
    gsize len = modulus_len(key);

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_oaep_md(context, seal_hash_digest(hash)), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_mgf1_md(context, seal_hash_digest(mgf)), ==, 1);
    if (label.len > 0)
        g_assert_cmpint(EVP_PKEY_CTX_set0_rsa_oaep_label(
                            context, OPENSSL_memdup(label.data, label.len), (int)label.len),
                        ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &len, message.data, message.len), ==, 1);
}

static void
test_oaep_opens_what_openssl_made(void)
{
    const SealHash hashes[] = {SEAL_HASH_SHA1, SEAL_HASH_SHA256, SEAL_HASH_SHA384,
                               SEAL_HASH_SHA512};
    const SealBytes labels[] = {{NULL, 0}, {(const guint8 *)"a label", 7}};
    g_autoptr(EVP_PKEY) key = key_of(2048);
    guint8 encrypted[256], block[256], message[190];

    memset(message, 0x4d, sizeof message);
    for (gsize i = 0; i < 4 * 4 * 2; i++) {
        SealHash hash = hashes[i % 4], mgf = hashes[i / 4 % 4];
        SealBytes label = labels[i / 16];
        SealBytes sent = {message, i % 3 == 0   ? 0
                                   : i % 3 == 1 ? 32
                                                : 254 - 2 * seal_hash_len(hash)};
        gsize len = 999;

        sent.len = MIN(sent.len, sizeof message);
        encrypt_oaep(key, hash, mgf, label, sent, encrypted);
        private_operation(key, encrypted, block, sizeof block);
        g_assert_true(seal_oaep_unpad(hash, mgf, label, block, sizeof block, &len));
        g_assert_cmpmem(block, len, sent.data, sent.len);
    }
}

/* Wrong in its first byte, label, hash, mask hash, or anywhere: refused alike. */
static void
test_oaep_that_is_wrong_is_refused(void)
{
    g_autoptr(EVP_PKEY) key = key_of(2048);
    const SealBytes label = {(const guint8 *)"right", 5}, other = {(const guint8 *)"wrong", 5};
    const SealBytes message = {(const guint8 *)"0123456789abcdef", 16};
    guint8 encrypted[256], good[256], block[256];
    gsize len = 0;

    encrypt_oaep(key, SEAL_HASH_SHA256, SEAL_HASH_SHA256, label, message, encrypted);
    private_operation(key, encrypted, good, sizeof good);
    for (gsize at = 0; at < sizeof good; at += 5) {
        memcpy(block, good, sizeof block);
        block[at] ^= 1;
        g_assert_false(
            seal_oaep_unpad(SEAL_HASH_SHA256, SEAL_HASH_SHA256, label, block, 256, &len));
    }
    memcpy(block, good, sizeof block);
    g_assert_false(seal_oaep_unpad(SEAL_HASH_SHA256, SEAL_HASH_SHA256, other, block, 256, &len));
    memcpy(block, good, sizeof block);
    g_assert_false(seal_oaep_unpad(SEAL_HASH_SHA1, SEAL_HASH_SHA256, label, block, 256, &len));
    memcpy(block, good, sizeof block);
    g_assert_false(seal_oaep_unpad(SEAL_HASH_SHA256, SEAL_HASH_SHA1, label, block, 256, &len));
    g_assert_false(seal_oaep_unpad(SEAL_HASH_SHA512, SEAL_HASH_SHA512, label, block, 128, &len));
    g_assert_true(seal_oaep_unpad(SEAL_HASH_SHA256, SEAL_HASH_SHA256, label, good, 256, &len));
}

/* -- implicit rejection
 * ------------------------------------------------------------------------------ */

static gsize
from_hex(const char *hex, guint8 *out)
{
    gsize len = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;

    for (gsize i = 0; i < len; i++)
        out[i] =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    return len;
}

static void
check_vector(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    guint8 key[32], block[384], message[384];
    gsize block_len = 0, message_len = 0, len = 999;

    g_assert_cmpuint(g_strv_length(words), ==, 4);
    g_assert_cmpuint(from_hex(words[1], key), ==, sizeof key);
    block_len = from_hex(words[2], block);
    message_len = from_hex(words[3], message);
    g_test_message("%s", words[0]);
    g_assert_true(seal_pkcs1_unpad(key, 0, TRUE, block, block_len, &len));
    g_assert_cmpmem(block, len, message, message_len);
}

/* vectors/implicit-rejection.txt tells where they come from. */
static void
test_rejection_follows_published_vectors(void)
{
    g_autofree char *path = seal_test_source("tests/pkcs11/vectors/implicit-rejection.txt");
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint count = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (**line != '#' && **line != '\0') {
            check_vector(*line);
            count++;
        }
    g_assert_cmpuint(count, ==, 26);
}

static void
pad_for_encryption(guint8 *block, gsize len, const guint8 *message, gsize message_len)
{
    memset(block, 0xaa, len);
    block[0] = 0;
    block[1] = 2;
    block[len - message_len - 1] = 0;
    memcpy(block + len - message_len, message, message_len);
}

static void
test_right_padding_gives_the_message(void)
{
    const guint8 key[32] = {1};
    guint8 message[32], block[256];
    gsize len = 0;

    memset(message, 0x11, sizeof message);
    pad_for_encryption(block, sizeof block, message, sizeof message);
    g_assert_true(seal_pkcs1_unpad(key, 32, TRUE, block, sizeof block, &len));
    g_assert_cmpmem(block, len, message, sizeof message);
    pad_for_encryption(block, sizeof block, message, sizeof message);
    g_assert_true(seal_pkcs1_unpad(key, 0, TRUE, block, sizeof block, &len));
    g_assert_cmpmem(block, len, message, sizeof message);
}

/* Each way to be wrong gives the same substitute, of the length that was asked for. */
static void
test_every_wrong_padding_gives_one_substitute(void)
{
    const guint8 key[32] = {1}, message[32] = {0x11};
    const gsize damaged_at[] = {0, 1, 2, 9, 223};
    guint8 first[32], block[256];
    gsize len = 0;

    memset(block, 0, sizeof block);
    g_assert_true(seal_pkcs1_unpad(key, 32, FALSE, block, sizeof block, &len));
    g_assert_cmpuint(len, ==, 32);
    memcpy(first, block, sizeof first);
    for (gsize i = 0; i < G_N_ELEMENTS(damaged_at); i++) {
        pad_for_encryption(block, sizeof block, message, sizeof message);
        block[damaged_at[i]] = damaged_at[i] == 2 || damaged_at[i] == 9 ? 0 : 0x77;
        g_assert_true(seal_pkcs1_unpad(key, 32, TRUE, block, sizeof block, &len));
        g_assert_cmpmem(block, len, first, sizeof first);
    }
    /* A message of another length is as wrong. */
    pad_for_encryption(block, sizeof block, message, 24);
    g_assert_true(seal_pkcs1_unpad(key, 32, TRUE, block, sizeof block, &len));
    g_assert_cmpmem(block, len, first, sizeof first);
}

static void
test_substitutes_differ_by_key_ciphertext_and_secret(void)
{
    const guint8 secrets[2][32] = {{1}, {2}}, hashes[2][32] = {{3}, {4}};
    const SealBytes texts[2] = {{(const guint8 *)"one", 3}, {(const guint8 *)"two", 3}};
    guint8 keys[8][32], again[32], blocks[8][256];
    gsize len = 0;

    for (gsize i = 0; i < 8; i++) {
        g_assert_true(
            seal_rejection_key(secrets[i & 1], hashes[i >> 1 & 1], texts[i >> 2], keys[i]));
        memset(blocks[i], 0, sizeof blocks[i]);
        g_assert_true(seal_pkcs1_unpad(keys[i], 32, TRUE, blocks[i], sizeof blocks[i], &len));
        for (gsize j = 0; j < i; j++)
            g_assert_true(memcmp(blocks[i], blocks[j], 32) != 0);
    }
    g_assert_true(seal_rejection_key(secrets[0], hashes[0], texts[0], again));
    g_assert_cmpmem(again, 32, keys[0], 32);
}

static void
test_impossible_lengths_are_refused(void)
{
    const guint8 key[32] = {0};
    guint8 block[256] = {0};
    gsize len = 0;

    g_assert_true(seal_pkcs1_unpad(key, 245, TRUE, block, 256, &len));
    g_assert_false(seal_pkcs1_unpad(key, 246, TRUE, block, 256, &len));
    g_assert_false(seal_pkcs1_unpad(key, G_MAXSIZE, TRUE, block, 256, &len));
    g_assert_false(seal_pkcs1_unpad(key, 0, TRUE, block, 10, &len));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/padding/pss/is-verified-by-openssl", test_pss_is_verified_by_openssl);
    g_test_add_func("/padding/pss/that-does-not-fit-is-refused",
                    test_pss_that_does_not_fit_is_refused);
    g_test_add_func("/padding/pkcs1/digest-info-is-verified-by-openssl",
                    test_digest_info_is_verified_by_openssl);
    g_test_add_func("/padding/oaep/opens-what-openssl-made", test_oaep_opens_what_openssl_made);
    g_test_add_func("/padding/oaep/that-is-wrong-is-refused", test_oaep_that_is_wrong_is_refused);
    g_test_add_func("/padding/rejection/follows-published-vectors",
                    test_rejection_follows_published_vectors);
    g_test_add_func("/padding/rejection/right-padding-gives-the-message",
                    test_right_padding_gives_the_message);
    g_test_add_func("/padding/rejection/every-wrong-padding-gives-one-substitute",
                    test_every_wrong_padding_gives_one_substitute);
    g_test_add_func("/padding/rejection/differs-by-key-ciphertext-and-secret",
                    test_substitutes_differ_by_key_ciphertext_and_secret);
    g_test_add_func("/padding/rejection/impossible-lengths-are-refused",
                    test_impossible_lengths_are_refused);
    return g_test_run();
}
