/* Each mechanism that opens something, with each hash: OpenSSL does the other half. Each parameter
 * and each template that is malformed is refused. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "ipc/names.h"
#include "tests/module/agreement.h"
#include "tests/module/module-fixture.h"
#include "tests/support/agent.h"
#include "tests/support/pinentry.h"

#define TEXT     "the Keeper never lets the seal out of his hands"
#define TEXT_LEN (sizeof TEXT - 1)

enum { RSA_DECRYPT = 2, P256 = 4, P256_DECRYPT = 7 }; /* CKA_ID */

/* -- decrypting ------------------------------------------------------------------------------- */

static const struct {
    const char *hash;
    CK_MECHANISM_TYPE type;
    CK_RSA_PKCS_MGF_TYPE mask;
} oaep_hashes[] = {
    {"SHA1", CKM_SHA_1, CKG_MGF1_SHA1},
    {"SHA256", CKM_SHA256, CKG_MGF1_SHA256},
    {"SHA384", CKM_SHA384, CKG_MGF1_SHA384},
    {"SHA512", CKM_SHA512, CKG_MGF1_SHA512},
};

static void
encrypt_oaep(ModulePlace *place, const char *hash, const char *label, CK_BYTE out[256])
{
    EVP_PKEY *key = module_public_key(place, "alice-rsa-decrypt");
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    gsize len = 256;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
    EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_get_digestbyname(hash));
    EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(hash));
    if (label)
        EVP_PKEY_CTX_set0_rsa_oaep_label(context, OPENSSL_strdup(label), (int)strlen(label));
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &len, (const CK_BYTE *)TEXT, TEXT_LEN), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
}

static void
test_every_oaep(ModulePlace *place, gconstpointer data)
{
    static const char *const labels[] = {NULL, "label"};
    ModuleUse use = module_use_new(place);

    for (gsize i = 0; i < 2 * G_N_ELEMENTS(oaep_hashes); i++) {
        const char *label = labels[i % 2];
        CK_RSA_PKCS_OAEP_PARAMS oaep = {oaep_hashes[i / 2].type, oaep_hashes[i / 2].mask,
                                        CKZ_DATA_SPECIFIED, (void *)label,
                                        label ? strlen(label) : 0};
        CK_BYTE encrypted[256], out[256];
        CK_ULONG len = sizeof out;

        encrypt_oaep(place, oaep_hashes[i / 2].hash, label, encrypted);
        module_is(module_init(&use, use.calls->C_DecryptInit, RSA_DECRYPT, CKM_RSA_PKCS_OAEP, &oaep,
                              sizeof oaep),
                  CKR_OK);
        module_is(use.calls->C_Decrypt(use.session, encrypted, sizeof encrypted, out, &len),
                  CKR_OK);
        g_assert_cmpmem(out, len, TEXT, TEXT_LEN);
        encrypted[100] ^= 1;
        len = sizeof out;
        module_is(module_init(&use, use.calls->C_DecryptInit, RSA_DECRYPT, CKM_RSA_PKCS_OAEP, &oaep,
                              sizeof oaep),
                  CKR_OK);
        module_is(use.calls->C_Decrypt(use.session, encrypted, sizeof encrypted, out, &len),
                  CKR_ENCRYPTED_DATA_INVALID);
    }
}

static void
test_malformed_decrypting(ModulePlace *place, gconstpointer data)
{
    static const CK_RSA_PKCS_OAEP_PARAMS good = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED};
    static const CK_BYTE something[8] = {0};
    const struct {
        CK_RSA_PKCS_OAEP_PARAMS oaep;
        gsize len;
    } bad[] = {
        {good, 0},
        {good, sizeof good - 1},
        {good, sizeof good + 1},
        {{CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 1}, sizeof good},
        {{CKM_SHA256, CKG_MGF1_SHA256, 7, (void *)something, 1}, sizeof good},
        {{CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, (void *)something, (CK_ULONG)-1},
         sizeof good},
        {{0x4711, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED}, sizeof good},
        {{CKM_SHA256, 0x4711, CKZ_DATA_SPECIFIED}, sizeof good},
    };
    ModuleUse use = module_use_new(place);

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        module_is(module_init(&use, use.calls->C_DecryptInit, RSA_DECRYPT, CKM_RSA_PKCS_OAEP,
                              &bad[i].oaep, bad[i].len),
                  CKR_MECHANISM_PARAM_INVALID);
    module_is(module_init(&use, use.calls->C_DecryptInit, RSA_DECRYPT, CKM_RSA_PKCS, something, 8),
              CKR_MECHANISM_PARAM_INVALID);
    module_is(module_init(&use, use.calls->C_DecryptInit, RSA_DECRYPT, CKM_ECDSA, NULL, 0),
              CKR_MECHANISM_INVALID);
    module_is(module_init(&use, use.calls->C_DecryptInit, P256_DECRYPT, CKM_RSA_PKCS, NULL, 0),
              CKR_KEY_TYPE_INCONSISTENT);
}

