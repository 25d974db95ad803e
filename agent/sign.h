/* Signing with a key on a token: what is asked must fit the key exactly before anything else
 * happens. */
#pragma once

#include <glib.h>

#include "agent/key-use.h"
#include "base/bytes.h"

/* What Key.Sign brings (ipc/org.privyseal.Agent1.Key.xml). Everything pointed to must stay until
 * the use has ended. */
typedef struct {
    const char *mechanism; /* D-Bus name */
    const char *hash;      /* (nullable) D-Bus name */
    gboolean has_salt_len;
    guint32 salt_len;
    SealBytes data; /* digest, or message for ed25519 */
} SealSignAsk;

/* As seal_key_use_start(); `done` gets the signature. */
SealKeyUse *seal_sign_async(const SealKeyUseContext *context, const SealKeyUseAsk *ask,
                            const SealSignAsk *query, SealKeyUseFunc done, gpointer user_data);
