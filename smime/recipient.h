/* RecipientInfos as a flat list: each way a message offers to its content-encryption key. */
#pragma once

#include "smime/cms.h"
#include "smime/report.h"
#include "smime/unwrapper.h"

#include <glib.h>

/* Encrypted keys of one message that are looked at; more is "resource-limit". */
#define SEAL_RECIPIENTS_READ_MAX 1000

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
 * recipient; others (passwords, shared keys) are not for tokens and left out. Ends when there are
 * more than SEAL_RECIPIENTS_READ_MAX. FALSE if one is malformed. */
gboolean seal_recipients_read(STACK_OF(ASN1_TYPE) *recipients, GPtrArray *list);
