/* One structured record per use and per refusal of a private key: to the journal, else to stderr.
 * Never the data, the PIN or a session key. */
#pragma once

#include <glib.h>

#include "agent/caller.h"
#include "agent/policy.h"
#include "base/error.h"

typedef struct {
    const SealCaller *caller;
    const char *operation; /* "sign", "unwrap", "raw-ecdh" and its like, "unlock", "lock" */
    const char *key_id;    /* "" for unlock and lock */
    const char *key_label;
    const char *token_label;
    const char *token_serial;
    const char *mechanism; /* "" if none */
    const char *rule;      /* policy rule that allowed or denied; "" if it did not come to that */
    SealErrorCode result;  /* NONE: done */
    gint64 duration_us;
    guint32 lane;     /* 0: the use went through the agent */
    guint32 lane_use; /* number of the use on that lane */
} SealAuditRecord;

/* Writes `record` as one structured line, to the journal or stderr. Never fails. */
void seal_audit_write(const SealAuditRecord *record);
