/* The login is a state of the token, shared by all sessions of this process (PKCS#11 2.40 5.6).
 *
 * A PIN is given to the token exactly once. When the token says it is logged in already (the agent
 * and the token disagree after a reset by another program), the PIN has not been looked at; then
 * the stale login is ended and the PIN given for the first time. */
#include "pkcs11/host/login.h"

#include "base/log.h"
#include "pkcs11/core/rv.h"
#include "pkcs11/host/patience.h"
#include "pkcs11/host/readers.h"
#include "pkcs11/host/scan.h"
#include "pkcs11/host/ykcs11.h"

static CK_RV
submit_pin(SealHost *host, SealSlot *slot, CK_SESSION_HANDLE session, SealBytes pin)
{
    CK_UTF8CHAR *data = pin.len > 0 ? (CK_UTF8CHAR *)pin.data : NULL;
    CK_RV rv = host->functions->C_Login(session, CKU_USER, data, pin.len);

    if (rv != CKR_USER_ALREADY_LOGGED_IN || host->functions->C_Logout(session) != CKR_OK)
        return rv;
    seal_slot_set_logged_in(slot, FALSE);
    return host->functions->C_Login(session, CKU_USER, data, pin.len);
}

/* Under login_lock. */
static CK_RV
login_locked(SealHost *host, SealSlot *slot, CK_SESSION_HANDLE session, SealBytes pin)
{
    CK_RV rv = submit_pin(host, slot, session, pin);

    if (rv == CKR_OK) {
        seal_slot_set_logged_in(slot, TRUE);
        rv = seal_scan_read(host, slot, session);
        /* The agent is told of a failure, so the token must not stay open behind its back. */
        if (rv != CKR_OK && seal_logout_locked(host, slot, session) != CKR_OK)
            seal_slot_set_logged_in(slot, FALSE);
    }
    /* Some modules log in all the same; the agent would not know. */
    if (rv == CKR_PIN_EXPIRED)
        (void)seal_logout_locked(host, slot, session);
    if (!seal_rv_is_removal(rv))
        seal_scan_tell_flags(host, slot);
    return rv;
}

CK_RV
seal_logout_locked(SealHost *host, SealSlot *slot, CK_SESSION_HANDLE session)
{
    CK_RV rv = host->functions->C_Logout(session);

    if (rv == CKR_USER_NOT_LOGGED_IN)
        rv = CKR_OK;
    if (seal_rv_is_removal(rv))
        return rv;
    /* C_Logout sends nothing to a PIV card, and one that failed leaves any card as it was: all
     * programs could go on with it. */
    if (!seal_readers_reset(host->readers, slot->reader))
        seal_log_warning("token '%s' may still be open to other programs: its card cannot be reset",
                         slot->info.label);
    if (seal_ykcs11_is(host->functions))
        seal_ykcs11_forget_pin(host->functions);
    if (rv == CKR_OK)
        seal_slot_set_logged_in(slot, FALSE);
    seal_scan_tell_flags(host, slot);
    return rv;
}

typedef struct {
    const char *call;
    gboolean in;
    SealBytes pin;
} Change;

static gboolean
change_login(SealHost *host, guint32 token, const Change *change, CK_RV *ret_rv,
             SealSlot **ret_lost, GError **error)
{
    g_autoptr(SealSlot) slot = seal_store_find_slot(host->store, token);
    CK_SESSION_HANDLE session = 0;
    SealPatienceCall call;
    CK_RV rv = CKR_TOKEN_NOT_PRESENT;

    seal_patience_call_begin(&call);
    if (slot)
        rv = seal_slot_borrow_session(slot, &session);
    if (rv == CKR_OK) {
        g_mutex_lock(&slot->login_lock);
        rv = change->in ? login_locked(host, slot, session, change->pin)
                        : seal_logout_locked(host, slot, session);
        g_mutex_unlock(&slot->login_lock);
        seal_slot_return_session(slot, session, TRUE);
        if (seal_rv_is_doubtful(rv) &&
            seal_readers_lost(host->readers, slot->reader, slot->insertion))
            rv = CKR_DEVICE_REMOVED; /* pulled in the middle */
    }
    seal_patience_call_end(&call);
    *ret_rv = rv;
    if (rv == CKR_OK)
        return TRUE;
    if (slot && seal_rv_is_removal(rv))
        *ret_lost = g_steal_pointer(&slot);
    seal_rv_set_error(error, rv, change->call);
    return FALSE;
}

gboolean
seal_login(SealHost *host, guint32 token, SealBytes pin, CK_RV *ret_rv, SealSlot **ret_lost,
           GError **error)
{
    const Change change = {"C_Login", TRUE, pin};

    return change_login(host, token, &change, ret_rv, ret_lost, error);
}

gboolean
seal_logout(SealHost *host, guint32 token, CK_RV *ret_rv, SealSlot **ret_lost, GError **error)
{
    const Change change = {"C_Logout", FALSE, {0}};

    return change_login(host, token, &change, ret_rv, ret_lost, error);
}
