/* The content-encryption key, encrypted with RSA (RFC 3370 4.2.1, RFC 3560). */
#include "smime/key-encryption.h"

#include "smime/algorithm.h"
#include "smime/cms.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>

static gboolean
set_padding(EVP_PKEY_CTX *context, gboolean oaep)
{
    if (!oaep)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

static gboolean
encrypt(EVP_PKEY *to, const SealSecret *key, gboolean oaep, ASN1_OCTET_STRING *encrypted)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(to, NULL);
    size_t len = (size_t)EVP_PKEY_get_size(to);
    g_autofree unsigned char *out = g_malloc(len);
    gboolean done =
        context && EVP_PKEY_encrypt_init(context) > 0 && set_padding(context, oaep) &&
        EVP_PKEY_encrypt(context, out, &len, seal_secret_peek(key), seal_secret_len(key)) > 0;

    if (done)
        ASN1_OCTET_STRING_set(encrypted, out, (int)len);
    EVP_PKEY_CTX_free(context);
    return done;
}

static void
write_algorithm(gboolean oaep, X509_ALGOR *algorithm)
{
    const SealHash *hash = seal_hash_by_nid(NID_sha256);
    RSA_OAEP_PARAMS *parameters = NULL;
    ASN1_STRING *packed = NULL;

    if (!oaep) { /* RFC 3370 4.2.1: parameters NULL */
        X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL);
        return;
    }
    parameters = RSA_OAEP_PARAMS_new();
    parameters->hashFunc = seal_hash_algorithm_new(hash);
    parameters->maskGenFunc = seal_mgf1_new(hash);
    ASN1_item_pack(parameters, ASN1_ITEM_rptr(RSA_OAEP_PARAMS), &packed);
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsaesOaep), V_ASN1_SEQUENCE, packed);
    RSA_OAEP_PARAMS_free(parameters);
}

ASN1_TYPE *
seal_key_transport_new(X509 *certificate, const SealSecret *key, gboolean oaep)
{
    g_autoptr(SealKeyTransport) transport = seal_asn1_new(ASN1_ITEM_rptr(SealKeyTransport));
    ASN1_TYPE *any = NULL;
    ASN1_STRING *packed = NULL;

    ASN1_INTEGER_set(transport->version, 0); /* issuer and serial (RFC 5652 6.2.1) */
    transport->id->type = SEAL_ID_ISSUER_SERIAL;
    transport->id->d.issuer_serial = seal_issuer_serial_new(certificate);
    write_algorithm(oaep, transport->algorithm);
    if (!encrypt(X509_get0_pubkey(certificate), key, oaep, transport->encrypted_key))
        return NULL;
    ASN1_item_pack(transport, ASN1_ITEM_rptr(SealKeyTransport), &packed);
    any = ASN1_TYPE_new();
    ASN1_TYPE_set(any, V_ASN1_SEQUENCE, packed);
    return any;
}
