/* The mechanisms that are served. */
#pragma once

#include <glib.h>

#include "pkcs11/core/mechanism.h"
#include "pkcs11/module/cryptoki.h"

/* Bytes that the agent takes at most, by its D-Bus contract. */
#define SEAL_AGENT_DATA_MAX 65536u

typedef struct {
    CK_MECHANISM_TYPE type;
    SealAlgorithm algorithm;
    const char *sign_as; /* (nullable) the agent's mechanism */
    SealHash hash;       /* made here; NONE: the program gives the digest (or message) */
    CK_FLAGS flags;
} SealMechanismRow;

/* NULL if it is not served. Static. */
const SealMechanismRow *seal_mechanism_row(CK_MECHANISM_TYPE type);

/* C_GetMechanismList and C_GetMechanismInfo, but for slot and session. */
CK_RV seal_mechanisms_list(CK_MECHANISM_TYPE *list, CK_ULONG *count);
CK_RV seal_mechanism_describe(CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info);

/* SHA-1 to SHA-512 as CKM_SHA256, as CKG_MGF1_SHA256, as CKD_SHA256_KDF; NONE if unknown. */
SealHash seal_hash_from_mechanism(CK_MECHANISM_TYPE type);
SealHash seal_hash_from_mgf(CK_ULONG mgf);
SealHash seal_hash_from_kdf(CK_ULONG kdf);
