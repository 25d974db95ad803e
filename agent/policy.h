/* May this caller use this key for this purpose? A pure function of its inputs: no clock, no files,
 * no bus. Rules come from the configuration in order; the first that matches decides. */
#pragma once

#include <glib.h>

#include "agent/caller.h"

typedef enum {
    SEAL_PURPOSE_SIGN,
    SEAL_PURPOSE_DECRYPT,
} SealPurpose;
/* "sign" or "decrypt"; static. */
const char *seal_purpose_name(SealPurpose purpose);

/* Raw operations: their results lack what makes Sign and Unwrap safe to hand out, so a rule must
 * open them by name. A set. */
typedef enum {
    SEAL_RAW_NONE = 0,
    SEAL_RAW_ECDH = 1 << 0, /* the bare secret of a key agreement */
    SEAL_RAW_RSA = 1 << 1,  /* RSA without padding, whichever way */
} SealRaw;
/* "ecdh" or "rsa", as in `raw=` of a rule; "" for none; static. */
const char *seal_raw_name(SealRaw raw);

/* From the mildest to the strictest. */
typedef enum {
    SEAL_POLICY_ALLOW,
    SEAL_POLICY_ASK, /* consent of a person, each time */
    SEAL_POLICY_DENY,
    SEAL_POLICY_CLOSED, /* of a verdict: the raw operation is not opened */
} SealPolicyAction;

/* Whether programs that a rule allows may lease lanes. */
typedef enum {
    SEAL_POLICY_LANES_PLAIN, /* those that are seen to be in no sandbox */
    SEAL_POLICY_LANES_YES,
    SEAL_POLICY_LANES_NO,
} SealPolicyLanes;

/* One `[policy NAME]` group. A NULL pattern matches everything; patterns are globs (GPatternSpec).
 */
typedef struct {
    char *name;
    char *program; /* against the executable's path, "flatpak:ID" or "unit:NAME" */
    char *key;     /* against the key's id, label, or token label */
    gboolean for_sign, for_decrypt;
    SealPolicyAction action;
    guint raw; /* set of SealRaw that the rule opens; none for one that denies */
    SealPolicyLanes lanes;
} SealPolicyRule;
void seal_policy_rule_free(SealPolicyRule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPolicyRule, seal_policy_rule_free)

typedef struct {
    const char *key_id;
    const char *key_label;
    const char *token_label;
    gboolean serves_both; /* it signs and decrypts */
} SealPolicyKey;

/* What somebody wants to do with a key. */
typedef struct {
    SealPurpose purpose;
    SealRaw raw; /* NONE, or one of them */
} SealPolicyUse;
/* What a program does "with key ...", for people: "sign", "decrypt without padding (raw RSA)";
 * static. */
const char *seal_policy_use_phrase(const SealPolicyUse *use);

typedef struct {
    SealPolicyAction action;
    const char *rule; /* name of the rule that decided; borrowed from the rules or static */
    gboolean lanes;   /* allowed, and by a lane, too */
} SealPolicyVerdict;

/* `rules`: array of SealPolicyRule* (may be empty). Without a match: "same-user" allows a caller of
 * `own_uid` that is not sandboxed, "sandboxed-asks" asks for a sandboxed one, "other-user" denies.
 *
 * A raw operation is CLOSED unless the rule that decides opens it; the three above open none. Raw
 * RSA signs and decrypts alike, so with a key that serves both purposes the rules for both must
 * open it, and the stricter counts. A sandboxed caller is asked about where the rule allows, unless
 * the rule names it by `flatpak:`.
 *
 * A lane outlives the question, and its descriptor can be handed on: a sandboxed caller has one
 * only where the rule that allows it says so. */
SealPolicyVerdict seal_policy_decide(const GPtrArray *rules, const SealCaller *caller,
                                     uid_t own_uid, const SealPolicyKey *key,
                                     const SealPolicyUse *use);
