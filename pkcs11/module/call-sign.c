/* C_SignInit to C_SignFinal. The operation is taken out of its session while the agent works on it,
 * and no lock is held then. */
#include "pkcs11/module/guest.h"
#include "pkcs11/module/signing.h"

static void
drop(SealSession *session)
{
    g_clear_pointer(&session->signing, seal_signing_free);
    session->signing_phase = SEAL_PHASE_NONE;
}

static CK_RV
begin(const SealCatalogue *catalogue, SealSession *session, const CK_MECHANISM *mechanism,
      CK_OBJECT_HANDLE object)
{
    const SealItem *key = seal_catalogue_item(catalogue, object);
    CK_RV rv = CKR_OK;

    if (session->signing_phase == SEAL_PHASE_BUSY)
        return CKR_OPERATION_ACTIVE;
    if (!mechanism) { /* PKCS#11 3.0 5.2: ends the operation */
        rv = session->signing ? CKR_OK : CKR_ARGUMENTS_BAD;
        drop(session);
        return rv;
    }
    if (session->signing_phase != SEAL_PHASE_NONE)
        return CKR_OPERATION_ACTIVE;
    if (mechanism->ulParameterLen > 0 && !mechanism->pParameter)
        return CKR_MECHANISM_PARAM_INVALID;
    if (!key || key->slot != session->slot || key->class != CKO_PRIVATE_KEY)
        return CKR_KEY_HANDLE_INVALID;
    if (mechanism->mechanism == CKM_RSA_X_509)
        rv = seal_refusal_of_raw_rsa(&session->refusal, key->key,
                                     (key->raw & SEAL_OPEN_RSA_SIGN) != 0);
    if (rv == CKR_OK)
        rv = seal_signing_new(key, mechanism, &session->signing);
    if (rv == CKR_OK)
        session->signing_phase = SEAL_PHASE_READY;
    return rv;
}

CK_RV
C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);

    if (!session)
        return rv;
    rv = begin(catalogue, session, mechanism, object);
    seal_lock_release(&guest->lock);
    return rv;
}

/* -- the end ------------------------------------------------------------------------------- */

/* Where a signature goes. */
typedef struct {
    CK_BYTE *signature;
    CK_ULONG *len;
} Output;

/* TRUE if there is something to do; else the answer, and the operation ends unless it was a
 * question for the length (PKCS#11 5.2). */
static gboolean
is_ready(SealSession *session, const Output *output, gboolean wants_parts, CK_RV *ret_rv)
{
    CK_ULONG needed = 0, room = 0;

    *ret_rv = CKR_OPERATION_NOT_INITIALIZED;
    if (session->signing_phase == SEAL_PHASE_NONE)
        return FALSE;
    *ret_rv = CKR_OPERATION_ACTIVE;
    if (session->signing_phase == SEAL_PHASE_BUSY)
        return FALSE;
    *ret_rv = CKR_ARGUMENTS_BAD;
    if (!output->len) {
        drop(session);
        return FALSE;
    }
    /* C_Sign does not end what C_SignUpdate began (5.11). */
    *ret_rv = CKR_OPERATION_NOT_INITIALIZED;
    if (!wants_parts && seal_signing_has_parts(session->signing)) {
        drop(session);
        return FALSE;
    }
    needed = seal_signing_len(session->signing);
    room = *output->len;
    *ret_rv = output->signature ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    if (!output->signature || room < needed) {
        *output->len = needed;
        return FALSE;
    }
    return TRUE;
}

static CK_RV
ask_agent(SealGuest *guest, SealSigning *signing, CK_BYTE *signature)
{
    CK_RV rv = CKR_OK;
    SealClient *client = seal_guest_take_client(guest, &rv);

    if (!client)
        return rv;
    rv = seal_signing_finish(signing, client, signature);
    seal_pool_return(&guest->pool, client);
    return rv;
}

/* Signs outside of the lock, which is taken, and takes it again. */
static CK_RV
sign(SealGuest *guest, SealSession *session, const Output *output)
{
    g_autoptr(SealSigning) signing = g_steal_pointer(&session->signing);
    g_autoptr(SealSession) held = seal_session_ref(session);
    CK_RV rv = seal_refusal_of_signing(&session->refusal, signing);

    session->signing_phase = rv == CKR_OK ? SEAL_PHASE_BUSY : SEAL_PHASE_NONE;
    if (rv != CKR_OK)
        return rv;
    seal_lock_release(&guest->lock);
    rv = ask_agent(guest, signing, output->signature);
    seal_lock_take(&guest->lock);
    held->signing_phase = SEAL_PHASE_NONE;
    if (rv == CKR_OK)
        *output->len = seal_signing_len(signing);
    else if (guest->serves_libp11)
        seal_refusal_set(&held->refusal, g_steal_pointer(&signing), rv);
    return rv == CKR_OK && held->closed ? CKR_SESSION_CLOSED : rv;
}

CK_RV
C_Sign(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature,
       CK_ULONG *signature_len)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    const Output output = {signature, signature_len};
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    if (is_ready(session, &output, FALSE, &rv)) {
        rv =
            !data && len > 0 ? CKR_ARGUMENTS_BAD : seal_signing_update(session->signing, data, len);
        if (rv == CKR_OK)
            rv = sign(guest, session, &output);
        else
            drop(session);
    }
    seal_lock_release(&guest->lock);
    return rv;
}

CK_RV
C_SignUpdate(CK_SESSION_HANDLE handle, CK_BYTE *part, CK_ULONG len)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    if (session->signing_phase != SEAL_PHASE_READY) {
        rv = session->signing_phase == SEAL_PHASE_NONE ? CKR_OPERATION_NOT_INITIALIZED
                                                       : CKR_OPERATION_ACTIVE;
    } else {
        rv =
            !part && len > 0 ? CKR_ARGUMENTS_BAD : seal_signing_update(session->signing, part, len);
        if (rv != CKR_OK)
            drop(session);
    }
    seal_lock_release(&guest->lock);
    return rv;
}

CK_RV
C_SignFinal(CK_SESSION_HANDLE handle, CK_BYTE *signature, CK_ULONG *signature_len)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    const Output output = {signature, signature_len};
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    if (is_ready(session, &output, TRUE, &rv))
        rv = sign(guest, session, &output);
    seal_lock_release(&guest->lock);
    return rv;
}
