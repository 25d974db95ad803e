/* A use of a private key follows time from top to bottom: policy, consent, unlocked token, PIN of
 * an always-authenticate key, token. Each step names the next; every end passes use_end(), which
 * answers, writes the audit record and frees. On the hot path (allowed, unlocked) all steps run
 * inside one call and build no string.
 *
 * A use is repeated only where the token did nothing: it refused the PIN, or said that it is locked
 * (another program reset the card). */
#include "agent/key-use.h"

#include <string.h>

#include "agent/audit.h"
#include "base/pcsc-clients.h"

static void find_key(SealKeyUse *use);
static void check_policy(SealKeyUse *use, const SealKeyObject *key);
static void unlock_token(SealKeyUse *use);

static void
use_free(SealKeyUse *use)
{
    if (use->kind->release)
        use->kind->release(use);
    g_clear_pointer(&use->submitted, seal_token_unref);
    seal_secret_free(use->pin);
    g_free(use);
}

static void
write_audit(const SealKeyUse *use, SealErrorCode status)
{
    const SealKeyObject *key = seal_registry_key(use->context->registry, use->ask.key_id);
    SealAuditRecord record = {
        .caller = use->ask.caller,
        .operation = use->kind->operation,
        .key_id = use->ask.key_id,
        .key_label = "",
        .token_label = use->token ? use->token->label : "",
        .token_serial = use->token ? use->token->serial : "",
        .mechanism = seal_mechanism_name(use->mechanism),
        .rule = use->rule,
        .result = status,
        .duration_us = g_get_monotonic_time() - use->started_us,
    };

    if (key) {
        const SealKeyPlace *place = key->places->pdata[0];

        record.key_label = place->info->label;
    }
    seal_audit_write(&record);
}

/* "cannot sign with key 'work' on token 'Blue': REASON" */
static char *
explain(const SealKeyUse *use, const char *reason)
{
    const SealKeyObject *key = seal_registry_key(use->context->registry, use->ask.key_id);
    const SealKeyPlace *place = key ? key->places->pdata[0] : NULL;
    const char *label = place && *place->info->label ? place->info->label : use->ask.key_id;
    const SealTokenObject *token = use->token;

    if (!token && place)
        token = place->token;
    return g_strdup_printf(
        "cannot %s with key '%s'%s%s%s: %s", seal_policy_use_phrase(&use->kind->policy_use), label,
        token ? " on token '" : "", token ? token->label : "", token ? "'" : "", reason);
}

static void
use_end(SealKeyUse *use, SealErrorCode status, const char *reason, SealBytes result)
{
    if (status == SEAL_ERROR_NONE) {
        use->done(status, "", result, use->user_data);
    } else {
        /* rule 4: nothing of what the token said about a failed decryption gets out */
        gboolean uniform = status == SEAL_ERROR_DECRYPT_FAILED || !reason || !*reason;
        g_autofree char *message = explain(use, uniform ? seal_error_phrase(status) : reason);

        use->done(status, message, (SealBytes){NULL, 0}, use->user_data);
    }
    write_audit(use, status);
    use->ended = TRUE;
    if (!use->starting)
        use_free(use);
}

static void
fail(SealKeyUse *use, SealErrorCode status, const char *reason)
{
    use_end(use, status, reason, (SealBytes){NULL, 0});
}

/* -- the key ----------------------------------------------------------------- */

const char *
seal_key_object_fault(const SealKeyObject *key)
{
    return seal_key_place_is_doubted(seal_key_object_place(key))
               ? "its signatures do not fit its public key"
               : "";
}

gboolean
seal_key_object_serves(const SealKeyObject *key, SealPurpose purpose)
{
    guint32 key_flag = purpose == SEAL_PURPOSE_SIGN ? SEAL_KEY_SIGN : SEAL_KEY_DECRYPT;
    guint32 certificate_flag =
        purpose == SEAL_PURPOSE_SIGN ? SEAL_CERTIFICATE_SIGN : SEAL_CERTIFICATE_DECRYPT;
    const SealKeyPlace *place = seal_key_object_place(key);

    if (!(place->info->flags & key_flag) || seal_key_place_is_doubted(place))
        return FALSE;
    for (guint i = 0; i < key->certificates->len; i++) {
        const SealCertificateObject *certificate = key->certificates->pdata[i];

        if (certificate->info->flags & certificate_flag)
            return TRUE;
    }
    return key->certificates->len == 0;
}

