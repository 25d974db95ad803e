/* One insertion of a token into a slot: what the token is and can do, its sessions, whether it is
 * logged in. A token that was pulled and put back is another SealSlot with another reference, so
 * that nobody can use what was learned from the former. Thread-safe where not said otherwise. */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

#include "base/error.h"
#include "pkcs11/wire/messages.h"

/* Sessions a host opens with one token at most. */
#define SEAL_SESSIONS_MAX 64u

/* The vendor's mechanisms that we may use. */
typedef enum {
    SEAL_CAN_RSA_PKCS_SIGN = 1 << 0,
    SEAL_CAN_RSA_PKCS_DECRYPT = 1 << 1,
    SEAL_CAN_RSA_RAW_SIGN = 1 << 2, /* CKM_RSA_X_509 */
    SEAL_CAN_RSA_RAW_DECRYPT = 1 << 3,
    SEAL_CAN_RSA_PSS = 1 << 4,
    SEAL_CAN_RSA_OAEP = 1 << 5,
    SEAL_CAN_ECDSA = 1 << 6,
    SEAL_CAN_EDDSA = 1 << 7,
    SEAL_CAN_ECDH = 1 << 8,
    SEAL_CAN_ECDH_COFACTOR = 1 << 9,
} SealTokenAbilities;

/* What was found out by trying, so that it is tried once: bits of `quirks`. */
typedef enum {
    SEAL_QUIRK_PSS_REFUSED = 1 << 0,    /* shifted by SealHash: 0 to 7 */
    SEAL_QUIRK_POINT_IN_DER = 1 << 8,   /* C_DeriveKey wants the DER of the originator's point */
    SEAL_QUIRK_PLAIN_TEMPLATE = 1 << 9, /* C_DeriveKey wants no length in the template */
} SealQuirks;

typedef struct {
    gatomicrefcount references;
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID id;
    SealTokenInfo info;   /* constant but for `flags`, which changes under login_lock */
    char *reader;         /* what the module calls the slot: PC/SC's name, where that is used */
    guint32 insertion;    /* of the card in it, as readers.h counts */
    guint32 abilities;    /* SealTokenAbilities */
    gint quirks;          /* atomic */
    gint gone;            /* atomic */
    gboolean told_gone;   /* under login_lock */
    gint logged_in;       /* atomic */
    GMutex login_lock;    /* held by login, logout and re-reading of the token */
    guint8 told_hash[32]; /* of the descriptions sent last; under login_lock */

    GMutex lock; /* guards the rest */
    GCond session_freed;
    GArray *idle; /* CK_SESSION_HANDLE; last in, first out */
    guint n_sessions;
    guint n_waiting; /* threads that wait for a session */
    guint max_sessions;
    gboolean is_reserved; /* nobody may have a session */
} SealSlot;

/* Reads the token in slot `id`. Returns it (transfer full); NULL with the return value if there is
 * none, or none that was initialised. Blocks on the token. */
SealSlot *seal_slot_new(CK_FUNCTION_LIST *functions, CK_SLOT_ID id, guint32 reference,
                        CK_RV *ret_rv);
/* How the module describes slot `id` (transfer full); "" if it does not. */
char *seal_slot_describe(CK_FUNCTION_LIST *functions, CK_SLOT_ID id);
/* References; NULL may be unreferenced. */
SealSlot *seal_slot_ref(SealSlot *slot);
void seal_slot_unref(SealSlot *slot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSlot, seal_slot_unref)

/* Reads the token's flags again (PIN counters, login): returns TRUE if they changed. Needs
 * login_lock. Blocks on the token. */
gboolean seal_slot_refresh_flags(SealSlot *slot);

/* TRUE if the token in the slot is still the one that `slot` was made from, as far as the module
 * knows. Blocks on the token. */
gboolean seal_slot_is_same(SealSlot *slot);

/* Takes an idle session or opens one; waits for one to be returned when the token allows no more.
 * CKR_TOKEN_NOT_PRESENT once the slot is marked as gone. Blocks on the token. */
CK_RV seal_slot_borrow_session(SealSlot *slot, CK_SESSION_HANDLE *ret_session);
/* Gives a session back. `clean`: no operation is under way in it; else it is closed, and replaced
 * if it was the last one (closing the last session would log the token out). */
void seal_slot_return_session(SealSlot *slot, CK_SESSION_HANDLE session, gboolean clean);

/* TRUE while sessions are borrowed: a call may be under way. */
gboolean seal_slot_is_busy(SealSlot *slot);

/* Nothing uses the token's sessions from here on. Closes them where they still are. */
void seal_slot_mark_gone(SealSlot *slot);
/* TRUE once it was marked as gone. */
gboolean seal_slot_is_gone(SealSlot *slot);

/* As seal_slot_borrow_session(), with a read-write session, to be returned as not clean. A token that
 * has one session only is logged out by it. */
CK_RV seal_slot_borrow_writable(SealSlot *slot, CK_SESSION_HANDLE *ret_session);
/* Waits until all sessions are back, and closes them, which logs the token out. Nobody gets one until
 * seal_slot_release(), which is only due after CKR_OK. CKR_TOKEN_NOT_PRESENT once the slot is marked as
 * gone. Not with login_lock held: who has a session may wait for that. */
CK_RV seal_slot_reserve(SealSlot *slot);
void seal_slot_release(SealSlot *slot);

/* SEAL_TOKEN_* as the token told them last. `info.flags` itself is read under `login_lock` only. */
guint32 seal_slot_flags(SealSlot *slot);

/* Whether this process is logged in to the token, as far as is known. */
gboolean seal_slot_is_logged_in(SealSlot *slot);
void seal_slot_set_logged_in(SealSlot *slot, gboolean logged_in);

/* `quirk`: a bit of SealQuirks (shifted by the hash where it says so). */
gboolean seal_slot_has_quirk(SealSlot *slot, guint quirk);
void seal_slot_set_quirk(SealSlot *slot, guint quirk);
