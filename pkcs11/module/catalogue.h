/* What is there at one moment: slots and objects. Made whole, never changed, counted. */
#pragma once

#include "ipc/client/privyseal.h"
#include "pkcs11/module/item.h"

typedef struct {
    CK_SLOT_ID id;
    char *path; /* object path of its token; NULL if it never held one */
    gboolean present;
    guint insertion; /* grows whenever a token comes or goes: a session belongs to one number */
    /* as the agent tells of a token that is present; NULL if none is */
    char *label, *manufacturer, *model, *serial;
    gboolean blocked;
} SealSlotView;

typedef struct {
    GPtrArray *slots;      /* of SealSlotView*, by id */
    GPtrArray *items;      /* of SealItem* */
    GHashTable *by_handle; /* handle -> SealItem* (borrowed) */
} SealCatalogue;

/* Counts another holder, or one less (NULL is allowed). */
SealCatalogue *seal_catalogue_ref(SealCatalogue *catalogue);
void seal_catalogue_unref(SealCatalogue *catalogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCatalogue, seal_catalogue_unref)

/* Where handles come from: the same object keeps its handle as long as the program runs. */
typedef struct {
    GHashTable *handles; /* text -> handle */
    gulong last;
} SealHandles;

/* `slots` (transfer full): of SealSlotView*; `objects` (nullable): what the agent listed.
 * (transfer full) */
SealCatalogue *seal_catalogue_new(GPtrArray *slots, const SealClientObjects *objects,
                                  SealHandles *handles);
void seal_slot_view_free(SealSlotView *slot);

/* NULL if there is none. Borrowed. */
const SealSlotView *seal_catalogue_slot(const SealCatalogue *catalogue, CK_SLOT_ID id);
SealItem *seal_catalogue_item(const SealCatalogue *catalogue, CK_OBJECT_HANDLE handle);
/* The raw operations that some key in this slot is open for: a set of SealOpenRaw. */
guint seal_catalogue_raw(const SealCatalogue *catalogue, CK_SLOT_ID id);
