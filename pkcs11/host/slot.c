/* Sessions are kept in a stack: the one used last is taken first, so a quiet token needs one and a
 * busy one as many as there are operations at once. Nobody owns a session between operations, which
 * is how a token with few of them serves many workers. */
#include "pkcs11/host/slot.h"

#include <string.h>

#include "pkcs11/core/rv.h"
#include "pkcs11/core/template.h"
#include "pkcs11/wire/frame.h"
#include "pkcs11/host/ykcs11.h"

/* SoftHSM has some 90, HSMs up to 200. */
#define MECHANISMS_MAX 1024

typedef struct {
    CK_MECHANISM_TYPE type;
    CK_FLAGS flag;
    guint32 ability;
} AbilityRow;

static const AbilityRow ability_rows[] = {
    {CKM_RSA_PKCS, CKF_SIGN, SEAL_CAN_RSA_PKCS_SIGN},
    {CKM_RSA_PKCS, CKF_DECRYPT, SEAL_CAN_RSA_PKCS_DECRYPT},
    {CKM_RSA_X_509, CKF_SIGN, SEAL_CAN_RSA_RAW_SIGN},
    {CKM_RSA_X_509, CKF_DECRYPT, SEAL_CAN_RSA_RAW_DECRYPT},
    {CKM_RSA_PKCS_PSS, CKF_SIGN, SEAL_CAN_RSA_PSS},
    {CKM_RSA_PKCS_OAEP, CKF_DECRYPT, SEAL_CAN_RSA_OAEP},
    {CKM_ECDSA, CKF_SIGN, SEAL_CAN_ECDSA},
    {CKM_EDDSA, CKF_SIGN, SEAL_CAN_EDDSA},
    {CKM_ECDH1_DERIVE, CKF_DERIVE, SEAL_CAN_ECDH},
    {CKM_ECDH1_COFACTOR_DERIVE, CKF_DERIVE, SEAL_CAN_ECDH_COFACTOR},
};

/* Flags that say what a mechanism is for; a module that sets none of them is believed to mean all.
 */
#define PURPOSE_FLAGS (CKF_SIGN | CKF_DECRYPT | CKF_DERIVE | CKF_VERIFY | CKF_ENCRYPT)

typedef struct {
    CK_FLAGS theirs;
    guint32 ours;
} FlagRow;

static const FlagRow flag_rows[] = {
    {CKF_WRITE_PROTECTED, SEAL_TOKEN_READ_ONLY},
    {CKF_PROTECTED_AUTHENTICATION_PATH, SEAL_TOKEN_PROTECTED_AUTHENTICATION},
    {CKF_LOGIN_REQUIRED, SEAL_TOKEN_LOGIN_REQUIRED},
    {CKF_USER_PIN_COUNT_LOW, SEAL_TOKEN_PIN_COUNT_LOW},
    {CKF_USER_PIN_FINAL_TRY, SEAL_TOKEN_PIN_FINAL_TRY},
    {CKF_USER_PIN_LOCKED, SEAL_TOKEN_PIN_LOCKED},
    {CKF_USER_PIN_TO_BE_CHANGED, SEAL_TOKEN_PIN_TO_BE_CHANGED},
    {CKF_SO_PIN_COUNT_LOW, SEAL_TOKEN_PUK_COUNT_LOW},
    {CKF_SO_PIN_FINAL_TRY, SEAL_TOKEN_PUK_FINAL_TRY},
    {CKF_SO_PIN_LOCKED, SEAL_TOKEN_PUK_LOCKED},
};

/* -- reading --------------------------------------------------------------------------------- */

static guint32
translate_flags(CK_FLAGS flags)
{
    guint32 ours = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(flag_rows); i++)
        if (flags & flag_rows[i].theirs)
            ours |= flag_rows[i].ours;
    return ours;
}

static guint32
limit_or_zero(CK_ULONG limit)
{
    return limit == CK_UNAVAILABLE_INFORMATION || limit > G_MAXUINT32 ? 0 : (guint32)limit;
}

