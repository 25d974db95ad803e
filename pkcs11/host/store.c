/* Two small tables behind one lock, held for a lookup only, never during a call of the module. */
#include "pkcs11/host/store.h"

struct SealStore {
    GMutex lock;
    GPtrArray *slots; /* of SealSlot */
    GHashTable *keys; /* reference -> SealHostKey */
    guint32 last_reference;
};

SealHostKey *
seal_host_key_new(void)
{
    SealHostKey *key = g_new0(SealHostKey, 1);

    g_atomic_ref_count_init(&key->references);
    return key;
}

SealHostKey *
seal_host_key_ref(SealHostKey *key)
{
    g_atomic_ref_count_inc(&key->references);
    return key;
}

void
seal_host_key_unref(SealHostKey *key)
{
    if (!key || !g_atomic_ref_count_dec(&key->references))
        return;
    seal_slot_unref(key->slot);
    seal_public_key_unref(key->public_key);
    g_clear_pointer(&key->id, g_bytes_unref);
    g_free(key->label);
    g_free(key);
}

SealStore *
seal_store_new(void)
{
    SealStore *store = g_new0(SealStore, 1);

    g_mutex_init(&store->lock);
    store->slots = g_ptr_array_new_with_free_func((GDestroyNotify)seal_slot_unref);
    store->keys = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)seal_host_key_unref);
    return store;
}

void
seal_store_free(SealStore *store)
{
    if (!store)
        return;
    g_hash_table_unref(store->keys);
    g_ptr_array_unref(store->slots);
    g_mutex_clear(&store->lock);
    g_free(store);
}

guint32
seal_store_next_reference(SealStore *store)
{
    guint32 next = 0;

    g_mutex_lock(&store->lock);
    next = ++store->last_reference;
    g_mutex_unlock(&store->lock);
    return next;
}

void
seal_store_add_slot(SealStore *store, SealSlot *slot)
{
    g_mutex_lock(&store->lock);
    g_ptr_array_add(store->slots, seal_slot_ref(slot));
    g_mutex_unlock(&store->lock);
}

static gboolean
is_of_slot(gpointer reference, gpointer value, gpointer slot)
{
    return ((SealHostKey *)value)->slot == slot;
}

void
seal_store_remove_slot(SealStore *store, SealSlot *slot)
{
    g_mutex_lock(&store->lock);
    g_hash_table_foreach_remove(store->keys, is_of_slot, slot);
    g_ptr_array_remove(store->slots, slot);
    g_mutex_unlock(&store->lock);
}

SealSlot *
seal_store_find_slot(SealStore *store, guint32 reference)
{
    SealSlot *found = NULL;

    g_mutex_lock(&store->lock);
    for (guint i = 0; i < store->slots->len && !found; i++) {
        SealSlot *slot = store->slots->pdata[i];

        if (slot->info.reference == reference)
            found = seal_slot_ref(slot);
    }
    g_mutex_unlock(&store->lock);
    return found;
}

SealHostKey *
seal_store_find_key(SealStore *store, guint32 reference)
{
    SealHostKey *key = NULL;

    g_mutex_lock(&store->lock);
    key = g_hash_table_lookup(store->keys, GUINT_TO_POINTER(reference));
    if (key)
        seal_host_key_ref(key);
    g_mutex_unlock(&store->lock);
    return key;
}

SealHostKey *
seal_store_find_public_key(SealStore *store, const SealSlot *slot, const SealPublicKey *public_key)
{
    GHashTableIter iter;
    gpointer value = NULL;
    SealHostKey *found = NULL;

    g_mutex_lock(&store->lock);
    g_hash_table_iter_init(&iter, store->keys);
    while (!found && g_hash_table_iter_next(&iter, NULL, &value)) {
        SealHostKey *key = value;

        if (key->slot == slot && seal_public_key_equal(key->public_key, public_key))
            found = seal_host_key_ref(key);
    }
    g_mutex_unlock(&store->lock);
    return found;
}

GPtrArray *
seal_store_slots(SealStore *store)
{
    GPtrArray *slots = g_ptr_array_new_with_free_func((GDestroyNotify)seal_slot_unref);

    g_mutex_lock(&store->lock);
    for (guint i = 0; i < store->slots->len; i++)
        g_ptr_array_add(slots, seal_slot_ref(store->slots->pdata[i]));
    g_mutex_unlock(&store->lock);
    return slots;
}

void
seal_store_set_keys(SealStore *store, SealSlot *slot, const GPtrArray *keys)
{
    g_mutex_lock(&store->lock);
    g_hash_table_foreach_remove(store->keys, is_of_slot, slot);
    for (guint i = 0; i < keys->len; i++) {
        SealHostKey *key = keys->pdata[i];

        g_hash_table_insert(store->keys, GUINT_TO_POINTER(key->reference), seal_host_key_ref(key));
    }
    g_mutex_unlock(&store->lock);
}
