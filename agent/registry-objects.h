/* Inside the registry: its tables, and how a token's description becomes objects in them. */
#pragma once

#include "agent/registry.h"

#define SEAL_REGISTRY_LISTENERS_MAX 5

typedef struct {
    const SealRegistryEvents *events;
    gpointer user_data;
} SealRegistryListener;

/* A token object with what only the registry needs. */
typedef struct {
    SealTokenObject object;
    SealModule *owner; /* that served it last */
} SealTokenEntry;

struct SealRegistry {
    SealRegistryListener listeners[SEAL_REGISTRY_LISTENERS_MAX];
    guint n_listeners;
    const SealRegistryLaneEvents *lane_events; /* (nullable) */
    gpointer lane_data;
    SealLoop *loop;           /* of the modules */
    GPtrArray *modules;       /* of SealModule * (owned) */
    GHashTable *settled;      /* set of SealModule *: told their first tokens, or failed */
    GPtrArray *cards;         /* of char *: readers that have a card, as a host told them last */
    GPtrArray *present;       /* of SealToken * (owned references): all that are alive */
    GHashTable *tokens;       /* id -> SealTokenEntry * (owned) */
    GHashTable *keys;         /* id -> SealKeyObject * (owned) */
    GHashTable *certificates; /* id -> SealCertificateObject * (owned) */
    GList *waiters;           /* registry.c */
    GList *scans;
    guint last_waiter;
    guint idle;
};

/* Calls `member` of every listener that has it. */
#define SEAL_REGISTRY_TELL(registry, member, ...)                                                  \
    G_STMT_START                                                                                   \
    {                                                                                              \
        for (guint listener_ = 0; listener_ < (registry)->n_listeners; listener_++)                \
            if ((registry)->listeners[listener_].events->member)                                   \
                (registry)->listeners[listener_].events->member(                                   \
                    __VA_ARGS__, (registry)->listeners[listener_].user_data);                      \
    }                                                                                              \
    G_STMT_END

/* Finds or makes the object of `token`; tells nothing. */
SealTokenEntry *seal_registry_enter_token(SealRegistry *registry, const SealToken *token,
                                          gboolean *ret_is_new);
/* Takes the description of `entry`'s present token: its fields, keys and certificates; tells what is
 * new, changed and gone. `is_new`: the token object itself is to be told as added. */
void seal_registry_take_token(SealRegistry *registry, SealTokenEntry *entry, gboolean is_new);

/* A signature of the key with number `reference` on `token` fitted, or not; tells what that changes. */
void seal_registry_note_tried(SealRegistry *registry, const SealToken *token, guint32 reference,
                              gboolean fits);
/* Every key has the benefit of the doubt again; tells what that changes. */
void seal_registry_forget_doubts(SealRegistry *registry);

/* Free an object with all that it owns; what others are borrowed by is untouched. */
void seal_token_entry_free(SealTokenEntry *entry);
void seal_key_object_free(SealKeyObject *key);
void seal_certificate_object_free(SealCertificateObject *certificate);
