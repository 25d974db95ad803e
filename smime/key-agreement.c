/* The content-encryption key, wrapped under a key that a fresh key pair of ours and the recipient's
 * key agree on: ECDH with the X9.63 KDF of SHA-256 (RFC 5753), X25519 with HKDF of SHA-256 (RFC
 * 8418). The AES key wrap has the size of the wrapped key. No user keying material is sent: the
 * fresh key pair makes each agreement another one. */
#include "smime/key-encryption.h"

#include "smime/cms.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/objects.h>

#define SECRET_MAX 128 /* the coordinate of P-521 has 66 bytes */

/* What the kinds of keys differ in. */
typedef struct {
    const char *key_type;   /* of EVP_PKEY */
    const char *originator; /* object identifiers */
    const char *scheme;
    const char *kdf; /* of EVP_KDF */
} Family;

static const Family families[] = {
    {"EC", "1.2.840.10045.2.1", "1.3.132.1.11.1", "X963KDF"},
    {"X25519", "1.3.101.110", "1.2.840.113549.1.9.16.3.19", "HKDF"},
};

static const Family *
family_of(const EVP_PKEY *key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(families); i++)
        if (EVP_PKEY_is_a(key, families[i].key_type))
            return &families[i];
    return NULL;
}

/* -- agreeing --------------------------------------------------------------------------------- */

/* A fresh key pair on the curve of `peer`. Its point is written uncompressed, whatever the
 * certificate does: tokens take no other. */
static EVP_PKEY *
new_key_pair(EVP_PKEY *peer)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(peer, NULL);
    EVP_PKEY *pair = NULL;

    if (context && EVP_PKEY_keygen_init(context) > 0)
        EVP_PKEY_keygen(context, &pair);
    EVP_PKEY_CTX_free(context);
    if (pair && EVP_PKEY_is_a(pair, "EC") &&
        !EVP_PKEY_set_utf8_string_param(pair, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                        OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED))
        g_clear_pointer(&pair, EVP_PKEY_free);
    return pair;
}

static SealSecret *
agree(EVP_PKEY *own, EVP_PKEY *peer)
{
    g_autoptr(SealSecret) shared = seal_secret_new(SECRET_MAX);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
    size_t len = SECRET_MAX;
    gboolean done = context && EVP_PKEY_derive_init(context) > 0 &&
                    EVP_PKEY_derive_set_peer(context, peer) > 0 &&
                    EVP_PKEY_derive(context, seal_secret_data(shared), &len) > 0;

    EVP_PKEY_CTX_free(context);
    if (!done)
        return NULL;
    seal_secret_set_len(shared, len);
    return g_steal_pointer(&shared);
}

/* -- deriving --------------------------------------------------------------------------------- */

/* RFC 3565 2.3.2: the wrap algorithm without parameters. */
static X509_ALGOR *
wrap_algorithm(const EVP_CIPHER *wrap)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();

    X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_CIPHER_get_nid(wrap)), V_ASN1_UNDEF, NULL);
    return algorithm;
}

static GBytes *
shared_info(const EVP_CIPHER *wrap, gsize key_len)
{
    SealSharedInfo *info = seal_asn1_new(ASN1_ITEM_rptr(SealSharedInfo));
    guint32 bits = GUINT32_TO_BE((guint32)(key_len * 8));
    GBytes *der = NULL;

    X509_ALGOR_free(info->key_info);
    info->key_info = wrap_algorithm(wrap);
    ASN1_OCTET_STRING_set(info->key_bits, (const unsigned char *)&bits, sizeof bits);
    der = seal_asn1_write(ASN1_ITEM_rptr(SealSharedInfo), info);
    ASN1_item_free((ASN1_VALUE *)info, ASN1_ITEM_rptr(SealSharedInfo));
    return der;
}

static SealSecret *
derive(const Family *family, SealSecret *shared, GBytes *info, gsize key_len)
{
    g_autoptr(SealSecret) key = seal_secret_new(key_len);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, family->kdf, NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    gsize info_len = 0;
    gconstpointer info_data = g_bytes_get_data(info, &info_len);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, seal_secret_data(shared),
                                          seal_secret_len(shared)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info_data, info_len),
        OSSL_PARAM_construct_end(),
    };
    gboolean done =
        context && EVP_KDF_derive(context, seal_secret_data(key), key_len, parameters) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    if (!done)
        return NULL;
    seal_secret_set_len(key, key_len);
    return g_steal_pointer(&key);
}

static SealSecret *
key_encryption_key(const Family *family, EVP_PKEY *own, EVP_PKEY *peer, const EVP_CIPHER *wrap)
{
    gsize key_len = (gsize)EVP_CIPHER_get_key_length(wrap);
    g_autoptr(SealSecret) shared = agree(own, peer);
    g_autoptr(GBytes) info = shared_info(wrap, key_len);

    return shared ? derive(family, shared, info, key_len) : NULL;
}

/* -- wrapping --------------------------------------------------------------------------------- */

