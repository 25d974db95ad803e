/* Software keys behind the two interfaces. */
#include "tests/smime/softkeys.h"

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

/* -- signing ---------------------------------------------------------------------------------- */

static GBytes *
soft_sign(const SealSigner *signer, const char *mechanism, const char *hash, GBytes *data,
          GError **error)
{
    const TestIdentity *identity = signer->user_data;
    gsize len = 0;
    gconstpointer bytes = g_bytes_get_data(data, &len);
    unsigned char signature[1024];
    size_t signature_len = sizeof signature;
    EVP_PKEY_CTX *context = NULL;
    const EVP_MD *md = hash ? EVP_get_digestbyname(hash) : NULL;

    if (g_str_equal(mechanism, "ed25519")) {
        EVP_MD_CTX *digest = EVP_MD_CTX_new();

        g_assert_null(hash);
        g_assert_cmpint(EVP_DigestSignInit(digest, NULL, NULL, NULL, identity->key), >, 0);
        g_assert_cmpint(EVP_DigestSign(digest, signature, &signature_len, bytes, len), >, 0);
        EVP_MD_CTX_free(digest);
        return g_bytes_new(signature, signature_len);
    }
    g_assert_cmpint(EVP_MD_get_size(md), ==, len);
    context = EVP_PKEY_CTX_new(identity->key, NULL);
    g_assert_cmpint(EVP_PKEY_sign_init(context), >, 0);
    if (g_str_equal(mechanism, "rsa-pss")) {
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), >, 0);
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST), >, 0);
    } else if (g_str_equal(mechanism, "rsa-pkcs1")) {
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), >, 0);
    } else {
        g_assert_cmpstr(mechanism, ==, "ecdsa");
    }
    g_assert_cmpint(EVP_PKEY_CTX_set_signature_md(context, md), >, 0);
    g_assert_cmpint(EVP_PKEY_sign(context, signature, &signature_len, bytes, len), >, 0);
    EVP_PKEY_CTX_free(context);
    return g_bytes_new(signature, signature_len);
}

SealSigner
test_signer(const TestIdentity *identity, GPtrArray *chain)
{
    return (SealSigner){test_identity_der(identity), chain ? g_ptr_array_ref(chain) : NULL,
                        soft_sign, (gpointer)identity};
}

void
test_signer_clear(SealSigner *signer)
{
    g_clear_pointer(&signer->certificate, g_bytes_unref);
    g_clear_pointer(&signer->chain, g_ptr_array_unref);
}

/* -- finding ---------------------------------------------------------------------------------- */

static gboolean
is_issuer_serial(X509 *certificate, const SealRecipientId *id)
{
    unsigned char *issuer = NULL;
    unsigned char *serial = NULL;
    int issuer_len = i2d_X509_NAME(X509_get_issuer_name(certificate), &issuer);
    int serial_len = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &serial);
    gboolean same = FALSE;

    g_assert_cmpint(serial[1], <, 0x80); /* a short length: tag, length, content */
    if (id->issuer && id->serial) {
        g_autoptr(GBytes) name = g_bytes_new(issuer, (gsize)issuer_len);
        g_autoptr(GBytes) number = g_bytes_new(serial + 2, (gsize)serial_len - 2);

        same = g_bytes_equal(name, id->issuer) && g_bytes_equal(number, id->serial);
    }
    OPENSSL_free(issuer);
    OPENSSL_free(serial);
    return same;
}

static gboolean
is_key_id(X509 *certificate, const SealRecipientId *id)
{
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(certificate);

    return key_id && id->subject_key_id &&
           g_bytes_get_size(id->subject_key_id) == (gsize)ASN1_STRING_length(key_id) &&
           memcmp(g_bytes_get_data(id->subject_key_id, NULL), ASN1_STRING_get0_data(key_id),
                  (size_t)ASN1_STRING_length(key_id)) == 0;
}

