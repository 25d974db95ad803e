/* What stands in the bodies of frames. Parameters of operations are fixed binary structures
 * followed by their parts in the order of the lengths; descriptions of tokens, keys and
 * certificates are sequences of bounded fields (base/bytes.h). Each decoder checks every length
 * and that nothing is left over, and is fuzzed. */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "pkcs11/core/mechanism.h"

/* SEAL_FRAME_HELLO, both ways. The agent speaks first; the host answers with what it has. */
typedef struct {
    uint32_t version;     /* SEAL_WIRE_VERSION; another one: the host answers NOT_SUPPORTED, exits */
    uint32_t features;    /* SealFeatures; unknown bits are ignored */
    uint32_t frame_max;   /* bytes, header included */
    uint32_t window;      /* requests that may be in flight at once */
    uint32_t workers;     /* agent: size of the pool, 0 = the token's session limit (at most 64) */
    uint32_t verify;      /* agent: SealVerify */
    uint8_t rejection_secret[32]; /* agent: keys the PKCS#1 v1.5 implicit rejection; else zero */
} SealHello;
G_STATIC_ASSERT(sizeof(SealHello) == 56);

typedef enum {
    SEAL_FEATURE_EVENTS = 1 << 0, /* host: reports slot events by itself, no rescans needed */
    SEAL_FEATURE_LANES = 1 << 1,  /* host: serves lanes (lane.h) */
} SealFeatures;

typedef enum {
    SEAL_VERIFY_REMOVABLE = 0, /* signatures of removable tokens are verified before use */
    SEAL_VERIFY_ALWAYS = 1,
    SEAL_VERIFY_NEVER = 2,
} SealVerify;

/* SEAL_FRAME_LOGIN; then `pin_len` bytes. With SEAL_TOKEN_PROTECTED_AUTHENTICATION and pin_len 0:
 * C_Login with a NULL PIN. */
typedef struct {
    uint32_t token;
    uint32_t pin_len; /* at most SEAL_PIN_MAX */
} SealLoginParameters;

/* SEAL_FRAME_PIN_CHANGE and SEAL_FRAME_PIN_UNBLOCK; then what opens the token (PIN or PUK), then the
 * new PIN. Both have a length of 0 at a token with SEAL_TOKEN_PROTECTED_AUTHENTICATION, neither at
 * another. */
typedef struct {
    uint32_t token;
    uint32_t given_len; /* at most SEAL_PIN_MAX, as the next */
    uint32_t fresh_len;
} SealPinParameters;

/* SEAL_FRAME_SIGN; then data, then PIN (for the context login of an always-authenticate key, made
 * between C_SignInit and C_Sign; else 0). mechanism, key, generation: in the header. */
typedef struct {
    uint32_t hash;     /* SealHash of the digest; NONE for ED25519 */
    uint32_t salt_len; /* RSA_PSS only; MGF1 uses `hash` */
    uint32_t data_len; /* digest: exactly seal_hash_len(); ED25519: at most SEAL_DATA_MAX */
    uint32_t pin_len;
} SealSignParameters;

typedef enum {
    SEAL_UNWRAP_SEAL = 1 << 0,     /* answer sealed to `seal_to` (base/seal-box.h) */
    SEAL_UNWRAP_COFACTOR = 1 << 1, /* ECDH: dhSinglePass-cofactorDH */
} SealUnwrapFlags;

/* SEAL_FRAME_UNWRAP; then label, originator, shared info, encrypted key, PIN. */
typedef struct {
    uint32_t flags;           /* SealUnwrapFlags */
    uint32_t hash;            /* OAEP's hash; the KDF's hash */
    uint32_t mgf_hash;        /* OAEP's MGF1 hash, else 0 */
    uint32_t wrap_key_len;    /* AES key wrap: 16, 24 or 32 bytes of KEK; else 0 */
    uint32_t session_key_len; /* expected bytes, 0 = not known */
    uint32_t label_len;       /* OAEP label (pSpecified); X25519: the ukm, HKDF's salt (RFC 8418 2.2) */
    uint32_t originator_len;  /* uncompressed point (04 X Y), or 32 bytes for X25519 */
    uint32_t shared_info_len; /* DER ECC-CMS-SharedInfo (RFC 5753 7.2): KDF input */
    uint32_t encrypted_len;
    uint32_t pin_len;
    uint8_t seal_to[32];      /* X25519 public key, with SEAL_UNWRAP_SEAL */
} SealUnwrapParameters;

