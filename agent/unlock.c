/* Which tokens are unlocked, and how they become so and cease to be.
 *
 * Each token that was ever asked for has a keeper. Requests for a locked token gather at its keeper
 * and share one dialogue, which speaks for the request that came first; when that one leaves, the
 * dialogue is opened anew in the name of the next. A PIN goes from the dialogue into the login
 * frame and is wiped before the token answers: only its hash waits, to be remembered if the token
 * refuses. One exception: who typed it for a key that wants the PIN for each use is not asked for
 * it again; then it waits for the token's answer, and is that use's.
 *
 * A keeper of an unlocked token has one timer, for the earlier of the idle and the age limit. Use
 * of a key only stores a time; the timer finds out when it fires. Nothing wakes up while all is
 * locked. A host that was restarted, or a token that was pulled, knows nothing of a login any more:
 * the registry tells, and what waited fails. */
#include "agent/unlock.h"

#include "agent/lock-timer.h"
#include "agent/logout.h"
#include "agent/pin-change.h"
#include "agent/pin-dialogue.h"
#include "agent/refused-pins.h"
#include "agent/unlock-refusal.h"
#include "base/log.h"

#define ROUNDS_MAX 3 /* logins that one dialogue may lead to */

typedef struct SealPinKeeper SealPinKeeper;

/* A login under way. It belongs to its reply: keepers and the unlocker only refer to it. */
typedef struct {
    SealPinKeeper *keeper; /* NULL when the token went, or the keeper did */
    gboolean is_overtaken; /* by a lock: success does not unlock any more */
    gboolean has_hash;
    uint64_t hash;
    SealSecret *pin; /* (nullable) for the operation that the speaker wants it for */
} Login;

struct SealPinKeeper {
    SealUnlocker *unlocker;
    SealTokenObject *token;
    GPtrArray *requests;       /* of SealUnlock* that wait for the login, oldest first */
    GPtrArray *pin_requests;   /* of SealUnlock* that wait for a PIN of their own */
    SealPinDialogue *dialogue; /* (nullable) of `speaker` */
    SealUnlock *speaker;       /* (nullable) borrowed from `requests` */
    Login *login;              /* (nullable) */
    guint rounds;
    gboolean is_in;       /* by a login of ours that nobody ended */
    gboolean owes_logout; /* its host died with the login: the card may be open */
    gboolean is_closing;  /* that logout is under way: nobody is asked for a PIN meanwhile */
    gboolean was_refused; /* the last PIN for one operation: said in the next dialogue */
    SealSecret *typed;    /* (nullable) while the request is answered for which it was typed */
    SealLockTimer *timer;
};

struct SealUnlock {
    SealPinKeeper *keeper;
    SealUnlockAsk ask; /* own copies */
    SealUnlockFunc done;
    SealPromptFunc pin_done; /* instead of `done`: wants the PIN itself */
    gpointer user_data;
    SealPinDialogue *dialogue; /* with `pin_done` */
};

struct SealUnlocker {
    SealRegistry *registry;
    SealPrompter *prompter;
    SealRefusedPins *refused;
    SealPinChanger *changer;
    SealUnlockLimits limits;
    GHashTable *keepers; /* SealTokenObject* -> SealPinKeeper* */
    GPtrArray *logins;   /* of Login* under way, borrowed */
    GPtrArray *logouts;  /* of SealLogout* under way, borrowed */
};

static void open_dialogue(SealPinKeeper *keeper, const char *error);
static void lock_token(SealPinKeeper *keeper, SealLogout *logout);

/* -- requests --------------------------------------------------------------------- */

static SealUnlock *
new_request(SealPinKeeper *keeper, const SealUnlockAsk *ask, gpointer user_data)
{
    SealUnlock *request = g_new0(SealUnlock, 1);

    request->keeper = keeper;
    request->ask = *ask;
    request->ask.caller = seal_caller_ref((SealCaller *)ask->caller);
    request->ask.purpose = g_strdup(ask->purpose);
    request->ask.key_label = g_strdup(ask->key_label);
    request->user_data = user_data;
    return request;
}

static void
free_request(gpointer data)
{
    SealUnlock *request = data;

    seal_pin_dialogue_free(request->dialogue);
    seal_caller_unref((SealCaller *)request->ask.caller);
    g_free((char *)request->ask.purpose);
    g_free((char *)request->ask.key_label);
    g_free(request);
}

