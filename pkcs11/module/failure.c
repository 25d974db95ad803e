/* Programs know a few return values and show the rest as a number; what a person must know was said
 * by the agent's prompt and stands in its log. */
#include "pkcs11/module/failure.h"

#include "base/error.h"
#include "pkcs11/module/guest.h"

static const struct {
    SealErrorCode code;
    CK_RV rv;
} rows[] = {
    {SEAL_ERROR_NOT_FOUND, CKR_DEVICE_REMOVED},
    {SEAL_ERROR_TOKEN_REMOVED, CKR_DEVICE_REMOVED},
    {SEAL_ERROR_PIN_INCORRECT, CKR_PIN_INCORRECT},
    {SEAL_ERROR_PIN_BLOCKED, CKR_PIN_LOCKED},
    {SEAL_ERROR_PIN_EXPIRED, CKR_PIN_EXPIRED},
    {SEAL_ERROR_PIN_REQUIRED, CKR_USER_NOT_LOGGED_IN},
    {SEAL_ERROR_CANCELLED, CKR_FUNCTION_CANCELED},
    {SEAL_ERROR_DENIED, CKR_FUNCTION_REJECTED},
    {SEAL_ERROR_NO_PROMPTER, CKR_USER_NOT_LOGGED_IN},
    {SEAL_ERROR_MODULE_FAILED, CKR_DEVICE_ERROR},
    {SEAL_ERROR_TIMED_OUT, CKR_DEVICE_ERROR},
    {SEAL_ERROR_UNREACHABLE, CKR_DEVICE_ERROR},
    {SEAL_ERROR_BUSY, CKR_FUNCTION_FAILED},
    {SEAL_ERROR_NOT_SUPPORTED, CKR_MECHANISM_INVALID},
    {SEAL_ERROR_NOT_PERMITTED, CKR_FUNCTION_REJECTED},
    {SEAL_ERROR_KEY_USAGE, CKR_KEY_FUNCTION_NOT_PERMITTED},
    {SEAL_ERROR_INTERACTION_REQUIRED, CKR_USER_NOT_LOGGED_IN},
};

CK_RV
seal_failure_to_rv(const GError *error, CK_RV bad_data)
{
    /* C_Finalize ended the call. */
    if (seal_guest_is_ending())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (!error || error->domain != SEAL_ERROR)
        return CKR_GENERAL_ERROR;
    if (error->code == SEAL_ERROR_INVALID_INPUT || error->code == SEAL_ERROR_LIMIT_EXCEEDED ||
        error->code == SEAL_ERROR_DECRYPT_FAILED)
        return bad_data;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if ((gint)rows[i].code == error->code)
            return rows[i].rv;
    return CKR_FUNCTION_FAILED;
}
