/* The agent signs digests of a named hash. Where PKCS#11 gives the message, the digest is made
 * here; where it gives a DigestInfo (CKM_RSA_PKCS), that is taken apart, and anything else is
 * refused; where it gives a bare digest (CKM_ECDSA), its length names the hash: only the number
 * enters the signature. A key that the policy opens for raw RSA signs blocks (CKM_RSA_X_509). */
#include "pkcs11/module/signing.h"

#include <openssl/evp.h>
#include <string.h>

#include "pkcs11/core/der.h"
#include "pkcs11/module/failure.h"
#include "pkcs11/module/mechanisms.h"

/* Longer than any DigestInfo or digest; for Ed25519 the agent's limit counts. */
#define DIGEST_DATA_MAX 256

struct SealSigning {
    const SealMechanismRow *row;
    SealHash hash; /* of PSS parameters, or the row's */
    gboolean has_salt_len;
    guint salt_len;
    char *key;
    SealCurve curve;
    guint bits;
    gboolean has_parts;
    EVP_MD_CTX *digest; /* (nullable) where the hash is made here */
    GByteArray *data;   /* else: what was given */
};

void
seal_signing_free(SealSigning *signing)
{
    if (!signing)
        return;
    EVP_MD_CTX_free(signing->digest);
    g_clear_pointer(&signing->data, g_byte_array_unref);
    g_free(signing->key);
    g_free(signing);
}

/* -- parameters --------------------------------------------------------------------------- */

static CK_RV
read_pss(const CK_MECHANISM *mechanism, SealSigning *signing)
{
    const CK_RSA_PKCS_PSS_PARAMS *pss = mechanism->pParameter;
    gsize room = (signing->bits + 6) / 8; /* RFC 8017 9.1.1: emLen */
    SealHash hash = SEAL_HASH_NONE;

    if (!pss || mechanism->ulParameterLen != sizeof *pss)
        return CKR_MECHANISM_PARAM_INVALID;
    hash = seal_hash_from_mechanism(pss->hashAlg);
    if (hash < SEAL_HASH_SHA256 || seal_hash_from_mgf(pss->mgf) != hash ||
        (signing->hash != SEAL_HASH_NONE && signing->hash != hash))
        return CKR_MECHANISM_PARAM_INVALID;
    if (pss->sLen > room || pss->sLen + seal_hash_len(hash) + 2 > room)
        return CKR_MECHANISM_PARAM_INVALID;
    signing->hash = hash;
    signing->salt_len = (guint)pss->sLen;
    signing->has_salt_len = pss->sLen != seal_hash_len(hash);
    return CKR_OK;
}

static CK_RV
read_parameters(const CK_MECHANISM *mechanism, SealSigning *signing)
{
    const SealEddsaParams *eddsa = mechanism->pParameter;

    if (g_str_equal(signing->row->sign_as, "rsa-pss"))
        return read_pss(mechanism, signing);
    if (mechanism->ulParameterLen == 0)
        return CKR_OK;
    /* Ed25519 itself may be asked for in words; its variants ph and ctx are not served. */
    if (eddsa && signing->row->type == CKM_EDDSA && mechanism->ulParameterLen == sizeof *eddsa &&
        !eddsa->ph_flag && eddsa->context_len == 0)
        return CKR_OK;
    return CKR_MECHANISM_PARAM_INVALID;
}

static const EVP_MD *
digest_of(SealHash hash)
{
    if (hash == SEAL_HASH_SHA256)
        return EVP_sha256();
    return hash == SEAL_HASH_SHA384 ? EVP_sha384() : EVP_sha512();
}

static CK_RV
prepare_input(SealSigning *signing)
{
    if (signing->row->hash == SEAL_HASH_NONE) {
        signing->data = g_byte_array_new();
        return CKR_OK;
    }
    signing->digest = EVP_MD_CTX_new();
    if (signing->digest && EVP_DigestInit_ex(signing->digest, digest_of(signing->row->hash), NULL))
        return CKR_OK;
    return CKR_GENERAL_ERROR;
}

