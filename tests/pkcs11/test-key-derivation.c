/* KDFs and key wrap against the vectors of NIST and the RFCs. */
#include <glib.h>
#include <string.h>

#include "pkcs11/host/key-derivation.h"

static GBytes *
from_hex(const char *hex)
{
    gsize len = strlen(hex) / 2;
    g_autofree guint8 *bytes = g_malloc(len + 1);

    for (gsize i = 0; i < len; i++)
        bytes[i] =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    return g_bytes_new(bytes, len);
}

static SealBytes
peek(GBytes *bytes)
{
    SealBytes view;

    view.data = g_bytes_get_data(bytes, &view.len);
    return view;
}

typedef struct {
    SealHash hash;
    const char *secret, *info, *key;
} X963Vector;

/* NIST CAVP, component testing, ansx963_2001.rsp: the first of their groups. */
static const X963Vector x963_vectors[] = {
    {SEAL_HASH_SHA1, "1c7d7b5f0597b03d06a018466ed1a93e30ed4b04dc64ccdd", "",
     "bf71dffd8f4d99223936beb46fee8ccc"},
    {SEAL_HASH_SHA256, "96c05619d56c328ab95fe84b18264b08725b85e33fd34f08", "",
     "443024c3dae66b95e6f5670601558f71"},
    {SEAL_HASH_SHA256, "22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d",
     "75eef81aa3041e33b80971203d2c0c52",
     "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e52a13d9c7c6fc878c50c5ea0bc7b0"
     "0e0"
     "da2447cfd874f6cf92f30d0097111485500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496"
     "269"
     "142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21"},
};

static void
test_x963_follows_nist(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(x963_vectors); i++) {
        const X963Vector *vector = &x963_vectors[i];
        g_autoptr(GBytes) secret = from_hex(vector->secret);
        g_autoptr(GBytes) info = from_hex(vector->info);
        g_autoptr(GBytes) key = from_hex(vector->key);
        guint8 out[128];

        g_assert_true(seal_derive_x963(vector->hash, peek(secret), peek(info), out, peek(key).len));
        g_assert_cmpmem(out, peek(key).len, peek(key).data, peek(key).len);
    }
}

/* RFC 5869, appendices A.1 and A.3 (no salt, no info). */
static void
test_hkdf_follows_rfc5869(void)
{
    g_autoptr(GBytes) secret = from_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    g_autoptr(GBytes) salt = from_hex("000102030405060708090a0b0c");
    g_autoptr(GBytes) info = from_hex("f0f1f2f3f4f5f6f7f8f9");
    g_autoptr(GBytes) a1 =
        from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                 "34007208d5b887185865");
    g_autoptr(GBytes) a3 =
        from_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                 "9d201395faa4b61a96c8");
    const SealBytes none = {0};
    guint8 out[42];

    g_assert_true(
        seal_derive_hkdf(SEAL_HASH_SHA256, peek(secret), peek(salt), peek(info), out, 42));
    g_assert_cmpmem(out, 42, peek(a1).data, 42);
    g_assert_true(seal_derive_hkdf(SEAL_HASH_SHA256, peek(secret), none, none, out, 42));
    g_assert_cmpmem(out, 42, peek(a3).data, 42);
}

typedef struct {
    gsize key_len;
    const char *wrapped, *content;
} WrapVector;

#define CONTENT "00112233445566778899aabbccddeeff"
/* RFC 3394 4.1, 4.2, 4.3 and 4.6; the key is 00 01 02 and so on. */
static const WrapVector wrap_vectors[] = {
    {16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5", CONTENT},
    {24, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d", CONTENT},
    {32, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7", CONTENT},
    {32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
     CONTENT "000102030405060708090a0b0c0d0e0f"},
};

static void
fill_key(guint8 key[32])
{
    for (guint8 i = 0; i < 32; i++)
        key[i] = i;
}

static void
test_aes_unwrap_follows_rfc3394(void)
{
    guint8 key[32];

    fill_key(key);
    for (gsize i = 0; i < G_N_ELEMENTS(wrap_vectors); i++) {
        const WrapVector *vector = &wrap_vectors[i];
        g_autoptr(GBytes) wrapped = from_hex(vector->wrapped);
        g_autoptr(GBytes) content = from_hex(vector->content);
        guint8 out[64];
        gsize len = 0;

        g_assert_true(seal_aes_unwrap(key, vector->key_len, peek(wrapped), out, sizeof out, &len));
        g_assert_cmpmem(out, len, peek(content).data, peek(content).len);
    }
}

static void
test_aes_unwrap_of_damaged_fails(void)
{
    g_autoptr(GBytes) wrapped = from_hex(wrap_vectors[0].wrapped);
    guint8 key[32], copy[24], out[64];
    gsize len = 0;

    fill_key(key);
    for (gsize i = 0; i < sizeof copy; i++) {
        memcpy(copy, peek(wrapped).data, sizeof copy);
        copy[i] ^= 0x80;
        g_assert_false(seal_aes_unwrap(key, 16, (SealBytes){copy, sizeof copy}, out, 64, &len));
    }
    g_assert_false(seal_aes_unwrap(key, 16, (SealBytes){copy, 16}, out, 64, &len));
    g_assert_false(seal_aes_unwrap(key, 16, (SealBytes){copy, 23}, out, 64, &len));
    g_assert_false(seal_aes_unwrap(key, 16, (SealBytes){copy, 0}, out, 64, &len));
    g_assert_false(seal_aes_unwrap(key, 15, (SealBytes){copy, 24}, out, 64, &len));
    g_assert_false(seal_aes_unwrap(key, 16, peek(wrapped), out, 16, &len));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/key-derivation/x963/follows-nist", test_x963_follows_nist);
    g_test_add_func("/key-derivation/hkdf/follows-rfc5869", test_hkdf_follows_rfc5869);
    g_test_add_func("/key-derivation/aes-unwrap/follows-rfc3394", test_aes_unwrap_follows_rfc3394);
    g_test_add_func("/key-derivation/aes-unwrap/of-damaged-fails",
                    test_aes_unwrap_of_damaged_fails);
    return g_test_run();
}
