/* The decision, and nothing else: rules in order, then what holds without any. The first rule that
 * matches decides about raw operations, too: a rule further down opens nothing that one above it,
 * say of the site, leaves closed. A sandboxed caller
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

const char *
seal_policy_use_phrase(const SealPolicyUse *use)
{
    if (use->raw == SEAL_RAW_ECDH)
        return "derive a raw ECDH secret";
    if (use->raw == SEAL_RAW_NONE)
        return seal_purpose_name(use->purpose);
    return use->purpose == SEAL_PURPOSE_SIGN ? "sign without padding (raw RSA)"
                                             : "decrypt without padding (raw RSA)";
}

const char *
seal_raw_name(SealRaw raw)
{
    static const char *const names[] = {"", "ecdh", "rsa"};

    return (guint)raw < G_N_ELEMENTS(names) ? names[raw] : "";
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

/* What becomes of `action` if a raw operation is asked for. */
static SealPolicyAction
judge_raw(const SealPolicyRule *rule, const SealCaller *caller, SealRaw raw)
{
    if (raw == SEAL_RAW_NONE || rule->action == SEAL_POLICY_DENY)
        return rule->action;
    if (!(rule->raw & raw))
        return SEAL_POLICY_CLOSED;
    if (*caller->flatpak_id && !(rule->program && g_str_has_prefix(rule->program, "flatpak:")))
        return SEAL_POLICY_ASK;
    return rule->action;
}

/* In no sandbox, as far as can be seen: a snap's unit says so, and of a program that shows nothing
 * of itself, as what forwards a socket from another machine (sshd), nobody knows who is behind it.
 */
static gboolean
is_plain(const SealCaller *caller)
{
    return !*caller->flatpak_id && *caller->executable && !g_str_has_prefix(caller->unit, "snap.");
}

static gboolean
judge_lanes(const SealPolicyRule *rule, const SealCaller *caller, SealPolicyAction action)
{
    if (action != SEAL_POLICY_ALLOW)
        return FALSE;
    return rule->lanes == SEAL_POLICY_LANES_PLAIN ? is_plain(caller)
                                                  : rule->lanes == SEAL_POLICY_LANES_YES;
}

static SealPolicyVerdict
decide_without_rules(const SealCaller *caller, uid_t own_uid)
{
    if (caller->uid != own_uid)
        return (SealPolicyVerdict){SEAL_POLICY_DENY, "other-user", FALSE};
    if (*caller->flatpak_id)
        return (SealPolicyVerdict){SEAL_POLICY_ASK, "sandboxed-asks", FALSE};
    return (SealPolicyVerdict){SEAL_POLICY_ALLOW, "same-user", is_plain(caller)};
}

static SealPolicyVerdict
decide(const GPtrArray *rules, const SealCaller *caller, uid_t own_uid, const SealPolicyKey *key,
       SealPurpose purpose, SealRaw raw)
{
    SealPolicyVerdict verdict;

    for (guint i = 0; i < rules->len; i++) {
        const SealPolicyRule *rule = rules->pdata[i];
        gboolean is_for = purpose == SEAL_PURPOSE_SIGN ? rule->for_sign : rule->for_decrypt;

        if (is_for && matches_program(rule->program, caller) && matches_key(rule->key, key)) {
            SealPolicyAction action = judge_raw(rule, caller, raw);

            return (SealPolicyVerdict){action, rule->name, judge_lanes(rule, caller, action)};
        }
    }
    verdict = decide_without_rules(caller, own_uid);
    if (raw != SEAL_RAW_NONE && verdict.action != SEAL_POLICY_DENY)
        verdict.action = SEAL_POLICY_CLOSED;
    return verdict;
}

SealPolicyVerdict
seal_policy_decide(const GPtrArray *rules, const SealCaller *caller, uid_t own_uid,
                   const SealPolicyKey *key, const SealPolicyUse *use)
{
    SealPolicyVerdict verdict = decide(rules, caller, own_uid, key, use->purpose, use->raw), other;
    SealPurpose other_purpose =
        use->purpose == SEAL_PURPOSE_SIGN ? SEAL_PURPOSE_DECRYPT : SEAL_PURPOSE_SIGN;

    if (use->raw != SEAL_RAW_RSA || !key->serves_both)
        return verdict;
    other = decide(rules, caller, own_uid, key, other_purpose, use->raw);
    return other.action > verdict.action ? other : verdict;
}
