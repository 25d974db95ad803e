/* Raw operations through the module, where the policy opens them: OpenSSL does the other half of
 * each. What is not open is refused as if the module knew no such mechanism. */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tests/module/module-fixture.h"
#include "tests/support/pinentry.h"

#define OPEN      "[policy tools]\naction=allow\nraw=ecdh;rsa\n"
#define OPEN_SIGN "[policy sign]\npurpose=sign\naction=allow\nraw=rsa\n"
#define ASK       "[policy careful]\naction=ask\nraw=ecdh;rsa\n"

#define RSA_LEN 256

enum { SIGNING = 1, DECRYPTION = 2, P256 = 7, P384 = 8, P521 = 9 }; /* CKA_ID in the fixture */

static CK_OBJECT_HANDLE
private_key(const ModuleUse *use, CK_BYTE id)
{
    return module_find(use->place, use->session, CKO_PRIVATE_KEY, id);
}

/* -- mechanisms ------------------------------------------------------------------------------- */

static gboolean
is_listed(const ModuleUse *use, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE list[64];
    CK_ULONG count = G_N_ELEMENTS(list);

    module_is(use->calls->C_GetMechanismList(module_alice(use->place), list, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++)
        if (list[i] == type)
            return TRUE;
    return FALSE;
}

static void
test_mechanism_is_listed_where_open(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_MECHANISM_INFO info;

    g_assert_true(is_listed(&use, CKM_RSA_X_509));
    module_is(use.calls->C_GetMechanismInfo(module_alice(place), CKM_RSA_X_509, &info), CKR_OK);
    g_assert_cmphex(info.flags & (CKF_SIGN | CKF_DECRYPT), ==,
                    data && g_str_equal(data, OPEN_SIGN) ? CKF_SIGN : CKF_SIGN | CKF_DECRYPT);
}

static CK_RV
init(const ModuleUse *use, CK_RV (*function)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE),
     CK_BYTE id)
{
    return module_init(use, function, id, CKM_RSA_X_509, NULL, 0);
}

/* A rule for signing opens no decryption, and none opens other keys than those of RSA. */
static void
test_closed_ones_are_refused(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);

    module_is(init(&use, use.calls->C_DecryptInit, DECRYPTION), CKR_MECHANISM_INVALID);
    module_is(init(&use, use.calls->C_SignInit, DECRYPTION), CKR_MECHANISM_INVALID);
    module_is(init(&use, use.calls->C_SignInit, P256), CKR_MECHANISM_INVALID);
    module_is(module_init(&use, use.calls->C_SignInit, SIGNING, CKM_RSA_X_509, "", 1),
              CKR_MECHANISM_PARAM_INVALID);
    module_is(init(&use, use.calls->C_SignInit, SIGNING), CKR_OK);
}

/* -- RSA -------------------------------------------------------------------------------------- */

static void
public_operation(ModulePlace *place, const char *name, const CK_BYTE *in, CK_BYTE out[RSA_LEN])
{
    EVP_PKEY *key = module_public_key(place, name);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    gsize len = RSA_LEN;

    g_assert_cmpint(EVP_PKEY_encrypt_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_encrypt(context, out, &len, in, RSA_LEN), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
}

static CK_RV
sign(const ModuleUse *use, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature, CK_ULONG *signature_len)
{
    module_is(init(use, use->calls->C_SignInit, SIGNING), CKR_OK);
    return use->calls->C_Sign(use->session, data, len, signature, signature_len);
}

/* PKCS#11 2.40 (mechanisms) 2.1.12: short data has zeroes in front, longer is out of range, a
 * number that is not below the modulus is invalid. */
static void
test_sign(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_BYTE block[RSA_LEN + 1], signature[RSA_LEN], back[RSA_LEN];
    CK_ULONG len = 3;

    memset(block, 0x35, sizeof block);
    module_is(sign(&use, block, RSA_LEN, signature, &len), CKR_BUFFER_TOO_SMALL);
    g_assert_cmpuint(len, ==, RSA_LEN);
    module_is(use.calls->C_Sign(use.session, block, RSA_LEN, signature, &len), CKR_OK);
    public_operation(place, "alice-rsa-sign", signature, back);
    g_assert_cmpmem(back, sizeof back, block, RSA_LEN);

    module_is(sign(&use, block, 5, signature, &len), CKR_OK);
    public_operation(place, "alice-rsa-sign", signature, back);
    memset(block, 0, RSA_LEN - 5);
    g_assert_cmpmem(back, sizeof back, block, RSA_LEN);

    module_is(sign(&use, block, RSA_LEN + 1, signature, &len), CKR_DATA_LEN_RANGE);
    module_is(sign(&use, block, 0, signature, &len), CKR_DATA_LEN_RANGE);
    memset(block, 0xff, sizeof block);
    module_is(sign(&use, block, RSA_LEN, signature, &len), CKR_DATA_INVALID);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 1);
}

