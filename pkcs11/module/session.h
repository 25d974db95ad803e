/* Sessions, and the operations in them. All of it is guarded by the guest's lock; what waits for
 * the agent takes its operation out of the session first. */
#pragma once

#include <glib.h>

#include "pkcs11/module/refusal.h"

/* More at once, and C_OpenSession says CKR_SESSION_COUNT. */
#define SEAL_SESSIONS_MAX 10000u

typedef struct SealDecryption SealDecryption; /* decryption.h */

typedef enum {
    SEAL_PHASE_NONE,
    SEAL_PHASE_READY, /* initialised */
    SEAL_PHASE_BUSY,  /* taken out by a call that waits for the agent */
} SealPhase;

typedef struct {
    CK_SESSION_HANDLE handle;
    CK_SLOT_ID slot;
    guint insertion; /* of its slot when it was opened */
    gboolean read_write, closed;
    GArray *found; /* (nullable) of CK_OBJECT_HANDLE: C_FindObjectsInit's result */
    guint found_next;
    SealPhase signing_phase, decryption_phase;
    SealSigning *signing;
    SealDecryption *decryption;
    SealRefusal refusal; /* where libp11 is */
} SealSession;

typedef struct {
    GHashTable *by_handle; /* handle -> SealSession* */
    GHashTable *objects;   /* handle -> SealSecretKey* (secret-key.h), of any session */
    GHashTable *logins;    /* set of slot ids */
    gulong last_session, last_object;
} SealSessions;

/* Empty tables; _clear closes every session. */
void seal_sessions_init(SealSessions *sessions);
void seal_sessions_clear(SealSessions *sessions);

/* NULL if there are SEAL_SESSIONS_MAX. Borrowed. */
SealSession *seal_sessions_open(SealSessions *sessions, CK_SLOT_ID slot, guint insertion,
                                gboolean read_write);
/* NULL if there is none. Borrowed; valid under the lock. */
SealSession *seal_sessions_find(SealSessions *sessions, CK_SESSION_HANDLE handle);
/* Ends its operations and objects. */
void seal_sessions_close(SealSessions *sessions, SealSession *session);
void seal_sessions_close_slot(SealSessions *sessions, CK_SLOT_ID slot);
guint seal_sessions_count(const SealSessions *sessions, CK_SLOT_ID slot, gboolean only_read_write);

/* Ends the operations with which no call is under way. */
void seal_session_end_operations(SealSession *session);

/* Counts another holder, or one less (NULL is allowed). */
SealSession *seal_session_ref(SealSession *session);
void seal_session_unref(SealSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSession, seal_session_unref)

/* What C_Login and C_Logout said of this slot. */
gboolean seal_session_is_logged_in(const SealSessions *sessions, CK_SLOT_ID slot);
void seal_session_set_login(SealSessions *sessions, CK_SLOT_ID slot, gboolean logged_in);
