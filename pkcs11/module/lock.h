/* A mutex as the program asked for it in C_Initialize: the system's, or its own by callbacks. */
#pragma once

#include <glib.h>
#include <pthread.h>

#include "pkcs11/module/cryptoki.h"

typedef struct {
    pthread_mutex_t own;
    CK_C_INITIALIZE_ARGS callbacks; /* used if `theirs` */
    void *theirs;                   /* (nullable) */
} SealLock;

/* Checks what C_Initialize was given (nullable) by PKCS#11 5.4: ARGUMENTS_BAD, or OK. */
CK_RV seal_lock_check(const CK_C_INITIALIZE_ARGS *arguments);
/* Makes a lock of the kind that these arguments (nullable, checked) ask for. The system's mutexes
 * are used without being asked for, too: they cost nothing. Errors of the program's callback come
 * back. */
CK_RV seal_lock_init(SealLock *lock, const CK_C_INITIALIZE_ARGS *arguments);
void seal_lock_clear(SealLock *lock);

/* Blocks until the lock is free. */
void seal_lock_take(SealLock *lock);
void seal_lock_release(SealLock *lock);

/* For g_autoptr(SealLocked): releases at the end of the block. */
typedef SealLock SealLocked;
static inline SealLocked *
seal_locked_new(SealLock *lock)
{
    seal_lock_take(lock);
    return lock;
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealLocked, seal_lock_release)
