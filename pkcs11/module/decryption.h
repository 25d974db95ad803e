/* One decryption: from C_DecryptInit (or inside of C_UnwrapKey) to the agent's answer. */
#pragma once

#include "base/bytes.h"
#include "ipc/client/privyseal.h"
#include "pkcs11/module/secret-key.h"

typedef struct SealDecryption SealDecryption;

/* C_DecryptInit's checks: of a private RSA key with PKCS#1 v1.5, OAEP, or raw where that is open, of an agreed secret with
 * AES key wrap. OK with `ret_decryption` (transfer full). */
CK_RV seal_decryption_of_key(const SealItem *key, const CK_MECHANISM *mechanism,
                             SealDecryption **ret_decryption);
CK_RV seal_decryption_of_secret(SealSecretKey *secret, const CK_MECHANISM *mechanism,
                                SealDecryption **ret_decryption);
void seal_decryption_free(SealDecryption *decryption);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealDecryption, seal_decryption_free)

/* The most that `encrypted_len` bytes can hold. */
CK_ULONG seal_decryption_max_len(const SealDecryption *decryption, CK_ULONG encrypted_len);

/* The content: borrowed until it is asked for another input or freed. The same input is sent to the
 * agent once. Blocks; a person may be asked. */
CK_RV seal_decryption_open(SealDecryption *decryption, SealClient *client, SealBytes encrypted,
                           const SealSessionKey **ret_content);
/* Takes the content that seal_decryption_open() gave. */
SealSessionKey *seal_decryption_take(SealDecryption *decryption);
