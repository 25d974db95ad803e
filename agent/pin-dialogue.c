/* Getting a PIN that is worth one of the token's tries.
 *
 * What cannot be right is told in the dialogue and never sent: no PIN, one shorter or longer than
 * the token takes, one it refused before. The last try is not asked for at all unless the person
 * came for just that, and then only after a confirmation that names what a mistake costs.
 *
 * Names of programs, tokens and keys come from others. Each stands alone at the end of a line of
 * its own, cleaned and cut, so that none can pass for what the agent says. */
#include "agent/pin-dialogue.h"

#include "agent/assuan.h"

/* What a login frame carries (SEAL_PIN_MAX of the frames between agent and host). */
#define PIN_LEN_MAX 255u
/* Answers that are not sent cost no try; somebody who gives this many of them is no person. */
#define QUESTIONS_MAX 8
/* Refusals after which a token that tells nothing of its counter may be at its last try. */
#define REFUSALS_OF_SILENT_TOKEN 2

struct SealPinDialogue {
    const SealRefusedPins *refused;
    const SealTokenObject *token;
    SealPrompter *prompter;
    SealCaller *caller;
    SealPrompt *prompt;
    gboolean shows_message; /* the prompt is taken by the message to use the pad */
    char *program, *purpose, *key_label;
    gboolean last_try;
    gboolean is_confirmed; /* the person agreed to spend the last try */
    guint questions;
    char *error;
    SealPromptFunc done;
    gpointer user_data;
};

static guint32
token_flags(const SealTokenObject *token)
{
    return token->token ? seal_token_info(token->token)->flags : token->flags;
}

int
seal_pin_tries_left(const SealTokenObject *token)
{
    guint32 flags = token_flags(token);

    if (flags & SEAL_TOKEN_PIN_LOCKED)
        return 0;
    return flags & SEAL_TOKEN_PIN_FINAL_TRY ? 1 : -1;
}

gboolean
seal_pin_may_be_last_try(const SealTokenObject *token, const SealRefusedPins *refused)
{
    guint32 flags = token_flags(token);

    if (flags & SEAL_TOKEN_PIN_FINAL_TRY)
        return TRUE;
    return !(flags & SEAL_TOKEN_PIN_COUNT_LOW) &&
           seal_refused_pins_count(refused, token->id) >= REFUSALS_OF_SILENT_TOKEN;
}

char *
seal_pin_last_try_sentence(const SealTokenObject *token)
{
    gboolean is_told = (token_flags(token) & SEAL_TOKEN_PIN_FINAL_TRY) != 0;

    return g_strdup_printf("%s on token '%s': unlock it yourself with \"privyseal unlock '%s'\"",
                           is_told ? "only one PIN try is left" : "the last PIN try may be left",
                           token->label, token->label);
}

/* -- what it says --------------------------------------------------------------- */

static void
add_line(GString *text, const char *title, const char *name)
{
    g_autofree char *shown = seal_assuan_name_clean(name);

    g_string_append_printf(text, "%s: %s\n", title, shown);
}

static const char *
tries_phrase(const SealPinDialogue *dialogue)
{
    if (token_flags(dialogue->token) & SEAL_TOKEN_PIN_FINAL_TRY)
        return "1, this is the last try: a wrong PIN blocks the token";
    if (seal_pin_may_be_last_try(dialogue->token, dialogue->refused))
        return "unknown, this may be the last one: a wrong PIN may block the token";
    if (token_flags(dialogue->token) & SEAL_TOKEN_PIN_COUNT_LOW)
        return "more than one, a wrong PIN was entered before";
    return "unknown, the token does not tell";
}

static char *
describe(const SealPinDialogue *dialogue, const char *first_line)
{
    GString *text = g_string_new(first_line);

    g_string_append(text, "\n\n");
    add_line(text, "Program", dialogue->program);
    add_line(text, "Token", dialogue->token->label);
    if (dialogue->token->serial && *dialogue->token->serial)
        add_line(text, "Serial", dialogue->token->serial);
    if (dialogue->key_label)
        add_line(text, "Key", dialogue->key_label);
    add_line(text, "Purpose", dialogue->purpose);
    if (dialogue->token->tries_left >= 2)
        g_string_append_printf(text, "Tries left: %d", dialogue->token->tries_left);
    else
        g_string_append_printf(text, "Tries left: %s", tries_phrase(dialogue));
    return g_string_free(text, FALSE);
}

/* -- which answers are sent ------------------------------------------------------ */

/* Why `pin` is not sent, or NULL. (transfer full) */
static char *
objection_to(const SealPinDialogue *dialogue, const SealSecret *pin)
{
    const SealTokenInfo *info =
        dialogue->token->token ? seal_token_info(dialogue->token->token) : NULL;
    size_t len = seal_secret_len(pin);
    size_t least = info ? info->pin_min : 0, most = info ? info->pin_max : 0;

    if (most == 0 || most > PIN_LEN_MAX)
        most = PIN_LEN_MAX;
    if (len == 0)
        return g_strdup("no PIN was entered");
    if (len < least || len > most)
        return g_strdup_printf("a PIN of this token has %zu to %zu characters", least, most);
    if (seal_refused_pins_has(dialogue->refused, dialogue->token->id,
                              seal_refused_pins_hash(dialogue->refused, dialogue->token->id, pin)))
        return g_strdup("this PIN was refused before: it was not tried again");
    return NULL;
}

