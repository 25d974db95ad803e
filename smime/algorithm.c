/* Signature algorithms of CMS mail: RFC 5754 (RSA, ECDSA), RFC 4056 (PSS), RFC 8419 (EdDSA).
 * An allow-list: what is not in these tables does not verify. */
#include "smime/algorithm.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <string.h>

#define SALT_LEN_MAX 2048 /* bytes of the longest RSA key OpenSSL takes */

/* SHAKE256 with 512 bits belongs to Ed448 (RFC 8419 2.3) and to nothing else here. */
#define SHAKE256_LEN     64
#define SHAKE256_LEN_OID "2.16.840.1.101.3.4.2.18"

static const SealHash hashes[] = {
    {"sha256", "sha-256", NID_sha256, FALSE},
    {"sha384", "sha-384", NID_sha384, FALSE},
    {"sha512", "sha-512", NID_sha512, FALSE},
    {"sha224", "sha-224", NID_sha224, FALSE},
    {"sha1", "sha-1", NID_sha1, TRUE},
    {"md5", "md5", NID_md5, TRUE},
    {"shake256", "shake256-512", NID_shake256, FALSE},
};

static const char *const scheme_names[] = {
    [SEAL_SCHEME_RSA_PKCS1] = "rsa-pkcs1", [SEAL_SCHEME_RSA_PSS] = "rsa-pss",
    [SEAL_SCHEME_ECDSA] = "ecdsa",         [SEAL_SCHEME_ED25519] = "ed25519",
    [SEAL_SCHEME_ED448] = "ed448",
};

/* Signature algorithms that state their hash; NID_undef: the signer's digestAlgorithm says it. */
static const struct {
    int nid;
    SealSchemeKind kind;
    int hash;
} schemes[] = {
    {NID_rsaEncryption, SEAL_SCHEME_RSA_PKCS1, NID_undef},
    {NID_sha256WithRSAEncryption, SEAL_SCHEME_RSA_PKCS1, NID_sha256},
    {NID_sha384WithRSAEncryption, SEAL_SCHEME_RSA_PKCS1, NID_sha384},
    {NID_sha512WithRSAEncryption, SEAL_SCHEME_RSA_PKCS1, NID_sha512},
    {NID_sha224WithRSAEncryption, SEAL_SCHEME_RSA_PKCS1, NID_sha224},
    {NID_sha1WithRSAEncryption, SEAL_SCHEME_RSA_PKCS1, NID_sha1},
    {NID_md5WithRSAEncryption, SEAL_SCHEME_RSA_PKCS1, NID_md5},
    {NID_ecdsa_with_SHA256, SEAL_SCHEME_ECDSA, NID_sha256},
    {NID_ecdsa_with_SHA384, SEAL_SCHEME_ECDSA, NID_sha384},
    {NID_ecdsa_with_SHA512, SEAL_SCHEME_ECDSA, NID_sha512},
    {NID_ecdsa_with_SHA224, SEAL_SCHEME_ECDSA, NID_sha224},
    {NID_ecdsa_with_SHA1, SEAL_SCHEME_ECDSA, NID_sha1},
    {NID_X9_62_id_ecPublicKey, SEAL_SCHEME_ECDSA, NID_undef}, /* some write the key's identifier */
    {NID_ED25519, SEAL_SCHEME_ED25519, NID_sha512},
    {NID_ED448, SEAL_SCHEME_ED448, NID_shake256},
};

/* -- hashes ----------------------------------------------------------------------------------- */

const SealHash *
seal_hash_by_nid(int nid)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (hashes[i].nid == nid)
            return &hashes[i];
    return NULL;
}

const SealHash *
seal_hash_by_name(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++)
        if (g_str_equal(hashes[i].name, name))
            return &hashes[i];
    return NULL;
}

static gboolean
has_no_parameters(const X509_ALGOR *algorithm)
{
    int type = 0;

    X509_ALGOR_get0(NULL, &type, NULL, algorithm);
    return type == V_ASN1_UNDEF || type == V_ASN1_NULL;
}

static int
nid_of(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;

    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    return OBJ_obj2nid(object);
}

/* id-shake256-len, whose parameter is the length in bits (RFC 8419 2.3). */
static gboolean
is_shake256_of_512_bits(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    const void *value = NULL;
    int type = 0;
    char oid[80] = "";

    X509_ALGOR_get0(&object, &type, &value, algorithm);
    OBJ_obj2txt(oid, sizeof oid, object, 1);
    return g_str_equal(oid, SHAKE256_LEN_OID) && type == V_ASN1_INTEGER &&
           ASN1_INTEGER_get(value) == SHAKE256_LEN * 8;
}

