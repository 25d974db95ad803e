/* Secret bytes for the callers of libprivyseal. */
#pragma once

#include "base/secret.h"
#include "ipc/client/privyseal.h"

/* Takes `secret`; NULL if that is NULL. (transfer full) */
SealSessionKey *seal_session_key_new(SealSecret *secret);
