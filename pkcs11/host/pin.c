/* PIN change and unblocking (PKCS#11 2.40, C_SetPIN and C_InitPIN).
 *
 * The standard lets C_SetPIN run before any login; OpenSC does not, or takes it for an unblocking
 * whose "old PIN" is the PUK. So what opens the token is always given to C_Login first, and a
 * mistake there ends it. Unblocking needs the officer's login, which no token allows beside a
 * user's read-only session: all sessions are closed before, and nobody gets another until it is
 * over.
 *
 * Which of its two PINs a token found fault with is told by the code: PIN_INCORRECT is about the
 * one that it has, INVALID_INPUT about the one that it should take. */
#include "pkcs11/host/pin.h"

#include "pkcs11/core/rv.h"
#include "pkcs11/host/library.h"
#include "pkcs11/host/login.h"
#include "pkcs11/host/patience.h"
#include "pkcs11/host/readers.h"
#include "pkcs11/host/scan.h"
#include "pkcs11/host/ykcs11.h"

typedef struct {
    CK_RV rv;
    const char *call;
} Outcome;

/* NULL at the pad. */
static CK_UTF8CHAR *
pin_text(SealBytes pin)
{
    return pin.len > 0 ? (CK_UTF8CHAR *)pin.data : NULL;
}

/* Under login_lock. */
static Outcome
change_locked(SealHost *host, SealSlot *slot, CK_SESSION_HANDLE session,
              const SealPinRequest *request)
{
    CK_FUNCTION_LIST *functions = host->functions;
    SealBytes given = request->given, fresh = request->fresh;
    gboolean was_in = seal_slot_is_logged_in(slot);
    Outcome outcome = {CKR_OK, "C_Login"};

    if (seal_ykcs11_is(functions) && seal_ykcs11_is_misread(given))
        return (Outcome){CKR_FUNCTION_NOT_SUPPORTED, "C_SetPIN"};
    if (!was_in)
        outcome.rv = functions->C_Login(session, CKU_USER, pin_text(given), given.len);
    if (outcome.rv == CKR_OK || outcome.rv == CKR_USER_ALREADY_LOGGED_IN ||
        outcome.rv == CKR_PIN_EXPIRED) /* which is what C_SetPIN is for */
        outcome = (Outcome){
            functions->C_SetPIN(session, pin_text(given), given.len, pin_text(fresh), fresh.len),
            "C_SetPIN"};
    if (!was_in)
        (void)seal_logout_locked(host, slot, session);
    return outcome;
}

/* OpenSC takes what C_SetPIN calls the old PIN for the PUK if nobody is logged in; opensc.c has it
 * do so, and says why. */
static gboolean
unblocks_by_set_pin(CK_FUNCTION_LIST *functions)
{
    return seal_library_is_made_by(functions, "OpenSC Project");
}

/* As the standard has it. */
static Outcome
unblock_as_officer(CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session, SealBytes given,
                   SealBytes fresh)
{
    CK_RV rv = functions->C_Login(session, CKU_SO, pin_text(given), given.len);

    if (rv != CKR_OK)
        return (Outcome){rv, "C_Login"};
    return (Outcome){functions->C_InitPIN(session, pin_text(fresh), fresh.len), "C_InitPIN"};
}

/* Under login_lock, with the token to ourselves. */
static Outcome
unblock_locked(SealHost *host, SealSlot *slot, CK_SESSION_HANDLE session,
               const SealPinRequest *request)
{
    CK_FUNCTION_LIST *functions = host->functions;
    SealBytes given = request->given, fresh = request->fresh;
    Outcome outcome = {CKR_OK, "C_SetPIN"};

    if (unblocks_by_set_pin(functions))
        outcome.rv =
            functions->C_SetPIN(session, pin_text(given), given.len, pin_text(fresh), fresh.len);
    else if (seal_ykcs11_is(functions))
        outcome.rv = seal_ykcs11_unblock(functions, session, given, fresh);
    else
        outcome = unblock_as_officer(functions, session, given, fresh);
    (void)seal_logout_locked(host, slot, session);
    return outcome;
}

