/* SMIMECapabilities: a list of AlgorithmIdentifiers, in which the parameters belong to the name:
 * one program's RSAES-OAEP with SHA-1 is not another's with SHA-256. One table serves both ways;
 * its order is that of preference. Of key encryption only what needs to be known is listed:
 * everybody reads PKCS#1 v1.5, so nobody states it. */
#include "smime/capabilities.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* The longest list seen in the wild has 12 entries. */
#define CAPABILITIES_MAX 256

static const struct {
    SealContentCipher cipher;
    const char *oid;
} ciphers[] = {
    {SEAL_CONTENT_AES256_GCM, "2.16.840.1.101.3.4.1.46"},           /* RFC 5084 */
    {SEAL_CONTENT_CHACHA20_POLY1305, "1.2.840.113549.1.9.16.3.18"}, /* RFC 8103 */
    {SEAL_CONTENT_AES192_GCM, "2.16.840.1.101.3.4.1.26"},
    {SEAL_CONTENT_AES128_GCM, "2.16.840.1.101.3.4.1.6"},
    {SEAL_CONTENT_AES256_CBC, "2.16.840.1.101.3.4.1.42"}, /* RFC 3565 */
    {SEAL_CONTENT_AES192_CBC, "2.16.840.1.101.3.4.1.22"},
    {SEAL_CONTENT_AES128_CBC, "2.16.840.1.101.3.4.1.2"},
};

/* Key agreement: the parameters are the key wrap. */
static const struct {
    gsize offset;
    const char *oid;
} agreements[] = {
    {G_STRUCT_OFFSET(SealCapabilities, x25519), "1.2.840.113549.1.9.16.3.19"},
    {G_STRUCT_OFFSET(SealCapabilities, ecdh), "1.3.132.1.11.1"},
};

#define OAEP "1.2.840.113549.1.1.7"

static const int wraps[] = {NID_id_aes256_wrap, NID_id_aes128_wrap};

/* -- ours ------------------------------------------------------------------------------------- */

static void
add(X509_ALGORS *list, const char *oid, int type, void *parameters)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();

    X509_ALGOR_set0(algorithm, OBJ_txt2obj(oid, 1), type, parameters);
    sk_X509_ALGOR_push(list, algorithm);
}

static void
add_agreement(X509_ALGORS *list, const char *oid, int wrap)
{
    X509_ALGOR *parameters = X509_ALGOR_new();
    ASN1_STRING *packed = NULL;

    X509_ALGOR_set0(parameters, OBJ_nid2obj(wrap), V_ASN1_UNDEF, NULL);
    ASN1_item_pack(parameters, ASN1_ITEM_rptr(X509_ALGOR), &packed);
    X509_ALGOR_free(parameters);
    add(list, oid, V_ASN1_SEQUENCE, packed);
}

static X509_ALGOR *
new_algorithm(int nid, int type, void *parameters)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();

    X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), type, parameters);
    return algorithm;
}

static void
add_oaep(X509_ALGORS *list)
{
    RSA_OAEP_PARAMS *parameters = RSA_OAEP_PARAMS_new();
    X509_ALGOR *mgf_hash = new_algorithm(NID_sha256, V_ASN1_NULL, NULL);
    ASN1_STRING *packed = NULL;

    parameters->hashFunc = new_algorithm(NID_sha256, V_ASN1_NULL, NULL);
    ASN1_item_pack(mgf_hash, ASN1_ITEM_rptr(X509_ALGOR), &packed);
    parameters->maskGenFunc = new_algorithm(NID_mgf1, V_ASN1_SEQUENCE, packed);
    packed = NULL;
    ASN1_item_pack(parameters, ASN1_ITEM_rptr(RSA_OAEP_PARAMS), &packed);
    X509_ALGOR_free(mgf_hash);
    RSA_OAEP_PARAMS_free(parameters);
    add(list, OAEP, V_ASN1_SEQUENCE, packed);
}

