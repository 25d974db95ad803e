/* Secret keys of a session: one agreed upon but not computed (ECDH1_DERIVE with a KDF), one that the
 * agent has opened, or the raw secret of an agreement (CKD_NULL). Counted. */
#pragma once

#include "ipc/client/privyseal.h"
#include "pkcs11/module/item.h"

typedef struct {
    SealItem *item;
    CK_SESSION_HANDLE session;
    SealSessionKey *value; /* (nullable) opened or raw: `value_len` bytes at its end */
    gsize value_len;
    gboolean readable; /* the template lets the value be read */
    GBytes *point;     /* (nullable) raw: the other's */
    /* agreed upon: what will be asked when a wrapped key comes */
    char *key;
    GBytes *algorithm, *originator, *ukm; /* as SealUnwrapQuery */
} SealSecretKey;

/* C_DeriveKey's checks of mechanism, key and template. OK with `ret_secret` (transfer full). No
 * agent is asked; one with a `point` is yet to be derived. */
CK_RV seal_secret_key_agree(const SealItem *key, const CK_MECHANISM *mechanism,
                            const CK_ATTRIBUTE *template, CK_ULONG count,
                            SealSecretKey **ret_secret);
/* Derives the raw secret. Blocks; a person may be asked. */
CK_RV seal_secret_key_derive(SealSecretKey *secret, SealClient *client);
/* An opened key with the type and length that the template gives (transfer full); takes `value`,
 * also when it fails. */
CK_RV seal_secret_key_open(SealSessionKey *value, const CK_ATTRIBUTE *template, CK_ULONG count,
                           SealSecretKey **ret_secret);
SealSecretKey *seal_secret_key_ref(SealSecretKey *secret);
void seal_secret_key_unref(SealSecretKey *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSecretKey, seal_secret_key_unref)

/* As seal_item_read(), with the value where it is readable. */
CK_RV seal_secret_key_read(const SealSecretKey *secret, CK_ATTRIBUTE *template, CK_ULONG count);
