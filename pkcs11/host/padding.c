/* Padding in the host, and why a wrong PKCS#1 v1.5 padding is no error.
 *
 * Whoever can learn, for ciphertexts of their choice, whether the decryption was padded rightly,
 * can decrypt any message under the key with some thousands to millions of questions
 * (Bleichenbacher 1998, and a new variant every few years since). A mail program is a fine oracle:
 * it answers automatically, and error or delay tell. No care with error messages has ever sufficed,
 * so there is no error: a wrong padding yields a key that looks like any other, and the mail that
 * it opens turns out to be garbage or fails its authentication like mail that was damaged.
 *
 * The substitute must not give itself away. It is the same when the same ciphertext comes again
 * (random ones would differ), depends on a secret that nobody outside has (so it cannot be
 * computed) and on the key (so that two keys do not agree), and has a plausible length. It is the
 * design of OpenSSL 3.2 and of draft-irtf-cfrg-rsa-guidance with one change: a private exponent
 * that never leaves its token cannot key the rejection, so a secret of the agent does, together
 * with the public key's hash. Both results are always computed and the choice is made by masks.
 *
 * The caller who knows how long the session key must be (from the content's algorithm) says so;
 * then an inner length that differs is a failure like any other and the substitute has the right
 * length. */
#include "pkcs11/host/padding.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/secret.h"
#include "pkcs11/host/constant-time.h"
#include "pkcs11/host/operation.h"

#define HASH_MAX  64
#define BLOCK_MAX SEAL_BLOCK_MAX
/* 00 02, at least eight bytes, 00 (RFC 8017 7.2.1). */
#define PKCS1_PADDING_MIN 8
#define PKCS1_OVERHEAD    (PKCS1_PADDING_MIN + 3)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MAC_CTX, EVP_MAC_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)

/* -- hashes ------------------------------------------------------------------------------------ */

const EVP_MD *
seal_hash_digest(SealHash hash)
{
    switch (hash) {
    case SEAL_HASH_SHA1:
        return EVP_sha1();
    case SEAL_HASH_SHA224:
        return EVP_sha224();
    case SEAL_HASH_SHA256:
        return EVP_sha256();
    case SEAL_HASH_SHA384:
        return EVP_sha384();
    case SEAL_HASH_SHA512:
        return EVP_sha512();
    case SEAL_HASH_NONE:
    default:
        return NULL;
    }
}

/* XORs MGF1(seed) over `data` (RFC 8017 B.2.1). The time depends on the lengths only. */
static gboolean
mask_with_mgf1(SealHash hash, const guint8 *seed, gsize seed_len, guint8 *data, gsize len)
{
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
    gsize hash_len = seal_hash_len(hash);
    guint8 part[HASH_MAX];
    gboolean done = context && hash_len > 0;

    for (guint32 counter = 0; done && counter * hash_len < len; counter++) {
        guint32 big_endian = GUINT32_TO_BE(counter);
        gsize start = counter * hash_len;

        done = EVP_DigestInit_ex2(context, seal_hash_digest(hash), NULL) == 1 &&
               EVP_DigestUpdate(context, seed, seed_len) == 1 &&
               EVP_DigestUpdate(context, &big_endian, sizeof big_endian) == 1 &&
               EVP_DigestFinal_ex(context, part, NULL) == 1;
        for (gsize i = 0; i < hash_len && start + i < len; i++)
            data[start + i] ^= part[i];
    }
    seal_wipe(part, sizeof part);
    return done;
}

/* -- making ---------------------------------------------------------------------------------- */

typedef struct {
    SealHash hash;
    guint8 prefix[19]; /* RFC 8017 9.2, note 1 */
} DigestInfoRow;

static const DigestInfoRow digest_info_rows[] = {
    {SEAL_HASH_SHA256,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
      0x05, 0x00, 0x04, 0x20}},
    {SEAL_HASH_SHA384,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
      0x05, 0x00, 0x04, 0x30}},
    {SEAL_HASH_SHA512,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
      0x05, 0x00, 0x04, 0x40}},
};

gsize
seal_digest_info(SealHash hash, const guint8 *digest, guint8 out[SEAL_DIGEST_INFO_MAX])
{
    for (gsize i = 0; i < G_N_ELEMENTS(digest_info_rows); i++) {
        const DigestInfoRow *row = &digest_info_rows[i];

        if (row->hash != hash)
            continue;
        memcpy(out, row->prefix, sizeof row->prefix);
        memcpy(out + sizeof row->prefix, digest, seal_hash_len(hash));
        return sizeof row->prefix + seal_hash_len(hash);
    }
    return 0;
}

gboolean
seal_pkcs1_pad(const guint8 *content, gsize content_len, guint8 *block, gsize len)
{
    if (content_len + PKCS1_OVERHEAD > len)
        return FALSE;
    memset(block, 0xff, len);
    block[0] = 0;
    block[1] = 1;
    block[len - content_len - 1] = 0;
    memcpy(block + len - content_len, content, content_len);
    return TRUE;
}

