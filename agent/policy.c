/* The decision, and nothing else: rules in order, then what holds without any. A sandboxed caller
 * is known by its Flatpak id alone, because the path of its executable is a path inside the
 * sandbox, where its maker can put any program at any name. */
#include "agent/policy.h"

static const char *const purpose_names[] = {
    [SEAL_PURPOSE_SIGN] = "sign",
    [SEAL_PURPOSE_DECRYPT] = "decrypt",
};

const char *
seal_purpose_name(SealPurpose purpose)
{
    return (guint)purpose < G_N_ELEMENTS(purpose_names) ? purpose_names[purpose] : "";
}

void
seal_policy_rule_free(SealPolicyRule *rule)
{
    if (!rule)
        return;
    g_free(rule->name);
    g_free(rule->program);
    g_free(rule->key);
    g_free(rule);
}

/* TRUE if `text` is known and matches; with `prefix` in front of it. */
static gboolean
matches(const char *pattern, const char *prefix, const char *text)
{
    g_autofree char *subject = NULL;

    if (!text || !*text)
        return FALSE;
    subject = g_strconcat(prefix, text, NULL);
    return g_pattern_match_simple(pattern, subject);
}

static gboolean
matches_program(const char *pattern, const SealCaller *caller)
{
    if (!pattern)
        return TRUE;
    if (*caller->flatpak_id)
        return matches(pattern, "flatpak:", caller->flatpak_id);
    return matches(pattern, "", caller->executable) || matches(pattern, "unit:", caller->unit);
}

static gboolean
matches_key(const char *pattern, const SealPolicyKey *key)
{
    return !pattern || matches(pattern, "", key->key_id) || matches(pattern, "", key->key_label) ||
           matches(pattern, "", key->token_label);
}

static SealPolicyVerdict
decide_without_rules(const SealCaller *caller, uid_t own_uid)
{
    if (caller->uid != own_uid)
        return (SealPolicyVerdict){SEAL_POLICY_DENY, "other-user"};
    if (*caller->flatpak_id)
        return (SealPolicyVerdict){SEAL_POLICY_ASK, "sandboxed-asks"};
    return (SealPolicyVerdict){SEAL_POLICY_ALLOW, "same-user"};
}

SealPolicyVerdict
seal_policy_decide(const GPtrArray *rules, const SealCaller *caller, uid_t own_uid,
                   const SealPolicyKey *key, SealPurpose purpose)
{
    for (guint i = 0; i < rules->len; i++) {
        const SealPolicyRule *rule = rules->pdata[i];
        gboolean is_for = purpose == SEAL_PURPOSE_SIGN ? rule->for_sign : rule->for_decrypt;

        if (is_for && matches_program(rule->program, caller) && matches_key(rule->key, key))
            return (SealPolicyVerdict){rule->action, rule->name};
    }
    return decide_without_rules(caller, own_uid);
}