static void
close_dialogue(SealPinKeeper *keeper)
{
    g_clear_pointer(&keeper->dialogue, seal_pin_dialogue_free);
    keeper->speaker = NULL;
}

static void
answer_request(SealUnlock *request, SealErrorCode status, const char *message)
{
    if (request->pin_done)
        request->pin_done(status, NULL, message, request->user_data);
    else
        request->done(status, message, request->user_data);
    free_request(request);
}

/* Answers those who wait now; who asks anew from a callback waits for the next answer. */
static void
answer_list(GPtrArray *list, SealErrorCode status, const char *message)
{
    g_autofree char *sentence = g_strdup(message);
    guint waiting = list->len;

    while (waiting-- > 0 && list->len > 0)
        answer_request(g_ptr_array_steal_index(list, 0), status, sentence);
}

static void
answer_all(SealPinKeeper *keeper, SealErrorCode status, const char *message)
{
    close_dialogue(keeper);
    keeper->rounds = 0;
    answer_list(keeper->requests, status, message);
}

/* -- the login -------------------------------------------------------------------- */

static void
login_free(Login *login)
{
    seal_secret_free(login->pin);
    g_free(login);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Login, login_free)

static void
set_state(SealPinKeeper *keeper, SealTokenState state)
{
    seal_registry_set_token_state(keeper->unlocker->registry, keeper->token, state,
                                  seal_pin_tries_left(keeper->token));
}

static void
on_blocked(SealPinKeeper *keeper)
{
    g_autofree char *sentence = seal_unlock_blocked_sentence(keeper->token);

    set_state(keeper, SEAL_TOKEN_STATE_BLOCKED);
    answer_all(keeper, SEAL_ERROR_PIN_BLOCKED, sentence);
}

/* The PIN was right, and is good for nothing but its change. */
static void
on_expired(SealPinKeeper *keeper)
{
    g_autofree char *sentence = seal_unlock_expired_sentence(keeper->token);

    answer_all(keeper, SEAL_ERROR_PIN_EXPIRED, sentence);
}

/* The token said no. Asked again in the same dialogue, if a person still waits there. */
static void
on_refused(SealPinKeeper *keeper)
{
    g_autofree char *sentence = NULL;

    if (seal_pin_tries_left(keeper->token) == 0) {
        on_blocked(keeper);
        return;
    }
    set_state(keeper, SEAL_TOKEN_STATE_LOCKED);
    if (keeper->requests->len == 0) {
        answer_all(keeper, SEAL_ERROR_CANCELLED, "");
        return;
    }
    if (keeper->rounds >= ROUNDS_MAX) {
        sentence = g_strdup_printf("the PIN of token '%s' was wrong %d times", keeper->token->label,
                                   ROUNDS_MAX);
        answer_all(keeper, SEAL_ERROR_PIN_INCORRECT, sentence);
        return;
    }
    open_dialogue(keeper, "the PIN was wrong");
}

/* Sends a logout; `logout` (nullable) waits for its answer. */
static void
log_out(SealPinKeeper *keeper, SealLogout *logout)
{
    SealLogout *own = logout ? NULL : seal_logout_new(keeper->unlocker->logouts, NULL, NULL);

    seal_logout_add(logout ? logout : own, keeper->token->token);
    if (own)
        seal_logout_release(own);
}

/* A lock came after the login was sent. The host serves requests side by side, so the lock's logout
 * may have come first: now that the login is over, another is sure to come after it. */
static void
undo_login(SealPinKeeper *keeper, const SealReply *reply)
{
    SealToken *token = keeper->token->token;

    if (reply->status == SEAL_ERROR_NONE && !keeper->login && token && seal_token_is_alive(token))
        log_out(keeper, NULL);
}

/* Forgets a login whose reply is here and tells whether the keeper still wants it. */
static SealPinKeeper *
take_login(Login *login, const SealReply *reply)
{
    SealPinKeeper *keeper = login->keeper;

    if (!keeper)
        return NULL;
    g_ptr_array_remove_fast(keeper->unlocker->logins, login);
    if (login->has_hash && reply->status == SEAL_ERROR_PIN_INCORRECT)
        seal_refused_pins_add(keeper->unlocker->refused, keeper->token->id, login->hash);
    if (keeper->login == login)
        keeper->login = NULL;
    if (!login->is_overtaken)
        return keeper;
    undo_login(keeper, reply);
    return NULL;
}