CK_RV
seal_signing_new(const SealItem *key, const CK_MECHANISM *mechanism, SealSigning **ret_signing)
{
    const SealMechanismRow *row = seal_mechanism_row(mechanism->mechanism, CKF_SIGN, key->raw);
    g_autoptr(SealSigning) signing = NULL;
    CK_RV rv = CKR_OK;

    if (!row)
        return CKR_MECHANISM_INVALID;
    if (row->algorithm != key->algorithm)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!key->can_sign)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    signing = g_new0(SealSigning, 1);
    signing->row = row;
    signing->hash = row->hash;
    signing->key = g_strdup(key->key);
    signing->curve = key->curve;
    signing->bits = key->bits;
    rv = read_parameters(mechanism, signing);
    if (rv == CKR_OK)
        rv = prepare_input(signing);
    if (rv == CKR_OK)
        *ret_signing = g_steal_pointer(&signing);
    return rv;
}

/* -- input ---------------------------------------------------------------------------------- */

CK_ULONG
seal_signing_len(const SealSigning *signing)
{
    if (signing->row->algorithm == SEAL_ALGORITHM_RSA)
        return (signing->bits + 7) / 8;
    if (signing->row->algorithm == SEAL_ALGORITHM_EC)
        return 2 * seal_curve_coordinate_len(signing->curve);
    return 64; /* RFC 8032 5.1.6 */
}

gboolean
seal_signing_has_parts(const SealSigning *signing)
{
    return signing->has_parts;
}

const char *
seal_signing_key(const SealSigning *signing)
{
    return signing->key;
}

gboolean
seal_signing_is_again(const SealSigning *signing, const SealSigning *earlier)
{
    return signing->row == earlier->row && g_str_equal(signing->key, earlier->key) &&
           signing->data && earlier->data && signing->data->len > 0 &&
           signing->data->len <= earlier->data->len &&
           memcmp(signing->data->data, earlier->data->data, signing->data->len) == 0;
}

static gsize
max_data_len(const SealSigning *signing)
{
    if (signing->row->type == CKM_EDDSA)
        return SEAL_AGENT_DATA_MAX;
    return signing->row->is_raw ? seal_signing_len(signing) : DIGEST_DATA_MAX;
}

CK_RV
seal_signing_update(SealSigning *signing, const CK_BYTE *part, CK_ULONG len)
{
    gsize max = max_data_len(signing);

    signing->has_parts = TRUE;
    if (signing->digest)
        return EVP_DigestUpdate(signing->digest, part, len) ? CKR_OK : CKR_GENERAL_ERROR;
    if (len > max || signing->data->len > max - len)
        return CKR_DATA_LEN_RANGE;
    if (len > 0)
        g_byte_array_append(signing->data, part, (guint)len);
    return CKR_OK;
}

/* DER of the DigestInfo of SHA-256 and others up to the digest (RFC 8017 9.2, note 1): they differ
 * in three octets. A DigestInfo written otherwise would not be what the agent signs. */
static SealHash
split_digest_info(SealBytes info, SealBytes *ret_digest)
{
    for (SealHash hash = SEAL_HASH_SHA256; hash <= SEAL_HASH_SHA512; hash++) {
        guint8 len = (guint8)seal_hash_len(hash);
        const guint8 prefix[] = {0x30, (guint8)(len + 17), 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
                                 0x01, 0x65, 0x03, 0x04, 0x02,
                                 /* 2.16.840.1.101.3.4.2: .1 SHA-256, .2 SHA-384, .3 SHA-512 */
                                 (guint8)(hash - SEAL_HASH_SHA256 + 1), 0x05, 0x00, 0x04, len};

        if (info.len != sizeof prefix + len || memcmp(info.data, prefix, sizeof prefix) != 0)
            continue;
        *ret_digest = (SealBytes){info.data + sizeof prefix, len};
        return hash;
    }
    return SEAL_HASH_NONE;
}

static SealHash
hash_of_len(gsize len)
{
    for (SealHash hash = SEAL_HASH_SHA256; hash <= SEAL_HASH_SHA512; hash++)
        if (seal_hash_len(hash) == len)
            return hash;
    return SEAL_HASH_NONE;
}

