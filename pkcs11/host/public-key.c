/* Public keys in one form. Everything is taken apart into plain fields and built anew, so a
 * certificate with a compressed point or an id-RSASSA-PSS key and the bare object of the same key
 * end up equal. Building a key from a point makes OpenSSL check that it lies on the curve. */
#include "pkcs11/host/public-key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <string.h>

#include "pkcs11/host/openssl.h"

/* PKCS#11 3.0; p11-kit's header stops before it. */
#define KEY_TYPE_EC_MONTGOMERY    0x41UL
#define ATTRIBUTE_PUBLIC_KEY_INFO 0x129UL

/* OpenSSL takes no longer ones with a modulus of more than 3072 bits, and none is in use. */
#define EXPONENT_BITS_MAX 64

typedef struct {
    const char *parameters; /* CKA_EC_PARAMS: DER of an OID or of a curve's name */
    gsize parameters_len;
    SealAlgorithm algorithm;
    SealCurve curve;
    const char *group; /* OpenSSL's name */
} CurveRow;

#define BYTES(text) text, sizeof(text) - 1
static const CurveRow curve_rows[] = {
    {BYTES("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), SEAL_ALGORITHM_EC, SEAL_CURVE_P256,
     "P-256"},
    {BYTES("\x06\x05\x2b\x81\x04\x00\x22"), SEAL_ALGORITHM_EC, SEAL_CURVE_P384, "P-384"},
    {BYTES("\x06\x05\x2b\x81\x04\x00\x23"), SEAL_ALGORITHM_EC, SEAL_CURVE_P521, "P-521"},
    {BYTES("\x06\x03\x2b\x65\x70"), SEAL_ALGORITHM_ED25519, SEAL_CURVE_NONE, NULL},
    {BYTES("\x13\x0c"
           "edwards25519"),
     SEAL_ALGORITHM_ED25519, SEAL_CURVE_NONE, NULL},
    {BYTES("\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"), SEAL_ALGORITHM_ED25519, SEAL_CURVE_NONE,
     NULL},
    {BYTES("\x06\x03\x2b\x65\x6e"), SEAL_ALGORITHM_X25519, SEAL_CURVE_NONE, NULL},
    {BYTES("\x13\x0a"
           "curve25519"),
     SEAL_ALGORITHM_X25519, SEAL_CURVE_NONE, NULL},
    {BYTES("\x06\x0a\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01"), SEAL_ALGORITHM_X25519,
     SEAL_CURVE_NONE, NULL},
};

static const CurveRow *
find_curve_by_parameters(GBytes *parameters)
{
    gsize len = 0;
    const void *data = g_bytes_get_data(parameters, &len);

    for (gsize i = 0; i < G_N_ELEMENTS(curve_rows); i++)
        if (curve_rows[i].parameters_len == len && memcmp(curve_rows[i].parameters, data, len) == 0)
            return &curve_rows[i];
    return NULL;
}

static const CurveRow *
find_curve(SealCurve curve)
{
    for (gsize i = 0; i < G_N_ELEMENTS(curve_rows); i++)
        if (curve_rows[i].curve == curve && curve != SEAL_CURVE_NONE)
            return &curve_rows[i];
    return NULL;
}

static EVP_PKEY *
build(const char *type, OSSL_PARAM_BLD *builder)
{
    g_autoptr(OSSL_PARAM) parameters = OSSL_PARAM_BLD_to_param(builder);
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (!parameters || !context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        return NULL;
    return key;
}

static EVP_PKEY *
build_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
    g_autoptr(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();

    if (!builder || !modulus || !exponent ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
        return NULL;
    return build("RSA", builder);
}

static EVP_PKEY *
build_ec(const CurveRow *row, SealBytes point)
{
    g_autoptr(OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new();

    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, row->group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len) !=
            1)
        return NULL;
    return build("EC", builder);
}

/* The uncompressed form, which is the only one taken. */
static gboolean
has_point_form(SealCurve curve, SealBytes point)
{
    gsize coordinate = seal_curve_coordinate_len(curve);

    return coordinate > 0 && point.len == 1 + 2 * coordinate && point.data[0] == 4;
}

EVP_PKEY *
seal_public_key_decode_point(SealAlgorithm algorithm, SealCurve curve, SealBytes point)
{
    if (algorithm == SEAL_ALGORITHM_EC)
        return has_point_form(curve, point) ? build_ec(find_curve(curve), point) : NULL;
    if (point.len != 32)
        return NULL;
    return EVP_PKEY_new_raw_public_key(algorithm == SEAL_ALGORITHM_ED25519 ? EVP_PKEY_ED25519
                                                                           : EVP_PKEY_X25519,
                                       NULL, point.data, point.len);
}

/* Made once, never freed, read by all threads: OpenSSL needs 30 us for one. */
static const EC_GROUP *
peek_group(SealCurve curve)
{
    static EC_GROUP *groups[SEAL_CURVE_P521 + 1];
    static gsize ready;

    if (g_once_init_enter(&ready)) {
        for (guint i = SEAL_CURVE_P256; i <= SEAL_CURVE_P521; i++)
            groups[i] = EC_GROUP_new_by_curve_name(EC_curve_nist2nid(find_curve(i)->group));
        g_once_init_leave(&ready, 1);
    }
    return groups[curve];
}

/* ykcs11 gives a curve's numbers in place of its name (SEC 1, C.2) where the YubiKey's metadata tell the
 * key. They are compared with what OpenSSL writes: none of the token's is parsed. */
static gboolean
has_numbers_of(SealCurve curve, GBytes *parameters)
{
    EC_GROUP *group = EC_GROUP_dup(peek_group(curve));
    gsize theirs_len = 0;
    const guint8 *theirs = g_bytes_get_data(parameters, &theirs_len);
    guint8 *der = NULL;
    int len = 0;
    gboolean same = FALSE;

    if (group) {
        EC_GROUP_set_asn1_flag(group, OPENSSL_EC_EXPLICIT_CURVE);
        len = i2d_ECPKParameters(group, &der);
    }
    same = len > 0 && theirs_len == (gsize)len && memcmp(theirs, der, theirs_len) == 0;
    OPENSSL_free(der);
    EC_GROUP_free(group);
    return same;
}

static const CurveRow *
find_curve_by_numbers(GBytes *parameters)
{
    for (guint i = SEAL_CURVE_P256; i <= SEAL_CURVE_P521; i++)
        if (has_numbers_of(i, parameters))
            return find_curve(i);
    return NULL;
}

gboolean
seal_public_key_is_point(SealAlgorithm algorithm, SealCurve curve, SealBytes point)
{
    const EC_GROUP *group = NULL;
    EC_POINT *decoded = NULL;
    gboolean is_on_curve = FALSE;

    if (algorithm != SEAL_ALGORITHM_EC)
        return point.len == 32;
    if (!has_point_form(curve, point))
        return FALSE;
    group = peek_group(curve);
    decoded = group ? EC_POINT_new(group) : NULL;
    is_on_curve = decoded && EC_POINT_oct2point(group, decoded, point.data, point.len, NULL) == 1;
    EC_POINT_free(decoded);
    return is_on_curve;
}

/* Takes `key`. */
static SealPublicKey *
wrap(EVP_PKEY *key, SealAlgorithm algorithm, SealCurve curve)
{
    SealPublicKey *public_key = NULL;
    unsigned char *info = NULL;
    int len = key ? i2d_PUBKEY(key, &info) : -1;

    if (len <= 0) {
        EVP_PKEY_free(key);
        return NULL;
    }
    public_key = g_new0(SealPublicKey, 1);
    g_atomic_ref_count_init(&public_key->references);
    public_key->algorithm = algorithm;
    public_key->curve = curve;
    public_key->bits = algorithm == SEAL_ALGORITHM_RSA  ? (unsigned)EVP_PKEY_get_bits(key)
                       : algorithm == SEAL_ALGORITHM_EC ? seal_curve_bits(curve)
                                                        : 255;
    public_key->key = key;
    public_key->info = g_bytes_new(info, (gsize)len);
    (void)EVP_Digest(info, (gsize)len, public_key->info_hash, NULL, EVP_sha256(), NULL);
    OPENSSL_free(info);
    return public_key;
}

static SealPublicKey *
wrap_rsa(const BIGNUM *modulus, const BIGNUM *exponent, const char **ret_reason)
{
    g_autoptr(EVP_PKEY) key = NULL;

    if (modulus && (unsigned)BN_num_bits(modulus) < SEAL_RSA_BITS_MIN) {
        *ret_reason = "its RSA modulus is shorter than 1024 bits";
        return NULL;
    }
    if (modulus && (unsigned)BN_num_bits(modulus) > SEAL_RSA_BITS_MAX) {
        *ret_reason = "its RSA modulus is longer than 8192 bits";
        return NULL;
    }
    if (modulus && exponent &&
        (!BN_is_odd(modulus) || !BN_is_odd(exponent) || BN_is_one(exponent) ||
         BN_num_bits(exponent) > EXPONENT_BITS_MAX)) {
        *ret_reason = "its RSA modulus or exponent is even, or the exponent 1 or beyond 64 bits";
        return NULL;
    }
    key = build_rsa(modulus, exponent);
    if (!key) {
        *ret_reason = "its RSA modulus or exponent is missing or wrong";
        return NULL;
    }
    return wrap(g_steal_pointer(&key), SEAL_ALGORITHM_RSA, SEAL_CURVE_NONE);
}

static SealPublicKey *
wrap_point(SealAlgorithm algorithm, SealCurve curve, SealBytes point, const char **ret_reason)
{
    EVP_PKEY *key = seal_public_key_decode_point(algorithm, curve, point);

    if (!key)
        *ret_reason = "its public point is missing or not on the curve";
    return key ? wrap(key, algorithm, curve) : NULL;
}

/* -- from OpenSSL --------------------------------------------------------------------------------
 */

static SealPublicKey *
from_openssl_rsa(EVP_PKEY *key, const char **ret_reason)
{
    BIGNUM *modulus = NULL, *exponent = NULL;
    SealPublicKey *public_key = NULL;

    (void)EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus);
    (void)EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent);
    public_key = wrap_rsa(modulus, exponent, ret_reason);
    BN_free(modulus);
    BN_free(exponent);
    return public_key;
}

