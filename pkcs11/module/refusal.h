/* The last signature of a session that failed, for a moment. */
#pragma once

#include "pkcs11/module/signing.h"

typedef struct {
    SealSigning *signing; /* (nullable) */
    CK_RV rv;
    gint64 until_us; /* of g_get_monotonic_time() */
} SealRefusal;

/* Remembers that `signing` (transfer full) failed with `rv`. */
void seal_refusal_set(SealRefusal *refusal, SealSigning *signing, CK_RV rv);
void seal_refusal_clear(SealRefusal *refusal);

/* The answer to a second try, once; OK if it is none. The first is to C_SignInit of
 * CKM_RSA_X_509 with `key`, an object path of the agent, for which that is open or not; the second
 * to C_Sign. */
CK_RV seal_refusal_of_raw_rsa(SealRefusal *refusal, const char *key, gboolean is_open);
CK_RV seal_refusal_of_signing(SealRefusal *refusal, const SealSigning *again);
