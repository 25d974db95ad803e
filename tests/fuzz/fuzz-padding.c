/* RSA blocks as a token might decrypt them, and wrapped keys. Whatever comes in, unpadding v1.5
 * gives a key within its limits and the same one twice; OAEP gives a message or a refusal. The
 * first byte chooses hashes and lengths. */
#include <glib.h>
#include <string.h>

#include "pkcs11/host/key-derivation.h"
#include "pkcs11/host/operation.h"
#include "pkcs11/host/padding.h"
#include "tests/fuzz/fuzz.h"

static void
try_pkcs1(const uint8_t *data, size_t size, size_t expected_len)
{
    static const guint8 key[32] = {7};
    guint8 first[SEAL_BLOCK_MAX], second[SEAL_BLOCK_MAX];
    gsize first_len = 0, second_len = 0;
    gboolean done = FALSE;

    memcpy(first, data, size);
    memcpy(second, data, size);
    done = seal_pkcs1_unpad(key, expected_len, TRUE, first, size, &first_len);
    g_assert_cmpint(done, ==, size >= 11 && expected_len <= size - 11);
    if (!done)
        return;
    g_assert_true(seal_pkcs1_unpad(key, expected_len, TRUE, second, size, &second_len));
    g_assert_cmpuint(first_len, <=, size - 11);
    if (expected_len > 0)
        g_assert_cmpuint(first_len, ==, expected_len);
    g_assert_cmpmem(first, first_len, second, second_len);
}

static void
try_oaep(const uint8_t *data, size_t size, SealHash hash, SealHash mgf_hash)
{
    guint8 block[SEAL_BLOCK_MAX];
    gsize len = 0;

    memcpy(block, data, size);
    if (seal_oaep_unpad(hash, mgf_hash, (SealBytes){0}, block, size, &len))
        g_assert_cmpuint(len + 2 * seal_hash_len(hash) + 2, <=, size);
}

static void
try_unwrap(const uint8_t *data, size_t size)
{
    guint8 out[SEAL_BLOCK_MAX];
    gsize len = 0;

    if (size >= 32 &&
        seal_aes_unwrap(data, 32, (SealBytes){data + 32, size - 32}, out, sizeof out, &len))
        g_assert_cmpuint(len, <, size - 32);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t expected[] = {0, 16, 24, 32};

    if (size < 1 || size - 1 > SEAL_BLOCK_MAX)
        return 0;
    try_pkcs1(data + 1, size - 1, expected[data[0] & 3]);
    try_oaep(data + 1, size - 1, (SealHash)(data[0] >> 2 & 7), (SealHash)(data[0] >> 5));
    try_unwrap(data + 1, size - 1);
    return 0;
}