/* H = Hash(eight zeroes || digest || salt). */
static gboolean
hash_for_pss(SealHash hash, const guint8 *digest, const guint8 *salt, gsize salt_len, guint8 *out)
{
    static const guint8 zeroes[8];
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();

    return context && EVP_DigestInit_ex2(context, seal_hash_digest(hash), NULL) == 1 &&
           EVP_DigestUpdate(context, zeroes, sizeof zeroes) == 1 &&
           EVP_DigestUpdate(context, digest, seal_hash_len(hash)) == 1 &&
           EVP_DigestUpdate(context, salt, salt_len) == 1 &&
           EVP_DigestFinal_ex(context, out, NULL) == 1;
}

gboolean
seal_pss_pad(SealHash hash, const guint8 *digest, gsize salt_len, unsigned modulus_bits,
             guint8 *block, gsize len)
{
    gsize hash_len = seal_hash_len(hash);
    unsigned encoded_bits = modulus_bits - 1;
    gsize encoded_len = (encoded_bits + 7) / 8;
    guint8 *encoded = block + (len - encoded_len); /* one byte shorter if bits are 1 mod 8 */
    gsize db_len = encoded_len - hash_len - 1;
    guint8 *salt = NULL;

    if (hash_len == 0 || salt_len > BLOCK_MAX || hash_len + salt_len + 2 > encoded_len)
        return FALSE;
    memset(block, 0, len);
    salt = encoded + db_len - salt_len;
    salt[-1] = 1;
    if (RAND_bytes(salt, (int)salt_len) != 1 ||
        !hash_for_pss(hash, digest, salt, salt_len, encoded + db_len) ||
        !mask_with_mgf1(hash, encoded + db_len, hash_len, encoded, db_len))
        return FALSE;
    encoded[0] &= 0xff >> (8 * encoded_len - encoded_bits);
    encoded[encoded_len - 1] = 0xbc;
    return TRUE;
}

/* -- OAEP ----------------------------------------------------------------------------------------
 */

/* Looks through DB = lHash || 00.. || 01 || message without stopping. Returns a mask that says
 * whether it is well formed and stores where the message starts. */
static SealMask
find_oaep_message(const guint8 *db, gsize len, const guint8 *label_hash, gsize hash_len,
                  gsize *ret_start)
{
    SealMask bad = 0, found = 0;
    gsize start = 0;

    for (gsize i = 0; i < hash_len; i++)
        bad |= ~seal_mask_equal(db[i], label_hash[i]);
    for (gsize i = hash_len; i < len; i++) {
        SealMask one = seal_mask_equal(db[i], 1);
        SealMask zero = seal_mask_is_zero(db[i]);

        start = seal_mask_select(~found & one, i + 1, start);
        bad |= ~found & ~one & ~zero;
        found |= one;
    }
    *ret_start = start;
    return ~bad & found;
}

gboolean
seal_oaep_unpad(SealHash hash, SealHash mgf_hash, SealBytes label, guint8 *block, gsize len,
                gsize *ret_len)
{
    gsize hash_len = seal_hash_len(hash);
    guint8 *seed = block + 1, *db = block + 1 + hash_len;
    gsize db_len = len - 1 - hash_len;
    guint8 label_hash[HASH_MAX];
    gsize start = 0;
    SealMask good = 0;

    if (hash_len == 0 || len < 2 * hash_len + 2 ||
        EVP_Digest(label.data, label.len, label_hash, NULL, seal_hash_digest(hash), NULL) != 1 ||
        !mask_with_mgf1(mgf_hash, db, db_len, seed, hash_len) ||
        !mask_with_mgf1(mgf_hash, seed, hash_len, db, db_len))
        return FALSE;
    good = find_oaep_message(db, db_len, label_hash, hash_len, &start);
    good &= seal_mask_is_zero(block[0]);
    start = seal_mask_select(good, start, 0);
    seal_mask_shift_left(db, db_len, start);
    memmove(block, db, db_len);
    *ret_len = seal_mask_select(good, db_len - start, 0);
    return (good & 1) != 0;
}

/* -- PKCS#1 v1.5 with implicit rejection
 * ----------------------------------------------------------- */

/* Fetched once, since that costs more than an HMAC; never freed. */
static EVP_MAC *
hmac_method(void)
{
    static gsize method;

    if (g_once_init_enter(&method)) {
        EVP_MAC *fetched = EVP_MAC_fetch(NULL, "HMAC", NULL);

        if (!fetched)
            g_error("OpenSSL has no HMAC");
        g_once_init_leave(&method, GPOINTER_TO_SIZE(fetched));
    }
    return GSIZE_TO_POINTER(method);
}