/* A token whose shortest PIN is longer than its longest, or than any, takes none: not believed. */
static void
check_pin_lengths(SealTokenInfo *info)
{
    if (info->pin_min <= SEAL_PIN_MAX && (info->pin_max == 0 || info->pin_min <= info->pin_max))
        return;
    info->pin_min = info->pin_max = 0;
}

static void
read_ability(SealSlot *slot, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_INFO info = {0};

    if (slot->functions->C_GetMechanismInfo(slot->id, type, &info) != CKR_OK)
        return;
    if ((info.flags & PURPOSE_FLAGS) == 0)
        info.flags = ~(CK_FLAGS)0;
    for (gsize i = 0; i < G_N_ELEMENTS(ability_rows); i++)
        if (ability_rows[i].type == type && info.flags & ability_rows[i].flag)
            slot->abilities |= ability_rows[i].ability;
}

static gboolean
is_of_use(CK_MECHANISM_TYPE type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(ability_rows); i++)
        if (ability_rows[i].type == type)
            return TRUE;
    return FALSE;
}

static void
read_abilities(SealSlot *slot)
{
    CK_ULONG count = 0, room = 0;
    g_autofree CK_MECHANISM_TYPE *list = NULL;

    if (slot->functions->C_GetMechanismList(slot->id, NULL, &count) != CKR_OK || count == 0)
        return;
    count = room = MIN(count, MECHANISMS_MAX);
    list = g_new0(CK_MECHANISM_TYPE, room);
    if (slot->functions->C_GetMechanismList(slot->id, list, &count) != CKR_OK)
        return;
    count = MIN(count, room); /* whatever it says now */
    for (CK_ULONG i = 0; i < count; i++)
        if (is_of_use(list[i]))
            read_ability(slot, list[i]);
}

static void
fill_info(SealSlot *slot, guint32 reference, const CK_TOKEN_INFO *token)
{
    CK_SLOT_INFO slot_info = {{0}};
    SealTokenInfo *info = &slot->info;

    info->reference = reference;
    info->slot_id = slot->id;
    info->flags = translate_flags(token->flags);
    if (slot->functions->C_GetSlotInfo(slot->id, &slot_info) == CKR_OK &&
        slot_info.flags & CKF_REMOVABLE_DEVICE)
        info->flags |= SEAL_TOKEN_REMOVABLE;
    info->pin_min = limit_or_zero(token->ulMinPinLen);
    info->pin_max = limit_or_zero(token->ulMaxPinLen);
    if (seal_ykcs11_is(slot->functions))
        info->pin_max = MIN(info->pin_max, SEAL_YKCS11_PIN_MAX);
    check_pin_lengths(info);
    info->session_limit = limit_or_zero(token->ulMaxSessionCount);
    info->label = seal_padded_text(token->label, sizeof token->label);
    info->manufacturer = seal_padded_text(token->manufacturerID, sizeof token->manufacturerID);
    info->model = seal_padded_text(token->model, sizeof token->model);
    info->serial = seal_padded_text(token->serialNumber, sizeof token->serialNumber);
}

char *
seal_slot_describe(CK_FUNCTION_LIST *functions, CK_SLOT_ID id)
{
    CK_SLOT_INFO info = {{0}};

    if (functions->C_GetSlotInfo(id, &info) != CKR_OK)
        return g_strdup("");
    return seal_padded_text(info.slotDescription, sizeof info.slotDescription);
}

SealSlot *
seal_slot_new(CK_FUNCTION_LIST *functions, CK_SLOT_ID id, guint32 reference, CK_RV *ret_rv)
{
    CK_TOKEN_INFO token = {{0}};
    CK_RV rv = functions->C_GetTokenInfo(id, &token);
    SealSlot *slot = NULL;

    *ret_rv =
        rv == CKR_OK && !(token.flags & CKF_TOKEN_INITIALIZED) ? CKR_TOKEN_NOT_RECOGNIZED : rv;
    if (*ret_rv != CKR_OK)
        return NULL;
    slot = g_new0(SealSlot, 1);
    g_atomic_ref_count_init(&slot->references);
    slot->functions = functions;
    slot->id = id;
    slot->idle = g_array_new(FALSE, FALSE, sizeof(CK_SESSION_HANDLE));
    g_mutex_init(&slot->login_lock);
    g_mutex_init(&slot->lock);
    g_cond_init(&slot->session_freed);
    fill_info(slot, reference, &token);
    slot->max_sessions = slot->info.session_limit > 0
                             ? MIN(slot->info.session_limit, SEAL_SESSIONS_MAX)
                             : SEAL_SESSIONS_MAX;
    read_abilities(slot);
    return slot;
}

