/* A change follows time from top to bottom: what opens the token is asked for, then the new PIN
 * twice, then both go to the token and come to nothing here. A wrong PIN or PUK is asked for again
 * in the same dialogue, with the rules of every PIN (agent/pin-dialogue.h); a new PIN that the
 * token does not take is asked for again, too.
 *
 * One change at a time for a token. It ends when its asker leaves, the token is pulled or locked;
 * but once the PINs are sent they are the token's affair: a lock does not stop them, and what the
 * token says is noted even if nobody waits for it any more. */
#include "agent/pin-change.h"

#include "agent/audit.h"
#include "agent/last-try.h"
#include "agent/new-pin.h"
#include "agent/pin-dialogue.h"

#define ROUNDS_MAX 3 /* answers of the token that one change may lead to */

struct SealPinChanger {
    SealRegistry *registry;
    SealPrompter *prompter;
    SealRefusedPins *refused;
    GPtrArray *changes; /* of SealPinChange* */
};

struct SealPinChange {
    SealPinChanger *changer;
    SealTokenObject *token;
    SealPinStep step;
    SealCaller *caller;
    SealPinDialogue *dialogue;
    SealNewPin *question; /* (nullable) */
    SealSecret *given;    /* (nullable) what opens the token */
    SealToken *asked;     /* (nullable) has the request */
    guint64 request;
    guint rounds;
    gint64 started_us;
    SealUnlockFunc done; /* NULL once the asker left */
    gpointer user_data;
};

/* -- its end ----------------------------------------------------------------------- */

/* The dialogue first: its prompt would answer to the question. */
static void
close_dialogue(SealPinChange *change)
{
    g_clear_pointer(&change->dialogue, seal_pin_dialogue_free);
    g_clear_pointer(&change->question, seal_new_pin_free);
}

static void
change_free(gpointer data)
{
    SealPinChange *change = data;

    if (change->request)
        seal_token_cancel(change->asked, change->request);
    close_dialogue(change);
    seal_secret_free(change->given);
    seal_token_unref(change->asked);
    seal_caller_unref(change->caller);
    g_free(change);
}

static SealPinKind
kind_of(SealPinStep step)
{
    return step == SEAL_PIN_STEP_CHANGE ? SEAL_PIN_OF_USER : SEAL_PIN_PUK;
}

static const char *
secret_name(SealPinStep step)
{
    return step == SEAL_PIN_STEP_CHANGE ? "PIN" : "PUK";
}

static const char *
step_phrase(SealPinStep step)
{
    return step == SEAL_PIN_STEP_CHANGE ? "change" : "unblock";
}

static void
write_audit(const SealPinChange *change, SealErrorCode status)
{
    const SealAuditRecord record = {
        .caller = change->caller,
        .operation = change->step == SEAL_PIN_STEP_CHANGE ? "pin-change" : "pin-unblock",
        .token_label = change->token->label,
        .token_serial = change->token->serial,
        .result = status,
        .duration_us = g_get_monotonic_time() - change->started_us,
    };

    seal_audit_write(&record);
}

static char *
explain(const SealTokenObject *token, SealPinStep step, const char *reason)
{
    return g_strdup_printf("cannot %s the PIN of token '%s': %s", step_phrase(step), token->label,
                           reason);
}

/* The one way out. Frees `change`. */
static void
finish(SealPinChange *change, SealErrorCode status, const char *reason)
{
    SealUnlockFunc done = change->done;
    gpointer user_data = change->user_data;
    g_autofree char *sentence =
        status == SEAL_ERROR_NONE ? g_strdup("")
                                  : explain(change->token, change->step,
                                            reason && *reason ? reason : seal_error_phrase(status));

    write_audit(change, status);
    g_ptr_array_remove(change->changer->changes, change);
    if (done)
        done(status, sentence, user_data);
}

static void
fail_blocked(SealPinChange *change)
{
    if (change->step == SEAL_PIN_STEP_UNBLOCK) {
        finish(
            change, SEAL_ERROR_PIN_BLOCKED,
            "the PUK is blocked, too, only the issuer can help, or initialising the token, which "
            "deletes its keys");
        return;
    }
    if (change->token->token && seal_token_is_alive(change->token->token))
        seal_registry_set_token_state(change->changer->registry, change->token,
                                      SEAL_TOKEN_STATE_BLOCKED, seal_pin_tries_left(change->token));
    finish(change, SEAL_ERROR_PIN_BLOCKED,
           "it is blocked, unblock it with the PUK by \"privyseal pin unblock\"");
}

/* -- the token --------------------------------------------------------------------- */

static void ask_fresh(SealPinChange *change, const char *error);

