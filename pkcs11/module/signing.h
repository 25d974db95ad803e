/* One signature: from C_SignInit to the agent's answer. */
#pragma once

#include "ipc/client/privyseal.h"
#include "pkcs11/module/item.h"

typedef struct SealSigning SealSigning;

/* C_SignInit's checks of mechanism and key. OK with `ret_signing` (transfer full). */
CK_RV seal_signing_new(const SealItem *key, const CK_MECHANISM *mechanism,
                       SealSigning **ret_signing);
void seal_signing_free(SealSigning *signing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSigning, seal_signing_free)

/* Bytes of the signature: exact. */
CK_ULONG seal_signing_len(const SealSigning *signing);
/* TRUE after the first seal_signing_update(). */
gboolean seal_signing_has_parts(const SealSigning *signing);
/* DATA_LEN_RANGE if it is more than the mechanism can take. */
CK_RV seal_signing_update(SealSigning *signing, const CK_BYTE *part, CK_ULONG len);

/* The object path of its key. Borrowed. */
const char *seal_signing_key(const SealSigning *signing);
/* TRUE if it is `earlier` once more, or with the beginning of its digest: that is all of it for a
 * short curve. FALSE where the digest is made here. */
gboolean seal_signing_is_again(const SealSigning *signing, const SealSigning *earlier);

/* Signs what was given; writes seal_signing_len() bytes. Blocks; a person may be asked. */
CK_RV seal_signing_finish(SealSigning *signing, SealClient *client, CK_BYTE *signature);