static Outcome
change_in_slot(SealHost *host, SealSlot *slot, const SealPinRequest *request)
{
    CK_SESSION_HANDLE session = 0;
    Outcome outcome = {seal_slot_borrow_writable(slot, &session), "C_OpenSession"};

    if (outcome.rv != CKR_OK)
        return outcome;
    g_mutex_lock(&slot->login_lock);
    outcome = change_locked(host, slot, session, request);
    if (!seal_rv_is_removal(outcome.rv))
        seal_scan_tell_flags(host, slot);
    g_mutex_unlock(&slot->login_lock);
    seal_slot_return_session(slot, session, FALSE);
    return outcome;
}

static Outcome
unblock_in_slot(SealHost *host, SealSlot *slot, const SealPinRequest *request)
{
    CK_SESSION_HANDLE session = 0;
    Outcome outcome = {seal_slot_reserve(slot), "C_CloseAllSessions"};

    if (outcome.rv != CKR_OK)
        return outcome;
    g_mutex_lock(&slot->login_lock);
    outcome = (Outcome){host->functions->C_OpenSession(
                            slot->id, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
                        "C_OpenSession"};
    if (outcome.rv == CKR_OK) {
        outcome = unblock_locked(host, slot, session, request);
        (void)host->functions->C_CloseSession(session);
    }
    if (!seal_rv_is_removal(outcome.rv))
        seal_scan_tell_flags(host, slot);
    g_mutex_unlock(&slot->login_lock);
    seal_slot_release(slot);
    return outcome;
}

static void
set_error(GError **error, const Outcome *outcome)
{
    gboolean is_login = g_str_equal(outcome->call, "C_Login");

    if (!is_login && (outcome->rv == CKR_PIN_INVALID || outcome->rv == CKR_PIN_LEN_RANGE))
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "the token does not take the new PIN (%s: %s, 0x%lx)", outcome->call,
                    seal_rv_name(outcome->rv), outcome->rv);
    else
        seal_rv_set_error(error, outcome->rv, outcome->call);
}

/* A pad asks for both, a prompt has asked for both. */
static gboolean
is_complete(SealSlot *slot, const SealPinRequest *request)
{
    gboolean has_pad = (seal_slot_flags(slot) & SEAL_TOKEN_PROTECTED_AUTHENTICATION) != 0;

    return has_pad ? (request->given.len > 0) == (request->fresh.len > 0)
                   : request->given.len > 0 && request->fresh.len > 0;
}

typedef Outcome (*Step)(SealHost *host, SealSlot *slot, const SealPinRequest *request);

static gboolean
take_step(SealHost *host, const SealPinRequest *request, Step step, CK_RV *ret_rv,
          SealSlot **ret_lost, GError **error)
{
    g_autoptr(SealSlot) slot = seal_store_find_slot(host->store, request->parameters.token);
    Outcome outcome = {CKR_TOKEN_NOT_PRESENT, "C_OpenSession"};
    SealPatienceCall call;

    if (slot && !is_complete(slot, request)) {
        *ret_rv = CKR_OK;
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT, "a PIN is missing");
        return FALSE;
    }
    seal_patience_call_begin(&call);
    if (slot)
        outcome = step(host, slot, request);
    seal_patience_call_end(&call);
    if (slot && seal_rv_is_doubtful(outcome.rv) &&
        seal_readers_lost(host->readers, slot->reader, slot->insertion))
        outcome.rv = CKR_DEVICE_REMOVED; /* pulled in the middle */
    *ret_rv = outcome.rv;
    if (outcome.rv == CKR_OK)
        return TRUE;
    set_error(error, &outcome);
    if (slot && seal_rv_is_removal(outcome.rv))
        *ret_lost = g_steal_pointer(&slot);
    return FALSE;
}

gboolean
seal_pin_change(SealHost *host, const SealPinRequest *request, CK_RV *ret_rv, SealSlot **ret_lost,
                GError **error)
{
    return take_step(host, request, change_in_slot, ret_rv, ret_lost, error);
}

gboolean
seal_pin_unblock(SealHost *host, const SealPinRequest *request, CK_RV *ret_rv, SealSlot **ret_lost,
                 GError **error)
{
    return take_step(host, request, unblock_in_slot, ret_rv, ret_lost, error);
}
