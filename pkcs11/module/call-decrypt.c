/* C_DecryptInit, C_Decrypt, C_DeriveKey, C_UnwrapKey. All four end in one Unwrap of the agent, with
 * no lock held; or in one raw operation, where the policy opens that. Decrypting in parts is for
 * mechanisms that have parts: none of these. */
#include <string.h>

#include "pkcs11/module/decryption.h"
#include "pkcs11/module/guest.h"

static void
drop(SealSession *session)
{
    g_clear_pointer(&session->decryption, seal_decryption_free);
    session->decryption_phase = SEAL_PHASE_NONE;
}

/* A token's private key or an agreed secret of this slot. `missing`: what to say if it is neither.
 */
static CK_RV
choose_key(const SealGuest *guest, const SealCatalogue *catalogue, const SealSession *session,
           const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object, CK_RV missing,
           SealDecryption **ret_decryption)
{
    SealSecretKey *secret = g_hash_table_lookup(guest->sessions.objects, GSIZE_TO_POINTER(object));
    const SealItem *key = secret ? secret->item : seal_catalogue_item(catalogue, object);

    if (mechanism->ulParameterLen > 0 && !mechanism->pParameter)
        return CKR_MECHANISM_PARAM_INVALID;
    if (!key || key->slot != session->slot ||
        (key->class != CKO_PRIVATE_KEY && key->class != CKO_SECRET_KEY))
        return missing;
    return secret ? seal_decryption_of_secret(secret, mechanism, ret_decryption)
                  : seal_decryption_of_key(key, mechanism, ret_decryption);
}

static CK_RV
begin(const SealGuest *guest, const SealCatalogue *catalogue, SealSession *session,
      const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object)
{
    CK_RV rv = CKR_OK;

    if (session->decryption_phase == SEAL_PHASE_BUSY)
        return CKR_OPERATION_ACTIVE;
    if (!mechanism) { /* PKCS#11 3.0 5.2: ends the operation */
        rv = session->decryption ? CKR_OK : CKR_ARGUMENTS_BAD;
        drop(session);
        return rv;
    }
    if (session->decryption_phase != SEAL_PHASE_NONE)
        return CKR_OPERATION_ACTIVE;
    rv = choose_key(guest, catalogue, session, mechanism, object, CKR_KEY_HANDLE_INVALID,
                    &session->decryption);
    if (rv == CKR_OK)
        session->decryption_phase = SEAL_PHASE_READY;
    return rv;
}

CK_RV
C_DecryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);

    if (!session)
        return rv;
    rv = begin(guest, catalogue, session, mechanism, object);
    seal_lock_release(&guest->lock);
    return rv;
}

/* -- asking the agent ------------------------------------------------------------------------- */

/* With no lock held. */
static CK_RV
open_outside(SealGuest *guest, SealDecryption *decryption, SealBytes encrypted,
             const SealSessionKey **ret_content)
{
    CK_RV rv = CKR_OK;
    SealClient *client = seal_guest_take_client(guest, &rv);

    if (!client)
        return rv;
    rv = seal_decryption_open(decryption, client, encrypted, ret_content);
    seal_pool_return(&guest->pool, client);
    return rv;
}

static CK_RV
hand_over(const SealSessionKey *content, CK_BYTE *data, CK_ULONG *data_len)
{
    gsize len = seal_session_key_len(content);
    CK_ULONG room = *data_len;

    *data_len = len;
    if (room < len)
        return CKR_BUFFER_TOO_SMALL;
    if (len > 0)
        memcpy(data, seal_session_key_data(content), len);
    return CKR_OK;
}

/* The lock is taken, before and after. */
static CK_RV
decrypt(SealGuest *guest, SealSession *session, SealBytes encrypted, CK_BYTE *data,
        CK_ULONG *data_len)
{
    g_autoptr(SealDecryption) decryption = g_steal_pointer(&session->decryption);
    g_autoptr(SealSession) held = seal_session_ref(session);
    const SealSessionKey *content = NULL;
    CK_RV rv = CKR_OK;

    session->decryption_phase = SEAL_PHASE_BUSY;
    seal_lock_release(&guest->lock);
    rv = open_outside(guest, decryption, encrypted, &content);
    if (rv == CKR_OK)
        rv = hand_over(content, data, data_len);
    seal_lock_take(&guest->lock);
    held->decryption_phase = SEAL_PHASE_NONE;
    if (rv == CKR_BUFFER_TOO_SMALL && !held->closed) {
        held->decryption = g_steal_pointer(&decryption);
        held->decryption_phase = SEAL_PHASE_READY;
    }
    return rv == CKR_OK && held->closed ? CKR_SESSION_CLOSED : rv;
}

CK_RV
C_Decrypt(CK_SESSION_HANDLE handle, CK_BYTE *encrypted, CK_ULONG encrypted_len, CK_BYTE *data,
          CK_ULONG *data_len)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, NULL, &rv);

    if (!session)
        return rv;
    if (session->decryption_phase != SEAL_PHASE_READY) {
        rv = session->decryption_phase == SEAL_PHASE_NONE ? CKR_OPERATION_NOT_INITIALIZED
                                                          : CKR_OPERATION_ACTIVE;
    } else if (!data_len || (!encrypted && encrypted_len > 0)) {
        drop(session);
        rv = CKR_ARGUMENTS_BAD;
    } else if (!data) {
        *data_len = seal_decryption_max_len(session->decryption, encrypted_len);
    } else {
        rv = decrypt(guest, session, (SealBytes){encrypted, encrypted_len}, data, data_len);
    }
    seal_lock_release(&guest->lock);
    return rv;
}