static char *
soft_find(const SealUnwrapper *unwrapper, const SealRecipientId *id, GError **error)
{
    const TestKeyring *keyring = unwrapper->user_data;

    for (guint i = 0; i < keyring->identities->len; i++) {
        const TestIdentity *identity = g_ptr_array_index(keyring->identities, i);

        if (is_issuer_serial(identity->certificate, id) || is_key_id(identity->certificate, id))
            return g_strdup_printf("%u", i);
    }
    return NULL;
}

/* -- unwrapping ------------------------------------------------------------------------------- */

static SealSecret *
fail(GError **error)
{
    ERR_clear_error();
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_DECRYPT_FAILED,
                        "the wrapped key could not be opened");
    return NULL;
}

static void
set_oaep(EVP_PKEY_CTX *context, const X509_ALGOR *algorithm)
{
    const void *value = NULL;
    int type = 0;
    RSA_OAEP_PARAMS *parameters = NULL;
    const EVP_MD *md = EVP_sha1();

    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_OAEP_PARAMS));
    g_assert_nonnull(parameters);
    if (parameters->hashFunc)
        md = EVP_get_digestbyobj(parameters->hashFunc->algorithm);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
    EVP_PKEY_CTX_set_rsa_oaep_md(context, md);
    if (parameters->maskGenFunc) {
        X509_ALGOR *mgf = ASN1_item_unpack(parameters->maskGenFunc->parameter->value.sequence,
                                           ASN1_ITEM_rptr(X509_ALGOR));

        EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyobj(mgf->algorithm));
        X509_ALGOR_free(mgf);
    }
    RSA_OAEP_PARAMS_free(parameters);
}

static SealSecret *
unwrap_rsa(EVP_PKEY *key, const X509_ALGOR *algorithm, GBytes *encrypted_key, GError **error)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(encrypted_key, &len);
    unsigned char out[1024];
    size_t out_len = sizeof out;
    int done = 0;

    EVP_PKEY_decrypt_init(context);
    if (OBJ_obj2nid(algorithm->algorithm) == NID_rsaesOaep)
        set_oaep(context, algorithm);
    done = EVP_PKEY_decrypt(context, out, &out_len, data, len);
    EVP_PKEY_CTX_free(context);
    return done > 0 ? seal_secret_new_copy(out, out_len) : fail(error);
}

/* RFC 5753 7.2: ECC-CMS-SharedInfo. */
typedef struct {
    X509_ALGOR *key_info;
    ASN1_OCTET_STRING *ukm;
    ASN1_OCTET_STRING *bits;
} SharedInfo;

/* clang-format off */
ASN1_SEQUENCE(SharedInfo) = {
    ASN1_SIMPLE(SharedInfo, key_info, X509_ALGOR),
    ASN1_EXP_OPT(SharedInfo, ukm, ASN1_OCTET_STRING, 0),
    ASN1_EXP(SharedInfo, bits, ASN1_OCTET_STRING, 2),
} static_ASN1_SEQUENCE_END(SharedInfo)
    /* clang-format on */

    static GBytes
    * shared_info(X509_ALGOR * wrap, GBytes *ukm, gsize key_len)
{
    SharedInfo info = {.key_info = wrap};
    unsigned char bits[4] = {0, 0, (unsigned char)(key_len * 8 >> 8), (unsigned char)(key_len * 8)};
    unsigned char *der = NULL;
    int der_len = 0;
    GBytes *bytes = NULL;

    info.bits = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(info.bits, bits, sizeof bits);
    if (ukm) {
        info.ukm = ASN1_OCTET_STRING_new();
        ASN1_OCTET_STRING_set(info.ukm, g_bytes_get_data(ukm, NULL), (int)g_bytes_get_size(ukm));
    }
    der_len = ASN1_item_i2d((ASN1_VALUE *)&info, &der, ASN1_ITEM_rptr(SharedInfo));
    bytes = g_bytes_new(der, (gsize)der_len);
    OPENSSL_free(der);
    ASN1_OCTET_STRING_free(info.bits);
    ASN1_OCTET_STRING_free(info.ukm);
    return bytes;
}

