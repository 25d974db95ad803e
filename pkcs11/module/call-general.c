/* C_Initialize, C_Finalize, C_GetInfo, and randomness, which comes from the system: the token's
 * would be slower and no better (CKF_RNG is not set). */
#include <config.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "pkcs11/module/company.h"
#include "pkcs11/module/guest.h"
#include "pkcs11/module/text.h"

CK_RV
C_Initialize(void *arguments)
{
    CK_RV rv = seal_lock_check(arguments);

    if (rv == CKR_OK && seal_company_is_own_agent())
        rv = CKR_GENERAL_ERROR;
    return rv == CKR_OK ? seal_guest_begin(arguments) : rv;
}

CK_RV
C_Finalize(void *reserved)
{
    return reserved ? CKR_ARGUMENTS_BAD : seal_guest_end();
}

CK_RV
C_GetInfo(CK_INFO *info)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();

    if (!guest)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!info)
        return CKR_ARGUMENTS_BAD;
    memset(info, 0, sizeof *info);
    info->cryptokiVersion = (CK_VERSION){2, 40};
    SEAL_TEXT_PAD(info->manufacturerID, "Privy Seal");
    SEAL_TEXT_PAD(info->libraryDescription, "Keys of the Privy Seal agent");
    info->libraryVersion = seal_text_version(SEAL_VERSION);
    return CKR_OK;
}

CK_RV
C_SeedRandom(CK_SESSION_HANDLE handle, CK_BYTE *seed, CK_ULONG len)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();

    return guest ? CKR_RANDOM_SEED_NOT_SUPPORTED : CKR_CRYPTOKI_NOT_INITIALIZED;
}

static CK_RV
fill_random(CK_BYTE *data, CK_ULONG len)
{
    while (len > 0) {
        /* As much as getrandom(2) gives without being interrupted. */
        ssize_t got = getrandom(data, MIN(len, 256), 0);

        if (got < 0 && errno != EINTR)
            return CKR_FUNCTION_FAILED;
        if (got > 0) {
            data += got;
            len -= (CK_ULONG)got;
        }
    }
    return CKR_OK;
}

CK_RV
C_GenerateRandom(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();
    CK_RV rv = CKR_OK;

    if (!seal_guest_open(guest, handle, NULL, &rv))
        return rv;
    seal_lock_release(&guest->lock);
    if (!data && len > 0)
        return CKR_ARGUMENTS_BAD;
    return fill_random(data, len);
}
