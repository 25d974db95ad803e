/* Signing and decrypting through the module: results are judged by OpenSSL, refusals by the
 * standard. */
#include <openssl/evp.h>
#include <string.h>

#include "tests/module/agreement.h"
#include "tests/module/module-fixture.h"
#include "tests/support/pinentry.h"

#define TEXT     "the Keeper never lets the seal out of his hands"
#define TEXT_LEN (sizeof TEXT - 1)

static CK_RV
sign_init(const ModuleUse *use, CK_BYTE id, CK_MECHANISM_TYPE type, void *parameter, CK_ULONG len)
{
    return module_init(use, use->calls->C_SignInit, id, type, parameter, len);
}

/* -- signing ----------------------------------------------------------------------------------- */

/* The order of 5.2: a question for the length, too small a buffer, the signature, and then no more.
 */
static void
test_length_protocol(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_BYTE signature[256], small[10];
    CK_ULONG len = 0;

    module_is(use.calls->C_Sign(use.session, (CK_BYTE *)TEXT, TEXT_LEN, signature, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    module_is(sign_init(&use, 1, CKM_SHA256_RSA_PKCS, NULL, 0), CKR_OK);
    module_is(sign_init(&use, 1, CKM_SHA256_RSA_PKCS, NULL, 0), CKR_OPERATION_ACTIVE);
    module_is(use.calls->C_Sign(use.session, (CK_BYTE *)TEXT, TEXT_LEN, NULL, &len), CKR_OK);
    g_assert_cmpuint(len, ==, 256);
    len = sizeof small;
    module_is(use.calls->C_Sign(use.session, (CK_BYTE *)TEXT, TEXT_LEN, small, &len),
              CKR_BUFFER_TOO_SMALL);
    g_assert_cmpuint(len, ==, 256);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 0);
    module_is(use.calls->C_Sign(use.session, (CK_BYTE *)TEXT, TEXT_LEN, signature, &len), CKR_OK);
    module_is(use.calls->C_Sign(use.session, (CK_BYTE *)TEXT, TEXT_LEN, signature, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    module_is(sign_init(&use, 1, CKM_SHA256_RSA_PKCS, NULL, 0), CKR_OK);
    module_is(use.calls->C_Sign(use.session, (CK_BYTE *)TEXT, TEXT_LEN, signature, NULL),
              CKR_ARGUMENTS_BAD);
    module_is(use.calls->C_SignFinal(use.session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void
test_sign_refusals(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_BYTE signature[512], digest[20] = {1};
    CK_ULONG len = sizeof signature;
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA1, 32};
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};

    module_is(use.calls->C_SignInit(use.session, &mechanism, 4711), CKR_KEY_HANDLE_INVALID);
    module_is(use.calls->C_SignInit(use.session, NULL, 1), CKR_ARGUMENTS_BAD);
    module_is(sign_init(&use, 1, CKM_ECDSA, NULL, 0), CKR_KEY_TYPE_INCONSISTENT);
    module_is(sign_init(&use, 2, CKM_SHA256_RSA_PKCS, NULL, 0), CKR_KEY_FUNCTION_NOT_PERMITTED);
    module_is(sign_init(&use, 1, CKM_RSA_X_509, NULL, 0), CKR_MECHANISM_INVALID);
    module_is(sign_init(&use, 1, CKM_SHA1_RSA_PKCS, NULL, 0), CKR_MECHANISM_INVALID);
    module_is(sign_init(&use, 1, CKM_RSA_PKCS_PSS, NULL, 0), CKR_MECHANISM_PARAM_INVALID);
    module_is(sign_init(&use, 1, CKM_RSA_PKCS_PSS, &pss, sizeof pss - 1),
              CKR_MECHANISM_PARAM_INVALID);
    module_is(sign_init(&use, 1, CKM_RSA_PKCS_PSS, &pss, sizeof pss), CKR_MECHANISM_PARAM_INVALID);
    pss = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA256, CKG_MGF1_SHA256, (CK_ULONG)-1};
    module_is(sign_init(&use, 1, CKM_RSA_PKCS_PSS, &pss, sizeof pss), CKR_MECHANISM_PARAM_INVALID);
    module_is(sign_init(&use, 4, CKM_ECDSA, NULL, 0), CKR_OK);
    module_is(use.calls->C_Sign(use.session, digest, sizeof digest, signature, &len),
              CKR_DATA_LEN_RANGE);
    module_is(sign_init(&use, 1, CKM_RSA_PKCS, NULL, 0), CKR_OK);
    module_is(use.calls->C_Sign(use.session, digest, sizeof digest, signature, &len),
              CKR_DATA_INVALID);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 0);
}

/* -- decrypting ------------------------------------------------------------------------------- */

static gsize
encrypt_to(ModulePlace *place, const CK_BYTE *key, gsize key_len, CK_BYTE *out, gsize out_len)
{
    EVP_PKEY *public_key = module_public_key(place, "alice-rsa-decrypt");
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public_key, NULL);

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &out_len, key, key_len), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(public_key);
    return out_len;
}