static void
test_decrypt(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    CK_BYTE block[RSA_LEN], encrypted[RSA_LEN], out[RSA_LEN];
    CK_ULONG len = 0;

    memset(block, 0x35, sizeof block);
    block[0] = 0;
    public_operation(place, "alice-rsa-decrypt", block, encrypted);
    module_is(init(&use, use.calls->C_DecryptInit, DECRYPTION), CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, encrypted, RSA_LEN, NULL, &len), CKR_OK);
    g_assert_cmpuint(len, ==, RSA_LEN);
    len = RSA_LEN - 1;
    module_is(use.calls->C_Decrypt(use.session, encrypted, RSA_LEN, out, &len),
              CKR_BUFFER_TOO_SMALL);
    module_is(use.calls->C_Decrypt(use.session, encrypted, RSA_LEN, out, &len), CKR_OK);
    g_assert_cmpmem(out, len, block, sizeof block);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 1);

    module_is(init(&use, use.calls->C_DecryptInit, DECRYPTION), CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, encrypted, RSA_LEN - 1, out, &len),
              CKR_ENCRYPTED_DATA_LEN_RANGE);
    memset(encrypted, 0xff, sizeof encrypted);
    module_is(init(&use, use.calls->C_DecryptInit, DECRYPTION), CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, encrypted, RSA_LEN, out, &len),
              CKR_ENCRYPTED_DATA_INVALID);
}

/* -- ECDH ------------------------------------------------------------------------------------- */

/* A fresh key's point, and the secret that it has with a key of the fixture. */
typedef struct {
    CK_BYTE point[133], secret[66];
    gsize point_len, secret_len;
} Agreement;

static Agreement
agree_with(ModulePlace *place, const char *name, const char *curve)
{
    EVP_PKEY *theirs = module_public_key(place, name), *ours = EVP_EC_gen(curve);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(ours, NULL);
    Agreement agreement = {.secret_len = sizeof agreement.secret};
    CK_BYTE *point = NULL;

    agreement.point_len = EVP_PKEY_get1_encoded_public_key(ours, &point);
    g_assert_cmpuint(agreement.point_len, <=, sizeof agreement.point);
    memcpy(agreement.point, point, agreement.point_len);
    OPENSSL_free(point);
    g_assert_cmpint(EVP_PKEY_derive_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive_set_peer(context, theirs), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive(context, agreement.secret, &agreement.secret_len), ==, 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    return agreement;
}

/* What the template says; a length of 0 stays out. */
typedef struct {
    CK_KEY_TYPE type;
    CK_ULONG value_len;
    CK_BBOOL sensitive, extractable;
} Wish;

static const Wish plain = {CKK_GENERIC_SECRET, 0, CK_FALSE, CK_TRUE};

static CK_RV
derive(const ModuleUse *use, CK_BYTE id, const Agreement *agreement, const Wish *wish,
       CK_OBJECT_HANDLE *ret_key)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    Wish said = *wish;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &said.type, sizeof said.type},
        {CKA_SENSITIVE, &said.sensitive, sizeof said.sensitive},
        {CKA_EXTRACTABLE, &said.extractable, sizeof said.extractable},
        {CKA_VALUE_LEN, &said.value_len, sizeof said.value_len},
    };
    CK_ECDH1_DERIVE_PARAMS parameters = {
        .kdf = CKD_NULL,
        .ulPublicDataLen = agreement->point_len,
        .pPublicData = (CK_BYTE *)agreement->point,
    };
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};

    return use->calls->C_DeriveKey(use->session, &mechanism, private_key(use, id), template,
                                   G_N_ELEMENTS(template) - (wish->value_len == 0), ret_key);
}

