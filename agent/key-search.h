/* Which keys does a FindKeys query mean? Answered from the registry's memory. */
#pragma once

#include <glib.h>

#include "agent/registry.h"

/* Everything given must match; data NULL (or NULL) is not asked for. Borrowed. */
typedef struct {
    SealBytes issuer;          /* DER Name, with serial */
    SealBytes serial;          /* content octets of the INTEGER */
    SealBytes subject_key_id;  /* of a certificate, or CKA_ID */
    SealBytes public_key_hash; /* SHA-256 of the SubjectPublicKeyInfo */
    const char *address;
    const char *purpose; /* "sign" or "decrypt" */
} SealKeySearch;

/* FALSE with INVALID_INPUT if the query makes no sense: a hash that is not 32 bytes, issuer without
 * serial or the other way round, an unknown purpose. */
gboolean seal_key_search_check(const SealKeySearch *query, GError **error);

/* TRUE if `key` is what a checked `query` asks for. */
gboolean seal_key_search_matches(const SealKeySearch *query, const SealKeyObject *key);
