/* The sender's half of RFC 5753, by OpenSSL: an ephemeral key on P-256, X9.63, AES-256
 * key wrap. */
#include "tests/module/agreement.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

/* RFC 5753 7.2 for id-aes256-wrap without parameters and ukm */
static const CK_BYTE shared_info[] = {0x30, 0x15, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86,
                                      0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d, 0xa2,
                                      0x06, 0x04, 0x04, 0x00, 0x00, 0x01, 0x00};

static GByteArray *
make_point(EVP_PKEY *key)
{
    CK_BYTE *point = NULL;
    gsize len = EVP_PKEY_get1_encoded_public_key(key, &point);
    GByteArray *array = g_byte_array_append(g_byte_array_new(), point, (guint)len);

    OPENSSL_free(point);
    return array;
}

static void
derive_wrapping_key(EVP_PKEY *ours, EVP_PKEY *theirs, const EVP_MD *hash, CK_BYTE out[32])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(ours, NULL);
    gsize len = 32;

    g_assert_cmpint(EVP_PKEY_derive_init(context), ==, 1);
    g_assert_cmpint(EVP_PKEY_derive_set_peer(context, theirs), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_ecdh_kdf_type(context, EVP_PKEY_ECDH_KDF_X9_63), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_ecdh_kdf_md(context, hash), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_ecdh_kdf_outlen(context, 32), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set0_ecdh_kdf_ukm(context,
                                                   OPENSSL_memdup(shared_info, sizeof shared_info),
                                                   sizeof shared_info),
                    ==, 1);
    g_assert_cmpint(EVP_PKEY_derive(context, out, &len), ==, 1);
    EVP_PKEY_CTX_free(context);
}

static GByteArray *
wrap(const CK_BYTE wrapping_key[32], const CK_BYTE key[32])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    CK_BYTE out[64];
    int len = 0;

    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    g_assert_cmpint(EVP_EncryptInit_ex(context, EVP_aes_256_wrap(), NULL, wrapping_key, NULL), ==,
                    1);
    g_assert_cmpint(EVP_EncryptUpdate(context, out, &len, key, 32), ==, 1);
    EVP_CIPHER_CTX_free(context);
    return g_byte_array_append(g_byte_array_new(), out, (guint)len);
}

ModuleAgreement
module_agreement_new(EVP_PKEY *recipient, const EVP_MD *kdf_hash)
{
    EVP_PKEY *ours = EVP_EC_gen("P-256");
    CK_BYTE wrapping_key[32];
    ModuleAgreement agreement = {.point = make_point(ours),
                                 .key = "a session key of thirty-two byt"};

    derive_wrapping_key(ours, recipient, kdf_hash, wrapping_key);
    agreement.shared = g_byte_array_append(g_byte_array_new(), shared_info, sizeof shared_info);
    agreement.wrapped = wrap(wrapping_key, agreement.key);
    EVP_PKEY_free(ours);
    return agreement;
}

void
module_agreement_clear(ModuleAgreement *agreement)
{
    g_byte_array_unref(agreement->point);
    g_byte_array_unref(agreement->shared);
    g_byte_array_unref(agreement->wrapped);
}
