/* Each mechanism that signs, with each hash, judged by OpenSSL; each parameter that is malformed,
 * refused; and the order of calls. Operations in one session mind nothing of another's. */
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tests/module/module-fixture.h"
#include "tests/support/pinentry.h"

#define TEXT     "the Keeper never lets the seal out of his hands"
#define TEXT_LEN (sizeof TEXT - 1)

enum { RSA = 1, RSA_DECRYPT = 2, P256 = 4, P384 = 5, P521 = 6, ED25519 = 10 }; /* CKA_ID */

/* -- signing ---------------------------------------------------------------------------------- */

typedef enum {
    MESSAGE,
    DIGEST,
    DIGEST_INFO, /* RFC 8017 9.2 */
} Given;

typedef struct {
    CK_BYTE id;
    const char *name; /* of the fixture's certificate */
    CK_MECHANISM_TYPE type;
    Given given;
    const char *hash; /* NULL: Ed25519 */
    int salt_len;     /* -1: not PSS */
} Row;

static const Row rows[] = {
    {RSA, "alice-rsa-sign", CKM_RSA_PKCS, DIGEST_INFO, "SHA256", -1},
    {RSA, "alice-rsa-sign", CKM_RSA_PKCS, DIGEST_INFO, "SHA384", -1},
    {RSA, "alice-rsa-sign", CKM_RSA_PKCS, DIGEST_INFO, "SHA512", -1},
    {RSA, "alice-rsa-sign", CKM_SHA256_RSA_PKCS, MESSAGE, "SHA256", -1},
    {RSA, "alice-rsa-sign", CKM_SHA384_RSA_PKCS, MESSAGE, "SHA384", -1},
    {RSA, "alice-rsa-sign", CKM_SHA512_RSA_PKCS, MESSAGE, "SHA512", -1},
    {RSA, "alice-rsa-sign", CKM_RSA_PKCS_PSS, DIGEST, "SHA256", 32},
    {RSA, "alice-rsa-sign", CKM_RSA_PKCS_PSS, DIGEST, "SHA256", 0},
    {RSA, "alice-rsa-sign", CKM_RSA_PKCS_PSS, DIGEST, "SHA256", 222}, /* the most: 256 - 32 - 2 */
    {RSA, "alice-rsa-sign", CKM_RSA_PKCS_PSS, DIGEST, "SHA384", 48},
    {RSA, "alice-rsa-sign", CKM_RSA_PKCS_PSS, DIGEST, "SHA512", 64},
    {RSA, "alice-rsa-sign", CKM_SHA256_RSA_PKCS_PSS, MESSAGE, "SHA256", 20},
    {RSA, "alice-rsa-sign", CKM_SHA384_RSA_PKCS_PSS, MESSAGE, "SHA384", 48},
    {RSA, "alice-rsa-sign", CKM_SHA512_RSA_PKCS_PSS, MESSAGE, "SHA512", 64},
    {P256, "alice-p256-sign", CKM_ECDSA, DIGEST, "SHA256", -1},
    {P256, "alice-p256-sign", CKM_ECDSA, DIGEST, "SHA512", -1},
    {P384, "alice-p384-sign", CKM_ECDSA, DIGEST, "SHA384", -1},
    {P521, "alice-p521-sign", CKM_ECDSA, DIGEST, "SHA512", -1},
    {P256, "alice-p256-sign", CKM_ECDSA_SHA256, MESSAGE, "SHA256", -1},
    {P384, "alice-p384-sign", CKM_ECDSA_SHA384, MESSAGE, "SHA384", -1},
    {P521, "alice-p521-sign", CKM_ECDSA_SHA512, MESSAGE, "SHA512", -1},
    {ED25519, "alice-ed25519-sign", CKM_EDDSA, MESSAGE, NULL, -1},
};

static const EVP_MD *
hash_of(const Row *row)
{
    return row->hash ? EVP_get_digestbyname(row->hash) : NULL;
}

