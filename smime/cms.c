/* Templates for OpenSSL's ASN.1 reader and writer. Attribute sets are read as sequences under the
 * set's tag, so that they are hashed in the order in which they came: a signer that did not sort
 * its set still hashed what it sent. Who writes sorts. */
#include "smime/cms.h"

#include <openssl/err.h>

/* Tables; the formatter cannot read them. */
/* clang-format off */
ASN1_SEQUENCE(SealContentInfo) = {
    ASN1_SIMPLE(SealContentInfo, type, ASN1_OBJECT),
    ASN1_EXP_OPT(SealContentInfo, content, ASN1_ANY, 0),
} ASN1_SEQUENCE_END(SealContentInfo)

ASN1_SEQUENCE(SealIssuerSerial) = {
    ASN1_SIMPLE(SealIssuerSerial, issuer, X509_NAME),
    ASN1_SIMPLE(SealIssuerSerial, serial, ASN1_INTEGER),
} ASN1_SEQUENCE_END(SealIssuerSerial)

ASN1_CHOICE(SealCertificateId) = {
    ASN1_SIMPLE(SealCertificateId, d.issuer_serial, SealIssuerSerial),
    ASN1_IMP(SealCertificateId, d.key_id, ASN1_OCTET_STRING, 0),
} static_ASN1_CHOICE_END(SealCertificateId)

ASN1_SEQUENCE(SealSignerInfo) = {
    ASN1_SIMPLE(SealSignerInfo, version, ASN1_INTEGER),
    ASN1_SIMPLE(SealSignerInfo, id, SealCertificateId),
    ASN1_SIMPLE(SealSignerInfo, digest_algorithm, X509_ALGOR),
    ASN1_IMP_SEQUENCE_OF_OPT(SealSignerInfo, signed_attributes, X509_ATTRIBUTE, 0),
    ASN1_SIMPLE(SealSignerInfo, signature_algorithm, X509_ALGOR),
    ASN1_SIMPLE(SealSignerInfo, signature, ASN1_OCTET_STRING),
    ASN1_IMP_SET_OF_OPT(SealSignerInfo, unsigned_attributes, X509_ATTRIBUTE, 1),
} ASN1_SEQUENCE_END(SealSignerInfo)