/* What the agent will be given, and its hash. */
static CK_RV
settle_input(SealSigning *signing, guint8 made[EVP_MAX_MD_SIZE], SealBytes *ret)
{
    unsigned made_len = 0;

    if (signing->digest) {
        if (!EVP_DigestFinal_ex(signing->digest, made, &made_len))
            return CKR_GENERAL_ERROR;
        *ret = (SealBytes){made, made_len};
        return CKR_OK;
    }
    *ret = (SealBytes){signing->data->data, signing->data->len};
    if (signing->row->type == CKM_EDDSA)
        return CKR_OK;
    if (signing->row->type == CKM_RSA_PKCS) {
        signing->hash = split_digest_info(*ret, ret);
        return signing->hash != SEAL_HASH_NONE ? CKR_OK : CKR_DATA_INVALID;
    }
    if (signing->row->type == CKM_RSA_PKCS_PSS)
        return ret->len == seal_hash_len(signing->hash) ? CKR_OK : CKR_DATA_LEN_RANGE;
    signing->hash = hash_of_len(ret->len);
    return signing->hash != SEAL_HASH_NONE ? CKR_OK : CKR_DATA_LEN_RANGE;
}

/* -- output ----------------------------------------------------------------------------------- */

/* One number of an ECDSA-Sig-Value, with leading zeroes. */
static gboolean
take_number(SealBytes *rest, guint8 *out, gsize len)
{
    SealBytes number;

    if (!seal_der_take(rest, SEAL_DER_INTEGER, &number))
        return FALSE;
    while (number.len > 0 && number.data[0] == 0)
        number = (SealBytes){number.data + 1, number.len - 1};
    if (number.len > len)
        return FALSE;
    memset(out, 0, len - number.len);
    if (number.len > 0)
        memcpy(out + len - number.len, number.data, number.len);
    return TRUE;
}

static CK_RV
write_signature(const SealSigning *signing, GBytes *answer, CK_BYTE *signature)
{
    gsize len = 0, expected = seal_signing_len(signing);
    const guint8 *data = g_bytes_get_data(answer, &len);
    SealBytes numbers;

    if (signing->row->algorithm == SEAL_ALGORITHM_EC) {
        if (seal_der_is((SealBytes){data, len}, SEAL_DER_SEQUENCE, &numbers) &&
            take_number(&numbers, signature, expected / 2) &&
            take_number(&numbers, signature + expected / 2, expected / 2))
            return CKR_OK;
        return CKR_GENERAL_ERROR;
    }
    if (len != expected)
        return CKR_GENERAL_ERROR;
    memcpy(signature, data, len);
    return CKR_OK;
}

/* Raw RSA. A short block has zeroes in front (PKCS#11 2.40, mechanisms, 2.1.12). */
static CK_RV
sign_block(const SealSigning *signing, SealClient *client, CK_BYTE *signature)
{
    gsize len = seal_signing_len(signing), given = signing->data->len;
    guint8 *block = NULL;
    g_autoptr(GBytes) input = NULL;
    g_autoptr(SealSessionKey) answer = NULL;
    g_autoptr(GError) error = NULL;

    if (given == 0)
        return CKR_DATA_LEN_RANGE;
    block = g_malloc0(len);
    memcpy(block + len - given, signing->data->data, given);
    input = g_bytes_new_take(block, len);
    answer = seal_client_raw(client, signing->key, signing->row->sign_as, input, &error);
    if (!answer)
        return seal_failure_to_rv(error, CKR_DATA_INVALID);
    if (seal_session_key_len(answer) != len)
        return CKR_GENERAL_ERROR;
    memcpy(signature, seal_session_key_data(answer), len);
    return CKR_OK;
}

static CK_RV
sign_digest(SealSigning *signing, SealClient *client, CK_BYTE *signature)
{
    guint8 made[EVP_MAX_MD_SIZE];
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) data = NULL;
    g_autoptr(GBytes) answer = NULL;
    SealBytes input = {NULL, 0};
    const char *hash = NULL;
    CK_RV rv = settle_input(signing, made, &input);

    if (rv != CKR_OK)
        return rv;
    data = g_bytes_new(input.data, input.len);
    hash = signing->hash != SEAL_HASH_NONE ? seal_hash_name(signing->hash) : NULL;
    if (signing->has_salt_len)
        answer =
            seal_client_sign_salted(client, signing->key, hash, signing->salt_len, data, &error);
    else
        answer = seal_client_sign(client, signing->key, signing->row->sign_as, hash, data, &error);
    if (!answer)
        return seal_failure_to_rv(error, CKR_DATA_INVALID);
    return write_signature(signing, answer, signature);
}

CK_RV
seal_signing_finish(SealSigning *signing, SealClient *client, CK_BYTE *signature)
{
    return signing->row->is_raw ? sign_block(signing, client, signature)
                                : sign_digest(signing, client, signature);
}
