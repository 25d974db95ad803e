/* The allow-list of Unwrap. OpenSSL writes the DER that must be understood, and the input of the
 * key derivation that ours must equal. */
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "pkcs11/core/algorithm-identifier.h"
#include "pkcs11/core/der.h"

/* -- what OpenSSL writes --------------------------------------------------------- */

static GBytes *
take_der(unsigned char *der, int len)
{
    GBytes *bytes = NULL;

    g_assert_cmpint(len, >, 0);
    bytes = g_bytes_new(der, (gsize)len);
    OPENSSL_free(der);
    return bytes;
}

static GBytes *
encode(X509_ALGOR *algorithm)
{
    unsigned char *der = NULL;
    int len = i2d_X509_ALGOR(algorithm, &der);

    X509_ALGOR_free(algorithm);
    return take_der(der, len);
}

/* `parameters`: (nullable, transfer none) DER. */
static X509_ALGOR *
algorithm_new(const char *oid, int type, GBytes *parameters)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();
    ASN1_STRING *value = NULL;

    if (parameters) {
        value = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
        ASN1_STRING_set(value, g_bytes_get_data(parameters, NULL),
                        (int)g_bytes_get_size(parameters));
    }
    g_assert_cmpint(X509_ALGOR_set0(algorithm, OBJ_txt2obj(oid, 1), type, value), ==, 1);
    return algorithm;
}

static GBytes *
simple(const char *oid, int type)
{
    return encode(algorithm_new(oid, type, NULL));
}

static GBytes *
with_sequence(const char *oid, GBytes *parameters)
{
    return encode(algorithm_new(oid, V_ASN1_SEQUENCE, parameters));
}

/* RSAES-OAEP-params as OpenSSL writes them; NULL hashes stand for the default, absent. */
static GBytes *
oaep(const char *hash_oid, const char *mgf_hash_oid, const char *label)
{
    RSA_OAEP_PARAMS *parameters = RSA_OAEP_PARAMS_new();
    unsigned char *der = NULL;
    int len = 0;
    g_autoptr(GBytes) sequence = NULL;

    if (hash_oid)
        parameters->hashFunc = algorithm_new(hash_oid, V_ASN1_NULL, NULL);
    if (mgf_hash_oid) {
        g_autoptr(GBytes) hash = simple(mgf_hash_oid, V_ASN1_NULL);

        parameters->maskGenFunc = algorithm_new("1.2.840.113549.1.1.8", V_ASN1_SEQUENCE, hash);
    }
    if (label) {
        ASN1_OCTET_STRING *text = ASN1_OCTET_STRING_new();

        ASN1_OCTET_STRING_set(text, (const unsigned char *)label, (int)strlen(label));
        parameters->pSourceFunc = X509_ALGOR_new();
        X509_ALGOR_set0(parameters->pSourceFunc, OBJ_txt2obj("1.2.840.113549.1.1.9", 1),
                        V_ASN1_OCTET_STRING, text);
    }
    len = i2d_RSA_OAEP_PARAMS(parameters, &der);
    sequence = take_der(der, len);
    RSA_OAEP_PARAMS_free(parameters);
    return with_sequence("1.2.840.113549.1.1.7", sequence);
}

static SealBytes
view(GBytes *bytes)
{
    gsize len = 0;
    const void *data = g_bytes_get_data(bytes, &len);

    return (SealBytes){data, len};
}

static void
assert_refused(GBytes *der, SealErrorCode code, const char *names)
{
    g_autoptr(GBytes) owned = der;
    g_autoptr(GError) error = NULL;
    SealKeyEncryption encryption = {0};

    g_assert_false(seal_key_encryption_parse(view(der), &encryption, &error));
    g_assert_error(error, SEAL_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, names));
    g_assert_cmpint(encryption.mechanism, ==, SEAL_MECHANISM_NONE);
}

