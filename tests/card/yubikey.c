/* Yubico's own instructions, as its documents describe them (developers.yubico.com, PIV extensions;
 * .NET SDK manual, PIV commands): version, serial, metadata from firmware 5.3 on, attestation.
 *
 * All keys of these cards came from outside, and a YubiKey attests only what it made. What changes
 * a card (import, management key, reset) is not here, as in card.c; nor is the management key
 * itself, so nobody becomes the officer of such a card. */
#include "tests/card/yubikey.h"

#include <openssl/core_names.h>
#include <string.h>

#include "tests/card/tlv.h"

enum { NUMBER_MAX = 512, SERIAL_LEN = 4 };

typedef enum {
    INS_GET_METADATA = 0xf7,
    INS_GET_SERIAL = 0xf8,
    INS_ATTEST = 0xf9,
    INS_GET_VERSION = 0xfd,
} Instruction;

typedef enum {
    TAG_ALGORITHM = 0x01,
    TAG_POLICY = 0x02,
    TAG_ORIGIN = 0x03,
    TAG_PUBLIC = 0x04,
    TAG_MODULUS = 0x81,
    TAG_EXPONENT = 0x82,
    TAG_POINT = 0x86,
} Tag;

enum { PIN_NEVER = 1, PIN_ONCE = 2, PIN_ALWAYS = 3, TOUCH_NEVER = 1, ORIGIN_IMPORTED = 2 };

SealBytes
seal_yubikey_atr(const SealCardContents *contents)
{
    static const guint8 four[] = {0x3b, 0xf8, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15,
                                  'Y',  'u',  'b',  'i',  'k',  'e',  'y',  '4',  0xd4};
    static const guint8 five[] = {0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe,
                                  0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 'Y',
                                  'u',  'b',  'i',  'K',  'e',  'y',  0x40};

    return contents->firmware[0] < 5 ? (SealBytes){four, sizeof four}
                                     : (SealBytes){five, sizeof five};
}

static gboolean
is_name(SealBytes data, const guint8 *name, gsize len)
{
    return data.len == len && memcmp(data.data, name, len) == 0;
}

gboolean
seal_yubikey_is_otp(SealBytes data)
{
    static const guint8 name[] = {0xa0, 0x00, 0x00, 0x05, 0x27, 0x20, 0x01, 0x01};

    return is_name(data, name, sizeof name);
}

gboolean
seal_yubikey_is_piv(SealBytes data)
{
    static const guint8 issuer[] = {0xa0, 0x00, 0x00, 0x03, 0x08};

    return is_name(data, issuer, sizeof issuer);
}

/* -- instructions
 * ----------------------------------------------------------------------------------- */

SealStatusWord
seal_yubikey_serial(const SealCardContents *contents, GByteArray *out)
{
    seal_put_bytes(out, contents->guid, SERIAL_LEN);
    return SEAL_SW_DONE;
}

static SealStatusWord
get_version(const SealCardContents *contents, const SealApdu *apdu, GByteArray *out)
{
    seal_put_bytes(out, contents->firmware, sizeof contents->firmware);
    return SEAL_SW_DONE;
}

static SealStatusWord
get_serial(const SealCardContents *contents, const SealApdu *apdu, GByteArray *out)
{
    return seal_yubikey_serial(contents, out);
}

static SealStatusWord
attest(const SealCardContents *contents, const SealApdu *apdu, GByteArray *out)
{
    return SEAL_SW_WRONG_DATA;
}

static void
put_number(GByteArray *out, Tag tag, EVP_PKEY *key, const char *name)
{
    BIGNUM *number = NULL;
    guint8 bytes[NUMBER_MAX];

    g_assert_cmpint(EVP_PKEY_get_bn_param(key, name, &number), ==, 1);
    g_assert_cmpint(BN_num_bytes(number), <=, NUMBER_MAX);
    seal_tlv_put(out, tag, bytes, (gsize)BN_bn2bin(number, bytes));
    BN_free(number);
}

/* Returns the algorithm (SP 800-78-4, table 6-2). */
static guint8
put_public_key(GByteArray *out, EVP_PKEY *key)
{
    guint8 *point = NULL;
    gsize len = 0;

    if (EVP_PKEY_is_a(key, "RSA") == 1) {
        put_number(out, TAG_MODULUS, key, OSSL_PKEY_PARAM_RSA_N);
        put_number(out, TAG_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E);
        return 0x07;
    }
    len = EVP_PKEY_get1_encoded_public_key(key, &point);
    seal_tlv_put(out, TAG_POINT, point, len);
    OPENSSL_free(point);
    return EVP_PKEY_get_bits(key) == 256 ? 0x11 : 0x14;
}

static guint8
pin_policy(guint slot)
{
    if (slot == SEAL_SLOT_CARD)
        return PIN_NEVER;
    return slot == SEAL_SLOT_SIGNATURE ? PIN_ALWAYS : PIN_ONCE;
}

static SealStatusWord
get_metadata(const SealCardContents *contents, const SealApdu *apdu, GByteArray *out)
{
    EVP_PKEY *key = g_hash_table_lookup(contents->keys, GUINT_TO_POINTER(apdu->p2));
    g_autoptr(GByteArray) public_key = g_byte_array_new();
    guint8 algorithm = 0;

    if (!key)
        return SEAL_SW_NO_REFERENCE;
    algorithm = put_public_key(public_key, key);
    seal_tlv_put(out, TAG_ALGORITHM, &algorithm, 1);
    seal_tlv_put(out, TAG_POLICY, (const guint8[]){pin_policy(apdu->p2), TOUCH_NEVER}, 2);
    seal_tlv_put(out, TAG_ORIGIN, (const guint8[]){ORIGIN_IMPORTED}, 1);
    seal_tlv_put(out, TAG_PUBLIC, public_key->data, public_key->len);
    return SEAL_SW_DONE;
}

typedef struct {
    Instruction ins;
    guint8 since[2]; /* firmware */
    SealStatusWord (*carry_out)(const SealCardContents *contents, const SealApdu *apdu,
                                GByteArray *out);
} Row;

static const Row rows[] = {
    {INS_GET_METADATA, {5, 3}, get_metadata},
    {INS_GET_SERIAL, {5, 0}, get_serial},
    {INS_ATTEST, {4, 3}, attest},
    {INS_GET_VERSION, {0, 0}, get_version},
};

gboolean
seal_yubikey_carry_out(const SealCardContents *contents, const SealApdu *apdu, GByteArray *out,
                       SealStatusWord *ret_status)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].ins != apdu->ins || memcmp(contents->firmware, rows[i].since, 2) < 0)
            continue;
        *ret_status = rows[i].carry_out(contents, apdu, out);
        return TRUE;
    }
    return FALSE;
}
