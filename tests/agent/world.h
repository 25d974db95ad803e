/* An agent over Alice's token, and a stock client of it, for tests of what is done with keys. */
#pragma once

#include <openssl/evp.h>

#include "tests/agent/dbus.h"

typedef struct {
    SealTestHome *home;
    GDBusConnection *connection; /* to the private socket */
} World;

/* An agent whose person types the right PIN. `groups` (nullable) is added to its configuration. */
void world_init(World *world, const char *groups);
void world_clear(World *world);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

/* The public half of the key at this path (transfer full). */
EVP_PKEY *world_public_key(World *world, const char *key);