/* Asked again in the same dialogue, if the token has a try left for it. */
static void
on_refused(SealPinChange *change)
{
    g_autofree char *refused_id = seal_pin_refused_id(change->token, kind_of(change->step));
    g_autofree char *sentence = g_strdup_printf("the %s was wrong", secret_name(change->step));

    if (change->given)
        seal_refused_pins_add(
            change->changer->refused, refused_id,
            seal_refused_pins_hash(change->changer->refused, refused_id, change->given));
    g_clear_pointer(&change->given, seal_secret_free);
    if (seal_pin_is_locked(change->token, kind_of(change->step)))
        fail_blocked(change);
    else if (change->rounds >= ROUNDS_MAX || !change->done)
        finish(change, SEAL_ERROR_PIN_INCORRECT, sentence);
    else
        seal_pin_dialogue_ask(change->dialogue, sentence);
}

/* The PIN is another now: what was refused before says nothing of it. */
static void
on_done(SealPinChange *change)
{
    SealRefusedPins *refused = change->changer->refused;
    g_autofree char *used_id = seal_pin_refused_id(change->token, kind_of(change->step));

    seal_refused_pins_forget(refused, used_id);
    seal_refused_pins_forget(refused, change->token->id);
    if (change->token->state == SEAL_TOKEN_STATE_BLOCKED) /* and no flag of the token's said so */
        seal_registry_set_token_state(change->changer->registry, change->token,
                                      SEAL_TOKEN_STATE_LOCKED, seal_pin_tries_left(change->token));
    finish(change, SEAL_ERROR_NONE, NULL);
}

static void
on_reply(const SealReply *reply, gpointer user_data)
{
    SealPinChange *change = user_data;

    change->request = 0;
    if (reply->status == SEAL_ERROR_PIN_INCORRECT || reply->status == SEAL_ERROR_PIN_BLOCKED)
        /* the registry tells of what the PIN has left, not the PUK */
        seal_pin_note_last_try(change->token, change->changer->refused);
    switch (reply->status) {
    case SEAL_ERROR_NONE:
        on_done(change);
        break;
    case SEAL_ERROR_PIN_INCORRECT:
        on_refused(change);
        break;
    case SEAL_ERROR_PIN_BLOCKED:
        fail_blocked(change);
        break;
    case SEAL_ERROR_INVALID_INPUT:
        if (change->given && change->rounds < ROUNDS_MAX && change->done)
            ask_fresh(change, "the token does not take this PIN");
        else
            finish(change, reply->status, reply->message);
        break;
    default:
        finish(change, reply->status, reply->message);
    }
}

/* `given` and `fresh` NULL: both at the reader's pad. */
static void
submit(SealPinChange *change, const SealSecret *fresh)
{
    SealToken *token = change->token->token;

    if (!token || !seal_token_is_alive(token)) {
        finish(change, SEAL_ERROR_TOKEN_REMOVED, "it was removed");
        return;
    }
    change->rounds++;
    g_clear_pointer(&change->asked, seal_token_unref);
    change->asked = seal_token_ref(token);
    change->request =
        seal_token_set_pin(token, change->step, change->given, fresh, on_reply, change);
}

/* -- the dialogue ------------------------------------------------------------------ */

static void
on_fresh(SealErrorCode status, SealSecret *answer, const char *message, gpointer user_data)
{
    SealPinChange *change = user_data;
    g_autoptr(SealSecret) fresh = answer;

    g_clear_pointer(&change->question, seal_new_pin_free);
    if (status == SEAL_ERROR_NONE)
        submit(change, fresh);
    else
        finish(change, status, message);
}

static void
ask_fresh(SealPinChange *change, const char *error)
{
    g_autofree char *description =
        seal_pin_dialogue_describe(change->dialogue, "Choose the new PIN of a token.");

    change->question = seal_new_pin_ask(
        seal_pin_dialogue_prompt(change->dialogue), change->token, description, error,
        change->step == SEAL_PIN_STEP_CHANGE ? change->given : NULL, on_fresh, change);
}

/* `given` is NULL at the reader's pad. */
static void
on_given(SealErrorCode status, SealSecret *given, const char *message, gpointer user_data)
{
    SealPinChange *change = user_data;

    if (status != SEAL_ERROR_NONE) {
        finish(change, status, message);
        return;
    }
    seal_secret_free(change->given);
    change->given = given;
    if (given)
        ask_fresh(change, NULL);
    else
        submit(change, NULL);
}

/* -- its beginning ----------------------------------------------------------------- */

typedef struct {
    SealErrorCode status;
    const char *reason;
} Refusal;

static gboolean
is_under_way(const SealPinChanger *changer, const SealTokenObject *token)
{
    for (guint i = 0; i < changer->changes->len; i++)
        if (((SealPinChange *)changer->changes->pdata[i])->token == token)
            return TRUE;
    return FALSE;
}

/* What needs no person to be told. A program in a sandbox is there so that it cannot do this: a
 * person would be asked for PIN and PUK in the name of one that has no business with them. */
