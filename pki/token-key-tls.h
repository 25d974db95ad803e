/* The client's side of TLS with a key on a token. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

/* Has `tls` show `certificate`, followed by `chain` (nullable), to servers that ask for one, and
 * prove it with `key` (seal_token_key_open()); it takes references of all three. It will speak
 * TLS 1.2 or later, and sign by SHA-2 only, as the agent does: a server that takes neither is left
 * before anybody is asked. FALSE with INVALID_INPUT if the key is not the certificate's. */
gboolean seal_token_key_use_in_tls(SSL_CTX *tls, EVP_PKEY *key, X509 *certificate,
                                   STACK_OF(X509) *chain, GError **error);
