/* The ASN.1 of RFC 5652, RFC 5083 and RFC 3274, as far as mail uses it. Own templates, because OpenSSL 3.0
 * hides the encrypted keys of its CMS structures, re-reads nothing raw and knows no Ed25519 there.
 * Only shapes here: what a value means and whether it is allowed is judged by its readers. */
#pragma once

#include "base/bytes.h"

#include <glib.h>
#include <openssl/asn1t.h>
#include <openssl/x509.h>

typedef struct {
    ASN1_OBJECT *type;
    ASN1_TYPE *content; /* (nullable) [0] EXPLICIT */
} SealContentInfo;

typedef struct {
    X509_NAME *issuer;
    ASN1_INTEGER *serial;
} SealIssuerSerial;

typedef enum { SEAL_ID_ISSUER_SERIAL = 0, SEAL_ID_KEY = 1 } SealCertificateIdType;

/* SignerIdentifier and RecipientIdentifier have one shape. */
typedef struct {
    int type; /* SealCertificateIdType */
    union {
        SealIssuerSerial *issuer_serial;
        ASN1_OCTET_STRING *key_id;
    } d;
} SealCertificateId;

typedef struct {
    ASN1_INTEGER *version;
    SealCertificateId *id;
    X509_ALGOR *digest_algorithm;
    STACK_OF(X509_ATTRIBUTE) *signed_attributes; /* (nullable) in the order received */
    X509_ALGOR *signature_algorithm;
    ASN1_OCTET_STRING *signature;
    STACK_OF(X509_ATTRIBUTE) *unsigned_attributes; /* (nullable) */
} SealSignerInfo;
DEFINE_STACK_OF(SealSignerInfo)

typedef struct {
    ASN1_OBJECT *type;
    ASN1_OCTET_STRING *content; /* (nullable) */
} SealEncapsulatedContent;

typedef struct {
    ASN1_INTEGER *version;
    STACK_OF(X509_ALGOR) *digest_algorithms;
    SealEncapsulatedContent *encapsulated;
    STACK_OF(ASN1_TYPE) *certificates; /* (nullable) */
    STACK_OF(ASN1_TYPE) *crls;         /* (nullable) */
    STACK_OF(SealSignerInfo) *signers;
} SealSignedData;

typedef struct {
    STACK_OF(ASN1_TYPE) *certificates;
    STACK_OF(ASN1_TYPE) *crls;
} SealOriginatorInfo;

typedef struct {
    ASN1_OBJECT *type;
    X509_ALGOR *algorithm;
    ASN1_OCTET_STRING *content; /* (nullable) [0] IMPLICIT */
} SealEncryptedContent;

typedef struct {
    ASN1_INTEGER *version;
    SealOriginatorInfo *originator;
    STACK_OF(ASN1_TYPE) *recipients; /* RecipientInfo; see seal_recipient_...() */
    SealEncryptedContent *encrypted;
    STACK_OF(X509_ATTRIBUTE) *unprotected;
} SealEnvelopedData;

typedef struct {
    ASN1_INTEGER *version;
    SealOriginatorInfo *originator;
    STACK_OF(ASN1_TYPE) *recipients;
    SealEncryptedContent *encrypted;
    STACK_OF(X509_ATTRIBUTE) *authenticated; /* (nullable) in the order received */
    ASN1_OCTET_STRING *mac;
    STACK_OF(X509_ATTRIBUTE) *unauthenticated;
} SealAuthEnvelopedData;

/* RFC 3274. */
typedef struct {
    ASN1_INTEGER *version;
    X509_ALGOR *algorithm;
    SealEncapsulatedContent *encapsulated;
} SealCompressedData;

typedef struct {
    ASN1_INTEGER *version;
    SealCertificateId *id;
    X509_ALGOR *algorithm;
    ASN1_OCTET_STRING *encrypted_key;
} SealKeyTransport;

typedef struct {
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *public_key;
} SealOriginatorKey;

typedef struct {
    int type; /* 0, 1: the originator's certificate is named; 2: its ephemeral key */
    union {
        SealIssuerSerial *issuer_serial;
        ASN1_OCTET_STRING *key_id;
        SealOriginatorKey *key;
    } d;
} SealOriginatorId;
#define SEAL_ORIGINATOR_KEY 2

typedef struct {
    ASN1_OCTET_STRING *key_id;
    ASN1_GENERALIZEDTIME *date; /* (nullable) */
    ASN1_TYPE *other;           /* (nullable) */
} SealRecipientKeyId;

typedef struct {
    int type; /* SealCertificateIdType */
    union {
        SealIssuerSerial *issuer_serial;
        SealRecipientKeyId *key_id;
    } d;
} SealAgreementRecipientId;

/* SMIMEEncryptionKeyPreference of RFC 8551 2.5.3. */
typedef enum {
    SEAL_PREFERENCE_ISSUER_SERIAL,
    SEAL_PREFERENCE_RECIPIENT,
    SEAL_PREFERENCE_KEY_ID,
} SealKeyPreferenceType;

typedef struct {
    int type; /* SealKeyPreferenceType */
    union {
        SealIssuerSerial *issuer_serial;
        SealRecipientKeyId *recipient;
        ASN1_OCTET_STRING *key_id;
    } d;
} SealKeyPreference;