static EVP_MAC_CTX *
hmac_new(const guint8 key[32])
{
    g_autoptr(EVP_MAC_CTX) context = EVP_MAC_CTX_new(hmac_method());
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    if (!context || EVP_MAC_init(context, key, 32, parameters) != 1)
        return NULL;
    return g_steal_pointer(&context);
}

gboolean
seal_rejection_key(const guint8 secret[32], const guint8 public_key_hash[32], SealBytes ciphertext,
                   guint8 ret_key[32])
{
    g_autoptr(EVP_MAC_CTX) context = hmac_new(secret);
    gsize len = 0;

    return context && EVP_MAC_update(context, public_key_hash, 32) == 1 &&
           EVP_MAC_update(context, ciphertext.data, ciphertext.len) == 1 &&
           EVP_MAC_final(context, ret_key, &len, 32) == 1;
}

/* PRF(label, bits): HMAC(key, counter || label || length in bits), both numbers as 16 bits. */
static gboolean
expand(EVP_MAC_CTX *context, const char *label, guint8 *out, gsize len)
{
    guint16 bits = GUINT16_TO_BE((guint16)(len * 8));
    guint8 part[32];
    gsize part_len = 0;

    for (gsize at = 0; at < len; at += sizeof part) {
        guint16 counter = GUINT16_TO_BE((guint16)(at / sizeof part));

        if (EVP_MAC_init(context, NULL, 0, NULL) != 1 ||
            EVP_MAC_update(context, (const guint8 *)&counter, sizeof counter) != 1 ||
            EVP_MAC_update(context, (const guint8 *)label, strlen(label)) != 1 ||
            EVP_MAC_update(context, (const guint8 *)&bits, sizeof bits) != 1 ||
            EVP_MAC_final(context, part, &part_len, sizeof part) != 1)
            return FALSE;
        memcpy(out + at, part, MIN(sizeof part, len - at));
    }
    return TRUE;
}

/* The length of a substitute where the right one is not known: the last of 128 candidates that is
 * possible. One fits with overwhelming probability, and the time does not tell which. */
static gboolean
derive_len(EVP_MAC_CTX *context, gsize block_len, gsize *ret_len)
{
    guint8 candidates[256];
    gsize limit = block_len - 2 - PKCS1_PADDING_MIN;
    gsize bits = limit, len = 0;

    for (unsigned shift = 1; shift < 16; shift <<= 1)
        bits |= bits >> shift;
    if (!expand(context, "length", candidates, sizeof candidates))
        return FALSE;
    for (gsize i = 0; i < sizeof candidates; i += 2) {
        gsize candidate = ((gsize)candidates[i] << 8 | candidates[i + 1]) & bits;

        len = seal_mask_select(seal_mask_less(candidate, limit), candidate, len);
    }
    *ret_len = len;
    return TRUE;
}

/* Looks for 00 02, eight or more bytes that are not zero, 00. */
static SealMask
find_pkcs1_message(const guint8 *block, gsize len, gsize *ret_start)
{
    SealMask good = seal_mask_is_zero(block[0]) & seal_mask_equal(block[1], 2);
    SealMask found = 0;
    gsize zero_at = 0;

    for (gsize i = 2; i < len; i++) {
        SealMask zero = seal_mask_is_zero(block[i]);

        zero_at = seal_mask_select(~found & zero, i, zero_at);
        found |= zero;
    }
    *ret_start = zero_at + 1;
    return good & found & ~seal_mask_less(zero_at, 2 + PKCS1_PADDING_MIN);
}

gboolean
seal_pkcs1_unpad(const guint8 rejection_key[32], gsize expected_len, gboolean usable, guint8 *block,
                 gsize len, gsize *ret_len)
{
    g_autoptr(EVP_MAC_CTX) context = hmac_new(rejection_key);
    guint8 substitute[BLOCK_MAX];
    gsize substitute_len = expected_len, start = 0;
    SealMask good = 0;

    if (!context || len > sizeof substitute || len < PKCS1_OVERHEAD ||
        expected_len > len - PKCS1_OVERHEAD || !expand(context, "message", substitute, len) ||
        (expected_len == 0 && !derive_len(context, len, &substitute_len)))
        return FALSE;

    good = find_pkcs1_message(block, len, &start);
    good &= ~seal_mask_is_zero((gsize)usable);
    if (expected_len > 0)
        good &= seal_mask_equal(len - start, expected_len);
    start = seal_mask_select(good, start, len - substitute_len);
    for (gsize i = 0; i < len; i++)
        block[i] = seal_mask_select_byte(good, block[i], substitute[i]);
    /* start may be len when the message is empty: shifting nothing out is right then, too. */
    *ret_len = len - start;
    seal_mask_shift_left(block, len, start);
    seal_wipe(substitute, sizeof substitute);
    return TRUE;
}
