/* One table between our codes and D-Bus error names. Going out, every code has its name; coming in,
 * the names of the bus itself are understood too, so that a client sees one kind of error. */
#include "ipc/errors.h"

#include "ipc/names.h"

#define STANDARD "org.freedesktop.DBus.Error."

static const char *const names[] = {
    [SEAL_ERROR_NONE] = STANDARD "Failed",
    [SEAL_ERROR_FAILED] = STANDARD "Failed",
    [SEAL_ERROR_NOT_FOUND] = SEAL_ERROR_PREFIX "NotFound",
    [SEAL_ERROR_TOKEN_REMOVED] = SEAL_ERROR_PREFIX "TokenRemoved",
    [SEAL_ERROR_PIN_INCORRECT] = SEAL_ERROR_PREFIX "PinIncorrect",
    [SEAL_ERROR_PIN_BLOCKED] = SEAL_ERROR_PREFIX "PinBlocked",
    [SEAL_ERROR_PIN_REQUIRED] = SEAL_ERROR_PREFIX "PinRequired",
    [SEAL_ERROR_CANCELLED] = SEAL_ERROR_PREFIX "Cancelled",
    [SEAL_ERROR_DENIED] = SEAL_ERROR_PREFIX "Denied",
    [SEAL_ERROR_NO_PROMPTER] = SEAL_ERROR_PREFIX "NoPrompter",
    [SEAL_ERROR_MODULE_FAILED] = SEAL_ERROR_PREFIX "ModuleFailed",
    [SEAL_ERROR_TIMED_OUT] = SEAL_ERROR_PREFIX "TimedOut",
    [SEAL_ERROR_UNREACHABLE] = SEAL_ERROR_PREFIX "Unreachable",
    [SEAL_ERROR_BUSY] = SEAL_ERROR_PREFIX "Busy",
    [SEAL_ERROR_NOT_SUPPORTED] = SEAL_ERROR_PREFIX "NotSupported",
    [SEAL_ERROR_NOT_PERMITTED] = SEAL_ERROR_PREFIX "NotPermitted",
    [SEAL_ERROR_KEY_USAGE] = SEAL_ERROR_PREFIX "KeyUsage",
    [SEAL_ERROR_INVALID_INPUT] = SEAL_ERROR_PREFIX "InvalidInput",
    [SEAL_ERROR_LIMIT_EXCEEDED] = SEAL_ERROR_PREFIX "LimitExceeded",
    [SEAL_ERROR_PRIVATE_CONNECTION_REQUIRED] = SEAL_ERROR_PREFIX "PrivateConnectionRequired",
    [SEAL_ERROR_INTERACTION_REQUIRED] = STANDARD "InteractiveAuthorizationRequired",
    [SEAL_ERROR_DECRYPT_FAILED] = SEAL_ERROR_PREFIX "DecryptFailed",
    [SEAL_ERROR_PIN_EXPIRED] = SEAL_ERROR_PREFIX "PinExpired",
};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == SEAL_ERROR_LAST + 1);

typedef struct {
    const char *name;
    SealErrorCode code;
} StandardName;

static const StandardName standard_names[] = {
    {STANDARD "ServiceUnknown", SEAL_ERROR_UNREACHABLE},
    {STANDARD "NameHasNoOwner", SEAL_ERROR_UNREACHABLE},
    {STANDARD "NoServer", SEAL_ERROR_UNREACHABLE},
    {STANDARD "NoReply", SEAL_ERROR_UNREACHABLE},
    {STANDARD "Disconnected", SEAL_ERROR_UNREACHABLE},
    {STANDARD "UnknownObject", SEAL_ERROR_NOT_FOUND},
    {STANDARD "UnknownMethod", SEAL_ERROR_NOT_SUPPORTED},
    {STANDARD "UnknownInterface", SEAL_ERROR_NOT_SUPPORTED},
    {STANDARD "UnknownProperty", SEAL_ERROR_NOT_SUPPORTED},
    {STANDARD "NotSupported", SEAL_ERROR_NOT_SUPPORTED},
    {STANDARD "InvalidArgs", SEAL_ERROR_INVALID_INPUT},
    {STANDARD "InvalidSignature", SEAL_ERROR_INVALID_INPUT},
    {STANDARD "AccessDenied", SEAL_ERROR_NOT_PERMITTED},
    {STANDARD "LimitsExceeded", SEAL_ERROR_LIMIT_EXCEEDED},
    {STANDARD "Timeout", SEAL_ERROR_TIMED_OUT},
    {STANDARD "TimedOut", SEAL_ERROR_TIMED_OUT},
};

const char *
seal_error_dbus_name(SealErrorCode code)
{
    if ((unsigned)code > SEAL_ERROR_LAST)
        return names[SEAL_ERROR_FAILED];
    return names[code];
}

SealErrorCode
seal_error_from_dbus_name(const char *name)
{
    if (!name)
        return SEAL_ERROR_FAILED;
    for (size_t i = SEAL_ERROR_FAILED + 1; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i], name))
            return (SealErrorCode)i;
    for (size_t i = 0; i < G_N_ELEMENTS(standard_names); i++)
        if (g_str_equal(standard_names[i].name, name))
            return standard_names[i].code;
    return SEAL_ERROR_FAILED;
}
