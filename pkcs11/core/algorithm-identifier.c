/* The allow-list. Object identifiers are compared by their content octets in tables; each table
 * says what the identifier means for us. An identifier of one table in the place of another is as
 * unknown as any. */
#include "pkcs11/core/algorithm-identifier.h"

#include <string.h>

#include "pkcs11/core/der.h"

/* An AlgorithmIdentifier taken apart. */
typedef struct {
    SealBytes whole;
    SealBytes oid;        /* content octets */
    SealBytes parameters; /* one element, or nothing */
} Algorithm;

/* Content octets of an OBJECT IDENTIFIER; the longest of ours has 11. */
typedef struct {
    guint8 len;
    guint8 octets[11];
} Oid;
/* clang-format off */
#define OID(...) {sizeof((guint8[]){__VA_ARGS__}), {__VA_ARGS__}}
/* clang-format on */

#define PKCS1        0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01 /* 1.2.840.113549.1.1 */
#define SMIME_ALG    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x03 /* ...1.9.16.3 */
#define NIST_AES     0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01 /* 2.16.840.1.101.3.4.1 */
#define NIST_HASH    0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 /* 2.16.840.1.101.3.4.2 */
#define SEC_SCHEMES  0x2b, 0x81, 0x04, 0x01                         /* 1.3.132.1 */
#define X963_SCHEMES 0x2b, 0x81, 0x05, 0x10, 0x86, 0x48, 0x3f, 0x00 /* 1.3.133.16.840.63.0 */

static const Oid rsa_encryption = OID(PKCS1, 1);
static const Oid rsaes_oaep = OID(PKCS1, 7);
static const Oid mgf1 = OID(PKCS1, 8);
static const Oid p_specified = OID(PKCS1, 9);
static const Oid ec_public_key = OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
static const Oid x25519 = OID(0x2b, 0x65, 0x6e);

static const struct {
    Oid oid;
    SealHash hash;
} hashes[] = {
    {OID(0x2b, 0x0e, 0x03, 0x02, 0x1a), SEAL_HASH_SHA1},
    {OID(NIST_HASH, 1), SEAL_HASH_SHA256},
    {OID(NIST_HASH, 2), SEAL_HASH_SHA384},
    {OID(NIST_HASH, 3), SEAL_HASH_SHA512},
};

/* RFC 5753 7.1.4, RFC 8418 2.3. */
static const struct {
    Oid oid;
    SealMechanism mechanism;
    SealHash hash;
    gboolean cofactor;
} schemes[] = {
    {OID(X963_SCHEMES, 2), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA1, FALSE},
    {OID(SEC_SCHEMES, 11, 0), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA224, FALSE},
    {OID(SEC_SCHEMES, 11, 1), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA256, FALSE},
    {OID(SEC_SCHEMES, 11, 2), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA384, FALSE},
    {OID(SEC_SCHEMES, 11, 3), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA512, FALSE},
    {OID(X963_SCHEMES, 3), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA1, TRUE},
    {OID(SEC_SCHEMES, 14, 0), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA224, TRUE},
    {OID(SEC_SCHEMES, 14, 1), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA256, TRUE},
    {OID(SEC_SCHEMES, 14, 2), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA384, TRUE},
    {OID(SEC_SCHEMES, 14, 3), SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA512, TRUE},
    {OID(SMIME_ALG, 19), SEAL_MECHANISM_UNWRAP_X25519, SEAL_HASH_SHA256, FALSE},
    {OID(SMIME_ALG, 20), SEAL_MECHANISM_UNWRAP_X25519, SEAL_HASH_SHA384, FALSE},
    {OID(SMIME_ALG, 21), SEAL_MECHANISM_UNWRAP_X25519, SEAL_HASH_SHA512, FALSE},
};

/* Identifiers that stand for the length of a key. */
typedef struct {
    Oid oid;
    guint32 key_len;
} KeyLen;

static const KeyLen key_wraps[] = {
    {OID(NIST_AES, 5), 16},
    {OID(NIST_AES, 25), 24},
    {OID(NIST_AES, 45), 32},
};

static const KeyLen content_encryptions[] = {
    {OID(NIST_AES, 2), 16},
    {OID(NIST_AES, 22), 24},
    {OID(NIST_AES, 42), 32}, /* CBC */
    {OID(NIST_AES, 6), 16},
    {OID(NIST_AES, 26), 24},
    {OID(NIST_AES, 46), 32}, /* GCM */
    {OID(NIST_AES, 7), 16},
    {OID(NIST_AES, 27), 24},
    {OID(NIST_AES, 47), 32},                                   /* CCM */
    {OID(SMIME_ALG, 18), 32},                                  /* ChaCha20-Poly1305 */
    {OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07), 24}, /* 3DES in CBC mode */
};

