/* Which token or key a person means. */
#pragma once

#include "ipc/client/privyseal.h"

/* `name`: a token's label, serial number, slot, PKCS#11 URI or a hex prefix of its id (last element of
 * its object path); NULL: the one token that is present. NULL with NOT_FOUND, naming the
 * candidates, when none or several match; SEAL_USAGE_ERROR for a URI that cannot be read. */
const SealClientToken *seal_choose_token(const SealClientObjects *objects, const char *name,
                                         GError **error);

/* `name`: a key's label, PKCS#11 URI, or a hex prefix of its CKA_ID or of its id. `purpose`: "sign"
 * or "decrypt": keys that can do it come first; NULL: whatever they can do. Errors as above, and
 * KEY_USAGE when only keys of another purpose match. */
const SealClientKey *seal_choose_key(const SealClientObjects *objects, const char *name,
                                     const char *purpose, GError **error);

/* The id: the last element of an object path (borrowed). */
const char *seal_path_id(const char *path);
/* The label of a token, with its serial number where another token has the same label, or its slot
 * where that tells nothing either: "Alice (serial 0123)" (transfer full); "?" for NULL. */
char *seal_describe_token(const SealClientObjects *objects, const SealClientToken *token);
/* "'Alice sign' (id 1f2e3d4c, RSA 2048, on 'Blue')", for messages. (transfer full) */
char *seal_describe_key(const SealClientObjects *objects, const SealClientKey *key);
/* "RSA 2048", "P-256", "Ed25519". (transfer full) */
char *seal_describe_algorithm(const SealClientKey *key);