/* SEAL_FRAME_RAW; then input, then PIN. */
typedef struct {
    uint32_t input_len; /* ECDH: uncompressed point (04 X Y); RSA: a block of the modulus' length */
    uint32_t pin_len;
} SealRawParameters;

/* The parts of an unwrap, cut out of a body (pointing into it). */
typedef struct {
    SealUnwrapParameters parameters;
    SealBytes label, originator, shared_info, encrypted, pin;
} SealUnwrapRequest;
typedef struct {
    SealSignParameters parameters;
    SealBytes data, pin;
} SealSignRequest;
typedef struct {
    SealRawParameters parameters;
    SealBytes input, pin;
} SealRawRequest;
typedef struct {
    SealLoginParameters parameters;
    SealBytes pin;
} SealLoginRequest;
typedef struct {
    SealPinParameters parameters;
    SealBytes given, fresh;
} SealPinRequest;

/* TRUE if the body is exactly one request within all limits (not: that the values make sense).
 * FALSE leaves the result untouched. */
gboolean seal_hello_decode(const void *body, size_t len, SealHello *ret_hello);
gboolean seal_login_request_decode(const void *body, size_t len, SealLoginRequest *ret_request);
gboolean seal_pin_request_decode(const void *body, size_t len, SealPinRequest *ret_request);
gboolean seal_sign_request_decode(const void *body, size_t len, SealSignRequest *ret_request);
gboolean seal_unwrap_request_decode(const void *body, size_t len, SealUnwrapRequest *ret_request);
gboolean seal_raw_request_decode(const void *body, size_t len, SealRawRequest *ret_request);

/* Body of a failed reply: what the host knows. */
typedef struct {
    uint32_t ckr;  /* CK_RV, 0 if none */
    char *message; /* a sentence without names of tokens or keys; (transfer full) */
} SealFailure;
void seal_failure_encode(GByteArray *out, uint32_t ckr, const char *message);
gboolean seal_failure_decode(const void *body, size_t len, SealFailure *ret_failure);
void seal_failure_clear(SealFailure *failure);

typedef enum {
    SEAL_TOKEN_REMOVABLE = 1 << 0,
    SEAL_TOKEN_READ_ONLY = 1 << 1,
    SEAL_TOKEN_PROTECTED_AUTHENTICATION = 1 << 2,
    SEAL_TOKEN_LOGIN_REQUIRED = 1 << 3,
    SEAL_TOKEN_PIN_COUNT_LOW = 1 << 4,
    SEAL_TOKEN_PIN_FINAL_TRY = 1 << 5,
    SEAL_TOKEN_PIN_LOCKED = 1 << 6,
    SEAL_TOKEN_PIN_TO_BE_CHANGED = 1 << 7,
    SEAL_TOKEN_LOGGED_IN = 1 << 8,
    SEAL_TOKEN_PUK_COUNT_LOW = 1 << 9, /* of the PUK: PKCS#11's PIN of the security officer */
    SEAL_TOKEN_PUK_FINAL_TRY = 1 << 10,
    SEAL_TOKEN_PUK_LOCKED = 1 << 11,
} SealTokenFlags;

/* SEAL_FRAME_TOKEN. */
typedef struct {
    uint32_t reference; /* host's number for slot + insertion; never reused by a host */
    uint64_t slot_id;
    uint32_t flags;         /* SealTokenFlags */
    uint32_t pin_min, pin_max;
    uint32_t session_limit; /* 0 = none known */
    char *label, *manufacturer, *model, *serial; /* trimmed, valid UTF-8 */
} SealTokenInfo;