static const struct {
    Oid oid;
    SealCurve curve;
} curves[] = {
    {OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07), SEAL_CURVE_P256},
    {OID(0x2b, 0x81, 0x04, 0x00, 0x22), SEAL_CURVE_P384},
    {OID(0x2b, 0x81, 0x04, 0x00, 0x23), SEAL_CURVE_P521},
};

static gboolean
oid_is(SealBytes oid, const Oid *known)
{
    return oid.len == known->len && memcmp(oid.data, known->octets, known->len) == 0;
}

/* -- refusing ------------------------------------------------------------------- */

static gboolean
refuse_malformed(const char *what, GError **error)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "the %s is not valid DER", what);
    return FALSE;
}

/* `what` is served, but not with this identifier. */
static gboolean
refuse_oid(const char *what, SealBytes oid, const char *expected, GError **error)
{
    g_autofree char *text = seal_der_oid_to_text(oid);

    if (!text)
        return refuse_malformed(what, error);
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED, "%s %s is not served, expected %s",
                what, text, expected);
    return FALSE;
}

/* -- taking apart ---------------------------------------------------------------- */

/* SEQUENCE { OBJECT IDENTIFIER, parameters OPTIONAL } off `rest`. */
static gboolean
take_algorithm(SealBytes *rest, Algorithm *ret)
{
    SealBytes after = *rest;
    SealDerElement sequence, parameters;
    Algorithm algorithm = {{0}};

    if (!seal_der_next(&after, &sequence) || sequence.tag != SEAL_DER_SEQUENCE)
        return FALSE;
    algorithm.whole = sequence.whole;
    if (!seal_der_take(&sequence.content, SEAL_DER_OID, &algorithm.oid))
        return FALSE;
    if (sequence.content.len > 0) {
        if (!seal_der_next(&sequence.content, &parameters) || sequence.content.len > 0)
            return FALSE;
        algorithm.parameters = parameters.whole;
    }
    *ret = algorithm;
    *rest = after;
    return TRUE;
}

/* `der` is one AlgorithmIdentifier and nothing else. */
static gboolean
parse_algorithm(SealBytes der, Algorithm *ret)
{
    return take_algorithm(&der, ret) && der.len == 0;
}

static gboolean
has_null(const Algorithm *algorithm)
{
    SealBytes content;

    return seal_der_is(algorithm->parameters, SEAL_DER_NULL, &content) && content.len == 0;
}

static gboolean
has_null_or_nothing(const Algorithm *algorithm)
{
    return algorithm->parameters.len == 0 || has_null(algorithm);
}

static gboolean
refuse_parameters(const char *what, GError **error)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "the parameters of the %s are not what its standard says", what);
    return FALSE;
}

/* -- RSA-OAEP -------------------------------------------------------------------- */

/* A hash AlgorithmIdentifier; RFC 8017 B.1 and RFC 5754 2: parameters NULL or absent. */
static gboolean
read_hash(const Algorithm *algorithm, const char *what, SealHash *ret_hash, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(hashes); i++) {
        if (!oid_is(algorithm->oid, &hashes[i].oid))
            continue;
        *ret_hash = hashes[i].hash;
        return has_null_or_nothing(algorithm) || refuse_parameters(what, error);
    }
    return refuse_oid(what, algorithm->oid, "SHA-1, SHA-256, SHA-384 or SHA-512", error);
}

/* The AlgorithmIdentifier in [n] EXPLICIT, if that comes next. 1, 0 if absent, -1 if malformed. */
static int
take_tagged(SealBytes *rest, guint8 n, Algorithm *ret)
{
    SealBytes content;

    if (rest->len == 0 || rest->data[0] != SEAL_DER_CONTEXT(n))
        return 0;
    if (!seal_der_take(rest, SEAL_DER_CONTEXT(n), &content) || !parse_algorithm(content, ret))
        return -1;
    return 1;
}

static gboolean
read_mgf(const Algorithm *mgf, SealHash *ret_hash, GError **error)
{
    Algorithm hash;

    if (!oid_is(mgf->oid, &mgf1))
        return refuse_oid("mask generation function", mgf->oid, "MGF1", error);
    if (!parse_algorithm(mgf->parameters, &hash))
        return refuse_malformed("hash of MGF1", error);
    return read_hash(&hash, "hash of MGF1", ret_hash, error);
}

