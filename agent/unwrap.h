/* Opening the session key of one CMS recipient with a key on a token. */
#pragma once

#include <glib.h>

#include "agent/key-use.h"
#include "base/bytes.h"

/* What Key.Unwrap brings (ipc/org.privyseal.Agent1.Key.xml); an absent option has data NULL.
 * Everything pointed to must stay until the use has ended. */
typedef struct {
    SealBytes algorithm; /* DER AlgorithmIdentifier */
    SealBytes encrypted_key;
    SealBytes originator; /* DER SEQUENCE { AlgorithmIdentifier, BIT STRING } */
    SealBytes ukm;
    SealBytes content_encryption; /* DER AlgorithmIdentifier */
    SealBytes seal_to;            /* X25519 public key, 32 bytes */
    gboolean must_seal;           /* the answer crosses the shared bus */
} SealUnwrapAsk;

/* As seal_key_use_start(); `done` gets the session key, or the sealed box with seal_to. */
SealKeyUse *seal_unwrap_async(const SealKeyUseContext *context, const SealKeyUseAsk *ask,
                              const SealUnwrapAsk *query, SealKeyUseFunc done, gpointer user_data);