typedef enum {
    SEAL_KEY_SIGN = 1 << 0,    /* CKA_SIGN, or what the certificate or public key implies */
    SEAL_KEY_DECRYPT = 1 << 1, /* CKA_DECRYPT (RSA), CKA_DERIVE (EC, X25519), or implied as above */
    SEAL_KEY_ALWAYS_AUTHENTICATE = 1 << 2,
    SEAL_KEY_IMPORTED = 1 << 3,     /* CKA_LOCAL is false */
    SEAL_KEY_PRIVATE_SEEN = 1 << 4, /* the private key object was read, not only implied */
} SealKeyFlags;

/* SEAL_FRAME_KEY. */
typedef struct {
    uint32_t token;
    uint32_t reference;  /* for the header's `key` */
    uint32_t generation; /* for the header's `generation` */
    uint32_t flags;      /* SealKeyFlags */
    uint32_t algorithm;  /* SealAlgorithm */
    uint32_t bits;
    uint32_t curve;      /* SealCurve */
    uint32_t mechanisms; /* bit (1 << SealMechanism) for each that this token can do, also by padding
                            in the host */
    GBytes *id;          /* CKA_ID */
    char *label;
    GBytes *public_key;  /* DER SubjectPublicKeyInfo */
} SealKeyInfo;

typedef enum {
    SEAL_CERTIFICATE_CA = 1 << 0,
    SEAL_CERTIFICATE_SIGN = 1 << 1,    /* key usage digitalSignature or nonRepudiation, or none */
    SEAL_CERTIFICATE_DECRYPT = 1 << 2, /* keyEncipherment or keyAgreement, or none */
} SealCertificateFlags;

/* SEAL_FRAME_CERTIFICATE. Parsed in the host (vendor data stays there), told in plain fields. */
typedef struct {
    uint32_t token;
    uint32_t flags;        /* SealCertificateFlags */
    int64_t not_before, not_after; /* seconds since 1970 */
    GBytes *id;            /* CKA_ID */
    char *label;
    GBytes *certificate;   /* DER, byte for byte as on the token */
    char *subject, *issuer; /* RFC 2253 text */
    GBytes *issuer_name;   /* DER Name */
    GBytes *serial;        /* content octets of the INTEGER */
    GBytes *subject_key_id; /* empty if none */
    GBytes *public_key;    /* DER SubjectPublicKeyInfo */
    char **addresses;      /* rfc822Names, then emailAddress of the subject */
    char **purposes;       /* "emailProtection", "clientAuth", ... or the dotted OID */
} SealCertificateInfo;

/* Encoders append; an info that came from a decoder is encoded to the same bytes. Text beyond the
 * limits below is cut at a character, lists at their count. Decoders give FALSE for anything that is
 * not exactly one description within the limits, and leave the result untouched then; a decoded info
 * is freed by its _clear function, which also takes a zeroed one. */
#define SEAL_TEXT_MAX  1024u         /* bytes of a label, name or message */
#define SEAL_NAME_MAX  4096u         /* bytes of a distinguished name, text or DER */
#define SEAL_ID_MAX    1024u         /* bytes of a CKA_ID, serial or key identifier */
#define SEAL_DER_MAX   (32u * 1024u) /* bytes of a certificate or public key */
#define SEAL_LIST_MAX  32u           /* addresses or purposes of a certificate */
void seal_token_info_encode(GByteArray *out, const SealTokenInfo *info);
gboolean seal_token_info_decode(const void *body, size_t len, SealTokenInfo *ret_info);
void seal_token_info_clear(SealTokenInfo *info);
void seal_key_info_encode(GByteArray *out, const SealKeyInfo *info);
gboolean seal_key_info_decode(const void *body, size_t len, SealKeyInfo *ret_info);
void seal_key_info_clear(SealKeyInfo *info);
void seal_certificate_info_encode(GByteArray *out, const SealCertificateInfo *info);
gboolean seal_certificate_info_decode(const void *body, size_t len, SealCertificateInfo *ret_info);
void seal_certificate_info_clear(SealCertificateInfo *info);
