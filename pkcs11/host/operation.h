/* One request at one token: the session it borrowed, the PIN it brought, and how it ended. */
#pragma once

#include <glib.h>

#include "base/secret.h"
#include "pkcs11/host/host.h"
#include "pkcs11/host/patience.h"

/* The largest RSA block (8192 bits). */
#define SEAL_BLOCK_MAX 1024u
/* The longest answer: a signature, block or session key of one block, sealed. */
#define SEAL_ANSWER_MAX (SEAL_BLOCK_MAX + 64u)

/* What a worker needs for secrets, made once and wiped after each operation; lives in a SealSecret.
 */
typedef struct {
    guint8 block[SEAL_BLOCK_MAX];  /* what the token decrypted, or the padded digest */
    guint8 block2[SEAL_BLOCK_MAX]; /* what padding makes of it */
    guint8 shared[128];            /* ECDH: coordinate of the common point */
    guint8 wrapping_key[64];
    guint8 key[SEAL_BLOCK_MAX]; /* session key */
    guint8 answer[SEAL_ANSWER_MAX];
} SealScratch;

typedef struct {
    SealHost *host;
    SealHostKey *key; /* (owned) */
    SealBytes pin;    /* for a context login; data NULL if none came */
    SealScratch *scratch;
    /* (nullable) Asked right before each call that uses the key; FALSE: it may not be used any more. */
    gboolean (*permits)(gpointer data);
    gpointer permits_data;
    CK_SESSION_HANDLE session;
    SealPatienceCall call; /* from before the session is borrowed until it is back */
    gboolean dirty;   /* an operation may be under way in the session */
    gboolean was_exchanged; /* another card answered in place of the key's */
    CK_RV rv;         /* what the module said when it failed, CKR_OK otherwise */
    gsize key_len;    /* of scratch->key, after an unwrap */
    gsize answer_len; /* of scratch->answer, on success */
} SealOperation;

/* Sets a GError from `rv` and remembers it. Returns FALSE. */
gboolean seal_operation_fail(SealOperation *operation, CK_RV rv, const char *action,
                             GError **error);

/* CKR_OK, or CKR_FUNCTION_CANCELED if the key may not be used any more: to be asked before each call
 * of the module that uses it. */
CK_RV seal_operation_permit(const SealOperation *operation);

typedef CK_RV (*SealInitFunc)(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                              CK_OBJECT_HANDLE key);

/* Calls `init` (C_SignInit or C_DecryptInit) with the operation's key. A session in which the
 * module left an earlier operation open is replaced first: nothing was done in it yet. Returns what
 * the module said; after CKR_OK the session counts as dirty until the operation ended. */
CK_RV seal_operation_init(SealOperation *operation, SealInitFunc init, CK_MECHANISM *mechanism);

/* The context login of an always-authenticate key (PKCS#11 2.40 5.6, C_Login), between the Init
 * call and the operation; nothing for other keys. */
gboolean seal_operation_authenticate(SealOperation *operation, GError **error);

/* TRUE if the token still answers. Blocks on it. */
gboolean seal_operation_token_lives(SealOperation *operation);

/* One uniform error for every failure of OAEP and ECDH. Returns FALSE. */
gboolean seal_operation_fail_decrypt(SealOperation *operation, GError **error);

/* Run the kinds of operation: look up key and generation, check usage and mechanism, borrow a
 * session, work, give it back, tell the agent if the token's state changed, seal an unwrapped key
 * if that was asked for. TRUE with answer_len; FALSE with a GError and rv. `ret_lost`: (transfer
 * full) the slot if its sessions turned out to be lost; seal_scan_lost() is due, after the answer.
 */
gboolean seal_operation_sign(SealOperation *operation, const SealFrameHeader *header,
                             const SealSignRequest *request, SealSlot **ret_lost, GError **error);
gboolean seal_operation_unwrap(SealOperation *operation, const SealFrameHeader *header,
                               const SealUnwrapRequest *request, SealSlot **ret_lost,
                               GError **error);
gboolean seal_operation_raw(SealOperation *operation, const SealFrameHeader *header,
                            const SealRawRequest *request, SealSlot **ret_lost, GError **error);

/* After the answer: frees and zeroes what the operation holds, wipes its scratch; asks for another host
 * if another card answered in place of the key's. */
void seal_operation_clear(SealOperation *operation);
