/* Keys of the agent as private keys of OpenSSL, for what knows no other: certificate requests, CMP,
 * the client's side of TLS. They come by libp11 over privyseal-pkcs11.so, which is loaded into this
 * process; it asks the agent as every program does, and so the agent asks its person. */
#pragma once

#include <openssl/evp.h>

#include "ipc/client/privyseal.h"

/* Opens the agent's key at the object path `path` (SealClientKey) for signing: RSA (PKCS#1 v1.5 and
 * PSS) and ECDSA, by SHA-256, SHA-384 or SHA-512. Raw RSA and ECDH are refused when they are
 * tried, unless a rule of the agent opens them. Nobody is asked before the key is used.
 *
 * Returns the key (transfer full), which lives until the last EVP_PKEY_free(), longer than `client`
 * if need be. It is shared by EVP_PKEY_up_ref(), never by EVP_PKEY_dup(): libp11 frees its own with
 * the copy. NULL with NOT_FOUND; KEY_USAGE for a key that does not sign; NOT_SUPPORTED for other
 * kinds of keys, and in a build without libp11; TOKEN_REMOVED while its token is not there;
 * MODULE_FAILED if the module cannot be loaded or does not show the key; or what seal_client_list()
 * says. Blocks as that does. All of these keys belong to one thread. */
EVP_PKEY *seal_token_key_open(SealClient *client, const char *path, GError **error);

/* After an operation of OpenSSL with such a key failed: sets `error` from what lies in this
 * thread's queue of errors, and empties it. `action` is what could not be done: "sign the request".
 * CANCELLED, DENIED, PIN_INCORRECT, PIN_BLOCKED, PIN_REQUIRED, TOKEN_REMOVED, KEY_USAGE,
 * NOT_SUPPORTED or MODULE_FAILED as the agent said, else FAILED. Returns FALSE. */
gboolean seal_token_key_set_error(GError **error, const char *action);
