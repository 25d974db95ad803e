/* Objects are listed slot by slot: a profile object, then keys in both halves and certificates. One
 * certificate on two tokens is two objects here, as each has its own slot. */
#include "pkcs11/module/catalogue.h"

#include "pkcs11/module/token-objects.h"

SealCatalogue *
seal_catalogue_ref(SealCatalogue *catalogue)
{
    return g_atomic_rc_box_acquire(catalogue);
}

void
seal_slot_view_free(SealSlotView *slot)
{
    if (!slot)
        return;
    g_free(slot->path);
    g_free(slot->label);
    g_free(slot->manufacturer);
    g_free(slot->model);
    g_free(slot->serial);
    g_free(slot);
}

static void
clear_catalogue(gpointer data)
{
    SealCatalogue *catalogue = data;

    g_hash_table_unref(catalogue->by_handle);
    g_ptr_array_unref(catalogue->items);
    g_ptr_array_unref(catalogue->slots);
}

void
seal_catalogue_unref(SealCatalogue *catalogue)
{
    if (catalogue)
        g_atomic_rc_box_release_full(catalogue, clear_catalogue);
}

const SealSlotView *
seal_catalogue_slot(const SealCatalogue *catalogue, CK_SLOT_ID id)
{
    for (guint i = 0; i < catalogue->slots->len; i++) {
        const SealSlotView *slot = catalogue->slots->pdata[i];

        if (slot->id == id)
            return slot;
    }
    return NULL;
}

SealItem *
seal_catalogue_item(const SealCatalogue *catalogue, CK_OBJECT_HANDLE handle)
{
    return g_hash_table_lookup(catalogue->by_handle, GSIZE_TO_POINTER(handle));
}

guint
seal_catalogue_raw(const SealCatalogue *catalogue, CK_SLOT_ID id)
{
    guint set = 0;

    for (guint i = 0; i < catalogue->items->len; i++) {
        const SealItem *item = catalogue->items->pdata[i];

        if (item->slot == id)
            set |= item->raw;
    }
    return set;
}

/* -- making ------------------------------------------------------------------------ */

typedef struct {
    SealCatalogue *catalogue;
    const SealClientObjects *objects;
    SealHandles *handles;
    const SealSlotView *slot;
} Listing;

static CK_OBJECT_HANDLE
find_handle(const Listing *listing, CK_OBJECT_CLASS class, const char *path)
{
    SealHandles *handles = listing->handles;
    g_autofree char *name = g_strdup_printf("%s %s %lu", listing->slot->path, path, class);
    gulong handle = GPOINTER_TO_SIZE(g_hash_table_lookup(handles->handles, name));

    if (handle == 0) {
        handle = ++handles->last;
        g_hash_table_insert(handles->handles, g_steal_pointer(&name), GSIZE_TO_POINTER(handle));
    }
    return handle;
}

/* Takes `item` (nullable). */
static void
add(const Listing *listing, SealItem *item, const char *path)
{
    SealCatalogue *catalogue = listing->catalogue;

    if (!item)
        return;
    item->slot = listing->slot->id;
    item->handle = find_handle(listing, item->class, path);
    g_ptr_array_add(catalogue->items, item);
    g_hash_table_insert(catalogue->by_handle, GSIZE_TO_POINTER(item->handle), item);
}

static const SealClientKey *
find_key(const SealClientObjects *objects, const char *path)
{
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];

        if (g_str_equal(key->path, path))
            return key;
    }
    return NULL;
}

static const SealClientCertificate *
find_certificate_of(const SealClientObjects *objects, const char *key)
{
    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];

        if (g_str_equal(certificate->key, key))
            return certificate;
    }
    return NULL;
}

static void
list_token(const Listing *listing)
{
    const SealClientObjects *objects = listing->objects;
    const char *path = listing->slot->path;

    add(listing, seal_object_of_profile(), "profile");
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];
        const SealClientCertificate *certificate = find_certificate_of(objects, key->path);

        if (!g_str_equal(key->token, path))
            continue;
        add(listing, seal_object_of_private_key(key, certificate), key->path);
        add(listing, seal_object_of_public_key(key, certificate), key->path);
    }
    for (guint i = 0; i < objects->certificates->len; i++) {
        const SealClientCertificate *certificate = objects->certificates->pdata[i];

        if (g_strv_contains((const char *const *)certificate->tokens, path))
            add(listing,
                seal_object_of_certificate(certificate, find_key(objects, certificate->key)),
                certificate->path);
    }
}

SealCatalogue *
seal_catalogue_new(GPtrArray *slots, const SealClientObjects *objects, SealHandles *handles)
{
    SealCatalogue *catalogue = g_atomic_rc_box_new0(SealCatalogue);

    catalogue->slots = slots;
    catalogue->items = g_ptr_array_new_with_free_func((GDestroyNotify)seal_item_unref);
    catalogue->by_handle = g_hash_table_new(NULL, NULL);
    for (guint i = 0; objects && i < slots->len; i++) {
        const Listing listing = {catalogue, objects, handles, slots->pdata[i]};

        if (listing.slot->present)
            list_token(&listing);
    }
    return catalogue;
}