ASN1_SEQUENCE(SealEncapsulatedContent) = {
    ASN1_SIMPLE(SealEncapsulatedContent, type, ASN1_OBJECT),
    ASN1_EXP_OPT(SealEncapsulatedContent, content, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(SealEncapsulatedContent)

ASN1_SEQUENCE(SealSignedData) = {
    ASN1_SIMPLE(SealSignedData, version, ASN1_INTEGER),
    ASN1_SET_OF(SealSignedData, digest_algorithms, X509_ALGOR),
    ASN1_SIMPLE(SealSignedData, encapsulated, SealEncapsulatedContent),
    ASN1_IMP_SET_OF_OPT(SealSignedData, certificates, ASN1_ANY, 0),
    ASN1_IMP_SET_OF_OPT(SealSignedData, crls, ASN1_ANY, 1),
    ASN1_SET_OF(SealSignedData, signers, SealSignerInfo),
} ASN1_SEQUENCE_END(SealSignedData)

ASN1_SEQUENCE(SealOriginatorInfo) = {
    ASN1_IMP_SET_OF_OPT(SealOriginatorInfo, certificates, ASN1_ANY, 0),
    ASN1_IMP_SET_OF_OPT(SealOriginatorInfo, crls, ASN1_ANY, 1),
} static_ASN1_SEQUENCE_END(SealOriginatorInfo)

ASN1_SEQUENCE(SealEncryptedContent) = {
    ASN1_SIMPLE(SealEncryptedContent, type, ASN1_OBJECT),
    ASN1_SIMPLE(SealEncryptedContent, algorithm, X509_ALGOR),
    ASN1_IMP_OPT(SealEncryptedContent, content, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(SealEncryptedContent)

ASN1_SEQUENCE(SealEnvelopedData) = {
    ASN1_SIMPLE(SealEnvelopedData, version, ASN1_INTEGER),
    ASN1_IMP_OPT(SealEnvelopedData, originator, SealOriginatorInfo, 0),
    ASN1_SET_OF(SealEnvelopedData, recipients, ASN1_ANY),
    ASN1_SIMPLE(SealEnvelopedData, encrypted, SealEncryptedContent),
    ASN1_IMP_SET_OF_OPT(SealEnvelopedData, unprotected, X509_ATTRIBUTE, 1),
} ASN1_SEQUENCE_END(SealEnvelopedData)

ASN1_SEQUENCE(SealAuthEnvelopedData) = {
    ASN1_SIMPLE(SealAuthEnvelopedData, version, ASN1_INTEGER),
    ASN1_IMP_OPT(SealAuthEnvelopedData, originator, SealOriginatorInfo, 0),
    ASN1_SET_OF(SealAuthEnvelopedData, recipients, ASN1_ANY),
    ASN1_SIMPLE(SealAuthEnvelopedData, encrypted, SealEncryptedContent),
    ASN1_IMP_SEQUENCE_OF_OPT(SealAuthEnvelopedData, authenticated, X509_ATTRIBUTE, 1),
    ASN1_SIMPLE(SealAuthEnvelopedData, mac, ASN1_OCTET_STRING),
    ASN1_IMP_SET_OF_OPT(SealAuthEnvelopedData, unauthenticated, X509_ATTRIBUTE, 2),
} ASN1_SEQUENCE_END(SealAuthEnvelopedData)

ASN1_SEQUENCE(SealCompressedData) = {
    ASN1_SIMPLE(SealCompressedData, version, ASN1_INTEGER),
    ASN1_SIMPLE(SealCompressedData, algorithm, X509_ALGOR),
    ASN1_SIMPLE(SealCompressedData, encapsulated, SealEncapsulatedContent),
} ASN1_SEQUENCE_END(SealCompressedData)

ASN1_SEQUENCE(SealKeyTransport) = {
    ASN1_SIMPLE(SealKeyTransport, version, ASN1_INTEGER),
    ASN1_SIMPLE(SealKeyTransport, id, SealCertificateId),
    ASN1_SIMPLE(SealKeyTransport, algorithm, X509_ALGOR),
    ASN1_SIMPLE(SealKeyTransport, encrypted_key, ASN1_OCTET_STRING),
} ASN1_SEQUENCE_END(SealKeyTransport)

ASN1_SEQUENCE(SealOriginatorKey) = {
    ASN1_SIMPLE(SealOriginatorKey, algorithm, X509_ALGOR),
    ASN1_SIMPLE(SealOriginatorKey, public_key, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(SealOriginatorKey)

ASN1_CHOICE(SealOriginatorId) = {
    ASN1_SIMPLE(SealOriginatorId, d.issuer_serial, SealIssuerSerial),
    ASN1_IMP(SealOriginatorId, d.key_id, ASN1_OCTET_STRING, 0),
    ASN1_IMP(SealOriginatorId, d.key, SealOriginatorKey, 1),
} static_ASN1_CHOICE_END(SealOriginatorId)

ASN1_SEQUENCE(SealRecipientKeyId) = {
    ASN1_SIMPLE(SealRecipientKeyId, key_id, ASN1_OCTET_STRING),
    ASN1_OPT(SealRecipientKeyId, date, ASN1_GENERALIZEDTIME),
    ASN1_OPT(SealRecipientKeyId, other, ASN1_ANY),
} static_ASN1_SEQUENCE_END(SealRecipientKeyId)

ASN1_CHOICE(SealAgreementRecipientId) = {
    ASN1_SIMPLE(SealAgreementRecipientId, d.issuer_serial, SealIssuerSerial),
    ASN1_IMP(SealAgreementRecipientId, d.key_id, SealRecipientKeyId, 0),
} static_ASN1_CHOICE_END(SealAgreementRecipientId)

ASN1_CHOICE(SealKeyPreference) = {
    ASN1_IMP(SealKeyPreference, d.issuer_serial, SealIssuerSerial, 0),
    ASN1_IMP(SealKeyPreference, d.recipient, SealRecipientKeyId, 1),
    ASN1_IMP(SealKeyPreference, d.key_id, ASN1_OCTET_STRING, 2),
} ASN1_CHOICE_END(SealKeyPreference)

ASN1_SEQUENCE(SealRecipientEncryptedKey) = {
    ASN1_SIMPLE(SealRecipientEncryptedKey, id, SealAgreementRecipientId),
    ASN1_SIMPLE(SealRecipientEncryptedKey, encrypted_key, ASN1_OCTET_STRING),
} ASN1_SEQUENCE_END(SealRecipientEncryptedKey)

ASN1_SEQUENCE(SealKeyAgreement) = {
    ASN1_SIMPLE(SealKeyAgreement, version, ASN1_INTEGER),
    ASN1_EXP(SealKeyAgreement, originator, SealOriginatorId, 0),
    ASN1_EXP_OPT(SealKeyAgreement, ukm, ASN1_OCTET_STRING, 1),
    ASN1_SIMPLE(SealKeyAgreement, algorithm, X509_ALGOR),
    ASN1_SEQUENCE_OF(SealKeyAgreement, keys, SealRecipientEncryptedKey),
} ASN1_SEQUENCE_END(SealKeyAgreement)

/* A KeyAgreeRecipientInfo as it stands among the RecipientInfos: [1] IMPLICIT. */
ASN1_ITEM_TEMPLATE(SealKeyAgreementTagged) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_IMPTAG | ASN1_TFLG_CONTEXT, 1, agreement, SealKeyAgreement)
ASN1_ITEM_TEMPLATE_END(SealKeyAgreementTagged)

/* RFC 5652 5.4: signed attributes are hashed under the SET's own tag, not the [0] of the message. */
ASN1_ITEM_TEMPLATE(SealAttributeSet) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF | ASN1_TFLG_IMPTAG | ASN1_TFLG_UNIVERSAL,
                          V_ASN1_SET, attributes, X509_ATTRIBUTE)
ASN1_ITEM_TEMPLATE_END(SealAttributeSet)

ASN1_SEQUENCE(SealGcmParameters) = {
    ASN1_SIMPLE(SealGcmParameters, nonce, ASN1_OCTET_STRING),
    ASN1_OPT(SealGcmParameters, tag_len, ASN1_INTEGER),
} ASN1_SEQUENCE_END(SealGcmParameters)

ASN1_SEQUENCE(SealSharedInfo) = {
    ASN1_SIMPLE(SealSharedInfo, key_info, X509_ALGOR),
    ASN1_EXP_OPT(SealSharedInfo, ukm, ASN1_OCTET_STRING, 0),
    ASN1_EXP(SealSharedInfo, key_bits, ASN1_OCTET_STRING, 2),
} ASN1_SEQUENCE_END(SealSharedInfo)

ASN1_SEQUENCE(SealCertificateHash) = {
    ASN1_OPT(SealCertificateHash, hash, X509_ALGOR),
    ASN1_SIMPLE(SealCertificateHash, digest, ASN1_OCTET_STRING),
    ASN1_OPT(SealCertificateHash, issuer_serial, ASN1_ANY),
} static_ASN1_SEQUENCE_END(SealCertificateHash)

ASN1_SEQUENCE(SealSigningCertificate) = {
    ASN1_SEQUENCE_OF(SealSigningCertificate, certificates, SealCertificateHash),
    ASN1_OPT(SealSigningCertificate, policies, ASN1_ANY),
} ASN1_SEQUENCE_END(SealSigningCertificate)
    /* clang-format on */

    gpointer seal_asn1_new(const ASN1_ITEM *item)
{
    return ASN1_item_new(item);
}

gpointer
seal_asn1_read(const ASN1_ITEM *item, gconstpointer data, gsize len)
{
    const unsigned char *at = data;
    ASN1_VALUE *value = NULL;

    if (len == 0 || len > G_MAXINT)
        return NULL;
    value = ASN1_item_d2i(NULL, &at, (long)len, item);
    ERR_clear_error();
    if (!value || at == (const unsigned char *)data + len)
        return value;
    ASN1_item_free(value, item);
    return NULL;
}

SealContentInfo *
seal_content_info_read(SealBytes cms)
{
    g_autoptr(SealContentInfo) info =
        seal_asn1_read(ASN1_ITEM_rptr(SealContentInfo), cms.data, cms.len);

    if (!info || !info->content || info->content->type != V_ASN1_SEQUENCE)
        return NULL;
    return g_steal_pointer(&info);
}

gboolean
seal_content_info_is_envelope(const SealContentInfo *info)
{
    int nid = OBJ_obj2nid(info->type);

    return nid == NID_pkcs7_enveloped || nid == NID_id_smime_ct_authEnvelopedData;
}

gboolean
seal_content_info_is_compressed(const SealContentInfo *info)
{
    return OBJ_obj2nid(info->type) == NID_id_smime_ct_compressedData;
}

GBytes *
seal_asn1_write(const ASN1_ITEM *item, gconstpointer value)
{
    unsigned char *der = NULL;
    int len = ASN1_item_i2d(value, &der, item);
    GBytes *bytes = NULL;

    if (len < 0) /* only memory can lack here */
        g_error("out of memory for the DER of a message");
    bytes = g_bytes_new(der, (gsize)len);
    OPENSSL_free(der);
    return bytes;
}

GBytes *
seal_content_info_write(int nid, gpointer content, const ASN1_ITEM *item)
{
    g_autoptr(SealContentInfo) info = seal_asn1_new(ASN1_ITEM_rptr(SealContentInfo));
    ASN1_STRING *packed = NULL;

    ASN1_item_pack(content, item, &packed);
    ASN1_item_free(content, item);
    ASN1_OBJECT_free(info->type);
    info->type = OBJ_nid2obj(nid);
    info->content = ASN1_TYPE_new();
    ASN1_TYPE_set(info->content, V_ASN1_SEQUENCE, packed);
    return seal_asn1_write(ASN1_ITEM_rptr(SealContentInfo), info);
}

SealIssuerSerial *
seal_issuer_serial_new(const X509 *certificate)
{
    SealIssuerSerial *name = seal_asn1_new(ASN1_ITEM_rptr(SealIssuerSerial));

    X509_NAME_set(&name->issuer, X509_get_issuer_name(certificate));
    ASN1_INTEGER_free(name->serial);
    name->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(certificate));
    return name;
}

gconstpointer
seal_octets(const ASN1_STRING *string, gsize *ret_len)
{
    *ret_len = (gsize)ASN1_STRING_length(string);
    return ASN1_STRING_get0_data(string);
}

GBytes *
seal_octets_dup(const ASN1_STRING *string)
{
    gsize len = 0;
    gconstpointer data = seal_octets(string, &len);

    return g_bytes_new(data, len);
}

void
seal_content_info_free(SealContentInfo *value)
{
    ASN1_item_free((ASN1_VALUE *)value, ASN1_ITEM_rptr(SealContentInfo));
}

void
seal_signed_data_free(SealSignedData *value)
{
    ASN1_item_free((ASN1_VALUE *)value, ASN1_ITEM_rptr(SealSignedData));
}

void
seal_enveloped_data_free(SealEnvelopedData *value)
{
    ASN1_item_free((ASN1_VALUE *)value, ASN1_ITEM_rptr(SealEnvelopedData));
}

void
seal_auth_enveloped_data_free(SealAuthEnvelopedData *value)
{
    ASN1_item_free((ASN1_VALUE *)value, ASN1_ITEM_rptr(SealAuthEnvelopedData));
}

void
seal_compressed_data_free(SealCompressedData *value)
{
    ASN1_item_free((ASN1_VALUE *)value, ASN1_ITEM_rptr(SealCompressedData));
}

void
seal_key_transport_free(SealKeyTransport *value)
{
    ASN1_item_free((ASN1_VALUE *)value, ASN1_ITEM_rptr(SealKeyTransport));
}

void
seal_key_agreement_free(SealKeyAgreement *value)
{
    ASN1_item_free((ASN1_VALUE *)value, ASN1_ITEM_rptr(SealKeyAgreement));
}