SealSlot *
seal_slot_ref(SealSlot *slot)
{
    g_atomic_ref_count_inc(&slot->references);
    return slot;
}

void
seal_slot_unref(SealSlot *slot)
{
    if (!slot || !g_atomic_ref_count_dec(&slot->references))
        return;
    seal_token_info_clear(&slot->info);
    g_free(slot->reader);
    g_mutex_clear(&slot->login_lock);
    g_mutex_clear(&slot->lock);
    g_cond_clear(&slot->session_freed);
    g_array_unref(slot->idle);
    g_free(slot);
}

gboolean
seal_slot_refresh_flags(SealSlot *slot)
{
    CK_TOKEN_INFO token = {{0}};
    guint32 flags = slot->info.flags & SEAL_TOKEN_REMOVABLE;
    gboolean changed = FALSE;

    if (slot->functions->C_GetTokenInfo(slot->id, &token) == CKR_OK)
        flags |= translate_flags(token.flags);
    else
        flags = slot->info.flags & ~(guint32)SEAL_TOKEN_LOGGED_IN;
    if (seal_slot_is_logged_in(slot))
        flags |= SEAL_TOKEN_LOGGED_IN;
    changed = flags != slot->info.flags;
    g_atomic_int_set(&slot->info.flags, flags);
    return changed;
}

static gboolean
same_text(const char *ours, const unsigned char *theirs, gsize width)
{
    g_autofree char *text = seal_padded_text(theirs, width);

    return g_str_equal(ours, text);
}

/* A session that the module has forgotten shows a reinsertion that went unnoticed. */
static gboolean
sessions_live(SealSlot *slot)
{
    CK_SESSION_HANDLE session = 0;
    CK_SESSION_INFO info = {0};
    gboolean none = FALSE, live = FALSE;

    g_mutex_lock(&slot->lock);
    none = slot->idle->len == 0;
    if (!none) {
        session = g_array_index(slot->idle, CK_SESSION_HANDLE, slot->idle->len - 1);
        g_array_set_size(slot->idle, slot->idle->len - 1);
    }
    g_mutex_unlock(&slot->lock);
    if (none)
        return TRUE;
    live = slot->functions->C_GetSessionInfo(session, &info) == CKR_OK;
    if (live && seal_slot_is_logged_in(slot) &&
        (info.state == CKS_RO_PUBLIC_SESSION || info.state == CKS_RW_PUBLIC_SESSION))
        seal_slot_set_logged_in(slot, FALSE);
    seal_slot_return_session(slot, session, TRUE);
    return live;
}

gboolean
seal_slot_is_same(SealSlot *slot)
{
    CK_TOKEN_INFO token = {{0}};

    return slot->functions->C_GetTokenInfo(slot->id, &token) == CKR_OK &&
           token.flags & CKF_TOKEN_INITIALIZED &&
           same_text(slot->info.label, token.label, sizeof token.label) &&
           same_text(slot->info.manufacturer, token.manufacturerID, sizeof token.manufacturerID) &&
           same_text(slot->info.model, token.model, sizeof token.model) &&
           same_text(slot->info.serial, token.serialNumber, sizeof token.serialNumber) &&
           sessions_live(slot);
}

/* -- sessions ------------------------------------------------------------------------------------
 */

