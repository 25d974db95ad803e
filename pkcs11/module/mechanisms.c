/* One table. Nothing symmetric is in it: with AES-CBC advertised NSS pulls whole mails through the
 * token. SHA-1 is not in it as the agent does not sign it. Key unwrapping works for keys that
 * ECDH1_DERIVE made and is not advertised, so that nobody takes it for a general service. Raw RSA
 * is there only where the agent's policy opens it for a key. */
#include "pkcs11/module/mechanisms.h"

#include <string.h>

#define RSA       SEAL_ALGORITHM_RSA
#define EC        SEAL_ALGORITHM_EC
#define CKF_CURVE (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const SealMechanismRow rows[] = {
    {CKM_RSA_PKCS, RSA, "rsa-pkcs1", SEAL_HASH_NONE, CKF_HW | CKF_SIGN | CKF_DECRYPT},
    {CKM_SHA256_RSA_PKCS, RSA, "rsa-pkcs1", SEAL_HASH_SHA256, CKF_HW | CKF_SIGN},
    {CKM_SHA384_RSA_PKCS, RSA, "rsa-pkcs1", SEAL_HASH_SHA384, CKF_HW | CKF_SIGN},
    {CKM_SHA512_RSA_PKCS, RSA, "rsa-pkcs1", SEAL_HASH_SHA512, CKF_HW | CKF_SIGN},
    {CKM_RSA_PKCS_PSS, RSA, "rsa-pss", SEAL_HASH_NONE, CKF_HW | CKF_SIGN},
    {CKM_SHA256_RSA_PKCS_PSS, RSA, "rsa-pss", SEAL_HASH_SHA256, CKF_HW | CKF_SIGN},
    {CKM_SHA384_RSA_PKCS_PSS, RSA, "rsa-pss", SEAL_HASH_SHA384, CKF_HW | CKF_SIGN},
    {CKM_SHA512_RSA_PKCS_PSS, RSA, "rsa-pss", SEAL_HASH_SHA512, CKF_HW | CKF_SIGN},
    {CKM_RSA_PKCS_OAEP, RSA, NULL, SEAL_HASH_NONE, CKF_HW | CKF_DECRYPT},
    {CKM_RSA_X_509, RSA, "rsa-sign", SEAL_HASH_NONE, CKF_HW | CKF_SIGN | CKF_DECRYPT, TRUE},
    {CKM_ECDSA, EC, "ecdsa", SEAL_HASH_NONE, CKF_HW | CKF_SIGN | CKF_CURVE},
    {CKM_ECDSA_SHA256, EC, "ecdsa", SEAL_HASH_SHA256, CKF_HW | CKF_SIGN | CKF_CURVE},
    {CKM_ECDSA_SHA384, EC, "ecdsa", SEAL_HASH_SHA384, CKF_HW | CKF_SIGN | CKF_CURVE},
    {CKM_ECDSA_SHA512, EC, "ecdsa", SEAL_HASH_SHA512, CKF_HW | CKF_SIGN | CKF_CURVE},
    {CKM_EDDSA, SEAL_ALGORITHM_ED25519, "ed25519", SEAL_HASH_NONE, CKF_HW | CKF_SIGN},
    {CKM_ECDH1_DERIVE, EC, NULL, SEAL_HASH_NONE, CKF_HW | CKF_DERIVE | CKF_CURVE},
    {CKM_ECDH1_COFACTOR_DERIVE, EC, NULL, SEAL_HASH_NONE, CKF_HW | CKF_DERIVE | CKF_CURVE},
};

static const struct {
    SealHash hash;
    CK_MECHANISM_TYPE mechanism;
    CK_ULONG mgf, kdf;
} hashes[] = {
    {SEAL_HASH_SHA1, CKM_SHA_1, CKG_MGF1_SHA1, CKD_SHA1_KDF},
    {SEAL_HASH_SHA224, CKM_SHA224, CKG_MGF1_SHA224, CKD_SHA224_KDF},
    {SEAL_HASH_SHA256, CKM_SHA256, CKG_MGF1_SHA256, CKD_SHA256_KDF},
    {SEAL_HASH_SHA384, CKM_SHA384, CKG_MGF1_SHA384, CKD_SHA384_KDF},
    {SEAL_HASH_SHA512, CKM_SHA512, CKG_MGF1_SHA512, CKD_SHA512_KDF},
};

/* What of the row's uses is open; 0 if none is. */
static CK_FLAGS
open_flags(const SealMechanismRow *row, guint raw)
{
    CK_FLAGS open = 0;

    if (!row->is_raw)
        return row->flags;
    if (raw & SEAL_OPEN_RSA_SIGN)
        open |= CKF_SIGN;
    if (raw & SEAL_OPEN_RSA_DECRYPT)
        open |= CKF_DECRYPT;
    return open ? open | CKF_HW : 0;
}

static const SealMechanismRow *
find_row(CK_MECHANISM_TYPE type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

const SealMechanismRow *
seal_mechanism_row(CK_MECHANISM_TYPE type, CK_FLAGS use, guint raw)
{
    const SealMechanismRow *row = find_row(type);

    return row && open_flags(row, raw) & use ? row : NULL;
}

CK_RV
seal_mechanisms_list(guint raw, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    CK_MECHANISM_TYPE open[G_N_ELEMENTS(rows)];
    CK_ULONG room = *count, n = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (open_flags(&rows[i], raw))
            open[n++] = rows[i].type;
    *count = n;
    if (!list)
        return CKR_OK;
    if (room < n)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, open, n * sizeof *open);
    return CKR_OK;
}

CK_RV
seal_mechanism_describe(CK_MECHANISM_TYPE type, guint raw, CK_MECHANISM_INFO *info)
{
    const SealMechanismRow *row = find_row(type);

    /* Java gives PSS no hash of which a token says nothing. It is known, and does nothing by
     * itself: not in the list, so that nobody has digests made here. */
    if (!row && seal_hash_from_mechanism(type) >= SEAL_HASH_SHA256) {
        *info = (CK_MECHANISM_INFO){0};
        return CKR_OK;
    }
    if (!row || !open_flags(row, raw))
        return CKR_MECHANISM_INVALID;
    /* Sizes in bits. What a key's own token does not take is refused when it is used. */
    info->ulMinKeySize = row->algorithm == RSA ? 1024 : 256;
    info->ulMaxKeySize = row->algorithm == RSA ? 4096 : 521;
    if (row->algorithm == SEAL_ALGORITHM_ED25519)
        info->ulMinKeySize = info->ulMaxKeySize = 255;
    info->flags = open_flags(row, raw);
    return CKR_OK;
}

SealHash
seal_hash_from_mechanism(CK_MECHANISM_TYPE type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (hashes[i].mechanism == type)
            return hashes[i].hash;
    return SEAL_HASH_NONE;
}

SealHash
seal_hash_from_mgf(CK_ULONG mgf)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (hashes[i].mgf == mgf)
            return hashes[i].hash;
    return SEAL_HASH_NONE;
}

SealHash
seal_hash_from_kdf(CK_ULONG kdf)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (hashes[i].kdf == kdf)
            return hashes[i].hash;
    return SEAL_HASH_NONE;
}