static CK_RV
decrypt_init(const ModuleUse *use, CK_BYTE id)
{
    return module_init(use, use->calls->C_DecryptInit, id, CKM_RSA_PKCS, NULL, 0);
}

/* A buffer that was too small keeps operation and answer. */
static void
test_decrypt(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    const CK_BYTE key[32] = "a session key of thirty-two byte";
    CK_BYTE wrapped[256], out[256];
    gsize wrapped_len = encrypt_to(place, key, sizeof key, wrapped, sizeof wrapped);
    CK_ULONG len = 0;

    module_is(decrypt_init(&use, 1), CKR_KEY_FUNCTION_NOT_PERMITTED);
    module_is(decrypt_init(&use, 2), CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, wrapped, wrapped_len, NULL, &len), CKR_OK);
    g_assert_cmpuint(len, >=, sizeof key);
    len = 3;
    module_is(use.calls->C_Decrypt(use.session, wrapped, wrapped_len, out, &len),
              CKR_BUFFER_TOO_SMALL);
    g_assert_cmpuint(len, ==, sizeof key);
    module_is(use.calls->C_Decrypt(use.session, wrapped, wrapped_len, out, &len), CKR_OK);
    g_assert_cmpmem(out, len, key, sizeof key);
    module_is(use.calls->C_Decrypt(use.session, wrapped, wrapped_len, out, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    module_is(decrypt_init(&use, 2), CKR_OK);
    len = sizeof out;
    module_is(use.calls->C_Decrypt(use.session, wrapped, 17, out, &len),
              CKR_ENCRYPTED_DATA_LEN_RANGE);
}

/* RFC 8017 7.2: no program learns whether the padding was right. */
static void
test_implicit_rejection(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_BYTE wrapped[256] = {0}, first[256], again[256];
    CK_ULONG first_len = sizeof first, again_len = sizeof again;

    wrapped[200] = 7;
    module_is(decrypt_init(&use, 2), CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, wrapped, sizeof wrapped, first, &first_len),
              CKR_OK);
    module_is(decrypt_init(&use, 2), CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, wrapped, sizeof wrapped, again, &again_len),
              CKR_OK);
    g_assert_cmpmem(first, first_len, again, again_len);
}

/* -- agreement
 * --------------------------------------------------------------------------------------- */

static ModuleAgreement
agree_with(ModulePlace *place, const char *name)
{
    EVP_PKEY *theirs = module_public_key(place, name);
    ModuleAgreement agreement = module_agreement_new(theirs, EVP_sha256());

    EVP_PKEY_free(theirs);
    return agreement;
}

/* As NSS calls it for a mail: this template, and its own number of AES key wrap too. */
static CK_RV
derive(const ModuleUse *use, const ModuleAgreement *agreement, CK_ULONG kdf,
       CK_OBJECT_HANDLE *ret_key)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ULONG value_len = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_KEY_TYPE, &type, sizeof type},
                               {CKA_WRAP, &yes, sizeof yes},
                               {CKA_VALUE_LEN, &value_len, sizeof value_len}};
    CK_ECDH1_DERIVE_PARAMS parameters = {kdf, agreement->shared->len, agreement->shared->data,
                                         agreement->point->len, agreement->point->data};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};

    return use->calls->C_DeriveKey(use->session, &mechanism,
                                   module_find(use->place, use->session, CKO_PRIVATE_KEY, 7),
                                   template, G_N_ELEMENTS(template), ret_key);
}

