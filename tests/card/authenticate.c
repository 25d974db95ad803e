/* RSA is the bare power: the terminal pads and unpads. ECDSA gets the digest and gives the DER
 * pair; ECDH gets the other's point and gives the shared x coordinate. */
#include "tests/card/authenticate.h"

#include <openssl/rsa.h>
#include <string.h>

#include "tests/card/tlv.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

enum { RESULT_MAX = 512 };

/* Tags in the template. */
typedef enum {
    TAG_TEMPLATE = 0x7c,
    TAG_CHALLENGE = 0x81,
    TAG_RESPONSE = 0x82,
    TAG_EXPONENTIATION = 0x85,
} Tag;

typedef struct {
    guint8 algorithm;
    int type; /* of OpenSSL */
    int bits;
} Row;

static gboolean
fits(EVP_PKEY *key, guint8 algorithm)
{
    static const Row rows[] = {
        {0x07, EVP_PKEY_RSA, 2048},
        {0x11, EVP_PKEY_EC, 256},
        {0x14, EVP_PKEY_EC, 384},
    };

    if (algorithm == 0)
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].algorithm == algorithm)
            return EVP_PKEY_is_a(key, OBJ_nid2sn(rows[i].type)) == 1 &&
                   EVP_PKEY_get_bits(key) == rows[i].bits;
    return FALSE;
}

/* The block as a number with as many bytes as the key: itself, its end, or zeroes and it. */
static SealBytes
fit_block(EVP_PKEY *key, SealBytes block, guint8 fitting[RESULT_MAX])
{
    gsize len = (gsize)EVP_PKEY_get_size(key), kept = MIN(len - 1, block.len);

    if (block.len == len || block.len == 0)
        return block;
    memset(fitting, 0, RESULT_MAX);
    memcpy(fitting + len - kept, block.data + block.len - kept, kept);
    return (SealBytes){fitting, len};
}

static gboolean
power(EVP_PKEY *key, SealBytes block, guint8 *result, gsize *len)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);

    return context != NULL && EVP_PKEY_decrypt_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
           EVP_PKEY_decrypt(context, result, len, block.data, block.len) == 1;
}

static gboolean
sign(EVP_PKEY *key, SealBytes digest, guint8 *result, gsize *len)
{
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);

    return context != NULL && EVP_PKEY_sign_init(context) == 1 &&
           EVP_PKEY_sign(context, result, len, digest.data, digest.len) == 1;
}

static gboolean
agree(EVP_PKEY *key, SealBytes point, guint8 *result, gsize *len)
{
    g_autoptr(EVP_PKEY) other = EVP_PKEY_new();
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new(key, NULL);

    return other != NULL && context != NULL && EVP_PKEY_copy_parameters(other, key) == 1 &&
           EVP_PKEY_set1_encoded_public_key(other, point.data, point.len) == 1 &&
           EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, other) == 1 &&
           EVP_PKEY_derive(context, result, len) == 1;
}

static gboolean
compute(EVP_PKEY *key, gboolean is_careless, SealBytes data, guint8 *result, gsize *len)
{
    gboolean is_rsa = EVP_PKEY_is_a(key, "RSA") == 1;
    SealBytes template = {0}, input = {0};
    guint8 fitting[RESULT_MAX];

    if (!seal_tlv_find(data, TAG_TEMPLATE, &template))
        return FALSE;
    if (seal_tlv_find(template, TAG_EXPONENTIATION, &input))
        return !is_rsa && agree(key, input, result, len);
    if (!seal_tlv_find(template, TAG_CHALLENGE, &input))
        return FALSE;
    if (is_rsa && is_careless)
        input = fit_block(key, input, fitting);
    return (is_rsa ? power : sign)(key, input, result, len);
}

SealStatusWord
seal_card_authenticate(EVP_PKEY *key, guint8 algorithm, SealBytes data, GByteArray *out)
{
    g_autoptr(GByteArray) answer = g_byte_array_new();
    guint8 result[RESULT_MAX];
    gsize len = sizeof result;

    if (!fits(key, algorithm))
        return SEAL_SW_WRONG_PARAMETERS;
    if (!compute(key, algorithm == 0, data, result, &len))
        return SEAL_SW_WRONG_DATA;
    seal_tlv_put(answer, TAG_RESPONSE, result, len);
    seal_tlv_put(out, TAG_TEMPLATE, answer->data, answer->len);
    return SEAL_SW_DONE;
}