static SealPublicKey *
from_openssl_ec(EVP_PKEY *key, const char **ret_reason)
{
    char name[64];
    guint8 x[66], y[66], point[1 + 2 * sizeof x];
    BIGNUM *bn_x = NULL, *bn_y = NULL;
    int nid =
        EVP_PKEY_get_group_name(key, name, sizeof name, NULL) == 1 ? OBJ_txt2nid(name) : NID_undef;
    SealCurve curve = nid == NID_X9_62_prime256v1 ? SEAL_CURVE_P256
                      : nid == NID_secp384r1      ? SEAL_CURVE_P384
                      : nid == NID_secp521r1      ? SEAL_CURVE_P521
                                                  : SEAL_CURVE_NONE;
    int len = (int)seal_curve_coordinate_len(curve);
    gboolean got = FALSE;

    if (curve == SEAL_CURVE_NONE) {
        *ret_reason = "its curve is not P-256, P-384 or P-521";
        return NULL;
    }
    got = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &bn_x) == 1 &&
          EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &bn_y) == 1 &&
          BN_bn2binpad(bn_x, x, len) == len && BN_bn2binpad(bn_y, y, len) == len;
    BN_free(bn_x);
    BN_free(bn_y);
    if (!got) {
        *ret_reason = "its public point cannot be read";
        return NULL;
    }
    point[0] = 4;
    memcpy(point + 1, x, (gsize)len);
    memcpy(point + 1 + len, y, (gsize)len);
    return wrap_point(SEAL_ALGORITHM_EC, curve, (SealBytes){point, 1 + 2 * (gsize)len}, ret_reason);
}

