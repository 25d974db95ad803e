/* Sessions and logins. A login succeeds with whatever PIN: nobody looks at it, it goes nowhere, and
 * the agent asks its person when a key is used. */
#include <string.h>

#include "pkcs11/module/decryption.h"
#include "pkcs11/module/guest.h"
#include "pkcs11/module/signing.h"

CK_RV
C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify,
              CK_SESSION_HANDLE *ret_handle)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    const SealSlotView *slot = NULL;
    SealSession *session = NULL;

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!ret_handle)
        return CKR_ARGUMENTS_BAD;
    if (!(flags & CKF_SERIAL_SESSION))
        return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    catalogue = seal_guest_catalogue(guest);
    if (!catalogue)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    slot = seal_catalogue_slot(catalogue, id);
    if (!slot)
        return CKR_SLOT_ID_INVALID;
    /* libp11 is not to be refused: the session begins with its token. */
    if (!slot->present && !guest->serves_libp11)
        return CKR_TOKEN_NOT_PRESENT;
    /* OpenSSH wants to write to a write-protected token, or thinks it does: it may. */
    seal_lock_take(&guest->lock);
    session =
        seal_sessions_open(&guest->sessions, id, slot->insertion, (flags & CKF_RW_SESSION) != 0);
    if (session)
        *ret_handle = session->handle;
    seal_lock_release(&guest->lock);
    return session ? CKR_OK : CKR_SESSION_COUNT;
}

CK_RV
C_CloseSession(CK_SESSION_HANDLE handle)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealLocked) locked = NULL;
    SealSession *session = NULL;

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    locked = seal_locked_new(&guest->lock);
    session = seal_sessions_find(&guest->sessions, handle);
    if (!session)
        return CKR_SESSION_HANDLE_INVALID;
    seal_sessions_close(&guest->sessions, session);
    return CKR_OK;
}

CK_RV
C_CloseAllSessions(CK_SLOT_ID id)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    catalogue = seal_guest_catalogue(guest);
    if (!catalogue)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!seal_catalogue_slot(catalogue, id))
        return CKR_SLOT_ID_INVALID;
    seal_lock_take(&guest->lock);
    seal_sessions_close_slot(&guest->sessions, id);
    seal_lock_release(&guest->lock);
    return CKR_OK;
}

CK_RV
C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);
    gboolean logged_in = FALSE;

    if (!session)
        return rv;
    if (info) {
        logged_in = seal_session_is_logged_in(&guest->sessions, session->slot);
        memset(info, 0, sizeof *info);
        info->slotID = session->slot;
        info->flags = CKF_SERIAL_SESSION | (session->read_write ? CKF_RW_SESSION : 0);
        if (session->read_write)
            info->state = logged_in ? CKS_RW_USER_FUNCTIONS : CKS_RW_PUBLIC_SESSION;
        else
            info->state = logged_in ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION;
    }
    seal_lock_release(&guest->lock);
    return info ? CKR_OK : CKR_ARGUMENTS_BAD;
}

static CK_RV
log_in(SealSessions *sessions, const SealSession *session, CK_USER_TYPE user)
{
    if (user == CKU_CONTEXT_SPECIFIC)
        return session->signing || session->decryption ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    if (user != CKU_USER)
        return CKR_USER_TYPE_INVALID;
    if (seal_session_is_logged_in(sessions, session->slot))
        return CKR_USER_ALREADY_LOGGED_IN;
    seal_session_set_login(sessions, session->slot, TRUE);
    return CKR_OK;
}

CK_RV
C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    rv = log_in(&guest->sessions, session, user);
    seal_lock_release(&guest->lock);
    return rv;
}

CK_RV
C_Logout(CK_SESSION_HANDLE handle)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    /* Of this program only: locking the token for others is the person's to say. */
    if (!seal_session_is_logged_in(&guest->sessions, session->slot))
        rv = CKR_USER_NOT_LOGGED_IN;
    seal_session_set_login(&guest->sessions, session->slot, FALSE);
    seal_lock_release(&guest->lock);
    return rv;
}

CK_RV
C_LoginUser(CK_SESSION_HANDLE handle, CK_ULONG user, CK_UTF8CHAR *pin, CK_ULONG pin_len,
            CK_UTF8CHAR *name, CK_ULONG name_len)
{
    return C_Login(handle, user, pin, pin_len);
}

CK_RV
C_SessionCancel(CK_SESSION_HANDLE handle, CK_FLAGS flags)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    /* What another thread is waiting for cannot be taken from it. */
    if ((flags & CKF_SIGN && session->signing_phase == SEAL_PHASE_BUSY) ||
        (flags & CKF_DECRYPT && session->decryption_phase == SEAL_PHASE_BUSY)) {
        seal_lock_release(&guest->lock);
        return SEAL_CKR_OPERATION_CANCEL_FAILED;
    }
    if (flags & SEAL_CKF_FIND_OBJECTS)
        g_clear_pointer(&session->found, g_array_unref);
    if (flags & CKF_SIGN) {
        g_clear_pointer(&session->signing, seal_signing_free);
        session->signing_phase = SEAL_PHASE_NONE;
    }
    if (flags & CKF_DECRYPT) {
        g_clear_pointer(&session->decryption, seal_decryption_free);
        session->decryption_phase = SEAL_PHASE_NONE;
    }
    seal_lock_release(&guest->lock);
    return CKR_OK;
}
