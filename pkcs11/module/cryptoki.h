/* PKCS#11 as this module speaks it: 2.40 from p11-kit's header, and what it uses of 3.0. */
#pragma once

#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>

/* -- numbers of PKCS#11 3.0 that p11-kit 0.24 lacks ----------------------------- */

#define SEAL_CKO_PROFILE                   9UL
#define SEAL_CKA_PROFILE_ID                0x601UL
#define SEAL_CKP_PUBLIC_CERTIFICATES_TOKEN 4UL
#define SEAL_CKK_EC_MONTGOMERY             0x41UL
#define SEAL_CKR_OPERATION_CANCEL_FAILED   0x202UL
#define SEAL_CKF_INTERFACE_FORK_SAFE       1UL
/* 3.0 5.12: what C_SessionCancel may end */
#define SEAL_CKF_FIND_OBJECTS 0x40UL

/* PKCS#11 3.0 6.3.16 (EdDSA) */
typedef struct {
    CK_BBOOL ph_flag;
    CK_ULONG context_len;
    CK_BYTE *context;
} SealEddsaParams;

/* -- the function list of 3.0 ----------------------------------------------------- */

typedef struct {
    CK_UTF8CHAR *name;
    void *functions; /* begins with a CK_VERSION */
    CK_FLAGS flags;
} SealInterface;

/* What 3.0 appends to the list of 2.40, in its order. */
typedef struct {
    CK_RV (*C_GetInterfaceList)(SealInterface *list, CK_ULONG *count);
    CK_RV(*C_GetInterface)
    (CK_UTF8CHAR *name, CK_VERSION *version, SealInterface **ret_interface, CK_FLAGS flags);
    CK_RV(*C_LoginUser)
    (CK_SESSION_HANDLE session, CK_ULONG user_type, CK_UTF8CHAR *pin, CK_ULONG pin_len,
     CK_UTF8CHAR *name, CK_ULONG name_len);
    CK_RV (*C_SessionCancel)(CK_SESSION_HANDLE session, CK_FLAGS flags);
    /* The 20 functions for messages: none is served, and none looks at its arguments. Their order
     * is that of the standard, from C_MessageEncryptInit to C_MessageVerifyFinal. */
    CK_RV (*messages[20])(void);
} SealFunctions3;

/* CK_FUNCTION_LIST is all pointers after its version, so that the appended ones follow without a
 * gap. */
typedef struct {
    CK_FUNCTION_LIST list;
    SealFunctions3 appended;
} SealFunctionList3;

/* PKCS#11 3.0 5.6: C_Login with a user's name, which is not looked at. */
CK_RV C_LoginUser(CK_SESSION_HANDLE handle, CK_ULONG user, CK_UTF8CHAR *pin, CK_ULONG pin_len,
                  CK_UTF8CHAR *name, CK_ULONG name_len);
/* PKCS#11 3.0 5.6: ends the session's operations that `flags` name. */
CK_RV C_SessionCancel(CK_SESSION_HANDLE handle, CK_FLAGS flags);
