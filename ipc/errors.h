/* Between SealErrorCode and D-Bus error names, one table for both ways. */
#pragma once

#include <glib.h>

#include "base/error.h"

/* The D-Bus name of `code`, e.g. "org.privyseal.Error.PinBlocked"; INTERACTION_REQUIRED is
 * "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"; FAILED and NONE are
 * "org.freedesktop.DBus.Error.Failed". Static, never NULL. */
const char *seal_error_dbus_name(SealErrorCode code);

/* The code of a D-Bus error name (nullable). Standard names have their nearest code (ServiceUnknown,
 * NoReply, Disconnected: UNREACHABLE; UnknownObject: NOT_FOUND; UnknownMethod: NOT_SUPPORTED; InvalidArgs:
 * INVALID_INPUT; AccessDenied: NOT_PERMITTED; LimitsExceeded: LIMIT_EXCEEDED; Timeout: TIMED_OUT);
 * all others FAILED. */
SealErrorCode seal_error_from_dbus_name(const char *name);
