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

typedef enum {
    SEAL_POLICY_ALLOW,
    SEAL_POLICY_ASK, /* consent of a person, each time */
    SEAL_POLICY_DENY,
} SealPolicyAction;

/* One `[policy NAME]` group. A NULL pattern matches everything; patterns are globs (GPatternSpec). */
typedef struct {
    char *name;
    char *program; /* against the executable's path, "flatpak:ID" or "unit:NAME" */
    char *key;     /* against the key's id, label, or token label */
    gboolean for_sign, for_decrypt;
    SealPolicyAction action;
} SealPolicyRule;
void seal_policy_rule_free(SealPolicyRule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealPolicyRule, seal_policy_rule_free)

typedef struct {
    const char *key_id;
    const char *key_label;
    const char *token_label;
} SealPolicyKey;

typedef struct {
    SealPolicyAction action;
    const char *rule; /* name of the rule that decided; borrowed from the rules or static */
} SealPolicyVerdict;

/* `rules`: array of SealPolicyRule* (may be empty). Without a match: "same-user" allows a caller of
 * `own_uid` that is not sandboxed, "sandboxed-asks" asks for a sandboxed one, "other-user" denies. */
SealPolicyVerdict seal_policy_decide(const GPtrArray *rules, const SealCaller *caller, uid_t own_uid,
                                     const SealPolicyKey *key, SealPurpose purpose);
