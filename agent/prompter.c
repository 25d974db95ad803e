/* Dialogues with a person, through pinentry.
 *
 * A prompt is a talk (agent/talk.h) with a process (agent/pinentry.h). Its first question brings
 * the steps that make the program ready; a further one goes to the same process, so that "wrong
 * PIN" is told in the dialogue that asked for it.
 *
 * One prompt at a time has its turn; the others wait in a bounded queue, and a process that is
 * ended has to be gone before the next is started: two programs on one terminal would spoil each
 * other.
 *
 * A program that ends before the question could ask nobody; one that ends during it was closed by
 * somebody, unless it crashed. */
#include "agent/prompter.h"

#include <sys/epoll.h>

#include "agent/pinentry.h"
#include "agent/talk.h"

#define WAITING_MAX 64
/* Of everything but the question, unless the question itself has less. A cold start of a Qt program
 * on a busy machine takes seconds. */
#define SETUP_TIMEOUT_US (20 * G_USEC_PER_SEC)
/* pinentry has its own clock; ours ends one that does not keep it. */
#define QUESTION_GRACE_US (3 * G_USEC_PER_SEC)
/* Between the end of the stream and the end of the process. */
#define LOST_TIMEOUT_US (2 * G_USEC_PER_SEC)

typedef enum {
    PROMPT_IDLE,    /* nothing is asked; the process may be up from an earlier question */
    PROMPT_WAITING, /* for its turn */
    PROMPT_TALKING,
    PROMPT_LOST,   /* the stream ended; how the process ended is not known yet */
    PROMPT_FAILED, /* `failure` is told from the loop */
} PromptState;

struct SealPrompter {
    SealLoop *loop;
    char *program;
    guint timeout_s;
    SealPinentry *process;    /* of the active prompt, or one that is ending */
    SealPinentryEnd last_end; /* how the process ended that was reaped last */
    SealPrompt *active;
    GQueue waiting; /* of SealPrompt* */
};

struct SealPrompt {
    SealPrompter *prompter;
    SealCaller *caller;
    PromptState state;
    SealTalk *talk;
    SealWatch *stream;
    SealWatch *timer;
    gboolean shows_only; /* a message: its OK answers nothing */
    gboolean is_asking;  /* the deadline of the question runs */
    SealPromptFunc done;
    gpointer user_data;
    SealErrorCode failure;
    char *failure_message;
};

static void advance(SealPrompter *prompter);

/* -- the end of a question ---------------------------------------------------- */

static void
close_stream(SealPrompt *prompt)
{
    g_clear_pointer(&prompt->stream, seal_watch_free);
    seal_talk_close(prompt->talk);
}

/* Leaves the process to its end: nothing more is read from it. */
static void
drop_process(SealPrompt *prompt)
{
    close_stream(prompt);
    if (prompt->prompter->active == prompt && prompt->prompter->process)
        seal_pinentry_end(prompt->prompter->process);
}

static void
forget_question(SealPrompt *prompt)
{
    seal_talk_drop_steps(prompt->talk);
    seal_watch_set_deadline(prompt->timer, -1);
    prompt->state = PROMPT_IDLE;
    prompt->is_asking = FALSE;
    prompt->done = NULL;
}

/* The one way out of a question. `pin` (nullable) is taken. The callback may free the prompt. */
static void
finish(SealPrompt *prompt, SealErrorCode status, SealSecret *pin, const char *message)
{
    SealPromptFunc done = prompt->done;
    g_autofree char *sentence = g_strdup(message);

    forget_question(prompt);
    if (status != SEAL_ERROR_NONE)
        drop_process(prompt);
    done(status, pin, sentence, prompt->user_data);
}

/* Fails the question from the loop, as soon as it runs. */
static void
finish_later(SealPrompt *prompt, SealErrorCode status, const char *message)
{
    prompt->state = PROMPT_FAILED;
    prompt->failure = status;
    g_free(prompt->failure_message);
    prompt->failure_message = g_strdup(message);
    seal_watch_set_deadline(prompt->timer, 0);
}

