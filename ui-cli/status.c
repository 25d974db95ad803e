/* From an error to the exit status. One table: which codes mean that something is not there, and
 * which that somebody said no; all others are failures of input, output or a part of the machine.
 */
#include "ui-cli/status.h"

#include "base/error.h"
#include "ui-cli/options.h"

static const SealStatus statuses[SEAL_ERROR_LAST + 1] = {
    [SEAL_ERROR_NOT_FOUND] = SEAL_STATUS_MISSING,
    [SEAL_ERROR_TOKEN_REMOVED] = SEAL_STATUS_MISSING,
    [SEAL_ERROR_UNREACHABLE] = SEAL_STATUS_MISSING,
    /* The key or certificate that was named is not one for this purpose. */
    [SEAL_ERROR_KEY_USAGE] = SEAL_STATUS_MISSING,
    [SEAL_ERROR_PIN_INCORRECT] = SEAL_STATUS_REFUSED,
    [SEAL_ERROR_PIN_BLOCKED] = SEAL_STATUS_REFUSED,
    [SEAL_ERROR_PIN_EXPIRED] = SEAL_STATUS_REFUSED,
    [SEAL_ERROR_PIN_REQUIRED] = SEAL_STATUS_REFUSED,
    [SEAL_ERROR_CANCELLED] = SEAL_STATUS_REFUSED,
    [SEAL_ERROR_DENIED] = SEAL_STATUS_REFUSED,
    [SEAL_ERROR_NO_PROMPTER] = SEAL_STATUS_REFUSED,
    [SEAL_ERROR_NOT_PERMITTED] = SEAL_STATUS_REFUSED,
    [SEAL_ERROR_INTERACTION_REQUIRED] = SEAL_STATUS_REFUSED,
};

SealStatus
seal_status_of_error(const GError *error)
{
    if (error->domain == SEAL_USAGE_ERROR)
        return SEAL_STATUS_USAGE;
    if (error->domain != SEAL_ERROR || error->code <= 0 || error->code > SEAL_ERROR_LAST)
        return SEAL_STATUS_IO;
    return statuses[error->code] != SEAL_STATUS_DONE ? statuses[error->code] : SEAL_STATUS_IO;
}
