/* RecipientInfos as a flat list: each way a message offers to its content-encryption key. */
#pragma once

#include "smime/cms.h"
#include "smime/report.h"
#include "smime/unwrapper.h"

#include <glib.h>

/* One encrypted key and whom it is for. */
typedef struct {
    SealRecipientId id;
    const char *scheme;     /* "rsa-pkcs1", "rsa-oaep", "ecdh", "x25519"; NULL: not known here */
    GBytes *key_encryption; /* DER AlgorithmIdentifier */
    GBytes *encrypted_key;
    GBytes *originator; /* (nullable) as SealUnwrapInput.originator */
    GBytes *ukm;        /* (nullable) */
} SealRecipient;

/* Frees; NULL is allowed. */
void seal_recipient_free(SealRecipient *recipient);

/* Appends to `list` (element-type SealRecipient) one row for each key transport and key agreement
 * recipient; others (passwords, shared keys) are not for tokens and left out. FALSE if one is
 * malformed. */
gboolean seal_recipients_read(STACK_OF(ASN1_TYPE) *recipients, GPtrArray *list);