static void
on_pin(SealErrorCode status, SealSecret *answer, const char *message, gpointer user_data)
{
    SealPinDialogue *dialogue = user_data;
    g_autoptr(SealSecret) pin = answer;
    g_autofree char *objection = NULL;

    if (status != SEAL_ERROR_NONE) {
        dialogue->done(status, NULL, message, dialogue->user_data);
        return;
    }
    objection = objection_to(dialogue, pin);
    if (objection && dialogue->questions >= QUESTIONS_MAX) {
        dialogue->done(SEAL_ERROR_PIN_INCORRECT, NULL, "no usable PIN was entered",
                       dialogue->user_data);
        return;
    }
    if (objection) {
        seal_pin_dialogue_ask(dialogue, objection);
        return;
    }
    dialogue->is_confirmed = FALSE;
    dialogue->done(SEAL_ERROR_NONE, g_steal_pointer(&pin), "", dialogue->user_data);
}

/* -- questions ------------------------------------------------------------------- */

static void
ask_pin(SealPinDialogue *dialogue)
{
    g_autofree char *description = describe(dialogue, "Enter the PIN of a token.");
    const SealPromptText text = {
        .title = "Privy Seal",
        .description = description,
        .prompt = "PIN:",
        .error = dialogue->error,
        .ok = "Unlock",
    };

    dialogue->questions++;
    seal_prompt_ask_pin(dialogue->prompt, &text, on_pin, dialogue);
}

/* The message was cancelled. That it could not be shown stops nobody: the reader shows what it
 * wants. */
static void
on_pad_message(SealErrorCode status, SealSecret *pin, const char *message, gpointer user_data)
{
    SealPinDialogue *dialogue = user_data;

    if (status != SEAL_ERROR_NO_PROMPTER && status != SEAL_ERROR_TIMED_OUT)
        dialogue->done(status, NULL, message, dialogue->user_data);
}

/* A message that still stands there (of an earlier try at the pad) makes room for the next question. */
static void
put_message_away(SealPinDialogue *dialogue)
{
    if (!dialogue->shows_message)
        return;
    seal_prompt_free(dialogue->prompt);
    dialogue->prompt = seal_prompt_new(dialogue->prompter, dialogue->caller);
    dialogue->shows_message = FALSE;
}

static void
use_pad(SealPinDialogue *dialogue)
{
    g_autofree char *description = describe(
        dialogue, dialogue->error ? "The PIN was wrong. Enter it again at the reader's pad."
                                  : "Enter the PIN at the reader's pad.");
    const SealPromptText text = {.title = "Privy Seal", .description = description};

    dialogue->is_confirmed = FALSE;
    put_message_away(dialogue);
    dialogue->shows_message = TRUE;
    seal_prompt_show(dialogue->prompt, &text, on_pad_message, dialogue);
    dialogue->done(SEAL_ERROR_NONE, NULL, "", dialogue->user_data);
}

static void
ask_now(SealPinDialogue *dialogue)
{
    if (token_flags(dialogue->token) & SEAL_TOKEN_PROTECTED_AUTHENTICATION)
        use_pad(dialogue);
    else
        ask_pin(dialogue);
}

static void
on_confirmed(SealErrorCode status, SealSecret *pin, const char *message, gpointer user_data)
{
    SealPinDialogue *dialogue = user_data;

    if (status != SEAL_ERROR_NONE) {
        dialogue->done(status == SEAL_ERROR_DENIED ? SEAL_ERROR_CANCELLED : status, NULL, message,
                       dialogue->user_data);
        return;
    }
    dialogue->is_confirmed = TRUE;
    ask_now(dialogue);
}

static void
confirm_last_try(SealPinDialogue *dialogue)
{
    g_autofree char *description = describe(
        dialogue, "This may be the token's last PIN try. If the PIN is wrong, the token is "
                  "blocked until it is unblocked with the PUK.");
    const SealPromptText text = {
        .title = "Privy Seal: last try",
        .description = description,
        .error = dialogue->error,
        .ok = "Use the last try",
    };

    put_message_away(dialogue);
    seal_prompt_confirm(dialogue->prompt, &text, on_confirmed, dialogue);
}

void
seal_pin_dialogue_ask(SealPinDialogue *dialogue, const char *error)
{
    g_autofree char *sentence = NULL;

    g_free(dialogue->error);
    dialogue->error = g_strdup(error);
    if (dialogue->is_confirmed || !seal_pin_may_be_last_try(dialogue->token, dialogue->refused)) {
        ask_now(dialogue);
        return;
    }
    if (dialogue->last_try) {
        confirm_last_try(dialogue);
        return;
    }
    sentence = seal_pin_last_try_sentence(dialogue->token);
    dialogue->done(SEAL_ERROR_PIN_INCORRECT, NULL, sentence, dialogue->user_data);
}

/* -- life ------------------------------------------------------------------------- */

SealPinDialogue *
seal_pin_dialogue_new(SealPrompter *prompter, const SealRefusedPins *refused,
                      const SealTokenObject *token, const SealUnlockAsk *ask, SealPromptFunc done,
                      gpointer user_data)
{
    SealPinDialogue *dialogue = g_new0(SealPinDialogue, 1);

    dialogue->refused = refused;
    dialogue->token = token;
    dialogue->prompter = prompter;
    dialogue->caller = seal_caller_ref((SealCaller *)ask->caller);
    dialogue->prompt = seal_prompt_new(prompter, ask->caller);
    dialogue->program = seal_caller_describe(ask->caller);
    dialogue->purpose = g_strdup(ask->purpose);
    dialogue->key_label = g_strdup(ask->key_label);
    dialogue->last_try = ask->last_try;
    dialogue->done = done;
    dialogue->user_data = user_data;
    return dialogue;
}

void
seal_pin_dialogue_free(SealPinDialogue *dialogue)
{
    if (!dialogue)
        return;
    seal_prompt_free(dialogue->prompt);
    seal_caller_unref(dialogue->caller);
    g_free(dialogue->program);
    g_free(dialogue->purpose);
    g_free(dialogue->key_label);
    g_free(dialogue->error);
    g_free(dialogue);
}
