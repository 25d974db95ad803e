/* An asynchronous call from its sending to its callback. */
#pragma once

#include "base/secret.h"
#include "ipc/client/client.h"

/* Sends `request`, whose answer is one byte array. NULL with LIMIT_EXCEEDED (256 in flight) or what
 * seal_client_connect() says. */
SealCall *seal_call_submit(SealClient *client, const SealRequest *request, SealCallFunc done,
                           gpointer user_data, GError **error);

/* The answer is a session key: sealed to `box_key` (transfer full), or in clear when that is NULL;
 * wiped after the callback. */
void seal_call_expect_session_key(SealCall *call, SealSecret *box_key);
