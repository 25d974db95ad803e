/* What a token's key can sign in TLS is told to OpenSSL beforehand, so that it chooses that or ends
 * the handshake, in place of asking the agent for what it refuses. */
#include "pki/token-key-tls.h"

#include <openssl/err.h>

#include "base/error.h"
#include "pki/token-key.h"

/* Without SHA-1 and SHA-224, which TLS 1.2 knows as well. */
#define SIGNATURES                                                                                 \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"         \
    "RSA+SHA256:RSA+SHA384:RSA+SHA512"

gboolean
seal_token_key_use_in_tls(SSL_CTX *tls, EVP_PKEY *key, X509 *certificate, STACK_OF(X509) *chain,
                          GError **error)
{
    if (X509_check_private_key(certificate, key) != 1) {
        ERR_clear_error();
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "cannot log in by TLS: the certificate is not one of this key, take its own");
        return FALSE;
    }
    if (SSL_CTX_get_min_proto_version(tls) < TLS1_2_VERSION &&
        !SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION))
        return seal_token_key_set_error(error, "set up TLS");
    if (!SSL_CTX_set1_client_sigalgs_list(tls, SIGNATURES))
        return seal_token_key_set_error(error, "set up TLS");
    if (SSL_CTX_use_cert_and_key(tls, certificate, key, chain, 1) == 1)
        return TRUE;
    return seal_token_key_set_error(error, "use the key and the certificate together in TLS");
}