static void
finish_broken(SealPrompt *prompt, const char *what)
{
    g_autofree char *message = g_strdup_printf(
        "cannot ask: the prompt program '%s' %s: run \"privyseal unlock\" in a terminal, or name a "
        "prompt program that works by \"pinentry=\" in the [agent] group of privyseal.conf",
        prompt->prompter->program, what);

    finish(prompt, SEAL_ERROR_NO_PROMPTER, NULL, message);
}

/* -- what the program says ---------------------------------------------------- */

/* The question is on the screen: its own clock starts. */
static void
start_clock(SealPrompt *prompt)
{
    gint64 timeout_us = (gint64)prompt->prompter->timeout_s * G_USEC_PER_SEC;
    gint64 end = g_get_monotonic_time() + timeout_us + QUESTION_GRACE_US;

    prompt->is_asking = TRUE;
    seal_watch_set_deadline(prompt->timer, timeout_us > 0 ? end : -1);
}

/* The program ended by itself. */
static void
finish_lost(SealPrompt *prompt, SealPinentryEnd end)
{
    if (!seal_talk_is_asking(prompt->talk))
        finish_broken(prompt, "ended before it could ask (is there a display or a terminal?)");
    else if (end == SEAL_PINENTRY_CRASHED)
        finish_broken(prompt, "crashed");
    else
        finish(prompt, SEAL_ERROR_CANCELLED, NULL, "the prompt was closed");
}

/* The program closed its stream. If a question is open, how the process ends decides what it means.
 */
static void
on_closed(SealPrompt *prompt)
{
    close_stream(prompt);
    if (prompt->state != PROMPT_TALKING) {
        drop_process(prompt);
    } else if (prompt->prompter->process) {
        prompt->state = PROMPT_LOST;
        seal_watch_set_deadline(prompt->timer, g_get_monotonic_time() + LOST_TIMEOUT_US);
    } else {
        finish_lost(prompt, prompt->prompter->last_end);
    }
}

static void
on_answered(SealPrompt *prompt, SealSecret *pin)
{
    if (prompt->shows_only)
        forget_question(prompt); /* the message was put away; what it was about goes on */
    else
        finish(prompt, SEAL_ERROR_NONE, pin, "");
}

static void
on_stream(uint32_t events, gpointer user_data)
{
    SealPrompt *prompt = user_data;
    SealTalkEvent event = seal_talk_read(prompt->talk);
    g_autofree char *message = event.message;

    if (event.end == SEAL_TALK_GOES_ON && !prompt->is_asking && seal_talk_is_asking(prompt->talk))
        start_clock(prompt);
    else if (event.end == SEAL_TALK_CLOSED)
        on_closed(prompt);
    else if (event.end != SEAL_TALK_GOES_ON && !prompt->done)
        drop_process(prompt);
    else if (event.end == SEAL_TALK_ANSWERED)
        on_answered(prompt, event.pin);
    else if (event.end == SEAL_TALK_REFUSED)
        finish(prompt, event.status, NULL, message);
    else if (event.end == SEAL_TALK_BROKEN)
        finish_broken(prompt, message);
}

static void
on_process_ended(SealPinentryEnd end, gpointer user_data)
{
    SealPrompter *prompter = user_data;

    prompter->process = NULL;
    prompter->last_end = end;
    if (prompter->active && prompter->active->state == PROMPT_LOST)
        finish_lost(prompter->active, end);
    else if (prompter->active && prompter->active->state == PROMPT_IDLE)
        close_stream(
            prompter->active); /* its end may not be seen yet: the next question starts anew */
    advance(prompter);
}

static void
on_timer(uint32_t events, gpointer user_data)
{
    SealPrompt *prompt = user_data;

    if (prompt->state == PROMPT_FAILED)
        finish(prompt, prompt->failure, NULL, prompt->failure_message);
    else if (prompt->state == PROMPT_LOST && prompt->prompter->process)
        seal_pinentry_end(prompt->prompter->process);
    else if (prompt->is_asking)
        finish(prompt, SEAL_ERROR_TIMED_OUT, NULL, "nobody answered the prompt in time");
    else
        finish_broken(prompt, "does not answer");
}

/* -- turns -------------------------------------------------------------------- */

