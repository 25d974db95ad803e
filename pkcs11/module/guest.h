/* One initialisation of the module in one process: from C_Initialize to C_Finalize. */
#pragma once

#include "base/fd.h"
#include "pkcs11/module/pool.h"
#include "pkcs11/module/session.h"
#include "pkcs11/module/view.h"

typedef struct {
    SealLock lock;      /* of `sessions`; held for moments */
    SealLock view_lock; /* of `view`; held while the agent lists, never while a person is asked */
    SealView view;
    SealSessions sessions;
    SealPool pool;
    gboolean serves_libp11; /* see seal_company_has_libp11() */
    SealFd wake;            /* becomes readable at the end: for those who poll */
} SealGuest;

/* C_Initialize: OK once in a process, then CRYPTOKI_ALREADY_INITIALIZED. */
CK_RV seal_guest_begin(const CK_C_INITIALIZE_ARGS *arguments);
/* C_Finalize: ends every call that is under way, waits until all have left, and frees everything.
 */
CK_RV seal_guest_end(void);

/* Every call begins with it: NULL if the module is not initialised in this process (a forked child
 * is another process than its parent). Else leave again. */
SealGuest *seal_guest_enter(void);
void seal_guest_leave(SealGuest *guest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealGuest, seal_guest_leave)

/* TRUE once C_Finalize has begun. */
gboolean seal_guest_is_ending(void);

/* What is there now (transfer full); NULL if C_Finalize ended the question. */
SealCatalogue *seal_guest_catalogue(SealGuest *guest);

/* A connection for one call to the agent; give it back to the pool. NULL with the answer:
 * CRYPTOKI_NOT_INITIALIZED at the end, HOST_MEMORY if the process has no descriptor left. */
SealClient *seal_guest_take_client(SealGuest *guest, CK_RV *ret_rv);

/* How most calls begin: the session, with the lock taken. NULL, and nothing taken, with the answer:
 * CRYPTOKI_NOT_INITIALIZED if `guest` is NULL; DEVICE_REMOVED once for a session whose token went
 * (it is closed then, but libp11's comes back with the token); SESSION_HANDLE_INVALID for none.
 * `ret_catalogue` (nullable): what is there now (transfer full). */
SealSession *seal_guest_open(SealGuest *guest, CK_SESSION_HANDLE handle,
                             SealCatalogue **ret_catalogue, CK_RV *ret_rv);