/* The one who typed the PIN, first. What they want it for asks for it during the callback, or it is
 * gone. */
static void
answer_speaker(SealPinKeeper *keeper, Login *login)
{
    SealUnlock *speaker = keeper->speaker;
    guint index = 0;

    if (!login->pin || !speaker || !g_ptr_array_find(keeper->requests, speaker, &index))
        return;
    (void)g_ptr_array_steal_index(keeper->requests, index);
    close_dialogue(keeper);
    keeper->typed = g_steal_pointer(&login->pin);
    answer_request(speaker, SEAL_ERROR_NONE, "");
    g_clear_pointer(&keeper->typed, seal_secret_free);
}

static void
on_login_reply(const SealReply *reply, gpointer user_data)
{
    g_autoptr(Login) login = user_data;
    SealPinKeeper *keeper = take_login(login, reply);

    if (!keeper)
        return;
    switch (reply->status) {
    case SEAL_ERROR_NONE:
        seal_refused_pins_forget(keeper->unlocker->refused, keeper->token->id);
        seal_lock_timer_start(keeper->timer);
        keeper->is_in = TRUE;
        set_state(keeper, SEAL_TOKEN_STATE_UNLOCKED);
        answer_speaker(keeper, login);
        answer_all(keeper, SEAL_ERROR_NONE, "");
        break;
    case SEAL_ERROR_PIN_INCORRECT:
        on_refused(keeper);
        break;
    case SEAL_ERROR_PIN_BLOCKED:
        on_blocked(keeper);
        break;
    case SEAL_ERROR_PIN_EXPIRED:
        on_expired(keeper);
        break;
    default:
        answer_all(keeper, reply->status, reply->message);
    }
}

static void
send_login(SealPinKeeper *keeper, const SealSecret *pin)
{
    Login *login = g_new0(Login, 1);

    login->keeper = keeper;
    if (pin) {
        login->has_hash = TRUE;
        login->hash = seal_refused_pins_hash(keeper->unlocker->refused, keeper->token->id, pin);
    }
    if (pin && keeper->speaker && keeper->speaker->ask.wants_pin)
        login->pin = seal_secret_new_copy(seal_secret_peek(pin), seal_secret_len(pin));
    g_ptr_array_add(keeper->unlocker->logins, login);
    keeper->login = login;
    keeper->rounds++;
    seal_token_login(keeper->token->token, pin, on_login_reply, login);
}

/* -- the dialogue ------------------------------------------------------------------ */

/* `answer` is NULL for a login at the reader's pad. */
static void
on_dialogue(SealErrorCode status, SealSecret *answer, const char *message, gpointer user_data)
{
    g_autoptr(SealSecret) pin = answer;
    SealPinKeeper *keeper = user_data;

    if (status == SEAL_ERROR_NONE)
        send_login(keeper, pin);
    else
        answer_all(keeper, status, message);
}

/* Asks, in the open dialogue if it still speaks for a request that waits. */
static void
open_dialogue(SealPinKeeper *keeper, const char *error)
{
    SealUnlocker *unlocker = keeper->unlocker;

    if (!keeper->speaker) {
        close_dialogue(keeper);
        keeper->speaker = keeper->requests->pdata[0];
        keeper->dialogue =
            seal_pin_dialogue_new(unlocker->prompter, unlocker->refused, keeper->token,
                                  &keeper->speaker->ask, on_dialogue, keeper);
    }
    seal_pin_dialogue_ask(keeper->dialogue, error);
}

/* -- the token went ----------------------------------------------------------------- */

/* What the token answers to logins under way concerns nobody any more. `keeper` NULL: all. */
static void
disown_logins(SealUnlocker *unlocker, const SealPinKeeper *keeper)
{
    for (guint i = unlocker->logins->len; i-- > 0;) {
        Login *login = unlocker->logins->pdata[i];

        if (keeper && login->keeper != keeper)
            continue;
        login->keeper->login = NULL;
        login->keeper = NULL;
        g_ptr_array_remove_index_fast(unlocker->logins, i);
    }
}