/* The originator's key is often given without its curve: it is the recipient's. NULL for a point
 * that is not on it. */
static EVP_PKEY *
originator_key(EVP_PKEY *own, GBytes *originator)
{
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(originator, &len);
    X509_PUBKEY *public_key = d2i_X509_PUBKEY(NULL, &at, (long)len);
    const unsigned char *point = NULL;
    int point_len = 0;
    EVP_PKEY *key = EVP_PKEY_new();

    if (public_key)
        X509_PUBKEY_get0_param(NULL, &point, &point_len, NULL, public_key);
    EVP_PKEY_copy_parameters(key, own);
    if (!point || EVP_PKEY_set1_encoded_public_key(key, point, (size_t)point_len) <= 0)
        g_clear_pointer(&key, EVP_PKEY_free);
    X509_PUBKEY_free(public_key);
    return key;
}

/* RFC 8418 2.2: HKDF without a salt, unless there is user keying material. */
static void
derive(EVP_PKEY *own, EVP_PKEY *peer, const char *md, GBytes *info, unsigned char *out,
       size_t out_len)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, EVP_PKEY_is_a(own, "X25519") ? "HKDF" : "X963KDF", NULL);
    EVP_KDF_CTX *kdf_context = EVP_KDF_CTX_new(kdf);
    unsigned char secret[128];
    size_t secret_len = sizeof secret;
    OSSL_PARAM parameters[4];

    g_assert_cmpint(EVP_PKEY_derive_init(context), >, 0);
    g_assert_cmpint(EVP_PKEY_derive_set_peer(context, peer), >, 0);
    g_assert_cmpint(EVP_PKEY_derive(context, secret, &secret_len), >, 0);
    parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)md, 0);
    parameters[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, secret_len);
    parameters[2] = OSSL_PARAM_construct_octet_string(
        OSSL_KDF_PARAM_INFO, (void *)g_bytes_get_data(info, NULL), g_bytes_get_size(info));
    parameters[3] = OSSL_PARAM_construct_end();
    g_assert_cmpint(EVP_KDF_derive(kdf_context, out, out_len, parameters), >, 0);
    EVP_KDF_CTX_free(kdf_context);
    EVP_KDF_free(kdf);
    EVP_PKEY_CTX_free(context);
}

static SealSecret *
aes_unwrap(const X509_ALGOR *wrap, const unsigned char *key, GBytes *encrypted_key, GError **error)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = EVP_get_cipherbyobj(wrap->algorithm);
    unsigned char out[128];
    int len = 0;
    int done = 0;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    g_assert_cmpint(EVP_DecryptInit_ex(context, cipher, NULL, key, NULL), >, 0);
    if (g_bytes_get_size(encrypted_key) <= sizeof out)
        done = EVP_DecryptUpdate(context, out, &len, g_bytes_get_data(encrypted_key, NULL),
                                 (int)g_bytes_get_size(encrypted_key));
    EVP_CIPHER_CTX_free(context);
    return done > 0 && len > 0 ? seal_secret_new_copy(out, (size_t)len) : fail(error);
}

/* RFC 5753 7.1.4 and RFC 8418 2.3, by their numbers: OpenSSL 3.0 has names for half of them. NULL
 * for another one. */
static const char *
kdf_hash(const X509_ALGOR *algorithm)
{
    static const struct {
        const char *oid;
        const char *md;
    } rows[] = {
        {"1.3.133.16.840.63.0.2", "SHA1"},
        {"1.3.132.1.11.0", "SHA224"},
        {"1.3.132.1.11.1", "SHA256"},
        {"1.3.132.1.11.2", "SHA384"},
        {"1.3.132.1.11.3", "SHA512"},
        {"1.3.133.16.840.63.0.3", "SHA1"},
        {"1.3.132.1.14.0", "SHA224"},
        {"1.3.132.1.14.1", "SHA256"},
        {"1.3.132.1.14.2", "SHA384"},
        {"1.3.132.1.14.3", "SHA512"},
        {"1.2.840.113549.1.9.16.3.19", "SHA256"},
        {"1.2.840.113549.1.9.16.3.20", "SHA384"},
        {"1.2.840.113549.1.9.16.3.21", "SHA512"},
    };
    char oid[80] = "";

    OBJ_obj2txt(oid, sizeof oid, algorithm->algorithm, 1);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_str_equal(rows[i].oid, oid))
            return rows[i].md;
    return NULL;
}

