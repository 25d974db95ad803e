/* AlgorithmIdentifiers and originator keys from strangers' mail: whatever comes in, what is
 * accepted lies within the input and has one encoding only. */
#include <glib.h>
#include <string.h>

#include "pkcs11/core/algorithm-identifier.h"
#include "pkcs11/core/der.h"
#include "tests/fuzz/fuzz.h"

/* `part` (data may be NULL) lies in `whole`. */
static void
check_within(SealBytes part, SealBytes whole)
{
    if (part.data)
        g_assert_true(part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void
try_key_encryption(SealBytes der)
{
    SealKeyEncryption encryption = {0};
    g_autoptr(GByteArray) info = g_byte_array_new();

    if (!seal_key_encryption_parse(der, &encryption, NULL))
        return;
    g_assert_true(seal_der_is_valid(der));
    check_within(encryption.label, der);
    check_within(encryption.wrap, der);
    if (!encryption.wrap.data)
        return;
    g_assert_true(encryption.wrap_key_len >= 16 && encryption.wrap_key_len <= 32);
    seal_shared_info_write(info, &encryption, der);
    g_assert_true(seal_der_is_valid((SealBytes){info->data, info->len}));
}

static void
try_content_encryption(SealBytes der)
{
    guint32 key_len = 0;

    if (seal_content_encryption_key_len(der, &key_len, NULL))
        g_assert_true(key_len >= 16 && key_len <= 32);
}

static void
try_originator(SealBytes der)
{
    SealBytes point = {NULL, 0};

    if (seal_originator_key_parse(der, SEAL_ALGORITHM_EC, SEAL_CURVE_P256, &point, NULL)) {
        check_within(point, der);
        g_assert_true(point.len == 65 && point.data[0] == 4);
    }
    if (seal_originator_key_parse(der, SEAL_ALGORITHM_X25519, SEAL_CURVE_NONE, &point, NULL)) {
        check_within(point, der);
        g_assert_cmpuint(point.len, ==, 32);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* a copy of exactly this size, so that a sanitizer sees a read beyond it */
    g_autofree uint8_t *copy = g_memdup2(data, size);
    SealBytes der = {copy, size};
    g_autofree char *oid = seal_der_oid_to_text(der);

    try_key_encryption(der);
    try_content_encryption(der);
    try_originator(der);
    return 0;
}