static void
on_token_gone(SealTokenObject *token, gpointer user_data)
{
    SealUnlocker *unlocker = user_data;
    SealPinKeeper *keeper = g_hash_table_lookup(unlocker->keepers, token);
    g_autofree char *sentence = NULL;

    if (!keeper)
        return;
    seal_lock_timer_stop(keeper->timer);
    keeper->owes_logout |=
        (keeper->is_in || keeper->is_closing) && token->state == SEAL_TOKEN_STATE_UNREACHABLE;
    keeper->is_in = FALSE;
    disown_logins(unlocker, keeper);
    sentence = g_strdup_printf("token '%s' was removed", token->label);
    answer_all(keeper, SEAL_ERROR_TOKEN_REMOVED, sentence);
    answer_list(keeper->pin_requests, SEAL_ERROR_TOKEN_REMOVED, sentence);
}

/* The host serves requests side by side: a login sent before this could be undone by the logout. */
static void
on_closed(SealErrorCode status, const char *message, gpointer user_data)
{
    SealPinKeeper *keeper = user_data;

    keeper->is_closing = FALSE;
    if (keeper->requests->len > 0 && !keeper->dialogue && !keeper->login)
        open_dialogue(keeper, NULL);
}

/* It is back, in another host: what the login of the first left open is closed. */
static void
on_token_changed(SealTokenObject *token, const char *const *properties, gpointer user_data)
{
    SealUnlocker *unlocker = user_data;
    SealPinKeeper *keeper = g_hash_table_lookup(unlocker->keepers, token);
    SealLogout *logout = NULL;

    if (!keeper || !keeper->owes_logout || !token->token || !seal_token_is_alive(token->token))
        return;
    keeper->owes_logout = FALSE;
    keeper->is_closing = TRUE;
    logout = seal_logout_new(unlocker->logouts, on_closed, keeper);
    log_out(keeper, logout);
    seal_logout_release(logout);
}

static const SealRegistryEvents registry_events = {
    .token_gone = on_token_gone,
    .token_changed = on_token_changed,
};

/* -- life ---------------------------------------------------------------------------- */

static void
free_keeper(gpointer data)
{
    SealPinKeeper *keeper = data;

    seal_lock_timer_free(keeper->timer);
    close_dialogue(keeper);
    g_ptr_array_unref(keeper->requests);
    g_ptr_array_unref(keeper->pin_requests);
    g_free(keeper);
}

static void
on_time_over(gpointer user_data)
{
    SealPinKeeper *keeper = user_data;

    seal_log_info("token '%s' is locked: its time is over", keeper->token->label);
    lock_token(keeper, NULL);
}

static SealPinKeeper *
keeper_of(SealUnlocker *unlocker, SealTokenObject *token)
{
    SealPinKeeper *keeper = g_hash_table_lookup(unlocker->keepers, token);

    if (keeper)
        return keeper;
    keeper = g_new0(SealPinKeeper, 1);
    keeper->unlocker = unlocker;
    keeper->token = token;
    keeper->requests = g_ptr_array_new_with_free_func(free_request);
    keeper->pin_requests = g_ptr_array_new_with_free_func(free_request);
    keeper->timer = seal_lock_timer_new(&unlocker->limits, on_time_over, keeper);
    g_hash_table_insert(unlocker->keepers, token, keeper);
    return keeper;
}

SealUnlocker *
seal_unlocker_new(SealRegistry *registry, SealPrompter *prompter, const SealUnlockLimits *limits)
{
    SealUnlocker *unlocker = g_new0(SealUnlocker, 1);

    unlocker->registry = registry;
    unlocker->prompter = prompter;
    unlocker->refused = seal_refused_pins_new();
    unlocker->changer = seal_pin_changer_new(registry, prompter, unlocker->refused);
    unlocker->limits = *limits;
    unlocker->keepers = g_hash_table_new_full(NULL, NULL, NULL, free_keeper);
    unlocker->logins = g_ptr_array_new();
    unlocker->logouts = g_ptr_array_new();
    seal_registry_listen(registry, &registry_events, unlocker);
    return unlocker;
}

void
seal_unlocker_free(SealUnlocker *unlocker)
{
    if (!unlocker)
        return;
    seal_lock_all_async(unlocker, NULL, NULL);
    seal_pin_changer_free(unlocker->changer);
    seal_logout_disown_all(unlocker->logouts);
    g_ptr_array_unref(unlocker->logouts);
    disown_logins(unlocker, NULL);
    g_ptr_array_unref(unlocker->logins);
    g_hash_table_unref(unlocker->keepers);
    seal_refused_pins_free(unlocker->refused);
    g_free(unlocker);
}

