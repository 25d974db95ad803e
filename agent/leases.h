/* Lanes that are leased to clients: who has which, for what, and until when. A lease ends by time,
 * count, its client, the lock or the end of its token, or because a person says so; its uses are
 * written to the audit as they were recorded. */
#pragma once

#include <glib.h>

#include "agent/key-use.h"
#include "agent/registry.h"
#include "agent/unlock.h"
#include "base/loop.h"

typedef struct SealLeases SealLeases;

/* Read-only outside of leases.c. */
typedef struct {
    guint32 number;
    gconstpointer owner; /* the connection it was opened on; only compared */
    SealCaller *caller;
    char *key_id;
    char *key_label;
    SealTokenObject *token;
    SealModule *module;
    const char *rule;      /* that allowed it */
    const char *operation; /* "sign" or "unwrap" */
    SealLaneGrant grant;
    guint32 used;
    SealLaneEnd end; /* OPEN, or why it is being taken back */
    struct SealRevocation *revocation; /* (nullable) the host is asked to end it */
} SealLease;

/* `registry` is listened to; it tells of lanes also while it is freed. */
SealLeases *seal_leases_new(SealLoop *loop, SealRegistry *registry, SealUnlocker *unlocker);
/* The agent ends: takes all back, and touches nothing but the audit from here on. */
void seal_leases_close(SealLeases *leases);
/* After the registry. NULL is allowed. */
void seal_leases_free(SealLeases *leases);

/* Called when leases come and go. */
void seal_leases_follow(SealLeases *leases, void (*changed)(gpointer user_data),
                        gpointer user_data);

/* What a new lease is for; everything is copied, but the token's object and `rule`. */
typedef struct {
    gconstpointer owner;
    const SealCaller *caller;
    const char *key_id;
    const SealKeyInfo *key;
    SealTokenObject *token;
    const char *rule;
    const char *operation;
    SealLaneGrant grant; /* `expires_us` and `word` are not read */
    guint32 seconds;
} SealLeaseTerms;

/* TRUE if `caller` may have another lease on this connection, by their numbers; else
 * LIMIT_EXCEEDED. */
gboolean seal_leases_have_room(const SealLeases *leases, gconstpointer owner,
                               const SealCaller *caller, GError **error);
/* Enters a lease and opens its lane at the host; `descriptor` (taken) is the host's end. As
 * seal_token_open_lane(). `ret_number`: the lease, for which seal_leases_end() is due one day whatever
 * the answer is; 0 if the lane is refused without having been entered. */
guint64 seal_leases_open(SealLeases *leases, const SealLeaseTerms *terms, SealFd *descriptor,
                         SealReplyFunc done, gpointer user_data, guint32 *ret_number);

/* NULL once it has ended and all its uses are told. */
const SealLease *seal_leases_find(const SealLeases *leases, guint32 number);
/* All of them, by number; (transfer container) of const SealLease*. */
GPtrArray *seal_leases_list(const SealLeases *leases);
/* How many there are, those that end included. */
guint seal_leases_count(const SealLeases *leases);
/* Seconds that are left of a lease. */
guint32 seal_lease_seconds_left(const SealLease *lease);

/* Takes leases back: no use starts after this returns (seal_module_revoke_lane()). `done`
 * (nullable) is called once when nothing is under way on it, perhaps at once. */
void seal_leases_end(SealLeases *leases, guint32 number, SealLaneEnd why, SealLaneEndedFunc done,
                     gpointer user_data);
/* The rules are others: takes back what they do not allow by a lane. */
void seal_leases_judge(SealLeases *leases, const SealKeyUseContext *context);
void seal_leases_end_owner(SealLeases *leases, gconstpointer owner);
/* Takes back those of `token` because it is locked (NULL: of all tokens). `done` is called once when
 * nothing is under way on any of them, perhaps at once. */
void seal_leases_lock(SealLeases *leases, const SealTokenObject *token, SealLaneEndedFunc done,
                      gpointer user_data);
/* `token` NULL: of all tokens. */
void seal_leases_end_token(SealLeases *leases, const SealTokenObject *token, SealLaneEnd why);
