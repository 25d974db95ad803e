/* RecipientInfos read with our own templates. Key encryption is an allow-list by object identifier:
 * OpenSSL takes one it does not know for PKCS#1 v1.5. */
#include "smime/recipient.h"

#include <openssl/objects.h>

static const struct {
    const char *oid;
    const char *scheme;
    gboolean agreement;
} key_schemes[] = {
    {"1.2.840.113549.1.1.1", "rsa-pkcs1", FALSE}, /* RFC 3370 */
    {"1.2.840.113549.1.1.7", "rsa-oaep", FALSE},  /* RFC 3560 */
    {"1.3.133.16.840.63.0.2", "ecdh", TRUE},      /* RFC 5753: standard, SHA-1 */
    {"1.3.132.1.11.0", "ecdh", TRUE},             /* SHA-224 and so on */
    {"1.3.132.1.11.1", "ecdh", TRUE},
    {"1.3.132.1.11.2", "ecdh", TRUE},
    {"1.3.132.1.11.3", "ecdh", TRUE},
    {"1.3.133.16.840.63.0.3", "ecdh", TRUE}, /* cofactor, SHA-1 */
    {"1.3.132.1.14.0", "ecdh", TRUE},        /* SHA-224 and so on */
    {"1.3.132.1.14.1", "ecdh", TRUE},
    {"1.3.132.1.14.2", "ecdh", TRUE},
    {"1.3.132.1.14.3", "ecdh", TRUE},
    {"1.2.840.113549.1.9.16.3.19", "x25519", TRUE}, /* RFC 8418: HKDF, SHA-256 and so on */
    {"1.2.840.113549.1.9.16.3.20", "x25519", TRUE},
    {"1.2.840.113549.1.9.16.3.21", "x25519", TRUE},
};

static void
clear(SealRecipient *recipient)
{
    g_clear_pointer(&recipient->id.issuer, g_bytes_unref);
    g_clear_pointer(&recipient->id.serial, g_bytes_unref);
    g_clear_pointer(&recipient->id.subject_key_id, g_bytes_unref);
    g_clear_pointer(&recipient->key_encryption, g_bytes_unref);
    g_clear_pointer(&recipient->encrypted_key, g_bytes_unref);
    g_clear_pointer(&recipient->originator, g_bytes_unref);
    g_clear_pointer(&recipient->ukm, g_bytes_unref);
}

void
seal_recipient_free(SealRecipient *recipient)
{
    if (!recipient)
        return;
    clear(recipient);
    g_free(recipient);
}

static const char *
scheme_of(const X509_ALGOR *algorithm, gboolean agreement)
{
    const ASN1_OBJECT *object = NULL;
    char oid[80];

    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2txt(oid, sizeof oid, object, 1) <= 0)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(key_schemes); i++)
        if (key_schemes[i].agreement == agreement && g_str_equal(key_schemes[i].oid, oid))
            return key_schemes[i].scheme;
    return NULL;
}

/* The content octets of an INTEGER, sign and all. */
static GBytes *
integer_octets(const ASN1_INTEGER *integer)
{
    g_autofree unsigned char *der = g_malloc((gsize)MAX(i2d_ASN1_INTEGER(integer, NULL), 0));
    unsigned char *end = der;
    const unsigned char *at = der;
    long len = 0;
    int tag = 0;
    int class = 0;

    i2d_ASN1_INTEGER(integer, &end);
    ASN1_get_object(&at, &len, &tag, &class, end - der);
    return g_bytes_new(at, (gsize)len);
}

static void
set_issuer_serial(SealRecipientId *id, const SealIssuerSerial *from)
{
    id->issuer = seal_asn1_write(ASN1_ITEM_rptr(X509_NAME), from->issuer);
    id->serial = integer_octets(from->serial);
}

