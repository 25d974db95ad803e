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

typedef struct {
    const char *name; /* "PIN" */
    const char *label;
    const char *question, *pad_question, *pad_again;
    const char *last_try, *last_cost, *unknown_cost;
    const char *refused_suffix;
    guint32 count_low, final_try, locked; /* SealTokenFlags */
} Kind;

static const Kind kinds[] = {
    [SEAL_PIN_OF_USER] =
        {
            .name = "PIN",
            .label = "PIN:",
            .question = "Enter the PIN of a token.",
            .pad_question = "Enter the PIN at the reader's pad.",
            .pad_again = "The PIN was wrong. Enter it again at the reader's pad.",
            .last_try = "This may be the token's last PIN try. If the PIN is wrong, the token is "
                        "blocked until it is unblocked with the PUK.",
            .last_cost = "1, this is the last try: a wrong PIN blocks the token",
            .unknown_cost = "unknown, this may be the last one: a wrong PIN may block the token",
            .refused_suffix = "",
            .count_low = SEAL_TOKEN_PIN_COUNT_LOW,
            .final_try = SEAL_TOKEN_PIN_FINAL_TRY,
            .locked = SEAL_TOKEN_PIN_LOCKED,
        },
    [SEAL_PIN_PUK] =
        {
            .name = "PUK",
            .label = "PUK:",
            .question = "Enter the PUK of a token (also: the PIN of its security officer).",
            .pad_question = "Enter the PUK at the reader's pad, then the new PIN.",
            .pad_again = "The PUK was wrong. Enter it again at the reader's pad.",
            .last_try = "This may be the last try of the token's PUK. If the PUK is wrong, nothing "
                        "unblocks the token any more, and its keys are lost.",
            .last_cost = "1, this is the last try: a wrong PUK makes the token useless",
            .unknown_cost =
                "unknown, this may be the last one: a wrong PUK may make the token useless",
            .refused_suffix = " PUK",
            .count_low = SEAL_TOKEN_PUK_COUNT_LOW,
            .final_try = SEAL_TOKEN_PUK_FINAL_TRY,
            .locked = SEAL_TOKEN_PUK_LOCKED,
        },
};

struct SealPinDialogue {
    SealPinKind which;
    const Kind *kind; /* its row */
    const char *ok; /* label of the button */
    char *refused_id;
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

char *
seal_pin_refused_id(const SealTokenObject *token, SealPinKind kind)
{
    return g_strconcat(token->id, kinds[kind].refused_suffix, NULL);
}

gboolean
seal_pin_is_locked(const SealTokenObject *token, SealPinKind kind)
{
    return (token_flags(token) & kinds[kind].locked) != 0;
}

void
seal_pin_note_last_try(const SealTokenObject *token, SealRefusedPins *refused)
{
    guint32 flags = token_flags(token);

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *refused_id = seal_pin_refused_id(token, (SealPinKind)i);

        if (flags & (kinds[i].final_try | kinds[i].locked))
            seal_refused_pins_note_last_try(refused, refused_id);
    }
}

static gboolean
may_be_last_try(const SealTokenObject *token, const Kind *kind, const SealRefusedPins *refused,
                const char *refused_id)
{
    guint32 flags = token_flags(token);

    if (flags & kind->final_try || seal_refused_pins_saw_last_try(refused, refused_id))
        return TRUE;
    return !(flags & kind->count_low) &&
           seal_refused_pins_count(refused, refused_id) >= REFUSALS_OF_SILENT_TOKEN;
}

gboolean
seal_pin_may_be_last_try(const SealTokenObject *token, const SealRefusedPins *refused)
{
    return may_be_last_try(token, &kinds[SEAL_PIN_OF_USER], refused, token->id);
}

static gboolean
is_last_try(const SealPinDialogue *dialogue)
{
    return may_be_last_try(dialogue->token, dialogue->kind, dialogue->refused,
                           dialogue->refused_id);
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
    if (token_flags(dialogue->token) & dialogue->kind->final_try)
        return dialogue->kind->last_cost;
    if (is_last_try(dialogue))
        return dialogue->kind->unknown_cost;
    if (token_flags(dialogue->token) & dialogue->kind->count_low)
        return "more than one, a wrong one was entered before";
    return "unknown, the token does not tell";
}

