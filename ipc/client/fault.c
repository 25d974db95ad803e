/* D-Bus errors become GErrors. sd_bus_call() turns error names it does not know into -EIO, so the
 * name in the reply is what counts, and an errno only where there was no reply. */
#include "ipc/client/fault.h"

#include <errno.h>

#include "base/error.h"
#include "ipc/errors.h"

void
seal_fault_set_reply(GError **error, const sd_bus_error *reply)
{
    SealErrorCode code = seal_error_from_dbus_name(reply->name);

    /* Of the bus itself: the service file is not installed, or the agent did not come up. */
    if (g_strcmp0(reply->name, SD_BUS_ERROR_SERVICE_UNKNOWN) == 0 ||
        g_strcmp0(reply->name, SD_BUS_ERROR_NAME_HAS_NO_OWNER) == 0) {
        g_set_error(error, SEAL_ERROR, (gint)code,
                    "cannot reach the agent: the bus does not know how to start it; install Privy "
                    "Seal's D-Bus service file, or start privyseald");
        return;
    }
    if (g_strcmp0(reply->name, SD_BUS_ERROR_NO_REPLY) == 0) {
        g_set_error(error, SEAL_ERROR, (gint)code,
                    "the agent ended before it answered; try again, and look at its log if it "
                    "happens again");
        return;
    }
    g_set_error_literal(error, SEAL_ERROR, (gint)code,
                        reply->message && *reply->message ? reply->message
                                                          : seal_error_phrase(code));
}

void
seal_fault_set_errno(GError **error, int negative_errno, const char *action)
{
    if (negative_errno == -ETIMEDOUT) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_TIMED_OUT,
                    "cannot %s: no answer in time; try again", action);
        return;
    }
    if (negative_errno == -ECANCELED) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_CANCELLED, "cancelled");
        return;
    }
    if (negative_errno == -ECHILD) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE,
                    "cannot %s: this connection belongs to the process before fork(); open one of "
                    "your own",
                    action);
        return;
    }
    if (seal_fault_is_disconnect(negative_errno)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE,
                    "cannot %s: the agent closed the connection; try again", action);
        return;
    }
    g_set_error(error, SEAL_ERROR,
                negative_errno == -EINVAL || negative_errno == -EBADMSG ? SEAL_ERROR_INVALID_INPUT
                                                                        : SEAL_ERROR_UNREACHABLE,
                "cannot %s: %s", action, g_strerror(-negative_errno));
}

gboolean
seal_fault_is_reply(const sd_bus_error *fault, int negative_errno)
{
    if (!sd_bus_error_is_set(fault) || seal_fault_is_disconnect(negative_errno))
        return FALSE;
    return negative_errno != -ETIMEDOUT || g_strcmp0(fault->name, SD_BUS_ERROR_NO_REPLY) == 0;
}

gboolean
seal_fault_is_disconnect(int negative_errno)
{
    return negative_errno == -ECONNRESET || negative_errno == -ENOTCONN ||
           negative_errno == -EPIPE || negative_errno == -ECONNABORTED ||
           negative_errno == -ESHUTDOWN;
}