/* What the program gives; returns its length. */
static gsize
make_input(const Row *row, CK_BYTE out[128])
{
    unsigned len = 0;
    gsize prefix_len = 0;

    if (row->given == MESSAGE) {
        memcpy(out, TEXT, TEXT_LEN);
        return TEXT_LEN;
    }
    if (row->given == DIGEST_INFO) {
        CK_BYTE size = (CK_BYTE)EVP_MD_get_size(hash_of(row));
        CK_BYTE arc = size == 32 ? 1 : size == 48 ? 2 : 3; /* 2.16.840.1.101.3.4.2.N */
        const CK_BYTE prefix[] = {0x30, size + 17, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                  0x65, 0x03,      0x04, 0x02, arc,  0x05, 0x00, 0x04, size};

        prefix_len = sizeof prefix;
        memcpy(out, prefix, prefix_len);
    }
    g_assert_cmpint(EVP_Digest(TEXT, TEXT_LEN, out + prefix_len, &len, hash_of(row), NULL), ==, 1);
    return prefix_len + len;
}

static gsize
make_parameter(const Row *row, CK_RSA_PKCS_PSS_PARAMS *pss)
{
    int size = row->salt_len >= 0 ? EVP_MD_get_size(hash_of(row)) : 0;

    pss->hashAlg = size == 32 ? CKM_SHA256 : size == 48 ? CKM_SHA384 : CKM_SHA512;
    pss->mgf = size == 32 ? CKG_MGF1_SHA256 : size == 48 ? CKG_MGF1_SHA384 : CKG_MGF1_SHA512;
    pss->sLen = (CK_ULONG)MAX(row->salt_len, 0);
    return row->salt_len >= 0 ? sizeof *pss : 0;
}

/* PKCS#11 has r || s, OpenSSL the DER of it. */
static gsize
encode_ecdsa(const CK_BYTE *pair, gsize len, CK_BYTE *out)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    int half = (int)len / 2, encoded = 0;

    g_assert_cmpint(
        ECDSA_SIG_set0(signature, BN_bin2bn(pair, half, NULL), BN_bin2bn(pair + half, half, NULL)),
        ==, 1);
    encoded = i2d_ECDSA_SIG(signature, &out);
    ECDSA_SIG_free(signature);
    return (gsize)encoded;
}

static void
verify(ModulePlace *place, const Row *row, const CK_BYTE *signature, gsize len)
{
    EVP_PKEY *key = module_public_key(place, row->name);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    CK_BYTE der[256];

    if (EVP_PKEY_is_a(key, "EC")) {
        len = encode_ecdsa(signature, len, der);
        signature = der;
    }
    g_assert_cmpint(EVP_DigestVerifyInit(context, &parameters, hash_of(row), NULL, key), ==, 1);
    if (row->salt_len >= 0) {
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING), ==, 1);
        g_assert_cmpint(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, row->salt_len), ==, 1);
    }
    g_assert_cmpint(EVP_DigestVerify(context, signature, len, (const CK_BYTE *)TEXT, TEXT_LEN), ==,
                    1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

/* At once by C_Sign, and in three parts, one of them empty. */
static void
test_every_signature(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        CK_RSA_PKCS_PSS_PARAMS pss;
        gsize parameter_len = make_parameter(&rows[i], &pss);
        const void *parameter = parameter_len > 0 ? &pss : NULL;
        CK_BYTE input[128], signature[512];
        CK_ULONG input_len = make_input(&rows[i], input), len = sizeof signature;

        module_is(module_init(&use, use.calls->C_SignInit, rows[i].id, rows[i].type, parameter,
                              parameter_len),
                  CKR_OK);
        module_is(use.calls->C_Sign(use.session, input, input_len, signature, &len), CKR_OK);
        verify(place, &rows[i], signature, len);
        len = sizeof signature;
        module_is(module_init(&use, use.calls->C_SignInit, rows[i].id, rows[i].type, parameter,
                              parameter_len),
                  CKR_OK);
        module_is(use.calls->C_SignUpdate(use.session, input, 7), CKR_OK);
        module_is(use.calls->C_SignUpdate(use.session, NULL, 0), CKR_OK);
        module_is(use.calls->C_SignUpdate(use.session, input + 7, input_len - 7), CKR_OK);
        module_is(use.calls->C_SignFinal(use.session, signature, &len), CKR_OK);
        verify(place, &rows[i], signature, len);
    }
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 1);
}