const SealHash *
seal_hash_of(const X509_ALGOR *algorithm)
{
    if (is_shake256_of_512_bits(algorithm))
        return seal_hash_by_nid(NID_shake256);
    return has_no_parameters(algorithm) ? seal_hash_by_nid(nid_of(algorithm)) : NULL;
}

static const EVP_MD *
md_of(const SealHash *hash)
{
    return EVP_get_digestbynid(hash->nid);
}

gsize
seal_hash_digest(const SealHash *hash, SealBytes message, unsigned char *ret_digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned int len = SHAKE256_LEN;
    gboolean done =
        EVP_DigestInit_ex(context, md_of(hash), NULL) == 1 &&
        EVP_DigestUpdate(context, message.data, message.len) == 1 &&
        (hash->nid == NID_shake256 ? EVP_DigestFinalXOF(context, ret_digest, SHAKE256_LEN)
                                   : EVP_DigestFinal_ex(context, ret_digest, &len)) == 1;

    EVP_MD_CTX_free(context);
    return done ? len : 0;
}

void
seal_hash_write(const SealHash *hash, X509_ALGOR *algorithm)
{
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(hash->nid), V_ASN1_UNDEF, NULL);
}

/* -- reading ---------------------------------------------------------------------------------- */

const char *
seal_scheme_name(SealSchemeKind kind)
{
    return scheme_names[kind];
}

static const SealHash *
mgf1_hash_of(const X509_ALGOR *algorithm)
{
    const void *parameters = NULL;
    int type = 0;
    X509_ALGOR *inner = NULL;
    const SealHash *hash = NULL;

    if (!algorithm)
        return seal_hash_by_nid(NID_sha1);
    X509_ALGOR_get0(NULL, &type, &parameters, algorithm);
    if (nid_of(algorithm) != NID_mgf1 || type != V_ASN1_SEQUENCE)
        return NULL;
    inner = ASN1_item_unpack(parameters, ASN1_ITEM_rptr(X509_ALGOR));
    if (inner)
        hash = seal_hash_of(inner);
    if (hash && hash->nid == NID_shake256)
        hash = NULL;
    X509_ALGOR_free(inner);
    return hash;
}

static gboolean
read_pss_values(const RSA_PSS_PARAMS *parameters, SealScheme *ret_scheme)
{
    ret_scheme->hash = parameters->hashAlgorithm ? seal_hash_of(parameters->hashAlgorithm)
                                                 : seal_hash_by_nid(NID_sha1);
    ret_scheme->mgf1_hash = mgf1_hash_of(parameters->maskGenAlgorithm);
    ret_scheme->salt_len =
        parameters->saltLength ? (int)ASN1_INTEGER_get(parameters->saltLength) : 20;
    /* RFC 4055 3.1: the one trailer there is. OpenSSL takes the longest salt that the key has room
     * for. */
    return ret_scheme->hash && ret_scheme->mgf1_hash && ret_scheme->salt_len >= 0 &&
           ret_scheme->salt_len <= SALT_LEN_MAX &&
           (!parameters->trailerField || ASN1_INTEGER_get(parameters->trailerField) == 1);
}

static SealSchemeState
read_pss(const X509_ALGOR *algorithm, const SealHash *hash, SealScheme *ret_scheme)
{
    const void *value = NULL;
    int type = 0;
    RSA_PSS_PARAMS *parameters = NULL;
    gboolean fine = FALSE;

    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    if (type == V_ASN1_SEQUENCE)
        parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    ret_scheme->kind = SEAL_SCHEME_RSA_PSS;
    fine = parameters && read_pss_values(parameters, ret_scheme);
    RSA_PSS_PARAMS_free(parameters);
    ERR_clear_error();
    return fine && ret_scheme->hash == hash ? SEAL_SCHEME_FINE : SEAL_SCHEME_WRONG;
}

SealSchemeState
seal_scheme_read(const X509_ALGOR *algorithm, const SealHash *hash, SealScheme *ret_scheme)
{
    int nid = nid_of(algorithm);

    *ret_scheme = (SealScheme){0};
    if (hash->nid == NID_shake256 && nid != NID_ED448)
        return SEAL_SCHEME_WRONG;
    if (nid == NID_rsassaPss)
        return read_pss(algorithm, hash, ret_scheme);
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (schemes[i].nid != nid)
            continue;
        ret_scheme->kind = schemes[i].kind;
        ret_scheme->hash = hash;
        if (schemes[i].hash != NID_undef && schemes[i].hash != hash->nid)
            return SEAL_SCHEME_WRONG;
        return has_no_parameters(algorithm) || nid == NID_X9_62_id_ecPublicKey ? SEAL_SCHEME_FINE
                                                                               : SEAL_SCHEME_WRONG;
    }
    return SEAL_SCHEME_UNKNOWN;
}

