/* Our numbering of mechanisms, hashes, algorithms and curves: tables of names and sizes, and
 * nothing that decides. What a token can do is the host's matter, what a caller may do is the
 * agent's. */
#include "pkcs11/core/mechanism.h"

typedef struct {
    SealMechanism mechanism;
    const char *name;
} MechanismRow;

static const MechanismRow mechanisms[] = {
    {SEAL_MECHANISM_RSA_PKCS, "rsa-pkcs1"},
    {SEAL_MECHANISM_RSA_PSS, "rsa-pss"},
    {SEAL_MECHANISM_ECDSA, "ecdsa"},
    {SEAL_MECHANISM_ED25519, "ed25519"},
    {SEAL_MECHANISM_UNWRAP_RSA_PKCS, "unwrap-rsa-pkcs1"},
    {SEAL_MECHANISM_UNWRAP_RSA_OAEP, "unwrap-rsa-oaep"},
    {SEAL_MECHANISM_UNWRAP_ECDH, "unwrap-ecdh"},
    {SEAL_MECHANISM_UNWRAP_X25519, "unwrap-x25519"},
    {SEAL_MECHANISM_RAW_ECDH, "raw-ecdh"},
    {SEAL_MECHANISM_RAW_RSA_SIGN, "raw-rsa-sign"},
    {SEAL_MECHANISM_RAW_RSA_DECRYPT, "raw-rsa-decrypt"},
};

typedef struct {
    const char *name;
    size_t len;
} HashRow;

static const HashRow hashes[] = {
    [SEAL_HASH_NONE] = {"", 0},          [SEAL_HASH_SHA1] = {"sha1", 20},
    [SEAL_HASH_SHA224] = {"sha224", 28}, [SEAL_HASH_SHA256] = {"sha256", 32},
    [SEAL_HASH_SHA384] = {"sha384", 48}, [SEAL_HASH_SHA512] = {"sha512", 64},
};

static const char *const algorithms[] = {
    [SEAL_ALGORITHM_NONE] = "",         [SEAL_ALGORITHM_RSA] = "rsa",
    [SEAL_ALGORITHM_EC] = "ec",         [SEAL_ALGORITHM_ED25519] = "ed25519",
    [SEAL_ALGORITHM_X25519] = "x25519",
};

typedef struct {
    const char *name;
    unsigned bits;
} CurveRow;

static const CurveRow curves[] = {
    [SEAL_CURVE_NONE] = {"", 0},
    [SEAL_CURVE_P256] = {"P-256", 256},
    [SEAL_CURVE_P384] = {"P-384", 384},
    [SEAL_CURVE_P521] = {"P-521", 521},
};

const char *
seal_mechanism_name(SealMechanism mechanism)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mechanisms); i++)
        if (mechanisms[i].mechanism == mechanism)
            return mechanisms[i].name;
    return "";
}

const char *
seal_hash_name(SealHash hash)
{
    return (unsigned)hash < G_N_ELEMENTS(hashes) ? hashes[hash].name : "";
}

const char *
seal_algorithm_name(SealAlgorithm algorithm)
{
    return (unsigned)algorithm < G_N_ELEMENTS(algorithms) ? algorithms[algorithm] : "";
}

const char *
seal_curve_name(SealCurve curve)
{
    return (unsigned)curve < G_N_ELEMENTS(curves) ? curves[curve].name : "";
}

SealMechanism
seal_mechanism_from_name(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mechanisms); i++) {
        SealMechanism mechanism = mechanisms[i].mechanism;

        if (seal_mechanism_signs(mechanism) && !seal_mechanism_is_raw(mechanism) &&
            g_str_equal(mechanisms[i].name, name))
            return mechanism;
    }
    return SEAL_MECHANISM_NONE;
}

SealHash
seal_hash_from_name(const char *name)
{
    for (size_t i = SEAL_HASH_NONE + 1; i < G_N_ELEMENTS(hashes); i++)
        if (g_str_equal(hashes[i].name, name))
            return (SealHash)i;
    return SEAL_HASH_NONE;
}

size_t
seal_hash_len(SealHash hash)
{
    return (unsigned)hash < G_N_ELEMENTS(hashes) ? hashes[hash].len : 0;
}

unsigned
seal_curve_bits(SealCurve curve)
{
    return (unsigned)curve < G_N_ELEMENTS(curves) ? curves[curve].bits : 0;
}

size_t
seal_curve_coordinate_len(SealCurve curve)
{
    return (seal_curve_bits(curve) + 7) / 8;
}

gboolean
seal_mechanism_signs(SealMechanism mechanism)
{
    return mechanism == SEAL_MECHANISM_RAW_RSA_SIGN ||
           (mechanism > SEAL_MECHANISM_NONE && mechanism < SEAL_MECHANISM_UNWRAP_RSA_PKCS);
}

gboolean
seal_mechanism_is_raw(SealMechanism mechanism)
{
    return mechanism >= SEAL_MECHANISM_RAW_ECDH && mechanism <= SEAL_MECHANISM_RAW_RSA_DECRYPT;
}