/* Under lock: takes an idle session, or the right to open one (returns CKR_OK with no handle). */
static CK_RV
claim_session(SealSlot *slot, CK_SESSION_HANDLE *ret_session, gboolean *ret_open)
{
    *ret_open = FALSE;
    while (!seal_slot_is_gone(slot)) {
        if (!slot->is_reserved && slot->idle->len > 0) {
            *ret_session = g_array_index(slot->idle, CK_SESSION_HANDLE, slot->idle->len - 1);
            g_array_set_size(slot->idle, slot->idle->len - 1);
            return CKR_OK;
        }
        if (!slot->is_reserved && slot->n_sessions < slot->max_sessions) {
            slot->n_sessions++;
            *ret_open = TRUE;
            return CKR_OK;
        }
        slot->n_waiting++;
        g_cond_wait(&slot->session_freed, &slot->lock);
        slot->n_waiting--;
    }
    return CKR_TOKEN_NOT_PRESENT;
}

/* Under lock: an opening failed. TRUE if it is worth waiting for another session. */
static gboolean
give_up_session(SealSlot *slot, CK_RV rv)
{
    slot->n_sessions--;
    if (rv != CKR_SESSION_COUNT || slot->n_sessions == 0)
        return FALSE;
    slot->max_sessions = slot->n_sessions;
    return TRUE;
}

CK_RV
seal_slot_borrow_session(SealSlot *slot, CK_SESSION_HANDLE *ret_session)
{
    gboolean open = FALSE, retry = TRUE;
    CK_RV rv = CKR_OK;

    while (retry) {
        g_mutex_lock(&slot->lock);
        rv = claim_session(slot, ret_session, &open);
        g_mutex_unlock(&slot->lock);
        if (rv != CKR_OK || !open)
            return rv;
        rv = slot->functions->C_OpenSession(slot->id, CKF_SERIAL_SESSION, NULL, NULL, ret_session);
        if (rv == CKR_OK)
            return rv;
        g_mutex_lock(&slot->lock);
        retry = give_up_session(slot, rv);
        g_mutex_unlock(&slot->lock);
    }
    return rv;
}

/* Opens a successor for the last session before that is closed. */
static void
replace_last_session(SealSlot *slot)
{
    CK_SESSION_HANDLE next = 0;
    CK_RV rv = slot->functions->C_OpenSession(slot->id, CKF_SERIAL_SESSION, NULL, NULL, &next);

    if (rv != CKR_OK) {
        seal_slot_set_logged_in(slot, FALSE);
        return;
    }
    g_mutex_lock(&slot->lock);
    slot->n_sessions++;
    g_array_append_val(slot->idle, next);
    g_mutex_unlock(&slot->lock);
}

void
seal_slot_return_session(SealSlot *slot, CK_SESSION_HANDLE session, gboolean clean)
{
    gboolean last = FALSE;

    if (!clean && !seal_slot_is_gone(slot)) {
        g_mutex_lock(&slot->lock);
        last = slot->n_sessions == 1;
        g_mutex_unlock(&slot->lock);
        if (last)
            replace_last_session(slot);
        (void)slot->functions->C_CloseSession(session);
    }
    g_mutex_lock(&slot->lock);
    if (clean && !seal_slot_is_gone(slot))
        g_array_append_val(slot->idle, session);
    else
        slot->n_sessions--;
    if (slot->is_reserved) /* the one who reserved it waits among others */
        g_cond_broadcast(&slot->session_freed);
    else if (slot->n_waiting > 0) /* GLib's signal is a system call even if nobody waits */
        g_cond_signal(&slot->session_freed);
    g_mutex_unlock(&slot->lock);
}

/* Under lock. */
static gboolean
is_idle(const SealSlot *slot)
{
    return slot->n_sessions == slot->idle->len;
}

gboolean
seal_slot_is_busy(SealSlot *slot)
{
    gboolean is_busy = FALSE;

    g_mutex_lock(&slot->lock);
    is_busy = !is_idle(slot);
    g_mutex_unlock(&slot->lock);
    return is_busy;
}

void
seal_slot_mark_gone(SealSlot *slot)
{
    gboolean had_sessions = FALSE;

    g_atomic_int_set(&slot->gone, TRUE);
    seal_slot_set_logged_in(slot, FALSE);
    g_mutex_lock(&slot->lock);
    had_sessions = slot->n_sessions > 0;
    g_array_set_size(slot->idle, 0);
    g_cond_broadcast(&slot->session_freed);
    g_mutex_unlock(&slot->lock);
    /* Some modules keep the sessions of a pulled token until told, and their login with them. */
    if (had_sessions)
        (void)slot->functions->C_CloseAllSessions(slot->id);
}

