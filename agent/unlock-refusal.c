/* The answers to a request for a login that come from what is known already: that there is nothing
 * to log in to, that nobody may be asked, that the last try is not for programs. */
#include "agent/unlock-refusal.h"

#include "agent/pin-dialogue.h"

char *
seal_unlock_blocked_sentence(const SealTokenObject *token)
{
    return g_strdup_printf("the PIN of token '%s' is blocked: unblock it with its PUK, by "
                           "\"privyseal pin unblock '%s'\"",
                           token->label, token->label);
}

gboolean
seal_unlock_is_refused(const SealRefusedPins *refused, const SealTokenObject *token,
                       const SealUnlockAsk *ask, SealUnlockRefusal *ret)
{
    if (!token->token || !seal_token_is_alive(token->token)) {
        ret->status = SEAL_ERROR_TOKEN_REMOVED;
        ret->message = g_strdup_printf("token '%s' is not present: insert it", token->label);
    } else if (token->state == SEAL_TOKEN_STATE_BLOCKED || seal_pin_tries_left(token) == 0) {
        ret->status = SEAL_ERROR_PIN_BLOCKED;
        ret->message = seal_unlock_blocked_sentence(token);
    } else if (!ask->interactive) {
        ret->status = SEAL_ERROR_INTERACTION_REQUIRED;
        ret->message = g_strdup_printf("token '%s' is locked and nobody may be asked for its PIN: "
                                       "unlock it with \"privyseal unlock\" or allow interaction",
                                       token->label);
    } else if (!ask->last_try && seal_pin_may_be_last_try(token, refused)) {
        ret->status = SEAL_ERROR_PIN_INCORRECT;
        ret->message = seal_pin_last_try_sentence(token);
    } else {
        return FALSE;
    }
    return TRUE;
}

gboolean
seal_unlock_needs_no_login(const SealTokenObject *token)
{
    return token->token && seal_token_is_alive(token->token) &&
           (token->state == SEAL_TOKEN_STATE_UNLOCKED ||
            !(seal_token_info(token->token)->flags & SEAL_TOKEN_LOGIN_REQUIRED));
}

char *
seal_unlock_expired_sentence(const SealTokenObject *token)
{
    return g_strdup_printf("the PIN of token '%s' has expired: change it with "
                           "\"privyseal pin change '%s'\"",
                           token->label, token->label);
}

gboolean
seal_unlock_is_logged_in(const SealTokenObject *token)
{
    return token->token && token->state == SEAL_TOKEN_STATE_UNLOCKED &&
           (seal_token_info(token->token)->flags & SEAL_TOKEN_LOGIN_REQUIRED);
}