SealPublicKey *
seal_public_key_from_openssl(EVP_PKEY *key, const char **ret_reason)
{
    guint8 raw[32];
    gsize len = sizeof raw;
    SealAlgorithm algorithm = EVP_PKEY_is_a(key, "ED25519")  ? SEAL_ALGORITHM_ED25519
                              : EVP_PKEY_is_a(key, "X25519") ? SEAL_ALGORITHM_X25519
                                                             : SEAL_ALGORITHM_NONE;

    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
        return from_openssl_rsa(key, ret_reason);
    if (EVP_PKEY_is_a(key, "EC"))
        return from_openssl_ec(key, ret_reason);
    if (algorithm == SEAL_ALGORITHM_NONE || EVP_PKEY_get_raw_public_key(key, raw, &len) != 1) {
        *ret_reason = "it is of an unknown type";
        return NULL;
    }
    return wrap_point(algorithm, SEAL_CURVE_NONE, (SealBytes){raw, len}, ret_reason);
}

/* -- from a token's object -----------------------------------------------------------------------
 */

static BIGNUM *
read_number(const SealObject *object, CK_ATTRIBUTE_TYPE type)
{
    g_autoptr(GBytes) bytes = seal_object_bytes(object, type);
    gsize len = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    return len > 0 ? BN_bin2bn(data, (int)len, NULL) : NULL;
}