static void
test_unwrap(ModulePlace *place, gconstpointer data)
{
    static const CK_MECHANISM_TYPE numbers[] = {CKM_AES_KEY_WRAP, CKM_NSS_AES_KEY_WRAP};
    ModuleUse use = module_use_new(place);
    ModuleAgreement agreement = agree_with(place, "alice-p256-decrypt");
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_KEY_TYPE, &type, sizeof type}};

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        CK_MECHANISM mechanism = {numbers[i], NULL, 0};
        CK_OBJECT_HANDLE agreed = 0, opened = 0;
        CK_BYTE value[32];
        CK_ATTRIBUTE attribute = {CKA_VALUE, value, sizeof value};

        module_is(derive(&use, &agreement, CKD_SHA256_KDF, &agreed), CKR_OK);
        module_is(use.calls->C_GetAttributeValue(use.session, agreed, &attribute, 1),
                  CKR_ATTRIBUTE_SENSITIVE);
        module_is(use.calls->C_UnwrapKey(use.session, &mechanism, agreed, agreement.wrapped->data,
                                         agreement.wrapped->len, template, 2, &opened),
                  CKR_OK);
        attribute.ulValueLen = sizeof value;
        module_is(use.calls->C_GetAttributeValue(use.session, opened, &attribute, 1), CKR_OK);
        g_assert_cmpmem(value, sizeof value, agreement.key, sizeof agreement.key);
        module_is(use.calls->C_DestroyObject(use.session, opened), CKR_OK);
        module_is(use.calls->C_DestroyObject(use.session, opened), CKR_OBJECT_HANDLE_INVALID);
    }
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 1);
    module_agreement_clear(&agreement);
}

static void
test_decrypt_with_agreed(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    ModuleAgreement agreement = agree_with(place, "alice-p256-decrypt");
    CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE agreed = 0, none = 0;
    CK_BYTE out[64];
    CK_ULONG len = sizeof out;

    module_is(derive(&use, &agreement, CKD_SHA256_KDF, &agreed), CKR_OK);
    module_is(use.calls->C_DecryptInit(use.session, &mechanism, agreed), CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, agreement.wrapped->data, agreement.wrapped->len,
                                   out, &len),
              CKR_OK);
    g_assert_cmpmem(out, len, agreement.key, sizeof agreement.key);
    agreement.wrapped->data[0] ^= 1;
    module_is(use.calls->C_UnwrapKey(use.session, &mechanism, agreed, agreement.wrapped->data,
                                     agreement.wrapped->len, NULL, 0, &none),
              CKR_WRAPPED_KEY_INVALID);
    module_is(use.calls->C_UnwrapKey(use.session, &mechanism, agreed, agreement.wrapped->data, 23,
                                     NULL, 0, &none),
              CKR_WRAPPED_KEY_LEN_RANGE);
    module_agreement_clear(&agreement);
}

static void
test_derive_refusals(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    ModuleAgreement agreement = agree_with(place, "alice-p256-decrypt");
    CK_OBJECT_HANDLE agreed = 0;

    /* The raw secret is for no program. */
    module_is(derive(&use, &agreement, CKD_NULL, &agreed), CKR_MECHANISM_PARAM_INVALID);
    agreement.shared->data[22] = 1;
    module_is(derive(&use, &agreement, CKD_SHA256_KDF, &agreed), CKR_MECHANISM_PARAM_INVALID);
    agreement.shared->data[22] = 0;
    agreement.point->data[0] = 2;
    module_is(derive(&use, &agreement, CKD_SHA256_KDF, &agreed), CKR_MECHANISM_PARAM_INVALID);
    module_agreement_clear(&agreement);
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/sign/length-protocol", test_length_protocol},
        {"/sign/refusals", test_sign_refusals},
        {"/decrypt/small-buffer-keeps-the-answer", test_decrypt},
        {"/decrypt/implicit-rejection", test_implicit_rejection},
        {"/derive/unwrap-opens-once", test_unwrap},
        {"/derive/decrypt-opens", test_decrypt_with_agreed},
        {"/derive/refusals", test_derive_refusals},
    };

    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
