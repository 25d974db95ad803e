/* The mechanisms that are served. */
#pragma once

#include <glib.h>

#include "pkcs11/core/mechanism.h"
#include "pkcs11/module/item.h"

/* Bytes that the agent takes at most, by its D-Bus contract. */
#define SEAL_AGENT_DATA_MAX 65536u

typedef struct {
    CK_MECHANISM_TYPE type;
    SealAlgorithm algorithm;
    const char *sign_as; /* (nullable) the agent's mechanism */
    SealHash hash;       /* made here; NONE: the program gives the digest (or message) */
    CK_FLAGS flags;
    gboolean is_raw; /* served with keys that the policy opens for it: SealItem.raw */
} SealMechanismRow;

/* NULL if it is not served for `use` (CKF_SIGN or CKF_DECRYPT) where `raw`, a set of SealOpenRaw,
 * is open. Static. */
const SealMechanismRow *seal_mechanism_row(CK_MECHANISM_TYPE type, CK_FLAGS use, guint raw);

/* C_GetMechanismList and C_GetMechanismInfo, but for slot and session. `raw`: what some key of the
 * slot is open for. */
CK_RV seal_mechanisms_list(guint raw, CK_MECHANISM_TYPE *list, CK_ULONG *count);
CK_RV seal_mechanism_describe(CK_MECHANISM_TYPE type, guint raw, CK_MECHANISM_INFO *info);

/* SHA-1 to SHA-512 as CKM_SHA256, as CKG_MGF1_SHA256, as CKD_SHA256_KDF; NONE if unknown. */
SealHash seal_hash_from_mechanism(CK_MECHANISM_TYPE type);
SealHash seal_hash_from_mgf(CK_ULONG mgf);
SealHash seal_hash_from_kdf(CK_ULONG kdf);