static void
test_final_length_protocol(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_BYTE signature[64];
    CK_ULONG len = 0;

    module_is(module_init(&use, use.calls->C_SignInit, P256, CKM_ECDSA_SHA256, NULL, 0), CKR_OK);
    module_is(use.calls->C_SignUpdate(use.session, (CK_BYTE *)TEXT, TEXT_LEN), CKR_OK);
    module_is(use.calls->C_SignFinal(use.session, NULL, &len), CKR_OK);
    g_assert_cmpuint(len, ==, 64);
    len = 63;
    module_is(use.calls->C_SignFinal(use.session, signature, &len), CKR_BUFFER_TOO_SMALL);
    g_assert_cmpuint(len, ==, 64);
    module_is(use.calls->C_SignFinal(use.session, signature, &len), CKR_OK);
    verify(place, &rows[18], signature, len);
    module_is(use.calls->C_SignFinal(use.session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
}

/* 5.11: parts and the whole do not mix, one operation at a time, NULL ends it (3.0). */
static void
test_order(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_BYTE signature[64];
    CK_ULONG len = sizeof signature;

    module_is(use.calls->C_SignFinal(use.session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
    module_is(use.calls->C_Login(use.session, CKU_CONTEXT_SPECIFIC, NULL, 0),
              CKR_OPERATION_NOT_INITIALIZED);
    module_is(module_init(&use, use.calls->C_SignInit, P256, CKM_ECDSA_SHA256, NULL, 0), CKR_OK);
    module_is(use.calls->C_Login(use.session, CKU_CONTEXT_SPECIFIC, NULL, 0), CKR_OK);
    module_is(use.calls->C_SignUpdate(use.session, (CK_BYTE *)TEXT, TEXT_LEN), CKR_OK);
    module_is(use.calls->C_Sign(use.session, (CK_BYTE *)TEXT, TEXT_LEN, signature, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    module_is(use.calls->C_SignFinal(use.session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
    module_is(module_init(&use, use.calls->C_SignInit, P256, CKM_ECDSA_SHA256, NULL, 0), CKR_OK);
    module_is(module_init(&use, use.calls->C_DecryptInit, RSA_DECRYPT, CKM_RSA_PKCS, NULL, 0),
              CKR_OK);
    module_is(module_init(&use, use.calls->C_DecryptInit, RSA_DECRYPT, CKM_RSA_PKCS, NULL, 0),
              CKR_OPERATION_ACTIVE);
    module_is(use.calls->C_SignInit(use.session, NULL, 0), CKR_OK);
    module_is(use.calls->C_DecryptInit(use.session, NULL, 0), CKR_OK);
    module_is(use.calls->C_SignFinal(use.session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
}

/* Whatever goes wrong in one session, another's operation goes on. */
static void
test_sessions_mind_their_own(ModulePlace *place, gconstpointer data)
{
    ModuleUse good = module_use_new(place), bad = module_use_new(place);
    CK_BYTE signature[64];
    CK_ULONG len = sizeof signature;

    module_is(module_init(&good, good.calls->C_SignInit, P256, CKM_ECDSA_SHA256, NULL, 0), CKR_OK);
    module_is(good.calls->C_SignUpdate(good.session, (CK_BYTE *)TEXT, TEXT_LEN), CKR_OK);
    module_is(module_init(&bad, bad.calls->C_SignInit, P256, CKM_RSA_PKCS, NULL, 0),
              CKR_KEY_TYPE_INCONSISTENT);
    module_is(module_init(&bad, bad.calls->C_SignInit, P256, CKM_ECDSA, NULL, 0), CKR_OK);
    module_is(bad.calls->C_Sign(bad.session, signature, 5, signature, &len), CKR_DATA_LEN_RANGE);
    module_is(bad.calls->C_FindObjectsInit(bad.session, NULL, 0), CKR_OK);
    module_is(bad.calls->C_CloseSession(bad.session), CKR_OK);
    len = sizeof signature;
    module_is(good.calls->C_SignFinal(good.session, signature, &len), CKR_OK);
    verify(place, &rows[18], signature, len);
}

/* -- malformed parameters of signatures
 * ------------------------------------------------------------ */

static void
test_malformed_signing(ModulePlace *place, gconstpointer data)
{
    static const CK_RSA_PKCS_PSS_PARAMS good = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    static const struct {
        CK_MECHANISM_TYPE type;
        CK_RSA_PKCS_PSS_PARAMS pss;
        gsize len;
    } pss_rows[] = {
        {CKM_RSA_PKCS_PSS, good, 0},
        {CKM_RSA_PKCS_PSS, good, sizeof good - 1},
        {CKM_RSA_PKCS_PSS, good, sizeof good + 1},
        {CKM_RSA_PKCS_PSS, good, (gsize)-1},
        {CKM_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA384, 32}, sizeof good},
        {CKM_RSA_PKCS_PSS, {CKM_SHA_1, CKG_MGF1_SHA1, 20}, sizeof good},
        {CKM_RSA_PKCS_PSS, {CKM_SHA256, 0, 32}, sizeof good},
        {CKM_RSA_PKCS_PSS, {0x4711, CKG_MGF1_SHA256, 32}, sizeof good},
        {CKM_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, 223}, sizeof good},
        {CKM_RSA_PKCS_PSS, {CKM_SHA256, CKG_MGF1_SHA256, (CK_ULONG)-32}, sizeof good},
        {CKM_SHA384_RSA_PKCS_PSS, good, sizeof good},
    };
    static const CK_BYTE something[64] = {0};
    ModuleUse use = module_use_new(place);
    SealEddsaParams ph = {.ph_flag = CK_TRUE}, context = {.context_len = 1, .context = &ph.ph_flag};

    for (gsize i = 0; i < G_N_ELEMENTS(pss_rows); i++)
        module_is(module_init(&use, use.calls->C_SignInit, RSA, pss_rows[i].type, &pss_rows[i].pss,
                              pss_rows[i].len),
                  CKR_MECHANISM_PARAM_INVALID);
    module_is(module_init(&use, use.calls->C_SignInit, RSA, CKM_RSA_PKCS, something, 1),
              CKR_MECHANISM_PARAM_INVALID);
    module_is(
        module_init(&use, use.calls->C_SignInit, P256, CKM_ECDSA, something, sizeof something),
        CKR_MECHANISM_PARAM_INVALID);
    module_is(module_init(&use, use.calls->C_SignInit, ED25519, CKM_EDDSA, &ph, sizeof ph),
              CKR_MECHANISM_PARAM_INVALID);
    module_is(
        module_init(&use, use.calls->C_SignInit, ED25519, CKM_EDDSA, &context, sizeof context),
        CKR_MECHANISM_PARAM_INVALID);
    module_is(module_init(&use, use.calls->C_SignInit, ED25519, CKM_EDDSA, &ph, sizeof ph - 1),
              CKR_MECHANISM_PARAM_INVALID);
    ph.ph_flag = CK_FALSE; /* Ed25519 in words */
    module_is(module_init(&use, use.calls->C_SignInit, ED25519, CKM_EDDSA, &ph, sizeof ph), CKR_OK);
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/signing/every-one", test_every_signature},
        {"/signing/length-protocol-of-final", test_final_length_protocol},
        {"/signing/order", test_order},
        {"/signing/sessions-mind-their-own", test_sessions_mind_their_own},
        {"/signing/malformed-parameters", test_malformed_signing},
    };

    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
