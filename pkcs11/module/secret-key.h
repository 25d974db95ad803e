/* Secret keys of a session: one agreed upon but not computed (ECDH1_DERIVE), or one that the agent
 * has opened. Counted. */
#pragma once

#include "ipc/client/privyseal.h"
#include "pkcs11/module/item.h"

typedef struct {
    SealItem *item;
    CK_SESSION_HANDLE session;
    SealSessionKey *value; /* (nullable) opened: its bytes may be read */
    /* agreed upon: what will be asked when a wrapped key comes */
    char *key;
    GBytes *algorithm, *originator, *ukm; /* as SealUnwrapQuery */
} SealSecretKey;

/* C_DeriveKey's checks of mechanism, key and template. OK with `ret_secret` (transfer full). No
 * agent is asked. */
CK_RV seal_secret_key_agree(const SealItem *key, const CK_MECHANISM *mechanism,
                            const CK_ATTRIBUTE *template, CK_ULONG count,
                            SealSecretKey **ret_secret);
/* An opened key with the type and length that the template gives (transfer full); takes `value`,
 * also when it fails. */
CK_RV seal_secret_key_open(SealSessionKey *value, const CK_ATTRIBUTE *template, CK_ULONG count,
                           SealSecretKey **ret_secret);
SealSecretKey *seal_secret_key_ref(SealSecretKey *secret);
void seal_secret_key_unref(SealSecretKey *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSecretKey, seal_secret_key_unref)

/* As seal_item_read(), with the value of an opened key. */
CK_RV seal_secret_key_read(const SealSecretKey *secret, CK_ATTRIBUTE *template, CK_ULONG count);