static gboolean
read_label(const Algorithm *source, SealBytes *ret_label, GError **error)
{
    if (!oid_is(source->oid, &p_specified))
        return refuse_oid("source of the OAEP label", source->oid, "id-pSpecified", error);
    return seal_der_is(source->parameters, SEAL_DER_OCTET_STRING, ret_label) ||
           refuse_malformed("OAEP label", error);
}

/* RFC 8017 A.2.1: each of the three may be absent: SHA-1, MGF1 with SHA-1, an empty label. */
static gboolean
read_oaep(const Algorithm *algorithm, SealKeyEncryption *ret, GError **error)
{
    SealKeyEncryption oaep = {.mechanism = SEAL_MECHANISM_UNWRAP_RSA_OAEP,
                              .hash = SEAL_HASH_SHA1,
                              .mgf_hash = SEAL_HASH_SHA1};
    Algorithm parts[3];
    int has[3] = {0};
    SealBytes rest;

    if (!seal_der_is(algorithm->parameters, SEAL_DER_SEQUENCE, &rest))
        return refuse_parameters("RSAES-OAEP", error);
    for (guint8 n = 0; n < 3; n++) {
        has[n] = take_tagged(&rest, n, &parts[n]);
        if (has[n] < 0)
            return refuse_malformed("parameters of RSAES-OAEP", error);
    }
    if (rest.len > 0)
        return refuse_malformed("parameters of RSAES-OAEP", error);
    if ((has[0] && !read_hash(&parts[0], "OAEP hash", &oaep.hash, error)) ||
        (has[1] && !read_mgf(&parts[1], &oaep.mgf_hash, error)) ||
        (has[2] && !read_label(&parts[2], &oaep.label, error)))
        return FALSE;
    *ret = oaep;
    return TRUE;
}

/* -- Diffie-Hellman ----------------------------------------------------------------- */

static gboolean
find_key_len(const KeyLen *table, size_t n, SealBytes oid, guint32 *ret_key_len)
{
    for (size_t i = 0; i < n; i++) {
        if (!oid_is(oid, &table[i].oid))
            continue;
        *ret_key_len = table[i].key_len;
        return TRUE;
    }
    return FALSE;
}

/* RFC 3565 2.3.2 wants the wrap's parameters absent; some write NULL. Either is part of the KDF's
 * input as it stands. */
static gboolean
read_wrap(const Algorithm *algorithm, SealKeyEncryption *ret, GError **error)
{
    Algorithm wrap;

    if (!parse_algorithm(algorithm->parameters, &wrap))
        return refuse_malformed("key wrap algorithm", error);
    if (!find_key_len(key_wraps, G_N_ELEMENTS(key_wraps), wrap.oid, &ret->wrap_key_len))
        return refuse_oid("key wrap algorithm", wrap.oid, "AES-128, AES-192 or AES-256 key wrap",
                          error);
    if (!has_null_or_nothing(&wrap))
        return refuse_parameters("key wrap algorithm", error);
    ret->wrap = wrap.whole;
    return TRUE;
}

static gboolean
read_scheme(const Algorithm *algorithm, SealKeyEncryption *ret, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        SealKeyEncryption encryption = {.mechanism = schemes[i].mechanism,
                                        .hash = schemes[i].hash,
                                        .cofactor = schemes[i].cofactor};

        if (!oid_is(algorithm->oid, &schemes[i].oid))
            continue;
        if (!read_wrap(algorithm, &encryption, error))
            return FALSE;
        *ret = encryption;
        return TRUE;
    }
    return refuse_oid("key encryption algorithm", algorithm->oid,
                      "rsaEncryption, id-RSAES-OAEP, dhSinglePass-stdDH or dhSinglePass-cofactorDH",
                      error);
}

gboolean
seal_key_encryption_parse(SealBytes der, SealKeyEncryption *ret, GError **error)
{
    Algorithm algorithm;

    if (!parse_algorithm(der, &algorithm) || !seal_der_is_valid(der))
        return refuse_malformed("key encryption algorithm", error);
    if (oid_is(algorithm.oid, &rsaes_oaep))
        return read_oaep(&algorithm, ret, error);
    if (!oid_is(algorithm.oid, &rsa_encryption))
        return read_scheme(&algorithm, ret, error);
    if (!has_null(&algorithm)) /* RFC 3370 4.2.1: must be NULL */
        return refuse_parameters("rsaEncryption", error);
    *ret = (SealKeyEncryption){.mechanism = SEAL_MECHANISM_UNWRAP_RSA_PKCS};
    return TRUE;
}

