/* A SealSecret under the name that the public header knows. */
#include "ipc/client/session-key.h"

struct SealSessionKey {
    SealSecret *secret;
};

SealSessionKey *
seal_session_key_new(SealSecret *secret)
{
    SealSessionKey *key = NULL;

    if (!secret)
        return NULL;
    key = g_new0(SealSessionKey, 1);
    key->secret = secret;
    return key;
}

const guint8 *
seal_session_key_data(const SealSessionKey *key)
{
    return seal_secret_peek(key->secret);
}

gsize
seal_session_key_len(const SealSessionKey *key)
{
    return seal_secret_len(key->secret);
}

void
seal_session_key_free(SealSessionKey *key)
{
    if (!key)
        return;
    seal_secret_free(key->secret);
    g_free(key);
}