static const EVP_CIPHER *
wrap_for(gsize key_len)
{
    return key_len == 16   ? EVP_aes_128_wrap()
           : key_len == 24 ? EVP_aes_192_wrap()
           : key_len == 32 ? EVP_aes_256_wrap()
                           : NULL;
}

static gboolean
wrap_key(const EVP_CIPHER *wrap, const SealSecret *under, const SealSecret *key,
         ASN1_OCTET_STRING *encrypted)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    unsigned char out[32 + 8]; /* RFC 3394: eight bytes more */
    int len = 0;
    gboolean done = FALSE;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    done = EVP_EncryptInit_ex(context, wrap, NULL, seal_secret_peek(under), NULL) == 1 &&
           EVP_EncryptUpdate(context, out, &len, seal_secret_peek(key),
                             (int)seal_secret_len(key)) == 1;
    EVP_CIPHER_CTX_free(context);
    if (done)
        ASN1_OCTET_STRING_set(encrypted, out, len);
    return done;
}

/* -- the RecipientInfo ------------------------------------------------------------------------ */

/* RFC 5753 3.1.1 and RFC 8418 3.1: no parameters, the curve is the recipient's. */
static gboolean
write_originator(const Family *family, EVP_PKEY *own, SealKeyAgreement *agreement)
{
    SealOriginatorKey *key = seal_asn1_new(ASN1_ITEM_rptr(SealOriginatorKey));
    unsigned char *point = NULL;
    size_t len = EVP_PKEY_get1_encoded_public_key(own, &point);

    agreement->originator->type = SEAL_ORIGINATOR_KEY;
    agreement->originator->d.key = key;
    if (len == 0)
        return FALSE;
    X509_ALGOR_set0(key->algorithm, OBJ_txt2obj(family->originator, 1), V_ASN1_UNDEF, NULL);
    ASN1_BIT_STRING_set(key->public_key, point, (int)len);
    /* Whole bytes: without this the encoder takes zero bits at the end for unused ones. */
    key->public_key->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
    key->public_key->flags |= ASN1_STRING_FLAG_BITS_LEFT;
    OPENSSL_free(point);
    return TRUE;
}

static void
write_scheme(const Family *family, const EVP_CIPHER *wrap, X509_ALGOR *algorithm)
{
    X509_ALGOR *inner = wrap_algorithm(wrap);
    ASN1_STRING *packed = NULL;

    ASN1_item_pack(inner, ASN1_ITEM_rptr(X509_ALGOR), &packed);
    X509_ALGOR_set0(algorithm, OBJ_txt2obj(family->scheme, 1), V_ASN1_SEQUENCE, packed);
    X509_ALGOR_free(inner);
}

static gboolean
write_key(const Family *family, EVP_PKEY *own, X509 *certificate, const SealSecret *key,
          SealKeyAgreement *agreement)
{
    const EVP_CIPHER *wrap = wrap_for(seal_secret_len(key));
    g_autoptr(SealSecret) under =
        wrap ? key_encryption_key(family, own, X509_get0_pubkey(certificate), wrap) : NULL;
    SealRecipientEncryptedKey *row = seal_asn1_new(ASN1_ITEM_rptr(SealRecipientEncryptedKey));

    sk_SealRecipientEncryptedKey_push(agreement->keys, row);
    row->id->type = SEAL_ID_ISSUER_SERIAL;
    row->id->d.issuer_serial = seal_issuer_serial_new(certificate);
    if (!under || !wrap_key(wrap, under, key, row->encrypted_key))
        return FALSE;
    write_scheme(family, wrap, agreement->algorithm);
    return TRUE;
}

/* Its own tag, [1], makes it a CHOICE's element that stands for itself. */
static ASN1_TYPE *
pack(const SealKeyAgreement *agreement)
{
    g_autoptr(GBytes) der = seal_asn1_write(ASN1_ITEM_rptr(SealKeyAgreementTagged), agreement);
    ASN1_STRING *string = ASN1_STRING_type_new(V_ASN1_OTHER);
    ASN1_TYPE *any = ASN1_TYPE_new();

    ASN1_STRING_set(string, g_bytes_get_data(der, NULL), (int)g_bytes_get_size(der));
    ASN1_TYPE_set(any, V_ASN1_OTHER, string);
    return any;
}

ASN1_TYPE *
seal_key_agreement_new(X509 *certificate, const SealSecret *key)
{
    const Family *family = family_of(X509_get0_pubkey(certificate));
    g_autoptr(SealKeyAgreement) agreement = seal_asn1_new(ASN1_ITEM_rptr(SealKeyAgreement));
    EVP_PKEY *own = family ? new_key_pair(X509_get0_pubkey(certificate)) : NULL;
    ASN1_TYPE *made = NULL;

    ASN1_INTEGER_set(agreement->version, 3); /* RFC 5652 6.2.2: always */
    if (own && write_originator(family, own, agreement) &&
        write_key(family, own, certificate, key, agreement))
        made = pack(agreement);
    EVP_PKEY_free(own);
    return made;
}