/* -- agreement
 * ------------------------------------------------------------------------------------- */

static CK_RV
derive(const ModuleUse *use, CK_ECDH1_DERIVE_PARAMS *parameters, gsize len, CK_ATTRIBUTE *template,
       CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, parameters, len};

    return use->calls->C_DeriveKey(
        use->session, &mechanism,
        module_find(use->place, use->session, CKO_PRIVATE_KEY, P256_DECRYPT), template, count,
        ret_key);
}

static CK_ECDH1_DERIVE_PARAMS
parameters_of(const ModuleAgreement *agreement, CK_ULONG kdf)
{
    return (CK_ECDH1_DERIVE_PARAMS){kdf, agreement->shared->len, agreement->shared->data,
                                    agreement->point->len, agreement->point->data};
}

/* Uses of a key to decrypt in the agent's log. */
static guint
count_unwraps(ModulePlace *place)
{
    g_autofree char *log = seal_test_agent_log(place->home);
    guint n = 0;

    for (const char *at = log; (at = strstr(at, "unwrap with key ")) != NULL; at++)
        n++;
    return n;
}

/* A use is recorded after its answer, and before the agent looks at another call; main() keeps the
 * calls off lanes, which the agent hears of later. */
static void
await_records(const ModuleUse *use)
{
    CK_BYTE signature[64];
    CK_ULONG len = sizeof signature;

    module_is(module_init(use, use->calls->C_SignInit, P256, CKM_ECDSA_SHA256, NULL, 0), CKR_OK);
    module_is(use->calls->C_Sign(use->session, NULL, 0, signature, &len), CKR_OK);
}

/* Deriving asks the agent nothing; the wrapped key is one Unwrap. */
static void
test_every_kdf(ModulePlace *place, gconstpointer data)
{
    static const struct {
        const char *hash;
        CK_ULONG kdf;
    } kdfs[] = {
        {"SHA1", CKD_SHA1_KDF},     {"SHA224", CKD_SHA224_KDF}, {"SHA256", CKD_SHA256_KDF},
        {"SHA384", CKD_SHA384_KDF}, {"SHA512", CKD_SHA512_KDF},
    };
    ModuleUse use = module_use_new(place);
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};

    for (gsize i = 0; i < G_N_ELEMENTS(kdfs); i++) {
        EVP_PKEY *theirs = module_public_key(place, "alice-p256-decrypt");
        ModuleAgreement agreement =
            module_agreement_new(theirs, EVP_get_digestbyname(kdfs[i].hash));
        CK_ECDH1_DERIVE_PARAMS parameters = parameters_of(&agreement, kdfs[i].kdf);
        CK_OBJECT_HANDLE agreed = 0;
        CK_BYTE out[64];
        CK_ULONG len = sizeof out;

        module_is(derive(&use, &parameters, sizeof parameters, NULL, 0, &agreed), CKR_OK);
        g_assert_cmpuint(count_unwraps(place), ==, i);
        module_is(use.calls->C_DecryptInit(use.session, &wrap, agreed), CKR_OK);
        module_is(use.calls->C_Decrypt(use.session, agreement.wrapped->data, agreement.wrapped->len,
                                       out, &len),
                  CKR_OK);
        g_assert_cmpmem(out, len, agreement.key, sizeof agreement.key);
        await_records(&use);
        g_assert_cmpuint(count_unwraps(place), ==, i + 1);
        module_agreement_clear(&agreement);
        EVP_PKEY_free(theirs);
    }
}