#define RSA_OID    "1.2.840.113549.1.1.1"
#define SHA1_OID   "1.3.14.3.2.26"
#define SHA256_OID "2.16.840.1.101.3.4.2.1"
#define SHA384_OID "2.16.840.1.101.3.4.2.2"
#define SHA512_OID "2.16.840.1.101.3.4.2.3"
#define WRAP128    "2.16.840.1.101.3.4.1.5"
#define WRAP192    "2.16.840.1.101.3.4.1.25"
#define WRAP256    "2.16.840.1.101.3.4.1.45"

/* -- key transport ------------------------------------------------------------------ */

static void
rsa_is_understood(void)
{
    g_autoptr(GBytes) der = simple(RSA_OID, V_ASN1_NULL);
    g_autoptr(GError) error = NULL;
    SealKeyEncryption encryption = {0};

    g_assert_true(seal_key_encryption_parse(view(der), &encryption, &error));
    g_assert_cmpint(encryption.mechanism, ==, SEAL_MECHANISM_UNWRAP_RSA_PKCS);
    /* RFC 3370 4.2.1: the parameters must be NULL */
    assert_refused(simple(RSA_OID, V_ASN1_UNDEF), SEAL_ERROR_INVALID_INPUT, "rsaEncryption");
}

static void
oaep_is_understood(void)
{
    static const struct {
        const char *hash, *mgf_hash, *label;
        SealHash expected_hash, expected_mgf;
    } rows[] = {
        {NULL, NULL, NULL, SEAL_HASH_SHA1, SEAL_HASH_SHA1},
        {SHA1_OID, SHA1_OID, "", SEAL_HASH_SHA1, SEAL_HASH_SHA1},
        {SHA256_OID, SHA256_OID, NULL, SEAL_HASH_SHA256, SEAL_HASH_SHA256},
        {SHA384_OID, SHA1_OID, "label", SEAL_HASH_SHA384, SEAL_HASH_SHA1},
        {SHA512_OID, SHA512_OID, "x", SEAL_HASH_SHA512, SEAL_HASH_SHA512},
        {NULL, SHA256_OID, NULL, SEAL_HASH_SHA1, SEAL_HASH_SHA256},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) der = oaep(rows[i].hash, rows[i].mgf_hash, rows[i].label);
        g_autoptr(GError) error = NULL;
        const char *label = rows[i].label ? rows[i].label : "";
        SealKeyEncryption encryption = {0};

        g_assert_true(seal_key_encryption_parse(view(der), &encryption, &error));
        g_assert_no_error(error);
        g_assert_cmpint(encryption.mechanism, ==, SEAL_MECHANISM_UNWRAP_RSA_OAEP);
        g_assert_cmpint(encryption.hash, ==, rows[i].expected_hash);
        g_assert_cmpint(encryption.mgf_hash, ==, rows[i].expected_mgf);
        g_assert_cmpmem(encryption.label.data, encryption.label.len, label, strlen(label));
    }
}

static void
oaep_with_other_parts_is_refused(void)
{
    static const guint8 misordered[] = {0x30, 0x12, 0xa2, 0x00};

    /* SHA-224, MD5, and MGF1 with them */
    assert_refused(oaep("2.16.840.1.101.3.4.2.4", NULL, NULL), SEAL_ERROR_NOT_SUPPORTED,
                   "2.16.840.1.101.3.4.2.4");
    assert_refused(oaep(NULL, "1.2.840.113549.2.5", NULL), SEAL_ERROR_NOT_SUPPORTED,
                   "1.2.840.113549.2.5");
    assert_refused(simple("1.2.840.113549.1.1.7", V_ASN1_NULL), SEAL_ERROR_INVALID_INPUT,
                   "RSAES-OAEP");
    assert_refused(g_bytes_new(misordered, sizeof misordered), SEAL_ERROR_INVALID_INPUT, "DER");
}

/* -- key agreement ------------------------------------------------------------------- */

