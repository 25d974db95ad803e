/* Builds templates for C_CreateObject and C_GenerateKeyPair. Values may be private keys of a
 * throw-away token; they are freed, not wiped. */
#include "softhsm-fixtures/template.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <string.h>

void
seal_fixture_template_init(SealFixtureTemplate *to)
{
    to->attributes = g_array_new(FALSE, FALSE, sizeof(CK_ATTRIBUTE));
    to->values = g_ptr_array_new_with_free_func(g_free);
    to->failed = FALSE;
}

void
seal_fixture_template_clear(SealFixtureTemplate *to)
{
    g_clear_pointer(&to->attributes, g_array_unref);
    g_clear_pointer(&to->values, g_ptr_array_unref);
}

static void
take(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, gpointer value, size_t len)
{
    CK_ATTRIBUTE attribute = {type, value, len};

    g_ptr_array_add(to->values, value);
    g_array_append_val(to->attributes, attribute);
}

void
seal_fixture_template_bytes(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, const void *data,
                            size_t len)
{
    take(to, type, g_memdup2(data, len), len);
}

void
seal_fixture_template_flag(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, gboolean value)
{
    CK_BBOOL flag = value ? CK_TRUE : CK_FALSE;

    seal_fixture_template_bytes(to, type, &flag, sizeof flag);
}

void
seal_fixture_template_number(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, gulong value)
{
    CK_ULONG number = value;

    seal_fixture_template_bytes(to, type, &number, sizeof number);
}

void
seal_fixture_template_text(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, const char *text)
{
    seal_fixture_template_bytes(to, type, text, strlen(text));
}

void
seal_fixture_template_big(SealFixtureTemplate *to, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key,
                          const char *name)
{
    BIGNUM *number = NULL;
    unsigned char *bytes = NULL;

    if (!EVP_PKEY_get_bn_param(key, name, &number)) {
        to->failed = TRUE;
        return;
    }
    bytes = g_malloc((gsize)BN_num_bytes(number));
    take(to, type, bytes, (size_t)BN_bn2bin(number, bytes));
    BN_clear_free(number);
}

void
seal_fixture_template_curve(SealFixtureTemplate *to, const char *curve)
{
    ASN1_OBJECT *object = OBJ_txt2obj(curve, 0);
    unsigned char *der = NULL;
    int len = object != NULL ? i2d_ASN1_OBJECT(object, &der) : -1;

    if (len > 0)
        seal_fixture_template_bytes(to, CKA_EC_PARAMS, der, (size_t)len);
    else
        to->failed = TRUE;
    OPENSSL_free(der);
    ASN1_OBJECT_free(object);
}

void
seal_fixture_template_point(SealFixtureTemplate *to, const void *point, size_t len)
{
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    unsigned char *der = NULL;
    int der_len = -1;

    if (octets != NULL && ASN1_OCTET_STRING_set(octets, point, (int)len))
        der_len = i2d_ASN1_OCTET_STRING(octets, &der);
    if (der_len > 0)
        seal_fixture_template_bytes(to, CKA_EC_POINT, der, (size_t)der_len);
    else
        to->failed = TRUE;
    OPENSSL_free(der);
    ASN1_OCTET_STRING_free(octets);
}