static void
add_option(SealTalk *talk, const char *name, const char *value)
{
    g_autofree char *option = g_strdup_printf("%s=%s", name, value ? value : "");

    if (value && *value)
        seal_talk_add(talk, SEAL_STEP_WANTED, "OPTION", option);
}

static const char *
first_variable(const SealCaller *caller, const char *category)
{
    const char *names[] = {"LC_ALL", category, "LANG"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *value = seal_pinentry_variable(caller, names[i]);

        if (value && *value)
            return value;
    }
    return NULL;
}

/* What makes a fresh program ready, before the steps of the question that is asked first. The
 * option that would let the PIN be kept by a password store is never given. */
static void
add_setup(SealPrompt *prompt)
{
    const SealCaller *caller = prompt->caller;
    g_autoptr(SealTalk) setup = seal_talk_new();
    g_autofree char *owner =
        g_strdup_printf("%d/%u %s", (int)caller->pid, (guint)caller->uid, g_get_host_name());
    g_autofree char *timeout = g_strdup_printf("%u", prompt->prompter->timeout_s);

    seal_talk_add(setup, SEAL_STEP_GREETING, NULL, NULL);
    seal_talk_add(setup, SEAL_STEP_WANTED, "OPTION", "no-grab");
    add_option(setup, "ttyname", seal_pinentry_variable(caller, "GPG_TTY"));
    add_option(setup, "ttytype", seal_pinentry_variable(caller, "TERM"));
    add_option(setup, "lc-ctype", first_variable(caller, "LC_CTYPE"));
    add_option(setup, "lc-messages", first_variable(caller, "LC_MESSAGES"));
    add_option(setup, "display", seal_pinentry_variable(caller, "DISPLAY"));
    add_option(setup, "owner", owner);
    seal_talk_add(setup, SEAL_STEP_FLAVOR, "GETINFO", "flavor");
    seal_talk_add(setup, SEAL_STEP_WANTED, "SETTIMEOUT", timeout);
    seal_talk_prepend(prompt->talk, setup);
}

static gint64
setup_deadline_us(const SealPrompter *prompter)
{
    gint64 timeout_us = (gint64)prompter->timeout_s * G_USEC_PER_SEC + QUESTION_GRACE_US;
    gboolean is_shorter = prompter->timeout_s > 0 && timeout_us < SETUP_TIMEOUT_US;

    return g_get_monotonic_time() + (is_shorter ? timeout_us : SETUP_TIMEOUT_US);
}

static void
start(SealPrompt *prompt)
{
    SealPrompter *prompter = prompt->prompter;
    g_autoptr(GError) error = NULL;
    int fd = -1;

    prompter->process = seal_pinentry_start(prompter->loop, prompter->program, prompt->caller,
                                            on_process_ended, prompter, &error);
    if (!prompter->process) {
        finish_later(prompt, SEAL_ERROR_NO_PROMPTER, error->message);
        return;
    }
    prompt->state = PROMPT_TALKING;
    fd = seal_pinentry_take_stream(prompter->process);
    seal_talk_open(prompt->talk, fd, seal_pinentry_has_terminal(prompter->process));
    prompt->stream = seal_loop_watch(prompter->loop, fd, EPOLLIN, on_stream, prompt);
    add_setup(prompt);
    seal_watch_set_deadline(prompt->timer, setup_deadline_us(prompter));
    seal_talk_begin(prompt->talk);
}

/* Gives the turn to the next prompt, once the last process is gone. */
static void
advance(SealPrompter *prompter)
{
    if (prompter->process)
        return;
    if (!prompter->active)
        prompter->active = g_queue_pop_head(&prompter->waiting);
    if (prompter->active && prompter->active->state == PROMPT_WAITING)
        start(prompter->active);
}

/* -- public ------------------------------------------------------------------- */

SealPrompter *
seal_prompter_new(SealLoop *loop, const char *pinentry, guint timeout_s)
{
    SealPrompter *prompter = g_new0(SealPrompter, 1);

    prompter->loop = loop;
    prompter->program = g_strdup(pinentry);
    prompter->timeout_s = timeout_s;
    g_queue_init(&prompter->waiting);
    return prompter;
}