static const struct {
    const char *oid;
    SealMechanism mechanism;
    SealHash hash;
    gboolean cofactor;
} schemes[] = {
    {"1.3.133.16.840.63.0.2", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA1, FALSE},
    {"1.3.132.1.11.0", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA224, FALSE},
    {"1.3.132.1.11.1", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA256, FALSE},
    {"1.3.132.1.11.2", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA384, FALSE},
    {"1.3.132.1.11.3", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA512, FALSE},
    {"1.3.133.16.840.63.0.3", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA1, TRUE},
    {"1.3.132.1.14.0", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA224, TRUE},
    {"1.3.132.1.14.1", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA256, TRUE},
    {"1.3.132.1.14.2", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA384, TRUE},
    {"1.3.132.1.14.3", SEAL_MECHANISM_UNWRAP_ECDH, SEAL_HASH_SHA512, TRUE},
    /* RFC 8418 2.3 */
    {"1.2.840.113549.1.9.16.3.19", SEAL_MECHANISM_UNWRAP_X25519, SEAL_HASH_SHA256, FALSE},
    {"1.2.840.113549.1.9.16.3.20", SEAL_MECHANISM_UNWRAP_X25519, SEAL_HASH_SHA384, FALSE},
    {"1.2.840.113549.1.9.16.3.21", SEAL_MECHANISM_UNWRAP_X25519, SEAL_HASH_SHA512, FALSE},
};

static void
schemes_are_understood(void)
{
    static const struct {
        const char *oid;
        guint32 key_len;
    } wraps[] = {{WRAP128, 16}, {WRAP192, 24}, {WRAP256, 32}};

    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        const char *wrap_oid = wraps[i % 3].oid;
        g_autoptr(GBytes) wrap = simple(wrap_oid, i % 2 ? V_ASN1_NULL : V_ASN1_UNDEF);
        g_autoptr(GBytes) der = with_sequence(schemes[i].oid, wrap);
        g_autoptr(GError) error = NULL;
        SealKeyEncryption encryption = {0};

        g_assert_true(seal_key_encryption_parse(view(der), &encryption, &error));
        g_assert_no_error(error);
        g_assert_cmpint(encryption.mechanism, ==, schemes[i].mechanism);
        g_assert_cmpint(encryption.hash, ==, schemes[i].hash);
        g_assert_cmpint(encryption.cofactor, ==, schemes[i].cofactor);
        g_assert_cmpuint(encryption.wrap_key_len, ==, wraps[i % 3].key_len);
        g_assert_cmpmem(encryption.wrap.data, encryption.wrap.len, g_bytes_get_data(wrap, NULL),
                        g_bytes_get_size(wrap));
    }
}

static void
other_schemes_are_refused_by_name(void)
{
    g_autoptr(GBytes) des_wrap = simple("1.2.840.113549.1.9.16.3.6", V_ASN1_NULL);
    g_autoptr(GBytes) aes_wrap = simple(WRAP128, V_ASN1_UNDEF);

    assert_refused(with_sequence("1.3.132.1.11.1", des_wrap), SEAL_ERROR_NOT_SUPPORTED,
                   "1.2.840.113549.1.9.16.3.6");
    /* mqvSinglePass-sha256kdf; AES key wrap by itself; an unknown arc */
    assert_refused(with_sequence("1.3.132.1.15.1", aes_wrap), SEAL_ERROR_NOT_SUPPORTED,
                   "1.3.132.1.15.1");
    assert_refused(simple(WRAP256, V_ASN1_UNDEF), SEAL_ERROR_NOT_SUPPORTED, WRAP256);
    assert_refused(simple("2.999.4294967296", V_ASN1_NULL), SEAL_ERROR_NOT_SUPPORTED,
                   "2.999.4294967296");
    assert_refused(simple("1.3.132.1.11.1", V_ASN1_UNDEF), SEAL_ERROR_INVALID_INPUT, "key wrap");
}

/* -- strictness ------------------------------------------------------------------------ */

