/* The functions of PKCS#11 that are there and not served: they answer CKR_FUNCTION_NOT_SUPPORTED,
 * or what the standard asks of those that must not say so, and look at no argument. */
#pragma once

#include "pkcs11/module/cryptoki.h"

/* All of 3.0's functions for messages. */
CK_RV seal_unserved_message(void);