typedef struct {
    SealAgreementRecipientId *id;
    ASN1_OCTET_STRING *encrypted_key;
} SealRecipientEncryptedKey;
DEFINE_STACK_OF(SealRecipientEncryptedKey)

typedef struct {
    ASN1_INTEGER *version;
    SealOriginatorId *originator;
    ASN1_OCTET_STRING *ukm; /* (nullable) */
    X509_ALGOR *algorithm;
    STACK_OF(SealRecipientEncryptedKey) *keys;
} SealKeyAgreement;

/* RFC 5084 3.2. */
typedef struct {
    ASN1_OCTET_STRING *nonce;
    ASN1_INTEGER *tag_len; /* (nullable) 12 */
} SealGcmParameters;

/* RFC 5753 7.2 (ECC-CMS-SharedInfo), which RFC 8418 takes over. */
typedef struct {
    X509_ALGOR *key_info;        /* the key wrap algorithm */
    ASN1_OCTET_STRING *ukm;      /* (nullable) */
    ASN1_OCTET_STRING *key_bits; /* of the key-encryption key, 32 bits big-endian */
} SealSharedInfo;

/* RFC 5035, as far as the signer's own certificate is concerned. */
typedef struct {
    X509_ALGOR *hash; /* (nullable) SHA-256 */
    ASN1_OCTET_STRING *digest;
    ASN1_TYPE *issuer_serial; /* (nullable) */
} SealCertificateHash;
DEFINE_STACK_OF(SealCertificateHash)

typedef struct {
    STACK_OF(SealCertificateHash) *certificates;
    ASN1_TYPE *policies; /* (nullable) */
} SealSigningCertificate;

DECLARE_ASN1_ITEM(SealContentInfo)
DECLARE_ASN1_ITEM(SealSignedData)
DECLARE_ASN1_ITEM(SealSignerInfo)
DECLARE_ASN1_ITEM(SealIssuerSerial)
DECLARE_ASN1_ITEM(SealEnvelopedData)
DECLARE_ASN1_ITEM(SealAuthEnvelopedData)
DECLARE_ASN1_ITEM(SealCompressedData)
DECLARE_ASN1_ITEM(SealKeyTransport)
DECLARE_ASN1_ITEM(SealKeyAgreement)
DECLARE_ASN1_ITEM(SealKeyAgreementTagged)
DECLARE_ASN1_ITEM(SealRecipientEncryptedKey)
DECLARE_ASN1_ITEM(SealKeyPreference)
DECLARE_ASN1_ITEM(SealOriginatorKey)
DECLARE_ASN1_ITEM(SealSigningCertificate)
DECLARE_ASN1_ITEM(SealAttributeSet)
DECLARE_ASN1_ITEM(SealGcmParameters)
DECLARE_ASN1_ITEM(SealSharedInfo)

/* A new (transfer full) empty value of `item`. */
gpointer seal_asn1_new(const ASN1_ITEM *item);

/* Reads one value of `item` that fills `len` bytes at `data` exactly (BER, definite or not).
 * Returns (transfer full; free with ASN1_item_free()) or NULL. */
gpointer seal_asn1_read(const ASN1_ITEM *item, gconstpointer data, gsize len);

/* Reads a ContentInfo whose content is a SEQUENCE, as it is for all that is read here. Returns
 * (transfer full) or NULL. */
SealContentInfo *seal_content_info_read(SealBytes cms);
/* TRUE if it is EnvelopedData or AuthEnvelopedData; CompressedData. */
gboolean seal_content_info_is_envelope(const SealContentInfo *info);
gboolean seal_content_info_is_compressed(const SealContentInfo *info);

/* Returns (transfer full) the DER of `value`. */
GBytes *seal_asn1_write(const ASN1_ITEM *item, gconstpointer value);

/* Returns (transfer full) the DER of a ContentInfo of the type `nid` around `content`, an `item`
 * that is a SEQUENCE, and frees `content`. */
GBytes *seal_content_info_write(int nid, gpointer content, const ASN1_ITEM *item);

/* Returns (transfer full) how a message names `certificate`. */
SealIssuerSerial *seal_issuer_serial_new(const X509 *certificate);

/* A view on an OCTET STRING's bytes (transfer none), or a copy of it. */
gconstpointer seal_octets(const ASN1_STRING *string, gsize *ret_len);
GBytes *seal_octets_dup(const ASN1_STRING *string);

/* Owners: `g_autoptr(SealSignedData) signed_data = NULL;` and so on. */
void seal_content_info_free(SealContentInfo *value);
void seal_signed_data_free(SealSignedData *value);
void seal_enveloped_data_free(SealEnvelopedData *value);
void seal_auth_enveloped_data_free(SealAuthEnvelopedData *value);
void seal_compressed_data_free(SealCompressedData *value);
void seal_key_transport_free(SealKeyTransport *value);
void seal_key_agreement_free(SealKeyAgreement *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealContentInfo, seal_content_info_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSignedData, seal_signed_data_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealEnvelopedData, seal_enveloped_data_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealAuthEnvelopedData, seal_auth_enveloped_data_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCompressedData, seal_compressed_data_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealKeyTransport, seal_key_transport_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealKeyAgreement, seal_key_agreement_free)
