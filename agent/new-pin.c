/* A new PIN is asked for twice, since nobody sees what they type and a slip would lock them out.
 * Two questions, not pinentry's own repetition (SETREPEAT), which not every program knows.
 *
 * What the token cannot take, as far as it says, is told before anything is sent to it: the length,
 * characters that no PIN has, the PIN that it has already. */
#include "agent/new-pin.h"

#include "agent/pin-dialogue.h"

/* Somebody who gives so many answers of no use is no person. */
#define QUESTIONS_MAX 12

struct SealNewPin {
    SealPrompt *prompt;
    const SealTokenObject *token;
    char *description;
    SealSecret *current; /* (nullable) */
    SealSecret *first;   /* (nullable) the first entry, while the second is awaited */
    guint questions;
    SealPromptFunc done;
    gpointer user_data;
};

static void ask(SealNewPin *question, const char *error);

/* Why the token would not take `pin`, or NULL. (transfer full) */
static char *
objection_to(const SealNewPin *question, const SealSecret *pin)
{
    char *objection = seal_pin_objection(question->token, SEAL_PIN_OF_USER, pin);

    if (objection)
        return objection;
    if (question->current && seal_secret_equal(pin, question->current))
        return g_strdup("the new PIN is the one that the token has");
    return NULL;
}

static void
finish(SealNewPin *question, SealErrorCode status, SealSecret *pin, const char *message)
{
    g_clear_pointer(&question->first, seal_secret_free);
    question->done(status, pin, message, question->user_data);
}

static void
ask_again(SealNewPin *question, const char *error)
{
    g_clear_pointer(&question->first, seal_secret_free);
    if (question->questions >= QUESTIONS_MAX)
        finish(question, SEAL_ERROR_INVALID_INPUT, NULL, "no usable new PIN was entered");
    else
        ask(question, error);
}

static void
on_answer(SealErrorCode status, SealSecret *answer, const char *message, gpointer user_data)
{
    SealNewPin *question = user_data;
    g_autoptr(SealSecret) pin = answer;
    g_autofree char *objection = NULL;

    if (status != SEAL_ERROR_NONE) {
        finish(question, status, NULL, message);
        return;
    }
    if (question->first) {
        if (seal_secret_equal(question->first, pin))
            finish(question, SEAL_ERROR_NONE, g_steal_pointer(&pin), "");
        else
            ask_again(question, "the two entries differ");
        return;
    }
    objection = objection_to(question, pin);
    if (objection) {
        ask_again(question, objection);
        return;
    }
    question->first = g_steal_pointer(&pin);
    ask(question, NULL);
}

static void
ask(SealNewPin *question, const char *error)
{
    const SealPromptText text = {
        .title = "Privy Seal: new PIN",
        .description = question->description,
        .prompt = question->first ? "Repeat the new PIN:" : "New PIN:",
        .error = error,
        .ok = question->first ? "Change" : "Next",
    };

    question->questions++;
    seal_prompt_ask_pin(question->prompt, &text, on_answer, question);
}

SealNewPin *
seal_new_pin_ask(SealPrompt *prompt, const SealTokenObject *token, const char *description,
                 const char *error, const SealSecret *current, SealPromptFunc done,
                 gpointer user_data)
{
    SealNewPin *question = g_new0(SealNewPin, 1);

    question->prompt = prompt;
    question->token = token;
    question->description = g_strdup(description);
    if (current)
        question->current =
            seal_secret_new_copy(seal_secret_peek(current), seal_secret_len(current));
    question->done = done;
    question->user_data = user_data;
    ask(question, error);
    return question;
}

void
seal_new_pin_free(SealNewPin *question)
{
    if (!question)
        return;
    seal_secret_free(question->current);
    seal_secret_free(question->first);
    g_free(question->description);
    g_free(question);
}
