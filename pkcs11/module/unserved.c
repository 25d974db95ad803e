/* Making and changing objects, PINs, symmetric cryptography, digests and verification belong to
 * other modules: every program has them in software. One line each. */
#include "pkcs11/module/unserved.h"

#include "pkcs11/module/guest.h"

static CK_RV
answer(CK_RV rv)
{
    g_autoptr(SealGuest) guest = seal_guest_enter();

    return guest ? rv : CKR_CRYPTOKI_NOT_INITIALIZED;
}

/* The names of arguments that nobody reads. */
#define SESSION CK_SESSION_HANDLE session
#define IN      CK_BYTE *in, CK_ULONG in_len
#define OUT     CK_BYTE *out, CK_ULONG *out_len
#define SCHEME  CK_MECHANISM *mechanism
#define SHAPE   CK_ATTRIBUTE *template, CK_ULONG count
#define UNSERVED(name, ...)                                                                        \
    CK_RV name(__VA_ARGS__)                                                                        \
    {                                                                                              \
        return answer(CKR_FUNCTION_NOT_SUPPORTED);                                                 \
    }

UNSERVED(C_InitToken, CK_SLOT_ID slot, IN, CK_UTF8CHAR *label)
UNSERVED(C_InitPIN, SESSION, IN)
UNSERVED(C_SetPIN, SESSION, IN, CK_UTF8CHAR *new_pin, CK_ULONG new_len)
UNSERVED(C_GetOperationState, SESSION, OUT)
UNSERVED(C_SetOperationState, SESSION, IN, CK_OBJECT_HANDLE encryption, CK_OBJECT_HANDLE signature)
UNSERVED(C_CreateObject, SESSION, SHAPE, CK_OBJECT_HANDLE *object)
UNSERVED(C_CopyObject, SESSION, CK_OBJECT_HANDLE object, SHAPE, CK_OBJECT_HANDLE *copy)
UNSERVED(C_EncryptInit, SESSION, SCHEME, CK_OBJECT_HANDLE key)
UNSERVED(C_Encrypt, SESSION, IN, OUT)
UNSERVED(C_EncryptUpdate, SESSION, IN, OUT)
UNSERVED(C_EncryptFinal, SESSION, OUT)
UNSERVED(C_DecryptUpdate, SESSION, IN, OUT)
UNSERVED(C_DecryptFinal, SESSION, OUT)
UNSERVED(C_DigestInit, SESSION, SCHEME)
UNSERVED(C_Digest, SESSION, IN, OUT)
UNSERVED(C_DigestUpdate, SESSION, IN)
UNSERVED(C_DigestKey, SESSION, CK_OBJECT_HANDLE key)
UNSERVED(C_DigestFinal, SESSION, OUT)
UNSERVED(C_SignRecoverInit, SESSION, SCHEME, CK_OBJECT_HANDLE key)
UNSERVED(C_SignRecover, SESSION, IN, OUT)
UNSERVED(C_VerifyInit, SESSION, SCHEME, CK_OBJECT_HANDLE key)
UNSERVED(C_Verify, SESSION, IN, CK_BYTE *signature, CK_ULONG signature_len)
UNSERVED(C_VerifyUpdate, SESSION, IN)
UNSERVED(C_VerifyFinal, SESSION, IN)
UNSERVED(C_VerifyRecoverInit, SESSION, SCHEME, CK_OBJECT_HANDLE key)
UNSERVED(C_VerifyRecover, SESSION, IN, OUT)
UNSERVED(C_DigestEncryptUpdate, SESSION, IN, OUT)
UNSERVED(C_DecryptDigestUpdate, SESSION, IN, OUT)
UNSERVED(C_SignEncryptUpdate, SESSION, IN, OUT)
UNSERVED(C_DecryptVerifyUpdate, SESSION, IN, OUT)
UNSERVED(C_GenerateKey, SESSION, SCHEME, SHAPE, CK_OBJECT_HANDLE *key)
UNSERVED(C_GenerateKeyPair, SESSION, SCHEME, SHAPE, CK_ATTRIBUTE *private_template,
         CK_ULONG private_count, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
UNSERVED(C_WrapKey, SESSION, SCHEME, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key, OUT)

/* PKCS#11 5.15: what is left of parallel sessions */
CK_RV
C_GetFunctionStatus(SESSION)
{
    return answer(CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV
C_CancelFunction(SESSION)
{
    return answer(CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV
seal_unserved_message(void)
{
    return answer(CKR_FUNCTION_NOT_SUPPORTED);
}