/* -- unlocking ------------------------------------------------------------------------- */

/* TRUE if the token was used as often as it may be without another PIN. */
static gboolean
is_spent(SealUnlocker *unlocker, const SealTokenObject *token)
{
    const SealPinKeeper *keeper = g_hash_table_lookup(unlocker->keepers, token);

    return keeper && seal_unlock_is_logged_in(token) && seal_lock_timer_is_spent(keeper->timer);
}

SealUnlock *
seal_unlock_async(SealUnlocker *unlocker, SealTokenObject *token, const SealUnlockAsk *ask,
                  SealUnlockFunc done, gpointer user_data)
{
    SealUnlockRefusal refusal = {SEAL_ERROR_NONE, NULL};
    SealPinKeeper *keeper = NULL;
    SealUnlock *request = NULL;

    if ((seal_unlock_needs_no_login(token) && !is_spent(unlocker, token)) ||
        seal_unlock_is_refused(unlocker->refused, token, ask, &refusal)) {
        done(refusal.status, refusal.message ? refusal.message : "", user_data);
        g_free(refusal.message);
        return NULL;
    }
    keeper = keeper_of(unlocker, token);
    request = new_request(keeper, ask, user_data);
    request->done = done;
    g_ptr_array_add(keeper->requests, request);
    if (!keeper->dialogue && !keeper->login && !keeper->is_closing)
        open_dialogue(keeper, NULL);
    return request;
}

void
seal_unlock_cancel(SealUnlock *unlock)
{
    SealPinKeeper *keeper = unlock->keeper;

    if (unlock->pin_done) {
        g_ptr_array_remove(keeper->pin_requests, unlock);
        return;
    }
    if (keeper->speaker == unlock)
        keeper->speaker = NULL;
    g_ptr_array_remove(keeper->requests, unlock);
    if (keeper->speaker || !keeper->dialogue)
        return;
    close_dialogue(keeper);
    if (keeper->login)
        return; /* its answer decides what the others see */
    if (keeper->requests->len > 0)
        open_dialogue(keeper, NULL);
    else
        keeper->rounds = 0;
}

/* -- a PIN for one operation ------------------------------------------------------------- */

static void
on_single_pin(SealErrorCode status, SealSecret *pin, const char *message, gpointer user_data)
{
    SealUnlock *request = user_data;
    g_autofree char *sentence = g_strdup(message);
    guint index = 0;

    if (g_ptr_array_find(request->keeper->pin_requests, request, &index))
        (void)g_ptr_array_steal_index(request->keeper->pin_requests, index);
    request->pin_done(status, pin, sentence, request->user_data);
    free_request(request);
}

SealUnlock *
seal_unlock_ask_pin_async(SealUnlocker *unlocker, SealTokenObject *token, const SealUnlockAsk *ask,
                          SealPromptFunc done, gpointer user_data)
{
    SealUnlockRefusal refusal = {SEAL_ERROR_NONE, NULL};
    SealPinKeeper *keeper = NULL;
    SealUnlock *request = NULL;

    if (seal_unlock_is_refused(unlocker->refused, token, ask, &refusal) ||
        (seal_token_info(token->token)->flags & SEAL_TOKEN_PROTECTED_AUTHENTICATION)) {
        done(refusal.status, NULL, refusal.message ? refusal.message : "", user_data);
        g_free(refusal.message);
        return NULL;
    }
    keeper = keeper_of(unlocker, token);
    if (keeper->typed) {
        done(SEAL_ERROR_NONE, g_steal_pointer(&keeper->typed), "", user_data);
        return NULL;
    }
    request = new_request(keeper, ask, user_data);
    request->pin_done = done;
    g_ptr_array_add(keeper->pin_requests, request);
    request->dialogue = seal_pin_dialogue_new(unlocker->prompter, unlocker->refused, token, ask,
                                              on_single_pin, request);
    seal_pin_dialogue_ask(request->dialogue, keeper->was_refused ? "the PIN was wrong" : NULL);
    keeper->was_refused = FALSE;
    return request;
}

