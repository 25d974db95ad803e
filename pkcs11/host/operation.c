/* What signing, unwrapping and raw operations have in common: everything around the token's three
 * calls. */
#include "pkcs11/host/operation.h"

#include <string.h>

#include "base/seal-box.h"
#include "pkcs11/core/rv.h"
#include "pkcs11/host/raw.h"
#include "pkcs11/host/readers.h"
#include "pkcs11/host/scan.h"
#include "pkcs11/host/sign.h"
#include "pkcs11/host/unwrap.h"

G_STATIC_ASSERT(SEAL_ANSWER_MAX >= SEAL_BLOCK_MAX + SEAL_BOX_OVERHEAD);

gboolean
seal_operation_fail(SealOperation *operation, CK_RV rv, const char *action, GError **error)
{
    operation->rv = rv;
    seal_rv_set_error(error, rv, action);
    return FALSE;
}

gboolean
seal_operation_fail_decrypt(SealOperation *operation, GError **error)
{
    operation->rv = CKR_OK; /* the module's number would tell what went wrong */
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_DECRYPT_FAILED,
                        seal_error_phrase(SEAL_ERROR_DECRYPT_FAILED));
    return FALSE;
}

/* As above without a call of the module: the phrase alone. */
static gboolean
refuse(SealOperation *operation, CK_RV rv, GError **error)
{
    SealErrorCode code = seal_rv_to_code(rv);

    operation->rv = rv;
    g_set_error_literal(error, SEAL_ERROR, (gint)code, seal_error_phrase(code));
    return FALSE;
}

CK_RV
seal_operation_permit(const SealOperation *operation)
{
    gboolean permitted = !operation->permits || operation->permits(operation->permits_data);

    return permitted ? CKR_OK : CKR_FUNCTION_CANCELED;
}

CK_RV
seal_operation_init(SealOperation *operation, SealInitFunc init, CK_MECHANISM *mechanism)
{
    CK_RV rv = seal_operation_permit(operation);

    if (rv == CKR_OK)
        rv = init(operation->session, mechanism, operation->key->handle);
    if (rv == CKR_OPERATION_ACTIVE) {
        seal_slot_return_session(operation->key->slot, operation->session, FALSE);
        operation->session = CK_INVALID_HANDLE;
        rv = seal_slot_borrow_session(operation->key->slot, &operation->session);
        if (rv == CKR_OK)
            rv = seal_operation_permit(operation); /* that may have taken its time */
        if (rv == CKR_OK)
            rv = init(operation->session, mechanism, operation->key->handle);
    }
    operation->dirty = rv == CKR_OK || rv == CKR_OPERATION_ACTIVE;
    return rv;
}

gboolean
seal_operation_authenticate(SealOperation *operation, GError **error)
{
    SealBytes pin = operation->pin;
    CK_RV rv = CKR_OK;

    if (!(operation->key->flags & SEAL_KEY_ALWAYS_AUTHENTICATE))
        return TRUE;
    /* The PIN pad of the reader is asked for by a NULL PIN. */
    rv = operation->host->functions->C_Login(operation->session, CKU_CONTEXT_SPECIFIC,
                                             pin.len > 0 ? (CK_UTF8CHAR *)pin.data : NULL, pin.len);
    if (rv != CKR_OK)
        return seal_operation_fail(operation, rv, "C_Login", error);
    return TRUE;
}

gboolean
seal_operation_token_lives(SealOperation *operation)
{
    CK_SESSION_INFO session = {0};
    CK_TOKEN_INFO token = {{0}};
    CK_FUNCTION_LIST *functions = operation->host->functions;
    gboolean session_lives = functions->C_GetSessionInfo(operation->session, &session) == CKR_OK;

    return functions->C_GetTokenInfo(operation->key->slot->id, &token) == CKR_OK && session_lives;
}

/* -- before ----------------------------------------------------------------------------------- */