/* A session is closed, and no other came in its place. */
static void
lose_session(SealSlot *slot)
{
    g_mutex_lock(&slot->lock);
    if (--slot->n_sessions == 0)
        seal_slot_set_logged_in(slot, FALSE);
    g_cond_broadcast(&slot->session_freed);
    g_mutex_unlock(&slot->lock);
}

CK_RV
seal_slot_borrow_writable(SealSlot *slot, CK_SESSION_HANDLE *ret_session)
{
    const CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    CK_SESSION_HANDLE plain = 0;
    CK_SESSION_INFO info = {0};
    CK_RV rv = seal_slot_borrow_session(slot, &plain);

    if (rv != CKR_OK)
        return rv;
    rv = slot->functions->C_OpenSession(slot->id, flags, NULL, NULL, ret_session);
    if (rv != CKR_OK && rv != CKR_SESSION_COUNT) {
        seal_slot_return_session(slot, plain, TRUE);
        return rv;
    }
    (void)slot->functions->C_CloseSession(plain); /* its place is the new one's */
    if (rv == CKR_OK)
        return rv;
    rv = slot->functions->C_OpenSession(slot->id, flags, NULL, NULL, ret_session);
    if (rv != CKR_OK)
        lose_session(slot);
    else if (slot->functions->C_GetSessionInfo(*ret_session, &info) == CKR_OK &&
             info.state == CKS_RW_PUBLIC_SESSION)
        seal_slot_set_logged_in(slot, FALSE);
    return rv;
}

/* Under lock. */
static void
wait_for_sessions(SealSlot *slot, gboolean (*is_over)(const SealSlot *slot))
{
    while (!seal_slot_is_gone(slot) && !is_over(slot)) {
        slot->n_waiting++;
        g_cond_wait(&slot->session_freed, &slot->lock);
        slot->n_waiting--;
    }
}

static gboolean
is_free(const SealSlot *slot)
{
    return !slot->is_reserved;
}

CK_RV
seal_slot_reserve(SealSlot *slot)
{
    CK_RV rv = CKR_OK;

    g_mutex_lock(&slot->lock);
    wait_for_sessions(slot, is_free);
    slot->is_reserved = TRUE;
    wait_for_sessions(slot, is_idle);
    if (seal_slot_is_gone(slot)) {
        slot->is_reserved = FALSE;
        rv = CKR_TOKEN_NOT_PRESENT;
    } else {
        g_array_set_size(slot->idle, 0);
        slot->n_sessions = 0;
    }
    g_mutex_unlock(&slot->lock);
    if (rv != CKR_OK)
        return rv;
    (void)slot->functions->C_CloseAllSessions(slot->id);
    seal_slot_set_logged_in(slot, FALSE);
    return CKR_OK;
}

void
seal_slot_release(SealSlot *slot)
{
    g_mutex_lock(&slot->lock);
    slot->is_reserved = FALSE;
    g_cond_broadcast(&slot->session_freed);
    g_mutex_unlock(&slot->lock);
}

guint32
seal_slot_flags(SealSlot *slot)
{
    return g_atomic_int_get(&slot->info.flags);
}

gboolean
seal_slot_is_gone(SealSlot *slot)
{
    return g_atomic_int_get(&slot->gone);
}

gboolean
seal_slot_is_logged_in(SealSlot *slot)
{
    return g_atomic_int_get(&slot->logged_in);
}

void
seal_slot_set_logged_in(SealSlot *slot, gboolean logged_in)
{
    g_atomic_int_set(&slot->logged_in, logged_in);
}

gboolean
seal_slot_has_quirk(SealSlot *slot, guint quirk)
{
    return ((guint)g_atomic_int_get(&slot->quirks) & quirk) != 0;
}

void
seal_slot_set_quirk(SealSlot *slot, guint quirk)
{
    (void)g_atomic_int_or((guint *)&slot->quirks, quirk);
}
