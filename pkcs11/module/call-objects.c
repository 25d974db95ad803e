/* Searching and reading objects, all from memory. */
#include "pkcs11/module/guest.h"
#include "pkcs11/module/secret-key.h"

static gboolean
is_template_bad(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    if (!template)
        return count > 0;
    for (CK_ULONG i = 0; i < count; i++)
        if (!template[i].pValue && template[i].ulValueLen > 0)
            return TRUE;
    return FALSE;
}

/* PKCS#11 3.0 4.2: profiles are found by those who ask for them. */
static gboolean
asks_for_class(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].type == CKA_CLASS)
            return TRUE;
    return FALSE;
}

/* What one search sees of the catalogue. */
static gboolean
is_shown(const SealGuest *guest, const SealItem *item, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    if (item->class == SEAL_CKO_PROFILE)
        return asks_for_class(template, count);
    if (guest->serves_libp11 && count == 1 && template[0].type == CKA_CLASS)
        return item->algorithm != SEAL_ALGORITHM_ED25519 &&
               item->algorithm != SEAL_ALGORITHM_X25519;
    return TRUE;
}

static GArray *
search(const SealGuest *guest, const SealCatalogue *catalogue, const SealSession *session,
       const CK_ATTRIBUTE *template, CK_ULONG count)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(CK_OBJECT_HANDLE));
    GHashTableIter iter;
    SealSecretKey *secret = NULL;

    for (guint i = 0; i < catalogue->items->len; i++) {
        const SealItem *item = catalogue->items->pdata[i];

        if (item->slot == session->slot && is_shown(guest, item, template, count) &&
            seal_item_matches(item, template, count))
            g_array_append_val(found, item->handle);
    }
    g_hash_table_iter_init(&iter, guest->sessions.objects);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&secret))
        if (secret->item->slot == session->slot && seal_item_matches(secret->item, template, count))
            g_array_append_val(found, secret->item->handle);
    return found;
}

CK_RV
C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);

    if (!session)
        return rv;
    if (is_template_bad(template, count)) {
        rv = CKR_ARGUMENTS_BAD;
    } else if (session->found) {
        rv = CKR_OPERATION_ACTIVE;
    } else {
        session->found = search(guest, catalogue, session, template, count);
        session->found_next = 0;
    }
    seal_lock_release(&guest->lock);
    return rv;
}

static CK_RV
hand_out(SealSession *session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *ret_count)
{
    CK_ULONG n = 0;

    if (!session->found)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (!ret_count || (!objects && max > 0))
        return CKR_ARGUMENTS_BAD;
    while (n < max && session->found_next < session->found->len)
        objects[n++] = g_array_index(session->found, CK_OBJECT_HANDLE, session->found_next++);
    *ret_count = n;
    return CKR_OK;
}

CK_RV
C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, CK_ULONG max,
              CK_ULONG *ret_count)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    rv = hand_out(session, objects, max, ret_count);
    seal_lock_release(&guest->lock);
    return rv;
}

CK_RV
C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    if (!session->found)
        rv = CKR_OPERATION_NOT_INITIALIZED;
    g_clear_pointer(&session->found, g_array_unref);
    seal_lock_release(&guest->lock);
    return rv;
}

/* -- one object ------------------------------------------------------------------------------ */

/* Exactly one of the two, if the handle is one of the session's slot. Borrowed. */
static gboolean
find_object(const SealGuest *guest, const SealCatalogue *catalogue, const SealSession *session,
            CK_OBJECT_HANDLE handle, SealItem **ret_item, SealSecretKey **ret_secret)
{
    *ret_secret = g_hash_table_lookup(guest->sessions.objects, GSIZE_TO_POINTER(handle));
    *ret_item = *ret_secret ? (*ret_secret)->item : seal_catalogue_item(catalogue, handle);
    return *ret_item && (*ret_item)->slot == session->slot;
}

CK_RV
C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                    CK_ULONG count)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);
    SealSecretKey *secret = NULL;
    SealItem *item = NULL;

    if (!session)
        return rv;
    if (!template && count > 0)
        rv = CKR_ARGUMENTS_BAD;
    else if (!find_object(guest, catalogue, session, object, &item, &secret))
        rv = CKR_OBJECT_HANDLE_INVALID;
    else
        rv = secret ? seal_secret_key_read(secret, template, count)
                    : seal_item_read(item, template, count);
    seal_lock_release(&guest->lock);
    return rv;
}

CK_RV
C_GetObjectSize(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ULONG *ret_size)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);
    SealSecretKey *secret = NULL;
    SealItem *item = NULL;

    if (!session)
        return rv;
    if (!ret_size)
        rv = CKR_ARGUMENTS_BAD;
    else if (!find_object(guest, catalogue, session, object, &item, &secret))
        rv = CKR_OBJECT_HANDLE_INVALID;
    else
        *ret_size = seal_item_size(item);
    seal_lock_release(&guest->lock);
    return rv;
}

CK_RV
C_DestroyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);
    SealSecretKey *secret = NULL;
    SealItem *item = NULL;

    if (!session)
        return rv;
    if (!find_object(guest, catalogue, session, object, &item, &secret))
        rv = CKR_OBJECT_HANDLE_INVALID;
    else if (!secret)
        rv = CKR_TOKEN_WRITE_PROTECTED;
    else
        (void)g_hash_table_remove(guest->sessions.objects, GSIZE_TO_POINTER(object));
    seal_lock_release(&guest->lock);
    return rv;
}

CK_RV
C_SetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
                    CK_ULONG count)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);
    SealSecretKey *secret = NULL;
    SealItem *item = NULL;

    if (!session)
        return rv;
    if (!template && count > 0)
        rv = CKR_ARGUMENTS_BAD;
    else if (!find_object(guest, catalogue, session, object, &item, &secret))
        rv = CKR_OBJECT_HANDLE_INVALID;
    else
        rv = secret ? CKR_ATTRIBUTE_READ_ONLY : CKR_TOKEN_WRITE_PROTECTED;
    seal_lock_release(&guest->lock);
    return rv;
}