static gboolean
find_key(SealOperation *operation, const SealFrameHeader *header, GError **error)
{
    operation->key = seal_store_find_key(operation->host->store, header->key);
    if (operation->key && operation->key->slot->info.reference == header->generation &&
        !seal_slot_is_gone(operation->key->slot))
        return TRUE;
    return refuse(operation, CKR_TOKEN_NOT_PRESENT, error);
}

/* `is_of_kind`: the mechanism belongs to this type of frame. */
static gboolean
check_usage(SealOperation *operation, SealMechanism mechanism, gboolean is_of_kind, GError **error)
{
    const SealHostKey *key = operation->key;
    guint32 needed = seal_mechanism_signs(mechanism) ? SEAL_KEY_SIGN : SEAL_KEY_DECRYPT;

    if (!is_of_kind || (unsigned)mechanism >= 32 || !(key->mechanisms & (1u << mechanism))) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                            "the key or its token does not do this mechanism");
        return FALSE;
    }
    if (!(key->flags & needed)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_KEY_USAGE, "the key is not for %s",
                    needed == SEAL_KEY_SIGN ? "signing" : "decrypting");
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_login(SealOperation *operation, GError **error)
{
    const SealHostKey *key = operation->key;
    guint32 token_flags = seal_slot_flags(key->slot);
    gboolean logged_in = seal_slot_is_logged_in(key->slot);

    if (!logged_in && token_flags & SEAL_TOKEN_LOGIN_REQUIRED && (key->needs_login || !key->handle))
        return refuse(operation, CKR_USER_NOT_LOGGED_IN, error);
    if (!key->handle) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND,
                            "the token has no private key for this public key");
        return FALSE;
    }
    if (key->flags & SEAL_KEY_ALWAYS_AUTHENTICATE && operation->pin.len == 0 &&
        !(token_flags & SEAL_TOKEN_PROTECTED_AUTHENTICATION)) {
        operation->rv = CKR_USER_NOT_LOGGED_IN;
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_PIN_REQUIRED,
                            "the key wants the PIN for each use");
        return FALSE;
    }
    return TRUE;
}

static gboolean
open_session(SealOperation *operation, SealSlot **ret_lost, GError **error)
{
    CK_RV rv = CKR_OK;

    seal_patience_call_begin(&operation->call);
    rv = seal_slot_borrow_session(operation->key->slot, &operation->session);
    if (rv == CKR_OK)
        return TRUE;
    seal_patience_call_end(&operation->call);
    if (seal_rv_is_removal(rv))
        *ret_lost = seal_slot_ref(operation->key->slot);
    return seal_operation_fail(operation, rv, "C_OpenSession", error);
}

/* -- after ------------------------------------------------------------------------------------ */

/* A PIN that was refused changed the token's counters; one that another program's reset logged out
 * is locked. Both must be known before the answer is. */
static void
tell_state(SealOperation *operation)
{
    SealSlot *slot = operation->key->slot;
    SealErrorCode code = seal_rv_to_code(operation->rv);

    if (code != SEAL_ERROR_PIN_INCORRECT && code != SEAL_ERROR_PIN_BLOCKED &&
        operation->rv != CKR_USER_NOT_LOGGED_IN)
        return;
    if (operation->rv == CKR_USER_NOT_LOGGED_IN)
        seal_slot_set_logged_in(slot, FALSE);
    g_mutex_lock(&slot->login_lock);
    seal_scan_tell_flags(operation->host, slot);
    g_mutex_unlock(&slot->login_lock);
}

/* OpenSC says GENERAL_ERROR of a card that is pulled in the middle, and that the token is there. */
static void
judge_failure(SealOperation *operation, GError **error)
{
    SealSlot *slot = operation->key->slot;

    if (!seal_rv_is_doubtful(operation->rv) ||
        !seal_readers_lost(operation->host->readers, slot->reader, slot->insertion))
        return;
    g_clear_error(error);
    (void)refuse(operation, CKR_DEVICE_REMOVED, error);
}