/* Cut anywhere or longer by anything, no algorithm is accepted. */
static void
truncated_and_trailing_are_refused(void)
{
    g_autoptr(GBytes) wrap = simple(WRAP256, V_ASN1_UNDEF);
    g_autoptr(GPtrArray) samples = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    g_ptr_array_add(samples, simple(RSA_OID, V_ASN1_NULL));
    g_ptr_array_add(samples, oaep(SHA256_OID, SHA256_OID, "label"));
    g_ptr_array_add(samples, with_sequence("1.3.132.1.11.1", wrap));
    for (guint i = 0; i < samples->len; i++) {
        GBytes *whole = samples->pdata[i];
        gsize len = g_bytes_get_size(whole);
        g_autofree guint8 *longer = g_malloc0(len + 1);

        for (gsize cut = 0; cut < len; cut++)
            assert_refused(g_bytes_new_from_bytes(whole, 0, cut), SEAL_ERROR_INVALID_INPUT, "DER");
        memcpy(longer, g_bytes_get_data(whole, NULL), len);
        assert_refused(g_bytes_new(longer, len + 1), SEAL_ERROR_INVALID_INPUT, "DER");
    }
}

static void
other_encodings_are_refused(void)
{
    /* rsaEncryption with an indefinite length, a length in two octets, an object identifier with a
     * padded arc, the NULL with content, a set in place of the sequence, the parameters twice */
    static const guint8 indefinite[] = {0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                        0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x00, 0x00};
    static const guint8 long_length[] = {0x30, 0x81, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                         0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    static const guint8 padded_arc[] = {0x30, 0x0e, 0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x80, 0x01, 0x01, 0x01, 0x05, 0x00};
    static const guint8 full_null[] = {0x30, 0x0e, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                       0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x01, 0x00};
    static const guint8 set[] = {0x31, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    static const guint8 twice[] = {0x30, 0x0f, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                   0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x05, 0x00};
    static const struct {
        const guint8 *der;
        gsize len;
    } rows[] = {
        {indefinite, sizeof indefinite},
        {long_length, sizeof long_length},
        {padded_arc, sizeof padded_arc},
        {full_null, sizeof full_null},
        {set, sizeof set},
        {twice, sizeof twice},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        assert_refused(g_bytes_new(rows[i].der, rows[i].len), SEAL_ERROR_INVALID_INPUT, "");
}

/* -- content encryption ------------------------------------------------------------------ */

static void
content_encryption_gives_its_key_length(void)
{
    static const struct {
        const char *oid;
        guint32 key_len;
    } rows[] = {
        {"2.16.840.1.101.3.4.1.2", 16},  {"2.16.840.1.101.3.4.1.22", 24},
        {"2.16.840.1.101.3.4.1.42", 32}, {"2.16.840.1.101.3.4.1.6", 16},
        {"2.16.840.1.101.3.4.1.26", 24}, {"2.16.840.1.101.3.4.1.46", 32},
        {"2.16.840.1.101.3.4.1.7", 16},  {"2.16.840.1.101.3.4.1.47", 32},
        {"1.2.840.113549.3.7", 24},      {"1.2.840.113549.1.9.16.3.18", 32},
    };
    g_autoptr(GBytes) rc2 = simple("1.2.840.113549.3.2", V_ASN1_NULL);
    g_autoptr(GError) error = NULL;
    guint32 key_len = 7;

    g_assert_false(seal_content_encryption_key_len(view(rc2), &key_len, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED);
    g_assert_nonnull(strstr(error->message, "1.2.840.113549.3.2"));
    g_assert_cmpuint(key_len, ==, 7);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) der = simple(rows[i].oid, V_ASN1_NULL);

        g_assert_true(seal_content_encryption_key_len(view(der), &key_len, NULL));
        g_assert_cmpuint(key_len, ==, rows[i].key_len);
    }
}

/* -- the originator's key ------------------------------------------------------------------ */

/* SubjectPublicKeyInfo and OriginatorPublicKey are the same SEQUENCE. */
static GBytes *
public_key(const char *type, const char *curve)
{
    EVP_PKEY *key =
        curve ? EVP_PKEY_Q_keygen(NULL, NULL, type, curve) : EVP_PKEY_Q_keygen(NULL, NULL, type);
    unsigned char *der = NULL;
    int len = 0;

    g_assert_nonnull(key);
    len = i2d_PUBKEY(key, &der);
    EVP_PKEY_free(key);
    return take_der(der, len);
}

static void
originators_are_understood(void)
{
    static const struct {
        const char *type, *curve;
        SealAlgorithm algorithm;
        SealCurve ours;
        size_t point_len;
    } rows[] = {
        {"EC", "P-256", SEAL_ALGORITHM_EC, SEAL_CURVE_P256, 65},
        {"EC", "P-384", SEAL_ALGORITHM_EC, SEAL_CURVE_P384, 97},
        {"EC", "P-521", SEAL_ALGORITHM_EC, SEAL_CURVE_P521, 133},
        {"X25519", NULL, SEAL_ALGORITHM_X25519, SEAL_CURVE_NONE, 32},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) der = public_key(rows[i].type, rows[i].curve);
        g_autoptr(GError) error = NULL;
        SealBytes point = {NULL, 0};
        gsize len = g_bytes_get_size(der);

        g_assert_true(
            seal_originator_key_parse(view(der), rows[i].algorithm, rows[i].ours, &point, &error));
        g_assert_cmpuint(point.len, ==, rows[i].point_len);
        for (gsize cut = 0; cut < len; cut++)
            g_assert_false(seal_originator_key_parse(
                (SealBytes){view(der).data, cut}, rows[i].algorithm, rows[i].ours, &point, NULL));
    }
}

static void
assert_originator_refused(GBytes *der, SealAlgorithm algorithm, SealCurve curve, SealErrorCode code)
{
    g_autoptr(GBytes) owned = der;
    g_autoptr(GError) error = NULL;
    SealBytes point = {NULL, 0};

    g_assert_false(seal_originator_key_parse(view(der), algorithm, curve, &point, &error));
    g_assert_error(error, SEAL_ERROR, (gint)code);
    g_assert_null(point.data);
}

static void
other_originators_are_refused(void)
{
    /* id-ecPublicKey without parameters (RFC 5753 7.1.2 allows it) and a compressed point */
    static const guint8 compressed[] = {0x30, 0x2f, 0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                        0xce, 0x3d, 0x02, 0x01, 0x03, 0x22, 0x00, 0x02};
    guint8 padded[49] = {0};

    memcpy(padded, compressed, sizeof compressed);
    assert_originator_refused(g_bytes_new(padded, sizeof padded), SEAL_ALGORITHM_EC,
                              SEAL_CURVE_P256, SEAL_ERROR_NOT_SUPPORTED);
    padded[16] = 4; /* uncompressed, but too short */
    assert_originator_refused(g_bytes_new(padded, sizeof padded), SEAL_ALGORITHM_EC,
                              SEAL_CURVE_P256, SEAL_ERROR_INVALID_INPUT);
    padded[15] = 1; /* unused bits */
    assert_originator_refused(g_bytes_new(padded, sizeof padded), SEAL_ALGORITHM_EC,
                              SEAL_CURVE_P256, SEAL_ERROR_INVALID_INPUT);
    assert_originator_refused(public_key("EC", "P-384"), SEAL_ALGORITHM_EC, SEAL_CURVE_P256,
                              SEAL_ERROR_INVALID_INPUT);
    assert_originator_refused(public_key("EC", "secp256k1"), SEAL_ALGORITHM_EC, SEAL_CURVE_P256,
                              SEAL_ERROR_NOT_SUPPORTED);
    assert_originator_refused(public_key("X25519", NULL), SEAL_ALGORITHM_EC, SEAL_CURVE_P256,
                              SEAL_ERROR_NOT_SUPPORTED);
    assert_originator_refused(public_key("ED25519", NULL), SEAL_ALGORITHM_X25519, SEAL_CURVE_NONE,
                              SEAL_ERROR_NOT_SUPPORTED);
}

/* -- the input of the key derivation --------------------------------------------------------- */

static void
shared_info_is_what_openssl_derives_from(void)
{
    static const gsize ukm_lens[] = {0, 1, 64, 200};

    for (size_t i = 0; i < G_N_ELEMENTS(ukm_lens); i++) {
        guint8 octets[200];
        SealBytes ukm = {ukm_lens[i] ? octets : NULL, ukm_lens[i]};
        X509_ALGOR *wrap = algorithm_new(WRAP192, i % 2 ? V_ASN1_NULL : V_ASN1_UNDEF, NULL);
        ASN1_OCTET_STRING *their_ukm = ASN1_OCTET_STRING_new();
        g_autoptr(GBytes) wrap_der = encode(X509_ALGOR_dup(wrap));
        g_autoptr(GBytes) der = with_sequence("1.3.132.1.11.1", wrap_der);
        g_autoptr(GByteArray) ours = g_byte_array_new();
        unsigned char *theirs = NULL;
        SealKeyEncryption encryption = {0};
        int len = 0;

        memset(octets, 0x5a, sizeof octets);
        ASN1_OCTET_STRING_set(their_ukm, octets, (int)ukm.len);
        len = CMS_SharedInfo_encode(&theirs, wrap, ukm.len ? their_ukm : NULL, 24);
        g_assert_true(seal_key_encryption_parse(view(der), &encryption, NULL));
        seal_shared_info_write(ours, &encryption, ukm);
        g_assert_cmpmem(ours->data, ours->len, theirs, len);
        OPENSSL_free(theirs);
        ASN1_OCTET_STRING_free(their_ukm);
        X509_ALGOR_free(wrap);
    }
}

static void
object_identifiers_have_names(void)
{
    static const char *const texts[] = {"1.2.840.113549.1.1.1", "2.999.3", "0.9.2342", "2.5.29.15",
                                        "2.25.18446744073709551615"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        ASN1_OBJECT *object = OBJ_txt2obj(texts[i], 1);
        SealBytes oid = {OBJ_get0_data(object), OBJ_length(object)};
        g_autofree char *text = seal_der_oid_to_text(oid);

        g_assert_cmpstr(text, ==, texts[i]);
        ASN1_OBJECT_free(object);
    }
    g_assert_null(seal_der_oid_to_text((SealBytes){NULL, 0}));
    g_assert_null(seal_der_oid_to_text((SealBytes){(const guint8 *)"\x2a\x86", 2}));
    g_assert_null(seal_der_oid_to_text((SealBytes){(const guint8 *)"\x2a\x80\x01", 3}));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/algorithm-identifier/rsa-is-understood", rsa_is_understood);
    g_test_add_func("/algorithm-identifier/oaep-is-understood", oaep_is_understood);
    g_test_add_func("/algorithm-identifier/oaep-with-other-parts-is-refused",
                    oaep_with_other_parts_is_refused);
    g_test_add_func("/algorithm-identifier/schemes-are-understood", schemes_are_understood);
    g_test_add_func("/algorithm-identifier/other-schemes-are-refused-by-name",
                    other_schemes_are_refused_by_name);
    g_test_add_func("/algorithm-identifier/truncated-and-trailing-are-refused",
                    truncated_and_trailing_are_refused);
    g_test_add_func("/algorithm-identifier/other-encodings-are-refused",
                    other_encodings_are_refused);
    g_test_add_func("/algorithm-identifier/content-encryption-gives-its-key-length",
                    content_encryption_gives_its_key_length);
    g_test_add_func("/algorithm-identifier/originators-are-understood", originators_are_understood);
    g_test_add_func("/algorithm-identifier/other-originators-are-refused",
                    other_originators_are_refused);
    g_test_add_func("/algorithm-identifier/shared-info-is-what-openssl-derives-from",
                    shared_info_is_what_openssl_derives_from);
    g_test_add_func("/algorithm-identifier/object-identifiers-have-names",
                    object_identifiers_have_names);
    return g_test_run();
}