static Refusal
refusal_of(const SealPinChanger *changer, const SealTokenObject *token, SealPinStep step,
           const SealUnlockAsk *ask)
{
    if (*ask->caller->flatpak_id)
        return (Refusal){SEAL_ERROR_NOT_PERMITTED,
                         "programs in a sandbox may not, use \"privyseal pin\" in a terminal"};
    if (!token->token || !seal_token_is_alive(token->token))
        return (Refusal){SEAL_ERROR_TOKEN_REMOVED, "it is not present, insert it"};
    if (!(seal_token_info(token->token)->flags & SEAL_TOKEN_LOGIN_REQUIRED))
        return (Refusal){SEAL_ERROR_NOT_SUPPORTED, "it has none"};
    if (seal_token_info(token->token)->flags & SEAL_TOKEN_READ_ONLY)
        return (Refusal){SEAL_ERROR_NOT_SUPPORTED, "it is write-protected"};
    if (seal_pin_is_locked(token, kind_of(step)))
        return (Refusal){SEAL_ERROR_PIN_BLOCKED, NULL};
    if (!ask->interactive)
        return (Refusal){SEAL_ERROR_INTERACTION_REQUIRED,
                         "nobody may be asked for it: allow interaction"};
    if (is_under_way(changer, token))
        return (Refusal){SEAL_ERROR_BUSY, "that is under way already"};
    return (Refusal){SEAL_ERROR_NONE, NULL};
}

static SealPinChange *
change_new(SealPinChanger *changer, SealTokenObject *token, SealPinStep step,
           const SealUnlockAsk *ask)
{
    SealPinChange *change = g_new0(SealPinChange, 1);
    SealUnlockAsk asking = *ask;

    asking.purpose = step == SEAL_PIN_STEP_CHANGE ? "change the PIN" : "unblock the PIN";
    asking.key_label = NULL;
    asking.last_try = TRUE;
    change->changer = changer;
    change->token = token;
    change->step = step;
    change->caller = seal_caller_ref((SealCaller *)ask->caller);
    change->started_us = g_get_monotonic_time();
    change->dialogue = seal_pin_dialogue_new(changer->prompter, changer->refused, token, &asking,
                                             on_given, change);
    seal_pin_dialogue_set_kind(change->dialogue, kind_of(step));
    g_ptr_array_add(changer->changes, change);
    return change;
}

SealPinChange *
seal_pin_change_async(SealPinChanger *changer, SealTokenObject *token, SealPinStep step,
                      const SealUnlockAsk *ask, SealUnlockFunc done, gpointer user_data)
{
    Refusal refusal = refusal_of(changer, token, step, ask);
    SealPinChange *change = change_new(changer, token, step, ask);

    change->done = done;
    change->user_data = user_data;
    if (refusal.status == SEAL_ERROR_NONE) {
        seal_pin_dialogue_ask(change->dialogue, NULL);
        return g_ptr_array_find(changer->changes, change, NULL) ? change : NULL;
    }
    if (refusal.status == SEAL_ERROR_PIN_BLOCKED)
        fail_blocked(change);
    else
        finish(change, refusal.status, refusal.reason);
    return NULL;
}

/* What was sent is awaited: a PIN that the token refuses has to be remembered. */
void
seal_pin_change_cancel(SealPinChange *change)
{
    change->done = NULL;
    if (change->request)
        close_dialogue(change);
    else
        finish(change, SEAL_ERROR_CANCELLED, NULL);
}

/* -- all of them ------------------------------------------------------------------- */

/* Ends those at `token` (NULL: at each) whose fate is not with the token, or all of them. */
static void
end_changes(SealPinChanger *changer, const SealTokenObject *token, gboolean also_sent,
            SealErrorCode status, const char *reason)
{
    for (guint i = changer->changes->len; i-- > 0;) {
        SealPinChange *change = changer->changes->pdata[i];

        if ((!token || change->token == token) && (also_sent || !change->request)) {
            finish(change, status, reason);
            i = changer->changes->len; /* the callback may have done anything */
        }
    }
}

void
seal_pin_changer_stop(SealPinChanger *changer, const SealTokenObject *token)
{
    end_changes(changer, token, FALSE, SEAL_ERROR_CANCELLED, "the token was locked");
}

gboolean
seal_pin_changer_is_active(const SealPinChanger *changer)
{
    return changer->changes->len > 0;
}

static void
on_token_gone(SealTokenObject *token, gpointer user_data)
{
    end_changes(user_data, token, TRUE, SEAL_ERROR_TOKEN_REMOVED, "it was removed");
}

static const SealRegistryEvents registry_events = {.token_gone = on_token_gone};

SealPinChanger *
seal_pin_changer_new(SealRegistry *registry, SealPrompter *prompter, SealRefusedPins *refused)
{
    SealPinChanger *changer = g_new0(SealPinChanger, 1);

    changer->registry = registry;
    changer->prompter = prompter;
    changer->refused = refused;
    changer->changes = g_ptr_array_new_with_free_func(change_free);
    seal_registry_listen(registry, &registry_events, changer);
    seal_last_try_watch(registry, refused);
    return changer;
}

void
seal_pin_changer_free(SealPinChanger *changer)
{
    if (!changer)
        return;
    g_ptr_array_unref(changer->changes);
    g_free(changer);
}