static gboolean
waits_for_module(const SealKeyObject *key)
{
    for (guint i = 0; i < key->places->len; i++) {
        const SealKeyPlace *place = key->places->pdata[i];

        if (place->token->state == SEAL_TOKEN_STATE_UNREACHABLE)
            return TRUE;
    }
    return FALSE;
}

/* The key's place on the token that serves this use, which may have gone in the meantime. */
static const SealKeyPlace *
find_place(SealKeyUse *use)
{
    const SealKeyObject *key = seal_registry_key(use->context->registry, use->ask.key_id);

    for (guint i = 0; key && i < key->places->len; i++) {
        const SealKeyPlace *place = key->places->pdata[i];

        if (place->token == use->token && place->token->token &&
            seal_token_is_alive(place->token->token))
            return place;
    }
    return NULL;
}

/* -- step by step ------------------------------------------------------------- */

static void
on_token_replied(const SealReply *reply, gpointer user_data)
{
    SealKeyUse *use = user_data;
    SealErrorCode status = reply->status;

    use->request = 0;
    seal_unlock_use_ends(use->context->unlocker, use->token);
    if (use->pin && (status == SEAL_ERROR_PIN_INCORRECT || status == SEAL_ERROR_PIN_BLOCKED))
        seal_unlock_pin_refused(use->context->unlocker, use->token, use->pin, status);
    if (use->pin && status == SEAL_ERROR_PIN_INCORRECT) {
        unlock_token(use); /* asks again while the token has a try to spare */
        return;
    }
    if (status == SEAL_ERROR_PIN_REQUIRED && !use->relocked) {
        use->relocked = TRUE;
        seal_registry_set_token_state(use->context->registry, use->token, SEAL_TOKEN_STATE_LOCKED,
                                      use->token->tries_left);
        unlock_token(use);
        return;
    }
    use_end(use, status, reply->message, reply->body);
}

static void
submit(SealKeyUse *use)
{
    const SealKeyPlace *place = find_place(use);

    if (!place) {
        fail(use, SEAL_ERROR_TOKEN_REMOVED, "the token was removed, insert it and try again");
        return;
    }
    if (use->rules != use->context->config->policy_rules) { /* others, since a person was asked */
        check_policy(use, seal_registry_key(use->context->registry, use->ask.key_id));
        return;
    }
    g_clear_pointer(&use->submitted, seal_token_unref);
    use->submitted = seal_token_ref(place->token->token);
    use->request =
        use->kind->submit(use, use->submitted, place->info, use->pin, on_token_replied, use);
    seal_unlock_use_begins(use->context->unlocker, use->token);
}

static void
on_pin_answered(SealErrorCode status, SealSecret *pin, const char *message, gpointer user_data)
{
    SealKeyUse *use = user_data;

    use->unlock = NULL;
    if (status != SEAL_ERROR_NONE) {
        fail(use, status, message);
        return;
    }
    use->pin = pin;
    submit(use);
}

/* Most tokens show a private key, and with it that it wants the PIN each time, only after the login. */
static gboolean
may_want_pin(const SealKeyInfo *key)
{
    return key->flags & SEAL_KEY_ALWAYS_AUTHENTICATE || !(key->flags & SEAL_KEY_PRIVATE_SEEN);
}

static SealUnlockAsk
unlock_ask(const SealKeyUse *use, const SealKeyPlace *place)
{
    return (SealUnlockAsk){
        .caller = use->ask.caller,
        .interactive = use->ask.interactive,
        .purpose = seal_policy_use_phrase(&use->kind->policy_use),
        .key_label = place->info->label,
        .wants_pin = may_want_pin(place->info),
    };
}