/* The keyWrapAlgorithm in the parameters of a key agreement, if it is one of AES. */
static X509_ALGOR *
wrap_algorithm(const X509_ALGOR *algorithm)
{
    X509_ALGOR *wrap = NULL;
    int nid = NID_undef;

    if (algorithm->parameter && algorithm->parameter->type == V_ASN1_SEQUENCE)
        wrap = ASN1_item_unpack(algorithm->parameter->value.sequence, ASN1_ITEM_rptr(X509_ALGOR));
    if (wrap)
        nid = OBJ_obj2nid(wrap->algorithm);
    if (nid == NID_id_aes128_wrap || nid == NID_id_aes192_wrap || nid == NID_id_aes256_wrap)
        return wrap;
    X509_ALGOR_free(wrap);
    return NULL;
}

static SealSecret *
unwrap_ecdh(EVP_PKEY *own, const X509_ALGOR *algorithm, GBytes *encrypted_key,
            const SealUnwrapInput *input, GError **error)
{
    X509_ALGOR *wrap = wrap_algorithm(algorithm);
    EVP_PKEY *peer = originator_key(own, input->originator);
    const char *hash = kdf_hash(algorithm);
    unsigned char key[32];
    SealSecret *secret = NULL;

    if (wrap && peer && hash) {
        gsize key_len = (gsize)EVP_CIPHER_get_key_length(EVP_get_cipherbyobj(wrap->algorithm));
        g_autoptr(GBytes) info = shared_info(wrap, input->ukm, key_len);

        derive(own, peer, hash, info, key, key_len);
        secret = aes_unwrap(wrap, key, encrypted_key, error);
    } else {
        fail(error);
    }
    X509_ALGOR_free(wrap);
    EVP_PKEY_free(peer);
    return secret;
}

static SealSecret *
soft_unwrap(const SealUnwrapper *unwrapper, const char *key, GBytes *key_encryption,
            GBytes *encrypted_key, const SealUnwrapInput *input, GError **error)
{
    TestKeyring *keyring = unwrapper->user_data;
    const TestIdentity *identity = g_ptr_array_index(keyring->identities, (guint)atoi(key));
    const unsigned char *at = g_bytes_get_data(key_encryption, NULL);
    X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &at, (long)g_bytes_get_size(key_encryption));
    SealSecret *secret = NULL;

    keyring->asked++;
    g_assert_nonnull(algorithm);
    g_assert_nonnull(input->content_encryption);
    if (keyring->mood == TEST_UNWRAP_REFUSES)
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_DENIED, "refused by the test");
    else if (keyring->mood == TEST_UNWRAP_FAILS)
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE, "the agent went away");
    else if (keyring->mood == TEST_UNWRAP_UNABLE)
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                            "the token 'Blue' cannot unwrap with RSA-OAEP");
    else if (EVP_PKEY_get_base_id(identity->key) == EVP_PKEY_RSA)
        secret = unwrap_rsa(identity->key, algorithm, encrypted_key, error);
    else
        secret = unwrap_ecdh(identity->key, algorithm, encrypted_key, input, error);
    if (secret && keyring->mood == TEST_UNWRAP_WRONG)
        seal_secret_data(secret)[0] ^= 1;
    X509_ALGOR_free(algorithm);
    return secret;
}

SealUnwrapper
test_unwrapper(TestKeyring *keyring)
{
    return (SealUnwrapper){soft_find, soft_unwrap, keyring};
}
