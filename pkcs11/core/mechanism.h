/* The mechanisms that Privy Seal serves, in its own numbering (frames, policy, audit), with their
 * D-Bus names and their PKCS#11 numbers. Everything else is NotSupported, never a fallback. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the frames: append only. */
typedef enum {
    SEAL_MECHANISM_NONE = 0,
    SEAL_MECHANISM_RSA_PKCS = 1, /* sign; data is a digest, the DigestInfo is made in the host */
    SEAL_MECHANISM_RSA_PSS = 2,
    SEAL_MECHANISM_ECDSA = 3,   /* DER ECDSA-Sig-Value out */
    SEAL_MECHANISM_ED25519 = 4, /* data is the message */
    SEAL_MECHANISM_UNWRAP_RSA_PKCS = 16,
    SEAL_MECHANISM_UNWRAP_RSA_OAEP = 17,
    SEAL_MECHANISM_UNWRAP_ECDH = 18,   /* X9.63 KDF, AES key wrap; P-256, P-384, P-521 */
    SEAL_MECHANISM_UNWRAP_X25519 = 19, /* RFC 8418: HKDF, AES key wrap */
    /* raw operations, which the policy must open by name */
    SEAL_MECHANISM_RAW_ECDH = 24,        /* the bare x coordinate; P-256, P-384, P-521 */
    SEAL_MECHANISM_RAW_RSA_SIGN = 25,    /* one block of the modulus' length, no padding */
    SEAL_MECHANISM_RAW_RSA_DECRYPT = 26, /* the same the other way */
} SealMechanism;

/* Part of the frames: append only. */
typedef enum {
    SEAL_HASH_NONE = 0,
    SEAL_HASH_SHA1 = 1,
    SEAL_HASH_SHA224 = 2,
    SEAL_HASH_SHA256 = 3,
    SEAL_HASH_SHA384 = 4,
    SEAL_HASH_SHA512 = 5,
} SealHash;

typedef enum {
    SEAL_ALGORITHM_NONE = 0,
    SEAL_ALGORITHM_RSA = 1,
    SEAL_ALGORITHM_EC = 2,
    SEAL_ALGORITHM_ED25519 = 3,
    SEAL_ALGORITHM_X25519 = 4,
} SealAlgorithm;

typedef enum {
    SEAL_CURVE_NONE = 0,
    SEAL_CURVE_P256 = 1,
    SEAL_CURVE_P384 = 2,
    SEAL_CURVE_P521 = 3,
} SealCurve;

/* Names as on D-Bus ("rsa-pss", "sha256", "ec", "P-256"); "" for NONE or unknown; static. */
const char *seal_mechanism_name(SealMechanism mechanism);
const char *seal_hash_name(SealHash hash);
const char *seal_algorithm_name(SealAlgorithm algorithm);
const char *seal_curve_name(SealCurve curve);

/* The other way; NONE for an unknown name. Only mechanisms of Key.Sign have D-Bus names; the names
 * of the others stand in the audit. */
SealMechanism seal_mechanism_from_name(const char *name);
SealHash seal_hash_from_name(const char *name);

/* Bytes of a digest, 0 for NONE. */
size_t seal_hash_len(SealHash hash);
/* Bits of a curve's field (256, 384, 521); bytes of one coordinate. */
unsigned seal_curve_bits(SealCurve curve);
size_t seal_curve_coordinate_len(SealCurve curve);
/* TRUE for mechanisms that sign, FALSE for those that unwrap or decrypt. */
gboolean seal_mechanism_signs(SealMechanism mechanism);
/* TRUE for raw operations. */
gboolean seal_mechanism_is_raw(SealMechanism mechanism);