gboolean
seal_content_encryption_key_len(SealBytes der, guint32 *ret_key_len, GError **error)
{
    Algorithm algorithm;

    if (!parse_algorithm(der, &algorithm) || !seal_der_is_valid(der))
        return refuse_malformed("content encryption algorithm", error);
    return find_key_len(content_encryptions, G_N_ELEMENTS(content_encryptions), algorithm.oid,
                        ret_key_len) ||
           refuse_oid("content encryption algorithm", algorithm.oid,
                      "AES in CBC, GCM or CCM mode, ChaCha20-Poly1305 or 3DES", error);
}

/* -- the originator's key ------------------------------------------------------------- */

/* RFC 5753 7.1.2: the parameters are absent, NULL, or name a curve, which must be the key's own. */
static gboolean
check_curve(const Algorithm *algorithm, SealCurve curve, GError **error)
{
    SealBytes oid;

    if (has_null_or_nothing(algorithm))
        return TRUE;
    if (!seal_der_is(algorithm->parameters, SEAL_DER_OID, &oid))
        return refuse_parameters("originator's public key", error);
    for (size_t i = 0; i < G_N_ELEMENTS(curves); i++) {
        if (!oid_is(oid, &curves[i].oid))
            continue;
        if (curves[i].curve == curve)
            return TRUE;
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "the originator's public key is on %s, the key on %s",
                    seal_curve_name(curves[i].curve), seal_curve_name(curve));
        return FALSE;
    }
    return refuse_oid("curve", oid, "P-256, P-384 or P-521", error);
}

/* SEC 1 2.3.3: 04 X Y; 02 and 03 are compressed. */
static gboolean
check_point(SealBytes point, SealCurve curve, GError **error)
{
    size_t expected = 1 + 2 * seal_curve_coordinate_len(curve);

    if (point.len > 0 && (point.data[0] == 2 || point.data[0] == 3)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                    "the originator's public key is compressed, expected an uncompressed point");
        return FALSE;
    }
    if (point.len == expected && point.data[0] == 4)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "the originator's public key is no uncompressed point of %s (%zu bytes)",
                seal_curve_name(curve), expected);
    return FALSE;
}

static gboolean
check_x25519(const Algorithm *algorithm, SealBytes point, GError **error)
{
    if (algorithm->parameters.len > 0) /* RFC 8410 3 */
        return refuse_parameters("originator's public key", error);
    if (point.len == 32)
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "the originator's public key has %zu bytes, X25519 has 32", point.len);
    return FALSE;
}

gboolean
seal_originator_key_parse(SealBytes der, SealAlgorithm algorithm, SealCurve curve,
                          SealBytes *ret_point, GError **error)
{
    gboolean wants_ec = algorithm == SEAL_ALGORITHM_EC;
    Algorithm identifier;
    SealBytes rest, bits, point;

    if (!seal_der_is(der, SEAL_DER_SEQUENCE, &rest) || !take_algorithm(&rest, &identifier) ||
        !seal_der_is(rest, SEAL_DER_BIT_STRING, &bits) || bits.len < 1 || bits.data[0] != 0)
        return refuse_malformed("originator's public key", error);
    if (!oid_is(identifier.oid, wants_ec ? &ec_public_key : &x25519))
        return refuse_oid("originator's public key", identifier.oid,
                          wants_ec ? "id-ecPublicKey" : "id-X25519", error);
    point = (SealBytes){bits.data + 1, bits.len - 1};
    if (wants_ec ? !check_curve(&identifier, curve, error) || !check_point(point, curve, error)
                 : !check_x25519(&identifier, point, error))
        return FALSE;
    *ret_point = point;
    return TRUE;
}

/* -- the input of the key derivation ----------------------------------------------------- */

void
seal_shared_info_write(GByteArray *out, const SealKeyEncryption *encryption, SealBytes ukm)
{
    g_autoptr(GByteArray) content = g_byte_array_new();
    g_autoptr(GByteArray) octets = g_byte_array_new();
    guint32 bits = GUINT32_TO_BE(encryption->wrap_key_len * 8);

    seal_put_bytes(content, encryption->wrap.data, encryption->wrap.len);
    if (ukm.data) {
        seal_der_put_header(octets, SEAL_DER_OCTET_STRING, ukm.len);
        seal_der_put_header(content, SEAL_DER_CONTEXT(0), octets->len + ukm.len);
        seal_put_bytes(content, octets->data, octets->len);
        seal_put_bytes(content, ukm.data, ukm.len);
    }
    seal_der_put_header(content, SEAL_DER_CONTEXT(2), 2 + sizeof bits);
    seal_der_put_header(content, SEAL_DER_OCTET_STRING, sizeof bits);
    seal_put_bytes(content, &bits, sizeof bits);
    seal_der_put_header(out, SEAL_DER_SEQUENCE, content->len);
    seal_put_bytes(out, content->data, content->len);
}