GBytes *
seal_capabilities_own(void)
{
    X509_ALGORS *list = sk_X509_ALGOR_new_null();
    unsigned char *der = NULL;
    GBytes *bytes = NULL;
    int len = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(ciphers); i++)
        add(list, ciphers[i].oid, V_ASN1_UNDEF, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(agreements); i++)
        for (gsize w = 0; w < G_N_ELEMENTS(wraps); w++)
            add_agreement(list, agreements[i].oid, wraps[w]);
    add_oaep(list);
    len = i2d_X509_ALGORS(list, &der);
    bytes = g_bytes_new(der, (gsize)len);
    OPENSSL_free(der);
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
    return bytes;
}

/* -- somebody's ------------------------------------------------------------------------------- */

static gboolean
is_hash(const X509_ALGOR *algorithm)
{
    return algorithm && OBJ_obj2nid(algorithm->algorithm) == NID_sha256;
}

/* RFC 3560 5: SHA-256 for both hashes; without parameters it would be SHA-1. */
static gboolean
is_our_oaep(const X509_ALGOR *algorithm)
{
    const ASN1_TYPE *value = algorithm->parameter;
    RSA_OAEP_PARAMS *parameters = NULL;
    X509_ALGOR *mgf_hash = NULL;
    gboolean is_ours = FALSE;

    if (!value || value->type != V_ASN1_SEQUENCE)
        return FALSE;
    parameters = ASN1_item_unpack(value->value.sequence, ASN1_ITEM_rptr(RSA_OAEP_PARAMS));
    if (parameters && parameters->maskGenFunc &&
        OBJ_obj2nid(parameters->maskGenFunc->algorithm) == NID_mgf1 &&
        parameters->maskGenFunc->parameter &&
        parameters->maskGenFunc->parameter->type == V_ASN1_SEQUENCE)
        mgf_hash = ASN1_item_unpack(parameters->maskGenFunc->parameter->value.sequence,
                                    ASN1_ITEM_rptr(X509_ALGOR));
    is_ours = parameters && is_hash(parameters->hashFunc) && is_hash(mgf_hash);
    X509_ALGOR_free(mgf_hash);
    RSA_OAEP_PARAMS_free(parameters);
    return is_ours;
}

static void
take(const X509_ALGOR *algorithm, SealCapabilities *capabilities)
{
    char oid[80];

    if (OBJ_obj2txt(oid, sizeof oid, algorithm->algorithm, 1) <= 0)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(ciphers); i++)
        if (g_str_equal(oid, ciphers[i].oid))
            capabilities->ciphers |= 1u << ciphers[i].cipher;
    for (gsize i = 0; i < G_N_ELEMENTS(agreements); i++)
        if (g_str_equal(oid, agreements[i].oid))
            G_STRUCT_MEMBER(gboolean, capabilities, agreements[i].offset) = TRUE;
    if (g_str_equal(oid, OAEP) && is_our_oaep(algorithm))
        capabilities->oaep = TRUE;
}

gboolean
seal_capabilities_read(GBytes *der, SealCapabilities *ret_capabilities)
{
    SealCapabilities capabilities = {0};
    gsize len = 0;
    const unsigned char *at = g_bytes_get_data(der, &len);
    const unsigned char *end = at + len;
    X509_ALGORS *list = len <= G_MAXINT ? d2i_X509_ALGORS(NULL, &at, (long)len) : NULL;
    gboolean fine = list && at == end && sk_X509_ALGOR_num(list) <= CAPABILITIES_MAX;

    for (int i = 0; fine && i < sk_X509_ALGOR_num(list); i++)
        take(sk_X509_ALGOR_value(list, i), &capabilities);
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
    ERR_clear_error();
    if (fine)
        *ret_capabilities = capabilities;
    return fine;
}

gboolean
seal_capabilities_has_cipher(const SealCapabilities *capabilities, SealContentCipher cipher)
{
    return (capabilities->ciphers & 1u << cipher) != 0;
}