static void
finish(SealOperation *operation, SealSlot **ret_lost, GError **error)
{
    SealSlot *slot = operation->key->slot;

    judge_failure(operation, error);

    if (operation->session != CK_INVALID_HANDLE)
        seal_slot_return_session(slot, operation->session, !operation->dirty);
    seal_patience_call_end(&operation->call);
    if (seal_rv_is_removal(operation->rv))
        *ret_lost = seal_slot_ref(slot);
    else if (operation->rv != CKR_OK)
        tell_state(operation);
}

gboolean
seal_operation_sign(SealOperation *operation, const SealFrameHeader *header,
                    const SealSignRequest *request, SealSlot **ret_lost, GError **error)
{
    SealMechanism mechanism = header->mechanism;
    gboolean is_sign = seal_mechanism_signs(mechanism) && !seal_mechanism_is_raw(mechanism);
    gboolean done = FALSE;

    operation->pin = request->pin;
    if (!find_key(operation, header, error) || !check_usage(operation, mechanism, is_sign, error) ||
        !seal_sign_check(operation->key, mechanism, request, error) ||
        !check_login(operation, error) || !open_session(operation, ret_lost, error))
        return FALSE;
    done = seal_sign(operation, mechanism, request, error);
    finish(operation, ret_lost, error);
    return done;
}

static gboolean
finish_unwrap(SealOperation *operation, const SealUnwrapRequest *request, GError **error)
{
    SealScratch *scratch = operation->scratch;

    if (!(request->parameters.flags & SEAL_UNWRAP_SEAL)) {
        memcpy(scratch->answer, scratch->key, operation->key_len);
        operation->answer_len = operation->key_len;
        return TRUE;
    }
    operation->answer_len = operation->key_len + SEAL_BOX_OVERHEAD;
    return seal_box_seal(request->parameters.seal_to, scratch->key, operation->key_len,
                         scratch->answer, error);
}

gboolean
seal_operation_unwrap(SealOperation *operation, const SealFrameHeader *header,
                      const SealUnwrapRequest *request, SealSlot **ret_lost, GError **error)
{
    SealMechanism mechanism = header->mechanism;
    gboolean agree =
        mechanism == SEAL_MECHANISM_UNWRAP_ECDH || mechanism == SEAL_MECHANISM_UNWRAP_X25519;
    gboolean is_unwrap = !seal_mechanism_signs(mechanism) && !seal_mechanism_is_raw(mechanism);
    gboolean done = FALSE;

    operation->pin = request->pin;
    if (!find_key(operation, header, error) ||
        !check_usage(operation, mechanism, is_unwrap, error) ||
        !(agree ? seal_unwrap_agree_check : seal_unwrap_rsa_check)(operation->key, mechanism,
                                                                   request, error) ||
        !check_login(operation, error) || !open_session(operation, ret_lost, error))
        return FALSE;
    done = (agree ? seal_unwrap_agree : seal_unwrap_rsa)(operation, mechanism, request, error);
    finish(operation, ret_lost, error);
    return done && finish_unwrap(operation, request, error);
}

gboolean
seal_operation_raw(SealOperation *operation, const SealFrameHeader *header,
                   const SealRawRequest *request, SealSlot **ret_lost, GError **error)
{
    SealMechanism mechanism = header->mechanism;
    gboolean done = FALSE;

    operation->pin = request->pin;
    if (!find_key(operation, header, error) ||
        !check_usage(operation, mechanism, seal_mechanism_is_raw(mechanism), error) ||
        !seal_raw_check(operation->key, mechanism, request, error) ||
        !check_login(operation, error) || !open_session(operation, ret_lost, error))
        return FALSE;
    done = seal_raw(operation, mechanism, request, error);
    finish(operation, ret_lost, error);
    return done;
}

void
seal_operation_clear(SealOperation *operation)
{
    /* The reader told nobody of it, so the module keeps what it knew of the former card. */
    if (operation->was_exchanged && operation->host->readers)
        seal_host_retire(operation->host, "a card was exchanged for another unnoticed");
    seal_host_recover(operation->host, operation->rv);
    g_clear_pointer(&operation->key, seal_host_key_unref);
    seal_wipe(operation->scratch, sizeof *operation->scratch);
}