char *
seal_pin_dialogue_describe(const SealPinDialogue *dialogue, const char *first_line)
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
    if (dialogue->which == SEAL_PIN_OF_USER && dialogue->token->tries_left >= 2)
        g_string_append_printf(text, "Tries left: %d", dialogue->token->tries_left);
    else
        g_string_append_printf(text, "Tries left: %s", tries_phrase(dialogue));
    if (dialogue->which == SEAL_PIN_OF_USER &&
        token_flags(dialogue->token) & SEAL_TOKEN_PIN_TO_BE_CHANGED)
        g_string_append(text, "\nThe token wants another PIN: privyseal pin change");
    return g_string_free(text, FALSE);
}

/* -- which answers are sent ------------------------------------------------------ */

static gboolean
has_odd_characters(const SealSecret *pin)
{
    const char *text = (const char *)seal_secret_peek(pin);
    size_t len = seal_secret_len(pin);

    for (size_t i = 0; i < len; i++)
        if (g_ascii_iscntrl(text[i]))
            return TRUE;
    return !g_utf8_validate_len(text, len, NULL);
}

/* What a token tells of lengths is about its user's PIN. */
char *
seal_pin_objection(const SealTokenObject *token, SealPinKind kind, const SealSecret *pin)
{
    const SealTokenInfo *info =
        token->token && kind == SEAL_PIN_OF_USER ? seal_token_info(token->token) : NULL;
    size_t len = seal_secret_len(pin);
    size_t least = MAX(info ? info->pin_min : 0, 1), most = info ? info->pin_max : 0;
    const char *name = kinds[kind].name;

    if (most == 0 || most > PIN_LEN_MAX)
        most = PIN_LEN_MAX;
    if (len == 0)
        return g_strdup_printf("no %s was entered", name);
    if (len < least || len > most)
        return g_strdup_printf("a %s of this token has %zu to %zu characters", name, least, most);
    if (has_odd_characters(pin))
        return g_strdup_printf("a %s has no control characters", name);
    return NULL;
}

/* Why `pin` is not sent, or NULL. (transfer full) */
static char *
objection_to(const SealPinDialogue *dialogue, const SealSecret *pin)
{
    char *objection = seal_pin_objection(dialogue->token, dialogue->which, pin);

    if (objection)
        return objection;
    if (seal_refused_pins_has(dialogue->refused, dialogue->refused_id,
                              seal_refused_pins_hash(dialogue->refused, dialogue->refused_id, pin)))
        return g_strdup_printf("this %s was refused before: it was not tried again",
                               dialogue->kind->name);
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
        g_autofree char *sentence =
            g_strdup_printf("no usable %s was entered", dialogue->kind->name);

        dialogue->done(SEAL_ERROR_PIN_INCORRECT, NULL, sentence, dialogue->user_data);
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
    g_autofree char *description = seal_pin_dialogue_describe(dialogue, dialogue->kind->question);
    const SealPromptText text = {
        .title = "Privy Seal",
        .description = description,
        .prompt = dialogue->kind->label,
        .error = dialogue->error,
        .ok = dialogue->ok,
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

/* A message that still stands there (of an earlier try at the pad) makes room for the next
 * question. */
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
    g_autofree char *description = seal_pin_dialogue_describe(
        dialogue, dialogue->error ? dialogue->kind->pad_again : dialogue->kind->pad_question);
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
    g_autofree char *description = seal_pin_dialogue_describe(dialogue, dialogue->kind->last_try);
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
    if (dialogue->is_confirmed || !is_last_try(dialogue)) {
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

    dialogue->kind = &kinds[SEAL_PIN_OF_USER];
    dialogue->ok = "Unlock";
    dialogue->refused_id = seal_pin_refused_id(token, SEAL_PIN_OF_USER);
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
seal_pin_dialogue_set_kind(SealPinDialogue *dialogue, SealPinKind kind)
{
    dialogue->which = kind;
    dialogue->kind = &kinds[kind];
    dialogue->ok = "Next";
    g_free(dialogue->refused_id);
    dialogue->refused_id = seal_pin_refused_id(dialogue->token, kind);
}

SealPrompt *
seal_pin_dialogue_prompt(SealPinDialogue *dialogue)
{
    return dialogue->prompt;
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
    g_free(dialogue->refused_id);
    g_free(dialogue);
}
