/* Objects: searching, reading, and what the attributes say. Values are compared with what OpenSSL
 * encodes of the fixture's certificates. */
#include <openssl/x509.h>
#include <string.h>

#include "tests/module/module-fixture.h"

/* -- searching -------------------------------------------------------------------------------- */

static void
test_search(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_CLASS nobodys = CKO_VENDOR_DEFINED | 7;
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG n = 0;

    g_assert_cmpuint(module_count(place, session, CKO_CERTIFICATE), ==, 12);
    g_assert_cmpuint(module_count(place, session, CKO_PRIVATE_KEY), ==, 10);
    g_assert_cmpuint(module_count(place, session, CKO_PUBLIC_KEY), ==, 11);
    g_assert_cmpuint(module_count(place, session, SEAL_CKO_PROFILE), ==, 1);
    g_assert_cmpuint(module_count(place, session, nobodys), ==, 0);
    module_is(place->calls->C_FindObjects(session, &found, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
    module_is(place->calls->C_FindObjectsInit(session, NULL, 3), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    module_is(place->calls->C_FindObjectsInit(session, NULL, 0), CKR_OPERATION_ACTIVE);
    module_is(place->calls->C_FindObjects(session, NULL, 1, &n), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_FindObjects(session, &found, 1, &n), CKR_OK);
    g_assert_cmpuint(n, ==, 1);
    module_is(place->calls->C_FindObjectsFinal(session), CKR_OK);
    module_is(place->calls->C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
}

/* A value of another length than the object's is another value, even where it begins alike. */
static void
test_search_compares_lengths(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_ULONG class = CKO_PRIVATE_KEY;
    CK_BYTE id[2] = {4, 0}, wide[sizeof class + 1] = {CKO_PRIVATE_KEY};
    CK_ATTRIBUTE templates[] = {
        {CKA_CLASS, &class, 1},  {CKA_CLASS, &class, 0},
        {CKA_CLASS, NULL, 0},    {CKA_CLASS, wide, sizeof wide},
        {CKA_ID, id, sizeof id}, {CKA_TOKEN, &class, sizeof class},
        {CKA_VALUE, id, 1},      {0x4711, id, sizeof id},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(templates); i++) {
        CK_OBJECT_HANDLE found = 0;
        CK_ULONG n = 7;

        module_is(place->calls->C_FindObjectsInit(session, &templates[i], 1), CKR_OK);
        module_is(place->calls->C_FindObjects(session, &found, 1, &n), CKR_OK);
        g_assert_cmpuint(n, ==, 0);
        module_is(place->calls->C_FindObjectsFinal(session), CKR_OK);
    }
}

/* -- reading ---------------------------------------------------------------------------------- */

/* 5.7 C_GetAttributeValue: each attribute is dealt with, whatever becomes of the others. */
static void
test_attributes(ModulePlace *place, gconstpointer data)
{
    CK_SESSION_HANDLE session = module_session(place);
    CK_OBJECT_HANDLE key = module_find(place, session, CKO_PRIVATE_KEY, 1);
    CK_BYTE small[1], modulus[512];
    CK_BBOOL token = CK_FALSE;
    CK_ATTRIBUTE template[] = {
        {CKA_PRIVATE_EXPONENT, modulus, sizeof modulus},
        {CKA_MODULUS, small, sizeof small},
        {CKA_VENDOR_DEFINED | 1, small, sizeof small},
        {CKA_TOKEN, &token, sizeof token},
        {CKA_MODULUS, NULL, 0},
    };

    module_is(place->calls->C_GetAttributeValue(session, key, template, 5),
              CKR_ATTRIBUTE_SENSITIVE);
    g_assert_cmphex(template[0].ulValueLen, ==, CK_UNAVAILABLE_INFORMATION);
    g_assert_cmphex(template[1].ulValueLen, ==, CK_UNAVAILABLE_INFORMATION);
    g_assert_cmphex(template[2].ulValueLen, ==, CK_UNAVAILABLE_INFORMATION);
    g_assert_cmpuint(token, ==, CK_TRUE);
    g_assert_cmpuint(template[4].ulValueLen, ==, 256);
    template[1].ulValueLen = sizeof small;
    module_is(place->calls->C_GetAttributeValue(session, key, template + 1, 1),
              CKR_BUFFER_TOO_SMALL);
    module_is(place->calls->C_GetAttributeValue(session, key, template + 2, 1),
              CKR_ATTRIBUTE_TYPE_INVALID);
    module_is(place->calls->C_GetAttributeValue(session, key, NULL, 2), CKR_ARGUMENTS_BAD);
    module_is(place->calls->C_GetAttributeValue(session, 4711, template, 1),
              CKR_OBJECT_HANDLE_INVALID);
    module_is(place->calls->C_DestroyObject(session, key), CKR_TOKEN_WRITE_PROTECTED);
}

/* A certificate and both halves of its key are found by one id, and say the same. */
static void
test_one_id(ModulePlace *place, gconstpointer data)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
    CK_SESSION_HANDLE session = module_session(place);

    for (CK_BYTE id = 1; id <= 10; id++) {
        CK_BYTE info[3][1024];
        CK_ATTRIBUTE value[3];

        for (int i = 0; i < 3; i++) {
            value[i] = (CK_ATTRIBUTE){CKA_PUBLIC_KEY_INFO, info[i], sizeof info[i]};
            module_is(place->calls->C_GetAttributeValue(
                          session, module_find(place, session, classes[i], id), &value[i], 1),
                      CKR_OK);
            g_assert_cmpmem(info[i], value[i].ulValueLen, info[0], value[0].ulValueLen);
        }
    }
}

static void
expect_attribute(ModulePlace *place, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                 CK_ATTRIBUTE_TYPE type, const void *value, gsize len)
{
    CK_BYTE out[4096];
    CK_ATTRIBUTE attribute = {type, out, sizeof out};

    module_is(place->calls->C_GetAttributeValue(session, object, &attribute, 1), CKR_OK);
    g_assert_cmpmem(out, attribute.ulValueLen, value, len);
}

#define EXPECT_DER(type, encode, value)                                                            \
    do {                                                                                           \
        CK_BYTE *der = NULL;                                                                       \
        int len = encode(value, &der);                                                             \
                                                                                                   \
        g_assert_cmpint(len, >, 0);                                                                \
        expect_attribute(place, session, object, type, der, (gsize)len);                           \
        OPENSSL_free(der);                                                                         \
    } while (0)

static void
expect_date(ModulePlace *place, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
            const ASN1_TIME *time)
{
    CK_SESSION_HANDLE session = module_session(place);
    g_autofree char *text = NULL;
    struct tm utc;

    g_assert_true(ASN1_TIME_to_tm(time, &utc));
    text = g_strdup_printf("%04d%02d%02d", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
    expect_attribute(place, session, object, type, text, 8);
}

/* NSS and GnuTLS compare and hash these: byte for byte what stands in the certificate. */
static void
test_certificates_are_exact(ModulePlace *place, gconstpointer data)
{
    static const struct {
        CK_BYTE id;
        const char *name, *label;
    } rows[] = {
        {1, "alice-rsa-sign", "Alice RSA signing"},
        {4, "alice-p256-sign", "Alice P-256 signing"},
        {9, "alice-p521-decrypt", "Alice P-521 decryption"},
        {10, "alice-ed25519-sign", "Alice Ed25519 signing"},
    };
    CK_SESSION_HANDLE session = module_session(place);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        X509 *certificate = module_certificate(place, rows[i].name);
        CK_OBJECT_HANDLE object = module_find(place, session, CKO_CERTIFICATE, rows[i].id);

        EXPECT_DER(CKA_VALUE, i2d_X509, certificate);
        EXPECT_DER(CKA_SUBJECT, i2d_X509_NAME, X509_get_subject_name(certificate));
        EXPECT_DER(CKA_ISSUER, i2d_X509_NAME, X509_get_issuer_name(certificate));
        EXPECT_DER(CKA_SERIAL_NUMBER, i2d_ASN1_INTEGER, X509_get_serialNumber(certificate));
        EXPECT_DER(CKA_PUBLIC_KEY_INFO, i2d_X509_PUBKEY, X509_get_X509_PUBKEY(certificate));
        expect_attribute(place, session, object, CKA_LABEL, rows[i].label, strlen(rows[i].label));
        expect_date(place, object, CKA_START_DATE, X509_get0_notBefore(certificate));
        expect_date(place, object, CKA_END_DATE, X509_get0_notAfter(certificate));
        object = module_find(place, session, CKO_PRIVATE_KEY, rows[i].id);
        EXPECT_DER(CKA_SUBJECT, i2d_X509_NAME, X509_get_subject_name(certificate));
        expect_attribute(place, session, object, CKA_LABEL, rows[i].label, strlen(rows[i].label));
        X509_free(certificate);
    }
}

/* What the programs of docs/clients.md read of each class. */
static void
test_usual_attributes_are_there(ModulePlace *place, gconstpointer data)
{
    static const struct {
        CK_OBJECT_CLASS class;
        CK_ATTRIBUTE_TYPE types[24];
    } rows[] = {
        {CKO_CERTIFICATE,
         {CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_LABEL, CKA_CERTIFICATE_TYPE, CKA_TRUSTED,
          CKA_CERTIFICATE_CATEGORY, CKA_CHECK_VALUE, CKA_START_DATE, CKA_END_DATE, CKA_ID,
          CKA_VALUE, CKA_URL}},
        {CKO_PRIVATE_KEY,
         {CKA_TOKEN, CKA_PRIVATE, CKA_LABEL, CKA_ID, CKA_KEY_TYPE, CKA_SUBJECT, CKA_SENSITIVE,
          CKA_EXTRACTABLE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_AUTHENTICATE,
          CKA_SIGN, CKA_SIGN_RECOVER, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE, CKA_LOCAL,
          CKA_KEY_GEN_MECHANISM, CKA_PUBLIC_KEY_INFO}},
        {CKO_PUBLIC_KEY,
         {CKA_TOKEN, CKA_PRIVATE, CKA_LABEL, CKA_ID, CKA_KEY_TYPE, CKA_SUBJECT, CKA_VERIFY,
          CKA_VERIFY_RECOVER, CKA_ENCRYPT, CKA_WRAP, CKA_DERIVE, CKA_LOCAL, CKA_PUBLIC_KEY_INFO}},
    };
    CK_SESSION_HANDLE session = module_session(place);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        for (CK_BYTE id = 1; id <= 10; id++)
            for (gsize k = 0; rows[i].types[k] != 0; k++) {
                CK_ATTRIBUTE attribute = {rows[i].types[k], NULL, 0};

                module_is(
                    place->calls->C_GetAttributeValue(
                        session, module_find(place, session, rows[i].class, id), &attribute, 1),
                    CKR_OK);
            }
}

int
main(int argc, char **argv)
{
    static const ModuleTest tests[] = {
        {"/objects/search", test_search},
        {"/objects/search-compares-lengths", test_search_compares_lengths},
        {"/objects/attributes", test_attributes},
        {"/objects/one-id", test_one_id},
        {"/objects/certificates-are-exact", test_certificates_are_exact},
        {"/objects/usual-attributes-are-there", test_usual_attributes_are_there},
    };

    return module_run_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