static gboolean
read_transport(const ASN1_STRING *value, GPtrArray *list)
{
    g_autoptr(SealKeyTransport) transport =
        seal_asn1_read(ASN1_ITEM_rptr(SealKeyTransport), ASN1_STRING_get0_data(value),
                       (gsize)ASN1_STRING_length(value));
    SealRecipient *recipient = NULL;

    if (!transport)
        return FALSE;
    recipient = g_new0(SealRecipient, 1);
    if (transport->id->type == SEAL_ID_KEY)
        recipient->id.subject_key_id = seal_octets_dup(transport->id->d.key_id);
    else
        set_issuer_serial(&recipient->id, transport->id->d.issuer_serial);
    recipient->scheme = scheme_of(transport->algorithm, FALSE);
    recipient->key_encryption = seal_asn1_write(ASN1_ITEM_rptr(X509_ALGOR), transport->algorithm);
    recipient->encrypted_key = seal_octets_dup(transport->encrypted_key);
    g_ptr_array_add(list, recipient);
    return TRUE;
}

/* What all keys of one agreement have in common; each row has a reference. Copies would multiply:
 * a thousand keys beside keying material of a megabyte. */
static SealRecipient
read_common(const SealKeyAgreement *agreement)
{
    SealRecipient common = {0};

    /* A static originator key would have to be looked up in a certificate; no mail program does it.
     */
    if (agreement->originator->type == SEAL_ORIGINATOR_KEY) {
        common.scheme = scheme_of(agreement->algorithm, TRUE);
        common.originator =
            seal_asn1_write(ASN1_ITEM_rptr(SealOriginatorKey), agreement->originator->d.key);
    }
    common.key_encryption = seal_asn1_write(ASN1_ITEM_rptr(X509_ALGOR), agreement->algorithm);
    if (agreement->ukm)
        common.ukm = seal_octets_dup(agreement->ukm);
    return common;
}

static GBytes *
ref_if_any(GBytes *bytes)
{
    return bytes ? g_bytes_ref(bytes) : NULL;
}

static void
add_agreement_key(const SealRecipient *common, const SealRecipientEncryptedKey *key,
                  GPtrArray *list)
{
    SealRecipient *recipient = g_new0(SealRecipient, 1);

    if (key->id->type == SEAL_ID_KEY)
        recipient->id.subject_key_id = seal_octets_dup(key->id->d.key_id->key_id);
    else
        set_issuer_serial(&recipient->id, key->id->d.issuer_serial);
    recipient->scheme = common->scheme;
    recipient->originator = ref_if_any(common->originator);
    recipient->key_encryption = g_bytes_ref(common->key_encryption);
    recipient->ukm = ref_if_any(common->ukm);
    recipient->encrypted_key = seal_octets_dup(key->encrypted_key);
    g_ptr_array_add(list, recipient);
}

static gboolean
read_agreement(const ASN1_STRING *value, GPtrArray *list)
{
    g_autoptr(SealKeyAgreement) agreement =
        seal_asn1_read(ASN1_ITEM_rptr(SealKeyAgreementTagged), ASN1_STRING_get0_data(value),
                       (gsize)ASN1_STRING_length(value));

    SealRecipient common = {0};

    if (!agreement)
        return FALSE;
    common = read_common(agreement);
    for (int i = 0; i < sk_SealRecipientEncryptedKey_num(agreement->keys) &&
                    list->len <= SEAL_RECIPIENTS_READ_MAX;
         i++)
        add_agreement_key(&common, sk_SealRecipientEncryptedKey_value(agreement->keys, i), list);
    clear(&common);
    return TRUE;
}

gboolean
seal_recipients_read(STACK_OF(ASN1_TYPE) *recipients, GPtrArray *list)
{
    for (int i = 0; i < sk_ASN1_TYPE_num(recipients) && list->len <= SEAL_RECIPIENTS_READ_MAX;
         i++) {
        const ASN1_TYPE *any = sk_ASN1_TYPE_value(recipients, i);

        if (any->type == V_ASN1_SEQUENCE) {
            if (!read_transport(any->value.sequence, list))
                return FALSE;
        } else if (any->type != V_ASN1_OTHER || ASN1_STRING_length(any->value.asn1_string) < 2) {
            return FALSE;
        } else if (ASN1_STRING_get0_data(any->value.asn1_string)[0] == 0xa1) {
            if (!read_agreement(any->value.asn1_string, list))
                return FALSE;
        }
    }
    return TRUE;
}
