/* Raw operations of a key: those that a policy rule must open by name (`raw=` of
 * privyseal.conf(5)). */
#pragma once

#include <glib.h>

#include "agent/key-use.h"
#include "base/bytes.h"

/* One of the operations of Key.Raw; static. */
typedef struct SealRawOperation SealRawOperation;

/* By its D-Bus name ("ecdh", "rsa-sign", "rsa-decrypt"); NULL for another one. */
const SealRawOperation *seal_raw_operation_find(const char *name);

/* The names of those that `key` can do and the policy opens to `caller`, with or without asking a
 * person; NULL-terminated. */
#define SEAL_RAW_OPERATIONS 3
void seal_raw_operations_opened(const SealKeyUseContext *context, const SealKeyObject *key,
                                const SealCaller *caller,
                                const char *ret_names[SEAL_RAW_OPERATIONS + 1]);

/* What Key.Raw brings. `input` must stay until the use has ended. */
typedef struct {
    const SealRawOperation *operation;
    SealBytes input;    /* point or block */
    gboolean is_shared; /* the answer would cross the shared bus */
} SealRawAsk;

/* As seal_key_use_start(); `done` gets the secret or the block. */
SealKeyUse *seal_raw_async(const SealKeyUseContext *context, const SealKeyUseAsk *ask,
                           const SealRawAsk *query, SealKeyUseFunc done, gpointer user_data);
