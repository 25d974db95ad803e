/* From what the agent says to what programs are told. */
#pragma once

#include <glib.h>

#include "pkcs11/module/cryptoki.h"

/* The CKR for an error of libprivyseal. `bad_data`: the CKR for input that the agent refuses. */
CK_RV seal_failure_to_rv(const GError *error, CK_RV bad_data);