static void
on_unlocked(SealErrorCode status, const char *message, gpointer user_data)
{
    SealKeyUse *use = user_data;
    const SealKeyPlace *place = NULL;
    SealUnlock *asking = NULL;
    SealUnlockAsk ask = {0};

    use->unlock = NULL;
    if (status != SEAL_ERROR_NONE) {
        fail(use, status, message);
        return;
    }
    place = find_place(use);
    if (!place || !(place->info->flags & SEAL_KEY_ALWAYS_AUTHENTICATE)) {
        submit(use);
        return;
    }
    g_clear_pointer(&use->pin, seal_secret_free);
    ask = unlock_ask(use, place);
    asking =
        seal_unlock_ask_pin_async(use->context->unlocker, use->token, &ask, on_pin_answered, use);
    if (asking) /* else it has called back, and `use` may be gone */
        use->unlock = asking;
}

static void
unlock_token(SealKeyUse *use)
{
    const SealKeyPlace *place = find_place(use);
    SealUnlock *unlock = NULL;
    SealUnlockAsk ask = {0};

    if (!place) {
        fail(use, SEAL_ERROR_TOKEN_REMOVED, "the token was removed, insert it and try again");
        return;
    }
    ask = unlock_ask(use, place);
    unlock = seal_unlock_async(use->context->unlocker, use->token, &ask, on_unlocked, use);
    if (unlock) /* else it has called back, and `use` may be gone */
        use->unlock = unlock;
}

static void
on_consented(SealErrorCode status, const char *message, gpointer user_data)
{
    SealKeyUse *use = user_data;

    use->consent = NULL;
    if (status == SEAL_ERROR_NONE)
        unlock_token(use);
    else
        fail(use, status, message);
}

static void
ask_consent(SealKeyUse *use, const SealPolicyKey *key)
{
    SealConsent *consent = NULL;

    if (!use->ask.interactive) {
        fail(use, SEAL_ERROR_INTERACTION_REQUIRED,
             "a person must consent, and the call does not allow to ask");
        return;
    }
    consent = seal_consent_async(use->context->prompter, use->ask.caller, key,
                                 &use->kind->policy_use, on_consented, use);
    if (consent) /* else it has called back, and `use` may be gone */
        use->consent = consent;
}

/* What the rules match. Whether both purposes are served is asked of the key itself: what others
 * encrypted to it does not care for the key usage of its present certificates. */
static SealPolicyKey
policy_key_of(const SealKeyObject *key)
{
    const guint32 both = SEAL_KEY_SIGN | SEAL_KEY_DECRYPT;
    const SealKeyPlace *place = seal_key_object_place(key);

    return (SealPolicyKey){
        .key_id = key->id,
        .key_label = place->info->label,
        .token_label = place->token->label,
        .serves_both = (place->info->flags & both) == both,
    };
}

SealPolicyVerdict
seal_key_object_judge(const SealKeyUseContext *context, const SealKeyObject *key,
                      const SealCaller *caller, const SealPolicyUse *policy_use)
{
    SealPolicyKey policy_key = policy_key_of(key);

    return seal_policy_decide(context->config->policy_rules, caller, context->own_uid, &policy_key,
                              policy_use);
}

static void
fail_closed(SealKeyUse *use, const SealPolicyKey *key)
{
    SealRaw raw = use->kind->policy_use.raw;
    gboolean needs_both = raw == SEAL_RAW_RSA && key->serves_both;
    g_autofree char *reason = g_strdup_printf(
        "policy rule '%s' does not open it to %s, a [policy] rule with raw=%s%s does "
        "(privyseal.conf(5))",
        use->rule, use->ask.caller->name, seal_raw_name(raw),
        needs_both ? " for both purposes of this key" : "");

    fail(use, SEAL_ERROR_NOT_PERMITTED, reason);
}

static void
check_policy(SealKeyUse *use, const SealKeyObject *key)
{
    SealPolicyKey policy_key = policy_key_of(key);
    SealPolicyVerdict verdict =
        seal_key_object_judge(use->context, key, use->ask.caller, &use->kind->policy_use);
    g_autofree char *reason = NULL;

    use->rule = verdict.rule;
    use->rules = use->context->config->policy_rules;
    switch (verdict.action) {
    case SEAL_POLICY_ALLOW:
        unlock_token(use);
        return;
    case SEAL_POLICY_ASK:
        ask_consent(use, &policy_key);
        return;
    case SEAL_POLICY_DENY:
        reason = g_strdup_printf("policy rule '%s' denies it to %s", verdict.rule,
                                 use->ask.caller->name);
        fail(use, SEAL_ERROR_DENIED, reason);
        return;
    case SEAL_POLICY_CLOSED:
        fail_closed(use, &policy_key);
        return;
    }
}