static void
expect_value(const ModuleUse *use, CK_OBJECT_HANDLE key, const CK_BYTE *value, gsize len)
{
    CK_BYTE out[66];
    CK_ATTRIBUTE attribute = {CKA_VALUE, out, sizeof out};

    module_is(use->calls->C_GetAttributeValue(use->session, key, &attribute, 1), CKR_OK);
    g_assert_cmpmem(out, attribute.ulValueLen, value, len);
}

static void
test_derive(ModulePlace *place, gconstpointer data)
{
    static const struct {
        const char *name, *curve;
        CK_BYTE id;
    } rows[] = {
        {"alice-p256-decrypt", "P-256", P256},
        {"alice-p384-decrypt", "P-384", P384},
        {"alice-p521-decrypt", "P-521", P521},
    };
    ModuleUse use = module_use_new(place);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Agreement agreement = agree_with(place, rows[i].name, rows[i].curve);
        CK_OBJECT_HANDLE key = 0;

        module_is(derive(&use, rows[i].id, &agreement, &plain, &key), CKR_OK);
        expect_value(&use, key, agreement.secret, agreement.secret_len);
        module_is(use.calls->C_DestroyObject(use.session, key), CKR_OK);
    }
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 1);
}

/* ECDH derivation in PKCS#11: a shorter key is what is left when the beginning is cut off. */
static void
test_derive_cuts_the_beginning(ModulePlace *place, gconstpointer data)
{
    const Wish aes = {CKK_AES, 32, CK_FALSE, CK_TRUE};
    ModuleUse use = module_use_new(place);
    Agreement agreement = agree_with(place, "alice-p384-decrypt", "P-384");
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG len = 0, type = 0;
    CK_ATTRIBUTE attributes[] = {{CKA_VALUE_LEN, &len, sizeof len},
                                 {CKA_KEY_TYPE, &type, sizeof type}};

    module_is(derive(&use, P384, &agreement, &aes, &key), CKR_OK);
    expect_value(&use, key, agreement.secret + 16, 32);
    module_is(use.calls->C_GetAttributeValue(use.session, key, attributes, 2), CKR_OK);
    g_assert_cmpuint(len, ==, 32);
    g_assert_cmpuint(type, ==, CKK_AES);
}

static void
expect_unreadable(const ModuleUse *use, CK_OBJECT_HANDLE key)
{
    CK_BYTE out[66];
    CK_ATTRIBUTE attribute = {CKA_VALUE, out, sizeof out};

    module_is(use->calls->C_GetAttributeValue(use->session, key, &attribute, 1),
              CKR_ATTRIBUTE_SENSITIVE);
    g_assert_cmphex(attribute.ulValueLen, ==, CK_UNAVAILABLE_INFORMATION);
}

