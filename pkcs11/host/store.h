/* The tokens that are present and the keys on them, by the numbers that frames carry. Thread-safe:
 * what a lookup returns stays valid for the operation, also if the token goes meanwhile. */
#pragma once

#include <glib.h>

#include "pkcs11/host/public-key.h"
#include "pkcs11/host/slot.h"

/* Constant once it is in a store, but for `fitted`. */
typedef struct {
    gatomicrefcount references;
    SealSlot *slot;
    guint32 reference;
    SealPublicKey *public_key;
    CK_OBJECT_HANDLE handle; /* of the private key object; 0 if it was not seen yet */
    guint32 flags;           /* SealKeyFlags */
    guint32 mechanisms;      /* bit (1 << SealMechanism) */
    gint fitted;             /* atomic: a signature fitted its public half */
    gboolean needs_login;    /* CKA_PRIVATE */
    GBytes *id;
    char *label;
} SealHostKey;

/* A key without anything (transfer full), and its references; NULL may be unreferenced. */
SealHostKey *seal_host_key_new(void);
SealHostKey *seal_host_key_ref(SealHostKey *key);
void seal_host_key_unref(SealHostKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealHostKey, seal_host_key_unref)

typedef struct SealStore SealStore;

/* An empty store (transfer full); NULL may be freed. No operation may be under way then. */
SealStore *seal_store_new(void);
void seal_store_free(SealStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealStore, seal_store_free)

/* Numbers that were never given before. */
guint32 seal_store_next_reference(SealStore *store);

/* From here on the slot is found; the store keeps a reference. */
void seal_store_add_slot(SealStore *store, SealSlot *slot);
/* Forgets the slot and its keys. */
void seal_store_remove_slot(SealStore *store, SealSlot *slot);
/* Each (transfer full), NULL if there is none. */
SealSlot *seal_store_find_slot(SealStore *store, guint32 reference);
SealHostKey *seal_store_find_key(SealStore *store, guint32 reference);
/* The key with this public key on this slot. */
SealHostKey *seal_store_find_public_key(SealStore *store, const SealSlot *slot,
                                        const SealPublicKey *public_key);
/* All slots, (transfer full) of SealSlot* with free function. */
GPtrArray *seal_store_slots(SealStore *store);

/* Replaces the keys of `slot` by `keys` (of SealHostKey*). */
void seal_store_set_keys(SealStore *store, SealSlot *slot, const GPtrArray *keys);
