/* Locks of the guest's own choice. A program that gives callbacks and does not allow the system's
 * locks is taken at its word, as its threads may be none of the system's. */
#include "pkcs11/module/lock.h"

static gboolean
has_callbacks(const CK_C_INITIALIZE_ARGS *arguments)
{
    return arguments && arguments->CreateMutex;
}

CK_RV
seal_lock_check(const CK_C_INITIALIZE_ARGS *arguments)
{
    gboolean all = FALSE, none = FALSE;

    if (!arguments)
        return CKR_OK;
    all = arguments->CreateMutex && arguments->DestroyMutex && arguments->LockMutex &&
          arguments->UnlockMutex;
    none = !arguments->CreateMutex && !arguments->DestroyMutex && !arguments->LockMutex &&
           !arguments->UnlockMutex;
    return (all || none) && !arguments->pReserved ? CKR_OK : CKR_ARGUMENTS_BAD;
}

CK_RV
seal_lock_init(SealLock *lock, const CK_C_INITIALIZE_ARGS *arguments)
{
    CK_RV rv = CKR_OK;

    lock->theirs = NULL;
    if (!has_callbacks(arguments) || arguments->flags & CKF_OS_LOCKING_OK)
        return pthread_mutex_init(&lock->own, NULL) == 0 ? CKR_OK : CKR_CANT_LOCK;
    lock->callbacks = *arguments;
    rv = arguments->CreateMutex(&lock->theirs);
    return rv == CKR_OK && !lock->theirs ? CKR_CANT_LOCK : rv;
}

void
seal_lock_clear(SealLock *lock)
{
    if (lock->theirs)
        (void)lock->callbacks.DestroyMutex(lock->theirs);
    else
        (void)pthread_mutex_destroy(&lock->own);
}

void
seal_lock_take(SealLock *lock)
{
    if (lock->theirs)
        (void)lock->callbacks.LockMutex(lock->theirs);
    else
        (void)pthread_mutex_lock(&lock->own);
}

void
seal_lock_release(SealLock *lock)
{
    if (lock->theirs)
        (void)lock->callbacks.UnlockMutex(lock->theirs);
    else
        (void)pthread_mutex_unlock(&lock->own);
}
