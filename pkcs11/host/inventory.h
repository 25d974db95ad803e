/* What is on a token: its keys and certificates, read object by object and put together. */
#pragma once

#include <glib.h>

#include "pkcs11/host/store.h"
#include "pkcs11/wire/messages.h"

/* Objects of one class that are looked at; what is beyond is left out. */
#define SEAL_OBJECTS_MAX 512u

typedef struct {
    GPtrArray *keys;         /* of SealHostKey */
    GPtrArray *certificates; /* of SealCertificateInfo */
    GPtrArray *left_out;     /* of char *: sentences, SEAL_LIST_MAX at the most */
} SealInventory;

/* Reads the token through `session`. Keys that `store` knows already keep their references. Objects
 * that cannot be used are left out, each with a sentence why. NULL with the return value if the token
 * does not answer. Blocks on the token. */
SealInventory *seal_inventory_read(SealStore *store, SealSlot *slot, CK_SESSION_HANDLE session,
                                   CK_RV *ret_rv);
void seal_inventory_free(SealInventory *inventory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealInventory, seal_inventory_free)

/* The frames' fields of a key. `ret_info` borrows from `key`. */
void seal_host_key_describe(const SealHostKey *key, SealKeyInfo *ret_info);
