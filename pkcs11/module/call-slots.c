/* Slots and tokens: what C_GetSlotList and its neighbours tell.
 *
 * Flags follow what programs do with them. No CKF_LOGIN_REQUIRED: OpenSSH would not take an empty
 * PIN. CKF_PROTECTED_AUTHENTICATION_PATH: a program that logs in all the same asks for no PIN. No
 * CKF_RNG: NSS would draw its randomness from the token. CKF_REMOVABLE_DEVICE: NSS looks only at
 * such slots again. */
#include <config.h>
#include <poll.h>
#include <string.h>

#include "pkcs11/module/guest.h"
#include "pkcs11/module/mechanisms.h"
#include "pkcs11/module/text.h"

/* Slots with a token come first: some programs take the first of the list. */
static CK_ULONG
list_slots(const SealCatalogue *catalogue, gboolean only_present, CK_SLOT_ID *list)
{
    CK_ULONG count = 0;

    for (int present = 1; present >= (only_present ? 1 : 0); present--) {
        for (guint i = 0; i < catalogue->slots->len; i++) {
            const SealSlotView *slot = catalogue->slots->pdata[i];

            if (slot->present != present)
                continue;
            if (list)
                list[count] = slot->id;
            count++;
        }
    }
    return count;
}

CK_RV
C_GetSlotList(CK_BBOOL only_present, CK_SLOT_ID *list, CK_ULONG *count)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_ULONG room = 0;

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!count)
        return CKR_ARGUMENTS_BAD;
    catalogue = seal_guest_catalogue(guest);
    if (!catalogue)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    room = *count;
    *count = list_slots(catalogue, only_present, NULL);
    if (!list)
        return CKR_OK;
    if (room < *count)
        return CKR_BUFFER_TOO_SMALL;
    (void)list_slots(catalogue, only_present, list);
    return CKR_OK;
}

CK_RV
C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    g_autofree char *description = NULL;
    const SealSlotView *slot = NULL;

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    catalogue = seal_guest_catalogue(guest);
    if (!catalogue)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    slot = seal_catalogue_slot(catalogue, id);
    if (!slot)
        return CKR_SLOT_ID_INVALID;
    /* NSS wants a name of its own for each slot, and one that stays. */
    description = g_strdup_printf("Privy Seal %lu", id);
    memset(info, 0, sizeof *info);
    SEAL_TEXT_PAD(info->slotDescription, description);
    SEAL_TEXT_PAD(info->manufacturerID, "Privy Seal");
    info->flags = CKF_REMOVABLE_DEVICE | CKF_HW_SLOT | (slot->present ? CKF_TOKEN_PRESENT : 0);
    info->firmwareVersion = seal_text_version(SEAL_VERSION);
    return CKR_OK;
}

/* The slot, if it has a token. */
static CK_RV
find_present(const SealCatalogue *catalogue, CK_SLOT_ID id, const SealSlotView **ret_slot)
{
    *ret_slot = seal_catalogue_slot(catalogue, id);
    if (!*ret_slot)
        return CKR_SLOT_ID_INVALID;
    return (*ret_slot)->present ? CKR_OK : CKR_TOKEN_NOT_PRESENT;
}

static void
describe_token(const SealSlotView *slot, CK_TOKEN_INFO *info)
{
    memset(info, 0, sizeof *info);
    SEAL_TEXT_PAD(info->label, slot->label);
    SEAL_TEXT_PAD(info->manufacturerID, slot->manufacturer);
    SEAL_TEXT_PAD(info->model, slot->model);
    SEAL_TEXT_PAD(info->serialNumber, slot->serial);
    SEAL_TEXT_PAD(info->utcTime, "");
    info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_WRITE_PROTECTED |
                  CKF_PROTECTED_AUTHENTICATION_PATH | (slot->blocked ? CKF_USER_PIN_LOCKED : 0);
    info->ulMaxSessionCount = SEAL_SESSIONS_MAX;
    info->ulMaxRwSessionCount = SEAL_SESSIONS_MAX;
    info->ulMaxPinLen = 255;
    info->ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->firmwareVersion = seal_text_version(SEAL_VERSION);
}

CK_RV
C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    const SealSlotView *slot = NULL;
    CK_RV rv = CKR_OK;

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    catalogue = seal_guest_catalogue(guest);
    if (!catalogue)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    rv = find_present(catalogue, id, &slot);
    if (rv != CKR_OK)
        return rv;
    describe_token(slot, info);
    seal_lock_take(&guest->lock);
    info->ulSessionCount = seal_sessions_count(&guest->sessions, id, FALSE);
    info->ulRwSessionCount = seal_sessions_count(&guest->sessions, id, TRUE);
    seal_lock_release(&guest->lock);
    return CKR_OK;
}

CK_RV
C_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    const SealSlotView *slot = NULL;
    CK_RV rv = CKR_OK;

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!count)
        return CKR_ARGUMENTS_BAD;
    catalogue = seal_guest_catalogue(guest);
    if (!catalogue)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    rv = find_present(catalogue, id, &slot);
    return rv == CKR_OK ? seal_mechanisms_list(seal_catalogue_raw(catalogue, id), list, count) : rv;
}

CK_RV
C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    const SealSlotView *slot = NULL;
    CK_RV rv = CKR_OK;

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    catalogue = seal_guest_catalogue(guest);
    if (!catalogue)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    rv = find_present(catalogue, id, &slot);
    return rv == CKR_OK ? seal_mechanism_describe(type, seal_catalogue_raw(catalogue, id), info)
                        : rv;
}

/* -- events -------------------------------------------------------------------------------- */

/* TRUE with a slot; FALSE with what to wait for. */
static gboolean
take_event(SealGuest *guest, CK_SLOT_ID *ret_slot, int *ret_fd, int *ret_timeout_ms)
{
    g_autoptr(SealLocked) locked = seal_locked_new(&guest->view_lock);

    seal_catalogue_unref(seal_view_get(&guest->view));
    *ret_fd = seal_client_get_fd(guest->view.client);
    *ret_timeout_ms = seal_view_patience_ms(&guest->view);
    return seal_view_take_event(&guest->view, ret_slot);
}

CK_RV
C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *ret_slot, void *reserved)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!ret_slot || reserved)
        return CKR_ARGUMENTS_BAD;
    for (;;) {
        struct pollfd fds[] = {{.fd = guest->wake, .events = POLLIN},
                               {.fd = guest->view.news, .events = POLLIN},
                               {.fd = -1, .events = POLLIN}};
        int timeout_ms = -1;

        if (take_event(guest, ret_slot, &fds[2].fd, &timeout_ms))
            return CKR_OK;
        if (seal_guest_is_ending())
            return CKR_CRYPTOKI_NOT_INITIALIZED;
        if (flags & CKF_DONT_BLOCK)
            return CKR_NO_EVENT;
        (void)poll(fds, G_N_ELEMENTS(fds), timeout_ms);
    }
}