void
seal_unlock_pin_refused(SealUnlocker *unlocker, SealTokenObject *token, const SealSecret *pin,
                        SealErrorCode status)
{
    SealPinKeeper *keeper = keeper_of(unlocker, token);

    if (status == SEAL_ERROR_PIN_INCORRECT) {
        keeper->was_refused = TRUE;
        seal_refused_pins_add(unlocker->refused, token->id,
                              seal_refused_pins_hash(unlocker->refused, token->id, pin));
    }
    if (status == SEAL_ERROR_PIN_BLOCKED || seal_pin_tries_left(token) == 0)
        on_blocked(keeper);
}

/* -- locking ------------------------------------------------------------------------------ */

/* Closes what is open for the token and logs it out; `logout` (nullable) waits for the answer. */
static void
lock_token(SealPinKeeper *keeper, SealLogout *logout)
{
    SealToken *token = keeper->token->token;
    gboolean is_in = seal_unlock_is_logged_in(keeper->token) || keeper->login;

    seal_lock_timer_stop(keeper->timer);
    keeper->is_in = FALSE;
    if (keeper->login)
        keeper->login->is_overtaken = TRUE;
    keeper->login = NULL;
    if (is_in && token && seal_token_is_alive(token)) {
        set_state(keeper, SEAL_TOKEN_STATE_LOCKED); /* ends its lanes, before the logout is sent */
        log_out(keeper, logout);
    }
    answer_all(keeper, SEAL_ERROR_CANCELLED, "the token was locked");
    answer_list(keeper->pin_requests, SEAL_ERROR_CANCELLED, "the token was locked");
    seal_pin_changer_stop(keeper->unlocker->changer, keeper->token);
}

void
seal_lock_async(SealUnlocker *unlocker, SealTokenObject *token, SealUnlockFunc done,
                gpointer user_data)
{
    SealLogout *logout = seal_logout_new(unlocker->logouts, done, user_data);

    lock_token(keeper_of(unlocker, token), logout);
    seal_logout_release(logout);
}

void
seal_lock_all_async(SealUnlocker *unlocker, SealUnlockFunc done, gpointer user_data)
{
    SealLogout *logout = seal_logout_new(unlocker->logouts, done, user_data);
    g_autoptr(GList) keepers = g_hash_table_get_values(unlocker->keepers);

    for (GList *at = keepers; at; at = at->next)
        lock_token(at->data, logout);
    seal_pin_changer_stop(unlocker->changer, NULL);
    seal_logout_release(logout);
}

/* -- use ------------------------------------------------------------------------------------ */

void
seal_unlock_touch(SealUnlocker *unlocker, SealTokenObject *token)
{
    SealPinKeeper *keeper = g_hash_table_lookup(unlocker->keepers, token);

    if (keeper)
        seal_lock_timer_touch(keeper->timer);
}

void
seal_unlock_use_begins(SealUnlocker *unlocker, SealTokenObject *token)
{
    SealPinKeeper *keeper = g_hash_table_lookup(unlocker->keepers, token);

    if (keeper)
        seal_lock_timer_use_begins(keeper->timer);
}

/* Who waits for the PIN already logs in anew, which is as good as a lock. */
void
seal_unlock_use_ends(SealUnlocker *unlocker, SealTokenObject *token)
{
    SealPinKeeper *keeper = g_hash_table_lookup(unlocker->keepers, token);

    if (!keeper)
        return;
    seal_lock_timer_use_ends(keeper->timer);
    if (!is_spent(unlocker, token) || !seal_lock_timer_is_quiet(keeper->timer) || keeper->login ||
        keeper->requests->len > 0 || keeper->pin_requests->len > 0)
        return;
    seal_log_info("token '%s' is locked: it was used as often as it may be", token->label);
    lock_token(keeper, NULL);
}

SealPinChanger *
seal_unlocker_pin_changer(SealUnlocker *unlocker)
{
    return unlocker->changer;
}

gboolean
seal_unlocker_is_active(const SealUnlocker *unlocker)
{
    GHashTableIter iter;
    gpointer value = NULL;

    if (seal_pin_changer_is_active(unlocker->changer))
        return TRUE;
    g_hash_table_iter_init(&iter, unlocker->keepers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const SealPinKeeper *keeper = value;

        if (seal_unlock_is_logged_in(keeper->token) || keeper->login || keeper->requests->len > 0 ||
            keeper->pin_requests->len > 0)
            return TRUE;
    }
    return FALSE;
}