void
seal_prompter_free(SealPrompter *prompter)
{
    if (!prompter)
        return;
    if (prompter->active || !g_queue_is_empty(&prompter->waiting))
        g_error("a prompter was freed before its prompts");
    if (prompter->process)
        seal_pinentry_kill(prompter->process);
    g_free(prompter->program);
    g_free(prompter);
}

SealPrompt *
seal_prompt_new(SealPrompter *prompter, const SealCaller *caller)
{
    SealPrompt *prompt = g_new0(SealPrompt, 1);

    prompt->prompter = prompter;
    prompt->caller = seal_caller_ref((SealCaller *)caller);
    prompt->talk = seal_talk_new();
    prompt->timer = seal_loop_watch(prompter->loop, -1, 0, on_timer, prompt);
    return prompt;
}

void
seal_prompt_free(SealPrompt *prompt)
{
    SealPrompter *prompter = NULL;

    if (!prompt)
        return;
    prompter = prompt->prompter;
    drop_process(prompt);
    if (prompter->active == prompt)
        prompter->active = NULL;
    else
        (void)g_queue_remove(&prompter->waiting, prompt);
    seal_talk_free(prompt->talk);
    seal_watch_free(prompt->timer);
    seal_caller_unref(prompt->caller);
    g_free(prompt->failure_message);
    g_free(prompt);
    advance(prompter);
}

/* Asks the question whose steps were added: at once if a process listens, else when the turn comes.
 */
static void
ask(SealPrompt *prompt, SealPromptFunc done, gpointer user_data)
{
    SealPrompter *prompter = prompt->prompter;

    prompt->done = done;
    prompt->user_data = user_data;
    if (seal_talk_is_open(prompt->talk)) {
        prompt->state = PROMPT_TALKING;
        seal_watch_set_deadline(prompt->timer, setup_deadline_us(prompter));
        seal_talk_begin(prompt->talk);
        return;
    }
    if (prompter->active != prompt && prompter->waiting.length >= WAITING_MAX) {
        finish_later(
            prompt, SEAL_ERROR_BUSY,
            "cannot ask: 64 prompts wait for an answer already; answer or close them first");
        return;
    }
    prompt->state = PROMPT_WAITING;
    if (prompter->active != prompt)
        g_queue_push_tail(&prompter->waiting, prompt);
    advance(prompter);
}

static void
add_text(SealPrompt *prompt, const SealPromptText *text)
{
    if (prompt->done)
        g_error("a prompt was asked two questions at once");
    prompt->shows_only = FALSE;
    seal_talk_add(prompt->talk, SEAL_STEP_WANTED, "SETTITLE", text->title);
    seal_talk_add(prompt->talk, SEAL_STEP_NEEDED, "SETDESC", text->description);
    if (text->error)
        seal_talk_add(prompt->talk, SEAL_STEP_NEEDED, "SETERROR", text->error);
    if (text->ok)
        seal_talk_add(prompt->talk, SEAL_STEP_WANTED, "SETOK", text->ok);
    seal_talk_add(prompt->talk, SEAL_STEP_WANTED, "SETCANCEL", "Cancel");
}

void
seal_prompt_ask_pin(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                    gpointer user_data)
{
    add_text(prompt, text);
    seal_talk_add(prompt->talk, SEAL_STEP_NEEDED, "SETPROMPT", text->prompt);
    seal_talk_add(prompt->talk, SEAL_STEP_ASK_PIN, "GETPIN", NULL);
    ask(prompt, done, user_data);
}

void
seal_prompt_confirm(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                    gpointer user_data)
{
    add_text(prompt, text);
    if (text->refuse)
        seal_talk_add(prompt->talk, SEAL_STEP_WANTED, "SETNOTOK", text->refuse);
    seal_talk_add(prompt->talk, SEAL_STEP_CONFIRM, "CONFIRM", NULL);
    ask(prompt, done, user_data);
}

void
seal_prompt_show(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                 gpointer user_data)
{
    add_text(prompt, text);
    seal_talk_add(prompt->talk, SEAL_STEP_SHOW, "MESSAGE", NULL);
    prompt->shows_only = TRUE;
    ask(prompt, done, user_data);
}