/* 4.10: readable only if not sensitive and extractable; without a word neither. */
static void
test_derived_is_read_as_its_template_says(ModulePlace *place, gconstpointer data)
{
    static const Wish wishes[] = {
        {CKK_GENERIC_SECRET, 0, CK_TRUE, CK_TRUE},
        {CKK_GENERIC_SECRET, 0, CK_FALSE, CK_FALSE},
    };
    ModuleUse use = module_use_new(place);
    Agreement agreement = agree_with(place, "alice-p256-decrypt", "P-256");
    CK_ECDH1_DERIVE_PARAMS parameters = {
        .kdf = CKD_NULL, .ulPublicDataLen = agreement.point_len, .pPublicData = agreement.point};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
    CK_MECHANISM wrap = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE key = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(wishes); i++) {
        module_is(derive(&use, P256, &agreement, &wishes[i], &key), CKR_OK);
        expect_unreadable(&use, key);
    }
    module_is(
        use.calls->C_DeriveKey(use.session, &mechanism, private_key(&use, P256), NULL, 0, &key),
        CKR_OK);
    expect_unreadable(&use, key);
    module_is(use.calls->C_DecryptInit(use.session, &wrap, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void
test_derive_refusals(ModulePlace *place, gconstpointer data)
{
    static const struct {
        Wish wish;
        CK_RV rv;
    } rows[] = {
        {{CKK_AES, 0, CK_FALSE, CK_TRUE}, CKR_TEMPLATE_INCOMPLETE},
        {{CKK_AES, 17, CK_FALSE, CK_TRUE}, CKR_ATTRIBUTE_VALUE_INVALID},
        {{CKK_DES3, 24, CK_FALSE, CK_TRUE}, CKR_TEMPLATE_INCONSISTENT},
        {{CKK_GENERIC_SECRET, 33, CK_FALSE, CK_TRUE}, CKR_TEMPLATE_INCONSISTENT},
        {{CKK_GENERIC_SECRET, (CK_ULONG)-1, CK_FALSE, CK_TRUE}, CKR_TEMPLATE_INCONSISTENT},
    };
    ModuleUse use = module_use_new(place);
    Agreement agreement = agree_with(place, "alice-p256-decrypt", "P-256"), damaged = agreement;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE wrong_len = {CKA_EXTRACTABLE, &yes, 2};
    CK_ECDH1_DERIVE_PARAMS parameters = {
        .kdf = CKD_NULL, .ulPublicDataLen = agreement.point_len, .pPublicData = agreement.point};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof parameters};
    CK_OBJECT_HANDLE key = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        module_is(derive(&use, P256, &agreement, &rows[i].wish, &key), rows[i].rv);
    module_is(use.calls->C_DeriveKey(use.session, &mechanism, private_key(&use, P256), &wrong_len,
                                     1, &key),
              CKR_ATTRIBUTE_VALUE_INVALID);
    parameters.pSharedData = agreement.point; /* none goes with CKD_NULL */
    parameters.ulSharedDataLen = 1;
    module_is(
        use.calls->C_DeriveKey(use.session, &mechanism, private_key(&use, P256), NULL, 0, &key),
        CKR_MECHANISM_PARAM_INVALID);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 0);
    damaged.point[20] ^= 1; /* off the curve: the agent's host sees it */
    module_is(derive(&use, P256, &damaged, &plain, &key), CKR_MECHANISM_PARAM_INVALID);
}

static void
test_closed_derivation_is_refused(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    Agreement agreement = agree_with(place, "alice-p256-decrypt", "P-256");
    CK_OBJECT_HANDLE key = 0;

    module_is(derive(&use, P256, &agreement, &plain, &key), CKR_MECHANISM_PARAM_INVALID);
    g_assert_cmpuint(seal_test_pinentry_count(place->home), ==, 0);
}

/* -- a person
 * -------------------------------------------------------------------------------------- */

static void
test_person_decides(ModulePlace *place, gconstpointer data)
{
    ModuleUse use = module_use_new(place);
    Agreement agreement = agree_with(place, "alice-p256-decrypt", "P-256");
    CK_BYTE block[RSA_LEN] = {0, 1}, out[RSA_LEN];
    CK_ULONG len = sizeof out;
    CK_OBJECT_HANDLE key = 0;

    seal_test_pinentry_answer(place->home, "no\nno\ncancel\n");
    module_is(derive(&use, P256, &agreement, &plain, &key), CKR_FUNCTION_REJECTED);
    module_is(sign(&use, block, RSA_LEN, out, &len), CKR_FUNCTION_REJECTED);
    module_is(init(&use, use.calls->C_DecryptInit, DECRYPTION), CKR_OK);
    module_is(use.calls->C_Decrypt(use.session, block, RSA_LEN, out, &len), CKR_FUNCTION_CANCELED);
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/raw/mechanism/is-listed-where-open", test_mechanism_is_listed_where_open, OPEN},
        {"/raw/mechanism/is-listed-for-what-is-open", test_mechanism_is_listed_where_open,
         OPEN_SIGN},
        {"/raw/mechanism/closed-ones-are-refused", test_closed_ones_are_refused, OPEN_SIGN},
        {"/raw/rsa/sign", test_sign, OPEN},
        {"/raw/rsa/decrypt", test_decrypt, OPEN},
        {"/raw/ecdh/derive", test_derive, OPEN},
        {"/raw/ecdh/cuts-the-beginning", test_derive_cuts_the_beginning, OPEN},
        {"/raw/ecdh/is-read-as-its-template-says", test_derived_is_read_as_its_template_says, OPEN},
        {"/raw/ecdh/refusals", test_derive_refusals, OPEN},
        {"/raw/ecdh/closed-is-refused", test_closed_derivation_is_refused, OPEN_SIGN},
        {"/raw/person/decides", test_person_decides, ASK},
    };

    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
