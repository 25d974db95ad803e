/* In place of token-key.c in a build without libp11: says so. */
#include "base/error.h"
#include "pki/token-key.h"

EVP_PKEY *
seal_token_key_open(SealClient *client, const char *path, GError **error)
{
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                "cannot use keys on tokens through OpenSSL: this privyseal was built without "
                "libp11, build it with -Dlibp11=enabled");
    return NULL;
}
