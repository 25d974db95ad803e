/* libp11 leaves the return value of PKCS#11 in OpenSSL's queue of errors, below what OpenSSL's
 * layers say of it: the first one is the reason. The agent's own sentence does not come through. */
#include "pki/token-key.h"

#include <openssl/err.h>
#include <p11-kit/pkcs11.h>
#include <string.h>

#include "base/error.h"

/* As libp11 calls PKCS#11's return values among OpenSSL's libraries. */
#define LIBRARY_NAME "PKCS#11 module"

/* What pkcs11/module/failure.c makes of the agent's errors, and of what the module refuses. */
static const struct {
    CK_RV rv;
    SealErrorCode code;
    const char *reason;
} rows[] = {
    {CKR_FUNCTION_CANCELED, SEAL_ERROR_CANCELLED, "it was cancelled"},
    {CKR_FUNCTION_REJECTED, SEAL_ERROR_DENIED, "this program may not use the key"},
    {CKR_PIN_INCORRECT, SEAL_ERROR_PIN_INCORRECT, "the PIN was wrong, try again"},
    {CKR_PIN_LOCKED, SEAL_ERROR_PIN_BLOCKED,
     "the PIN is blocked, unblock it with \"privyseal pin unblock\""},
    {CKR_PIN_EXPIRED, SEAL_ERROR_PIN_EXPIRED,
     "the PIN has expired, change it with \"privyseal pin change\""},
    {CKR_USER_NOT_LOGGED_IN, SEAL_ERROR_PIN_REQUIRED,
     "nobody could be asked for the PIN, give it with \"privyseal unlock\""},
    {CKR_DEVICE_REMOVED, SEAL_ERROR_TOKEN_REMOVED, "the key's token is not there, insert it"},
    {CKR_DEVICE_ERROR, SEAL_ERROR_MODULE_FAILED,
     "the token or the agent failed, the agent's log says how"},
    {CKR_FUNCTION_FAILED, SEAL_ERROR_MODULE_FAILED,
     "the token or the agent failed, the agent's log says how"},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, SEAL_ERROR_KEY_USAGE, "the key is not for that"},
    {CKR_MECHANISM_INVALID, SEAL_ERROR_NOT_SUPPORTED, "the token's keys do not do that"},
    {CKR_MECHANISM_PARAM_INVALID, SEAL_ERROR_NOT_SUPPORTED, "the token's keys do not do that"},
    {CKR_DATA_INVALID, SEAL_ERROR_NOT_SUPPORTED,
     "the token's keys sign by SHA-256 and longer only"},
    {CKR_DATA_LEN_RANGE, SEAL_ERROR_NOT_SUPPORTED,
     "the token's keys sign by SHA-256 and longer only"},
};

static gboolean
set_known(GError **error, const char *action, unsigned long number)
{
    const char *library = ERR_lib_error_string(number);

    if (g_strcmp0(library, LIBRARY_NAME) != 0)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if ((CK_RV)ERR_GET_REASON(number) != rows[i].rv)
            continue;
        g_set_error(error, SEAL_ERROR, rows[i].code, "cannot %s: %s", action, rows[i].reason);
        return TRUE;
    }
    return FALSE;
}

gboolean
seal_token_key_set_error(GError **error, const char *action)
{
    char text[256] = "OpenSSL does not say why";
    unsigned long number = 0;
    gboolean known = FALSE;

    while (!known && (number = ERR_get_error()) != 0) {
        known = set_known(error, action, number);
        ERR_error_string_n(number, text, sizeof text);
    }
    ERR_clear_error();
    if (!known)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot %s: %s", action, text);
    return FALSE;
}
