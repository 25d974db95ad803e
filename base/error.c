/* Error codes and their phrases. One table, no logic: whoever adds a code adds its row here and its
 * D-Bus name in ipc/errors.c; a test checks that both tables are complete. */
#include "base/error.h"

static const char *const phrases[] = {
    [SEAL_ERROR_NONE] = "no error",
    [SEAL_ERROR_FAILED] = "failed",
    [SEAL_ERROR_NOT_FOUND] = "no such object",
    [SEAL_ERROR_TOKEN_REMOVED] = "the token was removed",
    [SEAL_ERROR_PIN_INCORRECT] = "the PIN is wrong",
    [SEAL_ERROR_PIN_BLOCKED] = "the PIN is blocked",
    [SEAL_ERROR_PIN_REQUIRED] = "the token is locked",
    [SEAL_ERROR_CANCELLED] = "cancelled",
    [SEAL_ERROR_DENIED] = "denied",
    [SEAL_ERROR_NO_PROMPTER] = "no prompt can be shown",
    [SEAL_ERROR_MODULE_FAILED] = "the PKCS#11 module failed",
    [SEAL_ERROR_TIMED_OUT] = "the deadline passed",
    [SEAL_ERROR_UNREACHABLE] = "cannot be reached",
    [SEAL_ERROR_BUSY] = "the token is busy",
    [SEAL_ERROR_NOT_SUPPORTED] = "not supported",
    [SEAL_ERROR_NOT_PERMITTED] = "not permitted",
    [SEAL_ERROR_KEY_USAGE] = "the key is not for this purpose",
    [SEAL_ERROR_INVALID_INPUT] = "malformed input",
    [SEAL_ERROR_LIMIT_EXCEEDED] = "a limit is exceeded",
    [SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED] = "only on a private connection",
    [SEAL_ERROR_INTERACTION_REQUIRED] = "a person must be asked",
    [SEAL_ERROR_DECRYPT_FAILED] = "the wrapped key could not be opened",
    [SEAL_ERROR_PIN_EXPIRED] = "the PIN has expired",
};
G_STATIC_ASSERT(G_N_ELEMENTS(phrases) == SEAL_ERROR_LAST + 1);

GQuark
seal_error_quark(void)
{
    static gint quark; /* atomic: the second time nobody waits for GLib's lock */
    gint known = g_atomic_int_get(&quark);

    if (known != 0)
        return (GQuark)known;
    /* The name is copied: GLib keeps it when the PKCS#11 module, which has this code too, is unloaded. */
    known = (gint)g_quark_from_string("seal-error-quark");
    g_atomic_int_set(&quark, known);
    return (GQuark)known;
}

const char *
seal_error_phrase(SealErrorCode code)
{
    if ((unsigned)code > SEAL_ERROR_LAST)
        return phrases[SEAL_ERROR_FAILED];
    return phrases[code];
}

gboolean
seal_error_is(const GError *error, SealErrorCode code)
{
    return g_error_matches(error, SEAL_ERROR, (gint)code);
}
