/* Thin covers over OpenSSL that fix the parameters CMS uses. */
#include "pkcs11/host/key-derivation.h"

#include <openssl/core_names.h>
#include <string.h>

#include "pkcs11/host/openssl.h"

static gboolean
derive(const char *method, OSSL_PARAM *parameters, guint8 *out, gsize len)
{
    g_autoptr(EVP_KDF) kdf = EVP_KDF_fetch(NULL, method, NULL);
    g_autoptr(EVP_KDF_CTX) context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;

    return context && EVP_KDF_derive(context, out, len, parameters) == 1;
}

static OSSL_PARAM
octets(const char *name, SealBytes bytes)
{
    static guint8 nothing;

    return OSSL_PARAM_construct_octet_string(name, bytes.len > 0 ? (void *)bytes.data : &nothing,
                                             bytes.len);
}

gboolean
seal_derive_x963(SealHash hash, SealBytes shared_secret, SealBytes shared_info, guint8 *out,
                 gsize len)
{
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)seal_hash_name(hash), 0),
        octets(OSSL_KDF_PARAM_KEY, shared_secret),
        octets(OSSL_KDF_PARAM_INFO, shared_info),
        OSSL_PARAM_construct_end(),
    };

    return derive("X963KDF", parameters, out, len);
}

gboolean
seal_derive_hkdf(SealHash hash, SealBytes shared_secret, SealBytes salt, SealBytes shared_info,
                 guint8 *out, gsize len)
{
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)seal_hash_name(hash), 0),
        octets(OSSL_KDF_PARAM_KEY, shared_secret),
        octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, shared_info),
        OSSL_PARAM_construct_end(),
    };

    return derive("HKDF", parameters, out, len);
}

static const EVP_CIPHER *
wrap_cipher(gsize key_len)
{
    return key_len == 16   ? EVP_aes_128_wrap()
           : key_len == 24 ? EVP_aes_192_wrap()
           : key_len == 32 ? EVP_aes_256_wrap()
                           : NULL;
}

gboolean
seal_aes_unwrap(const guint8 *key, gsize key_len, SealBytes wrapped, guint8 *out, gsize room,
                gsize *ret_len)
{
    const EVP_CIPHER *cipher = wrap_cipher(key_len);
    g_autoptr(EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new();
    int len = 0;

    /* At least two blocks of eight bytes, and the check block. */
    if (!cipher || !context || wrapped.len < 24 || wrapped.len % 8 != 0 || wrapped.len > room)
        return FALSE;
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_DecryptInit_ex2(context, cipher, key, NULL, NULL) != 1 ||
        EVP_DecryptUpdate(context, out, &len, wrapped.data, (int)wrapped.len) != 1 ||
        len != (int)wrapped.len - 8)
        return FALSE;
    *ret_len = (gsize)len;
    return TRUE;
}
