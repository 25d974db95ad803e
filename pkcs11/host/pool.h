/* The worker threads: how many there are, and which of them listen on the channel. */
#pragma once

#include "pkcs11/host/host.h"

typedef struct SealPool SealPool;

/* Starts a pool with one worker. It grows with the load, up to the agent's wish or the token's
 * session limit. */
SealPool *seal_pool_new(SealHost *host);

/* Watches over the pool until the channel is closed; then waits up to 2 s for the operations that
 * are under way. Returns SEAL_HOST_EXIT_CLOSED or SEAL_HOST_EXIT_PROTOCOL. */
int seal_pool_run(SealPool *pool);

/* Frees the pool. FALSE if a worker is still in the module: then nothing is freed, and the module
 * must not be finalised under it. */
gboolean seal_pool_free(SealPool *pool);

/* The number of sessions that may be in use at once. */
guint seal_pool_size(SealHost *host);