/* -- keys of the session ---------------------------------------------------------------------- */

/* More would be a program that never destroys any. */
#define SECRETS_MAX 10000u

/* Takes `secret`. */
static CK_RV
keep(SealSessions *sessions, const SealSession *session, SealSecretKey *secret,
     CK_OBJECT_HANDLE *ret_object)
{
    if (g_hash_table_size(sessions->objects) >= SECRETS_MAX) {
        seal_secret_key_unref(secret);
        return CKR_DEVICE_MEMORY;
    }
    secret->session = session->handle;
    secret->item->slot = session->slot;
    secret->item->handle = ++sessions->last_object;
    g_hash_table_insert(sessions->objects, GSIZE_TO_POINTER(secret->item->handle), secret);
    *ret_object = secret->item->handle;
    return CKR_OK;
}

static gboolean
is_template_bad(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    return !template && count > 0;
}

/* The lock is taken, before and after; the session may have gone meanwhile. */
static CK_RV
derive(SealGuest *guest, SealSession *session, SealSecretKey *secret)
{
    g_autoptr(SealSession) held = seal_session_ref(session);
    SealClient *client = NULL;
    CK_RV rv = CKR_OK;

    seal_lock_release(&guest->lock);
    client = seal_guest_take_client(guest, &rv);
    if (client) {
        rv = seal_secret_key_derive(secret, client);
        seal_pool_return(&guest->pool, client);
    }
    seal_lock_take(&guest->lock);
    return rv == CKR_OK && held->closed ? CKR_SESSION_CLOSED : rv;
}

CK_RV
C_DeriveKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base,
            CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_object)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);
    const SealItem *key = NULL;
    g_autoptr(SealSecretKey) secret = NULL;

    if (!session)
        return rv;
    key = seal_catalogue_item(catalogue, base);
    if (!mechanism || !ret_object || is_template_bad(template, count))
        rv = CKR_ARGUMENTS_BAD;
    else if (!key || key->slot != session->slot || key->class != CKO_PRIVATE_KEY)
        rv = CKR_KEY_HANDLE_INVALID;
    else
        rv = seal_secret_key_agree(key, mechanism, template, count, &secret);
    if (rv == CKR_OK && secret->point)
        rv = derive(guest, session, secret);
    if (rv == CKR_OK)
        rv = keep(&guest->sessions, session, g_steal_pointer(&secret), ret_object);
    seal_lock_release(&guest->lock);
    return rv;
}

/* The lock is taken, before and after; the session may have gone meanwhile. */
static CK_RV
unwrap(SealGuest *guest, SealSession *session, SealDecryption *decryption, SealBytes wrapped,
       SealSessionKey **ret_key)
{
    g_autoptr(SealSession) held = seal_session_ref(session);
    const SealSessionKey *content = NULL;
    CK_RV rv = CKR_OK;

    seal_lock_release(&guest->lock);
    rv = open_outside(guest, decryption, wrapped, &content);
    seal_lock_take(&guest->lock);
    if (rv == CKR_ENCRYPTED_DATA_INVALID)
        rv = CKR_WRAPPED_KEY_INVALID;
    if (rv == CKR_ENCRYPTED_DATA_LEN_RANGE)
        rv = CKR_WRAPPED_KEY_LEN_RANGE;
    if (rv == CKR_OK && held->closed)
        rv = CKR_SESSION_CLOSED;
    if (rv == CKR_OK)
        *ret_key = seal_decryption_take(decryption);
    return rv;
}

/* NSS takes every failure of C_UnwrapKey but CKR_DEVICE_ERROR for a reason to try the same by
 * C_Decrypt (pk11_AnyUnwrapKey): the person who has just refused would be asked again. */
static CK_RV
discourage(CK_RV rv)
{
    static const CK_RV refusals[] = {CKR_FUNCTION_CANCELED, CKR_FUNCTION_REJECTED,
                                     CKR_PIN_INCORRECT, CKR_PIN_LOCKED};

    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++)
        if (refusals[i] == rv)
            return CKR_DEVICE_ERROR;
    return rv;
}

CK_RV
C_UnwrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object,
            CK_BYTE *wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE *template, CK_ULONG count,
            CK_OBJECT_HANDLE *ret_object)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    g_autoptr(SealCatalogue) catalogue = NULL;
    CK_RV rv = CKR_OK;
    SealSession *session = seal_guest_open(guest, handle, &catalogue, &rv);
    g_autoptr(SealDecryption) decryption = NULL;
    SealSessionKey *opened = NULL;
    SealSecretKey *secret = NULL;

    if (!session)
        return rv;
    if (!mechanism || !wrapped || !ret_object || is_template_bad(template, count))
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = choose_key(guest, catalogue, session, mechanism, object,
                        CKR_UNWRAPPING_KEY_HANDLE_INVALID, &decryption);
    /* Not for general use: only what was agreed upon opens keys. NSS comes here with a token's key
     * when C_Decrypt has failed, and goes back there unless it hears of an error of the device. */
    if (rv == CKR_OK && seal_catalogue_item(catalogue, object))
        rv = CKR_DEVICE_ERROR;
    if (rv == CKR_OK)
        rv = discourage(
            unwrap(guest, session, decryption, (SealBytes){wrapped, wrapped_len}, &opened));
    if (rv == CKR_OK)
        rv = seal_secret_key_open(opened, template, count, &secret);
    if (rv == CKR_OK)
        rv = keep(&guest->sessions, session, secret, ret_object);
    seal_lock_release(&guest->lock);
    return rv;
}