static gboolean
on_token_awaited(gpointer user_data)
{
    SealKeyUse *use = user_data;

    if (use->cancelled)
        use_free(use);
    else
        find_key(use);
    return G_SOURCE_REMOVE;
}

/* Its card may well be in a reader, where another program holds it. */
static void
fail_absent(SealKeyUse *use)
{
    g_autofree char *clause = seal_registry_has_unread_card(use->context->registry)
                                  ? seal_pcsc_clients_clause()
                                  : NULL;
    g_autofree char *reason =
        g_strdup_printf("the token is not present, insert it and try again%s%s",
                        clause ? "; or its card cannot be read: " : "", clause ? clause : "");

    fail(use, SEAL_ERROR_TOKEN_REMOVED, reason);
}

/* No token with the key is there: a module that waits to be started again gets its chance. */
static void
wait_for_token(SealKeyUse *use, const SealKeyObject *key)
{
    if (!waits_for_module(key)) {
        fail_absent(use);
        return;
    }
    if (use->awaited) {
        fail(use, SEAL_ERROR_UNREACHABLE,
             "the module of this token does not run, \"privyseal list\" says why");
        return;
    }
    use->awaited = TRUE;
    seal_registry_await_key(use->context->registry, key, on_token_awaited, use);
}

static void
find_key(SealKeyUse *use)
{
    const SealKeyObject *key = seal_registry_key(use->context->registry, use->ask.key_id);
    const SealKeyPlace *place = NULL;
    GError *error = NULL;

    if (!key) {
        fail(use, SEAL_ERROR_NOT_FOUND, "the key is not on its token any more");
        return;
    }
    if (*seal_key_object_fault(key)) {
        fail(use, SEAL_ERROR_KEY_USAGE,
             "its signatures do not fit its certificate: the card lies or fails; \"privyseal list "
             "--rescan\" has it tried again");
        return;
    }
    if (!seal_key_object_serves(key, use->kind->policy_use.purpose)) {
        fail(use, SEAL_ERROR_KEY_USAGE,
             "the key usage of the key or of its certificates does not allow it");
        return;
    }
    place = seal_key_object_best_place(key);
    if (!place) {
        wait_for_token(use, key);
        return;
    }
    use->token = place->token;
    if (!use->kind->check(use, place->info, &error)) {
        fail(use, (SealErrorCode)error->code, error->message);
        g_error_free(error);
        return;
    }
    check_policy(use, key);
}

/* -- from outside -------------------------------------------------------------- */

SealKeyUse *
seal_key_use_start(SealKeyUse *use, const SealKeyUseKind *kind, const SealKeyUseContext *context,
                   const SealKeyUseAsk *ask, SealKeyUseFunc done, gpointer user_data)
{
    use->kind = kind;
    use->context = context;
    use->ask = *ask;
    (void)g_strlcpy(use->key_id, ask->key_id, sizeof use->key_id);
    use->ask.key_id = use->key_id;
    use->done = done;
    use->user_data = user_data;
    use->started_us = g_get_monotonic_time();
    use->rule = "";

    use->starting = TRUE;
    find_key(use);
    use->starting = FALSE;
    if (!use->ended)
        return use;
    use_free(use);
    return NULL;
}

void
seal_key_use_cancel(SealKeyUse *use)
{
    use->cancelled = TRUE;
    write_audit(use, SEAL_ERROR_CANCELLED);
    if (use->consent)
        seal_consent_cancel(use->consent);
    if (use->unlock)
        seal_unlock_cancel(use->unlock);
    if (use->request) { /* also of a token that was pulled: its host may answer yet */
        seal_token_cancel(use->submitted, use->request);
        seal_unlock_use_ends(use->context->unlocker, use->token);
    }
    if (use->consent || use->unlock || use->request)
        use_free(use);
    /* else a module is being started again: on_token_awaited() frees */
}
