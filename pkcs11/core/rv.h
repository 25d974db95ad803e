/* What a PKCS#11 return value means to us: an error code, a name for logs, and the few questions
 * that decide what happens next. */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

#include "base/error.h"

/* Returns the error code that stands for `rv`; SEAL_ERROR_NONE for CKR_OK, MODULE_FAILED for a
 * number that nobody knows. The same number can mean several things in several places: a data error
 * of an unwrap is judged by seal_rv_is_data_error() before it comes here. */
SealErrorCode seal_rv_to_code(CK_RV rv);

/* Returns the name without its CKR_ ("DEVICE_REMOVED"); static. A number without a name is "a
 * vendor error" or "an unknown error". */
const char *seal_rv_name(CK_RV rv);

/* TRUE if the token or every session with it is lost: sessions must not be used again. */
gboolean seal_rv_is_removal(CK_RV rv);

/* TRUE for failures of the module or the device that say nothing of the reason: a card that is pulled
 * in the middle may be one. */
gboolean seal_rv_is_doubtful(CK_RV rv);

/* TRUE for what tokens say about bad padding or a ciphertext they do not like. SoftHSM says
 * GENERAL_ERROR, OpenSC GENERAL_ERROR, DATA_INVALID or FUNCTION_FAILED for the status words 6F00,
 * 6A80 and 6985: the caller makes sure by other means that the token is still there. */
gboolean seal_rv_is_data_error(CK_RV rv);

/* TRUE if the mechanism or its parameter is refused: worth trying another way to the same result.
 */
gboolean seal_rv_is_mechanism_refused(CK_RV rv);

/* Sets a SEAL_ERROR: the phrase of its code, and `action` (static, "C_Sign") with the name and
 * number. */
void seal_rv_set_error(GError **error, CK_RV rv, const char *action);