/* -- writing ---------------------------------------------------------------------------------- */

X509_ALGOR *
seal_hash_algorithm_new(const SealHash *hash)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();

    /* RFC 4055 2.1: NULL here, where RFC 5754 leaves it out; older readers compare bytes. */
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(hash->nid), V_ASN1_NULL, NULL);
    return algorithm;
}

X509_ALGOR *
seal_mgf1_new(const SealHash *hash)
{
    X509_ALGOR *mgf1 = X509_ALGOR_new();
    X509_ALGOR *inner = seal_hash_algorithm_new(hash);
    ASN1_STRING *packed = NULL;

    ASN1_item_pack(inner, ASN1_ITEM_rptr(X509_ALGOR), &packed);
    X509_ALGOR_set0(mgf1, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, packed);
    X509_ALGOR_free(inner);
    return mgf1;
}

static void
write_pss(const SealScheme *scheme, X509_ALGOR *algorithm)
{
    RSA_PSS_PARAMS *parameters = RSA_PSS_PARAMS_new();
    ASN1_STRING *packed = NULL;

    parameters->hashAlgorithm = seal_hash_algorithm_new(scheme->hash);
    parameters->maskGenAlgorithm = seal_mgf1_new(scheme->mgf1_hash);
    parameters->saltLength = ASN1_INTEGER_new();
    ASN1_INTEGER_set(parameters->saltLength, scheme->salt_len);
    ASN1_item_pack(parameters, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &packed);
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, packed);
    RSA_PSS_PARAMS_free(parameters);
}

void
seal_scheme_write(const SealScheme *scheme, X509_ALGOR *algorithm)
{
    if (scheme->kind == SEAL_SCHEME_RSA_PSS) {
        write_pss(scheme, algorithm);
        return;
    }
    if (scheme->kind == SEAL_SCHEME_RSA_PKCS1) { /* RFC 3370 3.2: parameters NULL */
        X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (schemes[i].kind == scheme->kind && schemes[i].hash == scheme->hash->nid)
            X509_ALGOR_set0(algorithm, OBJ_nid2obj(schemes[i].nid), V_ASN1_UNDEF, NULL);
}

/* -- verifying -------------------------------------------------------------------------------- */

static gboolean
fits_key(const SealScheme *scheme, EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return scheme->kind == SEAL_SCHEME_RSA_PKCS1 || scheme->kind == SEAL_SCHEME_RSA_PSS;
    case EVP_PKEY_RSA_PSS:
        return scheme->kind == SEAL_SCHEME_RSA_PSS;
    case EVP_PKEY_EC:
        return scheme->kind == SEAL_SCHEME_ECDSA;
    case EVP_PKEY_ED25519:
        return scheme->kind == SEAL_SCHEME_ED25519;
    case EVP_PKEY_ED448:
        return scheme->kind == SEAL_SCHEME_ED448;
    default:
        return FALSE;
    }
}

static gboolean
set_pss(const SealScheme *scheme, EVP_PKEY_CTX *context)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, md_of(scheme->mgf1_hash)) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, scheme->salt_len) > 0;
}

gboolean
seal_scheme_verify(const SealScheme *scheme, EVP_PKEY *key, gconstpointer message,
                   gsize message_len, gconstpointer signature, gsize signature_len)
{
    gboolean hashes_itself =
        scheme->kind == SEAL_SCHEME_ED25519 || scheme->kind == SEAL_SCHEME_ED448;
    const EVP_MD *md = hashes_itself ? NULL : md_of(scheme->hash);
    EVP_MD_CTX *digest = NULL;
    EVP_PKEY_CTX *context = NULL;
    gboolean good = FALSE;

    if (!fits_key(scheme, key))
        return FALSE;
    digest = EVP_MD_CTX_new();
    good = EVP_DigestVerifyInit(digest, &context, md, NULL, key) > 0 &&
           (scheme->kind != SEAL_SCHEME_RSA_PSS || set_pss(scheme, context)) &&
           EVP_DigestVerify(digest, signature, signature_len, message, message_len) == 1;
    EVP_MD_CTX_free(digest);
    ERR_clear_error();
    return good;
}
