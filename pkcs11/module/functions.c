/* The three symbols that this module exports, and the lists they hand out. */
#include <string.h>

#include "pkcs11/module/cryptoki.h"
#include "pkcs11/module/unserved.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);
EXPORTED CK_RV C_GetInterfaceList(SealInterface *list, CK_ULONG *count);
EXPORTED CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, SealInterface **ret_interface,
                              CK_FLAGS flags);

/* In the order of CK_FUNCTION_LIST. */
#define FUNCTIONS                                                                                  \
    C_Initialize, C_Finalize, C_GetInfo, C_GetFunctionList, C_GetSlotList, C_GetSlotInfo,          \
        C_GetTokenInfo, C_GetMechanismList, C_GetMechanismInfo, C_InitToken, C_InitPIN, C_SetPIN,  \
        C_OpenSession, C_CloseSession, C_CloseAllSessions, C_GetSessionInfo, C_GetOperationState,  \
        C_SetOperationState, C_Login, C_Logout, C_CreateObject, C_CopyObject, C_DestroyObject,     \
        C_GetObjectSize, C_GetAttributeValue, C_SetAttributeValue, C_FindObjectsInit,              \
        C_FindObjects, C_FindObjectsFinal, C_EncryptInit, C_Encrypt, C_EncryptUpdate,              \
        C_EncryptFinal, C_DecryptInit, C_Decrypt, C_DecryptUpdate, C_DecryptFinal, C_DigestInit,   \
        C_Digest, C_DigestUpdate, C_DigestKey, C_DigestFinal, C_SignInit, C_Sign, C_SignUpdate,    \
        C_SignFinal, C_SignRecoverInit, C_SignRecover, C_VerifyInit, C_Verify, C_VerifyUpdate,     \
        C_VerifyFinal, C_VerifyRecoverInit, C_VerifyRecover, C_DigestEncryptUpdate,                \
        C_DecryptDigestUpdate, C_SignEncryptUpdate, C_DecryptVerifyUpdate, C_GenerateKey,          \
        C_GenerateKeyPair, C_WrapKey, C_UnwrapKey, C_DeriveKey, C_SeedRandom, C_GenerateRandom,    \
        C_GetFunctionStatus, C_CancelFunction, C_WaitForSlotEvent

#define UNSERVED_4                                                                                 \
    seal_unserved_message, seal_unserved_message, seal_unserved_message, seal_unserved_message

static CK_FUNCTION_LIST functions = {{2, 40}, FUNCTIONS};

static SealFunctionList3 functions3 = {
    {{3, 0}, FUNCTIONS},
    {C_GetInterfaceList,
     C_GetInterface,
     C_LoginUser,
     C_SessionCancel,
     {UNSERVED_4, UNSERVED_4, UNSERVED_4, UNSERVED_4, UNSERVED_4}},
};

#define INTERFACE_NAME "PKCS 11"

/* The newest first: it is the default (3.0 5.4). A forked child is told at once that it must
 * initialise anew, which is what this flag promises. */
static SealInterface interfaces[] = {
    {(CK_UTF8CHAR *)INTERFACE_NAME, &functions3, SEAL_CKF_INTERFACE_FORK_SAFE},
    {(CK_UTF8CHAR *)INTERFACE_NAME, &functions, SEAL_CKF_INTERFACE_FORK_SAFE},
};
#define INTERFACES (sizeof interfaces / sizeof interfaces[0])

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!list)
        return CKR_ARGUMENTS_BAD;
    *list = &functions;
    return CKR_OK;
}

CK_RV
C_GetInterfaceList(SealInterface *list, CK_ULONG *count)
{
    CK_ULONG room = 0;

    if (!count)
        return CKR_ARGUMENTS_BAD;
    room = *count;
    *count = INTERFACES;
    if (!list)
        return CKR_OK;
    if (room < INTERFACES)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof interfaces);
    return CKR_OK;
}

static int
is_version(const SealInterface *candidate, const CK_VERSION *version)
{
    const CK_VERSION *has = candidate->functions;

    return !version || (has->major == version->major && has->minor == version->minor);
}

CK_RV
C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, SealInterface **ret_interface,
               CK_FLAGS flags)
{
    if (!ret_interface)
        return CKR_ARGUMENTS_BAD;
    if (name && strcmp((const char *)name, INTERFACE_NAME) != 0)
        return CKR_FUNCTION_FAILED;
    for (CK_ULONG i = 0; i < INTERFACES; i++) {
        if (!is_version(&interfaces[i], version) || (flags & ~interfaces[i].flags))
            continue;
        *ret_interface = &interfaces[i];
        return CKR_OK;
    }
    return CKR_FUNCTION_FAILED;
}