static void
test_malformed_agreement(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    EVP_PKEY *theirs = module_public_key(place, "alice-p256-decrypt");
    ModuleAgreement agreement = module_agreement_new(theirs, EVP_sha256());
    const CK_ECDH1_DERIVE_PARAMS good = parameters_of(&agreement, CKD_SHA256_KDF);
    CK_ECDH1_DERIVE_PARAMS bad[] = {good, good, good, good, good, good, good};
    CK_OBJECT_HANDLE key = 0;

    bad[0].kdf = 0x4711;
    bad[1].pSharedData = NULL;
    bad[2].ulSharedDataLen = (CK_ULONG)-1;
    bad[3].ulSharedDataLen--;
    bad[4].pPublicData = NULL;
    bad[5].ulPublicDataLen = (CK_ULONG)-1;
    bad[6].ulPublicDataLen--;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        module_is(derive(&use, &bad[i], sizeof bad[i], NULL, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    bad[0] = good;
    module_is(derive(&use, bad, sizeof good - 1, NULL, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    module_is(derive(&use, NULL, sizeof good, NULL, 0, &key), CKR_MECHANISM_PARAM_INVALID);
    module_agreement_clear(&agreement);
    EVP_PKEY_free(theirs);
}

/* Attributes of another length than their type's, and values that no key here can have. */
static void
test_malformed_templates(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    EVP_PKEY *theirs = module_public_key(place, "alice-p256-decrypt");
    ModuleAgreement agreement = module_agreement_new(theirs, EVP_sha256());
    CK_ECDH1_DERIVE_PARAMS parameters = parameters_of(&agreement, CKD_SHA256_KDF);
    CK_ULONG public_class = CKO_PUBLIC_KEY, secret = CKO_SECRET_KEY, len = 24;
    CK_BBOOL yes = CK_TRUE;
    struct {
        CK_ATTRIBUTE attribute;
        CK_RV rv;
    } bad[] = {
        {{CKA_CLASS, &secret, sizeof secret - 1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_CLASS, &secret, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_CLASS, NULL, sizeof secret}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_CLASS, &secret, (CK_ULONG)-1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_CLASS, &public_class, sizeof public_class}, CKR_TEMPLATE_INCONSISTENT},
        {{CKA_KEY_TYPE, &secret, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_VALUE_LEN, &len, 4}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_VALUE_LEN, &len, sizeof len}, CKR_TEMPLATE_INCONSISTENT}, /* AES-256 wraps here */
        {{CKA_TOKEN, &yes, sizeof(CK_ULONG)}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKA_TOKEN, &yes, sizeof yes}, CKR_TOKEN_WRITE_PROTECTED},
        {{CKA_SENSITIVE, &yes, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
    };
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE agreed = 0, key = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        module_is(derive(&use, &parameters, sizeof parameters, &bad[i].attribute, 1, &key),
                  bad[i].rv);
    /* The same of the key that is opened. */
    module_is(derive(&use, &parameters, sizeof parameters, NULL, 0, &agreed), CKR_OK);
    module_is(use.calls->C_UnwrapKey(use.session, &wrap, agreed, agreement.wrapped->data,
                                     agreement.wrapped->len, &bad[0].attribute, 1, &key),
              CKR_ATTRIBUTE_VALUE_INVALID);
    module_is(use.calls->C_UnwrapKey(use.session, &wrap, agreed, agreement.wrapped->data,
                                     agreement.wrapped->len, &bad[7].attribute, 1, &key),
              CKR_WRAPPED_KEY_LEN_RANGE);
    module_agreement_clear(&agreement);
    EVP_PKEY_free(theirs);
}

/* -- refusals ---------------------------------------------------------------------------------- */

/* NSS (pk11_AnyUnwrapKey in lib/pk11wrap/pk11skey.c) tries C_Decrypt and C_UnwrapKey in turn,
 * whatever the failure, but for CKR_DEVICE_ERROR: that must come from C_UnwrapKey. */
static void
test_refused_agreement(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    EVP_PKEY *theirs = module_public_key(place, "alice-p256-decrypt");
    ModuleAgreement agreement = module_agreement_new(theirs, EVP_sha256());
    CK_ECDH1_DERIVE_PARAMS parameters = parameters_of(&agreement, CKD_SHA256_KDF);
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE agreed = 0, key = 0;

    seal_test_pinentry_answer(place->home, "cancel\n");
    module_is(derive(&use, &parameters, sizeof parameters, NULL, 0, &agreed), CKR_OK);
    module_is(use.calls->C_UnwrapKey(use.session, &wrap, agreed, agreement.wrapped->data,
                                     agreement.wrapped->len, NULL, 0, &key),
              CKR_DEVICE_ERROR);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 1);
    module_agreement_clear(&agreement);
    EVP_PKEY_free(theirs);
}

static void
test_refused_decryption(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE encrypted[256] = {0}, out[256];
    CK_ULONG len = sizeof out;
    CK_OBJECT_HANDLE key = 0;

    seal_test_pinentry_answer(place->home, "cancel\n");
    module_is(module_init(&use, use.calls->C_DecryptInit, RSA_DECRYPT, CKM_RSA_PKCS, NULL, 0),
              CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, encrypted, sizeof encrypted, out, &len),
              CKR_FUNCTION_CANCELED);
    module_is(use.calls->C_UnwrapKey(use.session, &pkcs1,
                                     module_find(place, use.session, CKO_PRIVATE_KEY, RSA_DECRYPT),
                                     encrypted, sizeof encrypted, NULL, 0, &key),
              CKR_DEVICE_ERROR);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 1);
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/opening/decrypt/every-oaep", test_every_oaep},
        {"/opening/decrypt/malformed-parameters", test_malformed_decrypting},
        {"/opening/derive/every-kdf-is-one-unwrap", test_every_kdf},
        {"/opening/derive/malformed-parameters", test_malformed_agreement},
        {"/opening/derive/malformed-templates", test_malformed_templates},
        {"/opening/unwrap/a-refusal-ends-the-matter", test_refused_agreement},
        {"/opening/unwrap/no-second-prompt-after-decrypt", test_refused_decryption},
    };

    g_setenv(SEAL_LANES_VARIABLE, "0", TRUE);
    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
