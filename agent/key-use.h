/* One use of a private key, from the decision who may to the token's answer: the steps that signing
 * and unwrapping share. sign.c and unwrap.c validate and fill in what goes to the token. */
#pragma once

#include <glib.h>

#include "agent/config.h"
#include "agent/consent.h"
#include "agent/registry.h"
#include "agent/unlock.h"

/* 40 hexadecimal digits and NUL; a longer id is cut and names nothing. */
#define SEAL_KEY_ID_SIZE 48

/* What every use works with; borrowed, must outlive the uses. */
typedef struct {
    const SealConfig *config;
    SealRegistry *registry;
    SealPrompter *prompter;
    SealUnlocker *unlocker;
    struct SealLeases *leases; /* (nullable) leases.h: no lanes without */
    uid_t own_uid;
} SealKeyUseContext;

/* Who asks for what. `caller` must stay until the use has ended. */
typedef struct {
    const SealCaller *caller;
    gboolean interactive; /* a person may be asked */
    const char *key_id;   /* of the registry; copied */
} SealKeyUseAsk;

/* How a use ended. status NONE: `result` is the signature, session key or sealed box, valid during
 * the call, wiped afterwards. Else `message` is a sentence for people. */
typedef void (*SealKeyUseFunc)(SealErrorCode status, const char *message, SealBytes result,
                               gpointer user_data);

typedef struct SealKeyUse SealKeyUse;

/* The kinds of use. */
typedef struct {
    const char *operation; /* of the audit record */
    SealPolicyUse policy_use;
    /* Validates everything that the caller gave against the key and fills in use->mechanism; FALSE
     * with an error if it does not fit. Called once. */
    gboolean (*check)(SealKeyUse *use, const SealKeyInfo *key, GError **error);
    /* Hands the operation to the token and returns the request's id; called again only if the token
     * did nothing because of the PIN. */
    guint64 (*submit)(SealKeyUse *use, SealToken *token, const SealKeyInfo *key,
                      const SealSecret *pin, SealReplyFunc done, gpointer user_data);
    void (*release)(SealKeyUse *use); /* (nullable) frees what the kind added, not `use` */
} SealKeyUseKind;

/* Kinds put it first into a structure of their own, which is freed with g_free(). */
struct SealKeyUse {
    const SealKeyUseKind *kind;
    const SealKeyUseContext *context;
    SealKeyUseAsk ask;
    char key_id[SEAL_KEY_ID_SIZE]; /* ask.key_id: the asker's own goes with the answer */
    SealMechanism mechanism;
    SealKeyUseFunc done;
    gpointer user_data;

    gint64 started_us;
    const char *rule;       /* of the policy; "" before it was asked */
    const GPtrArray *rules; /* that it was judged by; only compared */
    SealTokenObject *token; /* (nullable) serves; token objects live as long as the agent */
    SealConsent *consent;   /* at most one of consent, unlock, request is under way */
    SealUnlock *unlock;
    guint64 request;
    SealToken *submitted; /* reference; the request went to it */
    SealSecret *pin;      /* of an always-authenticate key, while its request is under way */
    gboolean awaited;     /* a module was started again for this use */
    gboolean relocked;    /* the token said once that it is locked after all */
    gboolean starting, ended, cancelled;
};

/* Starts a zeroed `use` of `kind`: key, policy, consent, PIN, token. In the end `done` is called,
 * possibly from inside this call, the audit record is written and `use` freed. Returns `use`, or
 * NULL if it has ended already. */
SealKeyUse *seal_key_use_start(SealKeyUse *use, const SealKeyUseKind *kind,
                               const SealKeyUseContext *context, const SealKeyUseAsk *ask,
                               SealKeyUseFunc done, gpointer user_data);

/* The asker left: `done` is not called any more, prompts close, the result is thrown away. */
void seal_key_use_cancel(SealKeyUse *use);

/* What the policy says to `caller` about `policy_use` of `key` on the token that serves it, or
 * served it last. */
SealPolicyVerdict seal_key_object_judge(const SealKeyUseContext *context, const SealKeyObject *key,
                                        const SealCaller *caller, const SealPolicyUse *policy_use);

/* Why it serves nobody although its attributes would let it, in a few words; "" if it may; static. */
const char *seal_key_object_fault(const SealKeyObject *key);
/* TRUE if `key` serves `purpose` by its own flags and, if it has certificates, by one of them. */
gboolean seal_key_object_serves(const SealKeyObject *key, SealPurpose purpose);