static SealPublicKey *
from_rsa_object(const SealObject *object, const char **ret_reason)
{
    g_autoptr(BIGNUM) modulus = read_number(object, CKA_MODULUS);
    g_autoptr(BIGNUM) exponent = read_number(object, CKA_PUBLIC_EXPONENT);

    return wrap_rsa(modulus, exponent, ret_reason);
}

/* CKA_EC_POINT is a DER OCTET STRING by the standard, but some tokens give the bare point. The
 * length tells which (X9.62 points and 32-byte keys have one length a curve). */
static SealBytes
strip_octet_string(SealBytes value, gsize expected)
{
    gsize header = expected < 128 ? 2 : 3;

    if (value.len != expected + header || value.data[0] != 4)
        return value;
    return (SealBytes){value.data + header, expected};
}

static SealPublicKey *
from_point_object(const SealObject *object, const char **ret_reason)
{
    g_autoptr(GBytes) parameters = seal_object_bytes(object, CKA_EC_PARAMS);
    const CurveRow *row = parameters ? find_curve_by_parameters(parameters) : NULL;
    g_autoptr(GBytes) point = seal_object_bytes(object, CKA_EC_POINT);
    gsize expected = 32;
    SealBytes value = {0};

    if (!row && parameters)
        row = find_curve_by_numbers(parameters);
    if (!row) {
        *ret_reason = "its curve is unknown";
        return NULL;
    }
    if (!point) {
        *ret_reason = "its public point cannot be read";
        return NULL;
    }
    if (row->algorithm == SEAL_ALGORITHM_EC)
        expected = 1 + 2 * seal_curve_coordinate_len(row->curve);
    value.data = g_bytes_get_data(point, &value.len);
    return wrap_point(row->algorithm, row->curve, strip_octet_string(value, expected), ret_reason);
}

static SealPublicKey *
from_info_attribute(const SealObject *object, const char **ret_reason)
{
    g_autoptr(GBytes) info = seal_object_bytes(object, ATTRIBUTE_PUBLIC_KEY_INFO);
    gsize len = 0;
    const unsigned char *at = info ? g_bytes_get_data(info, &len) : NULL;
    g_autoptr(EVP_PKEY) key = len > 0 ? d2i_PUBKEY(NULL, &at, (long)len) : NULL;

    return key ? seal_public_key_from_openssl(key, ret_reason) : NULL;
}

SealPublicKey *
seal_public_key_from_object(const SealObject *object, const char **ret_reason)
{
    gulong type = seal_object_ulong(object, CKA_KEY_TYPE, CKK_VENDOR_DEFINED);
    SealPublicKey *key = NULL;

    *ret_reason = "it is of an unknown type";
    if (type == CKK_RSA)
        key = from_rsa_object(object, ret_reason);
    else if (type == CKK_EC || type == CKK_EC_EDWARDS || type == KEY_TYPE_EC_MONTGOMERY)
        key = from_point_object(object, ret_reason);
    else
        return NULL;
    return key ? key : from_info_attribute(object, ret_reason);
}

/* -- lifecycle -----------------------------------------------------------------------------------
 */

SealPublicKey *
seal_public_key_ref(SealPublicKey *key)
{
    g_atomic_ref_count_inc(&key->references);
    return key;
}

void
seal_public_key_unref(SealPublicKey *key)
{
    if (!key || !g_atomic_ref_count_dec(&key->references))
        return;
    EVP_PKEY_free(key->key);
    g_clear_pointer(&key->info, g_bytes_unref);
    g_free(key);
}

gboolean
seal_public_key_equal(const SealPublicKey *a, const SealPublicKey *b)
{
    return g_bytes_equal(a->info, b->info);
}

gsize
seal_public_key_modulus_len(const SealPublicKey *key)
{
    return (key->bits + 7) / 8;
}
