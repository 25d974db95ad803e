/* Dialogues with a person, through pinentry.
 *
 * A prompt is a list of steps: one Assuan command each, answered before the next is sent. The first
 * question brings the steps that make the program ready (its options, its flavour), each question those
 * of its text, and the question itself comes last. A further question of the same prompt goes to the same
 * process, so that "wrong PIN" is told in the dialogue that asked for it.
 *
 * One prompt at a time has its turn; the others wait in a bounded queue, and a process that is ended has
 * to be gone before the next is started: two programs on one terminal would spoil each other.
 *
 * A real cancel is told apart from a program that cannot ask: pinentry-tty answers "cancelled" when it
 * cannot open its terminal, so a text flavour without a terminal is refused before it is asked; a program
 * that ends before the question could ask nobody; one that ends during it was closed by somebody. */
#include "agent/prompter.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/assuan.h"
#include "agent/pinentry.h"
#include "base/fd.h"

#define WAITING_MAX 64
/* Of everything but the question. A cold start of a Qt program on a busy machine takes seconds. */
#define SETUP_TIMEOUT_US (20 * G_USEC_PER_SEC)
/* pinentry has its own clock; ours ends one that does not keep it. */
#define QUESTION_GRACE_US (3 * G_USEC_PER_SEC)
/* Between the end of the stream and the end of the process. */
#define LOST_TIMEOUT_US (2 * G_USEC_PER_SEC)
#define ANSWER_MAX 1024

#define WAY_OUT                                                                                    \
    "run \"privyseal unlock\" in a terminal, or name a prompt program that works by \"pinentry=\" "  \
    "in the [agent] group of privyseal.conf"

/* libgpg-error's codes (its low 16 bits), as pinentry uses them. */
enum {
    GPG_TIMEOUT = 62,
    GPG_CANCELED = 99,
    GPG_NOT_CONFIRMED = 114,
    GPG_FULLY_CANCELED = 198,
};

typedef enum {
    STEP_GREETING, /* nothing is sent, an OK is awaited */
    STEP_WANTED,   /* an ERR is taken as "not known here" */
    STEP_NEEDED,
    STEP_FLAVOR,
    STEP_ASK_PIN,
    STEP_CONFIRM,
    STEP_SHOW,
} StepKind;

typedef struct {
    StepKind kind;
    char *line;
} Step;

typedef enum {
    PROMPT_IDLE,    /* nothing is asked; the process may be up from an earlier question */
    PROMPT_WAITING, /* for its turn */
    PROMPT_TALKING, /* the first of its steps is under way */
    PROMPT_LOST,    /* the stream ended; how the process ended is not known yet */
    PROMPT_FAILED,  /* `failure` is told from the loop */
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
    GQueue steps;             /* of Step* */
    SealFd fd;                /* the stream; -1 when there is no process that listens */
    gboolean has_terminal;
    SealAssuanReader *reader;
    SealWatch *stream;
    SealWatch *timer;
    SealSecret *answer; /* of the step under way */
    gboolean was_closed; /* the window, not the cancel button */
    SealPromptFunc done;
    gpointer user_data;
    SealErrorCode failure;
    char *failure_message;
};

static void advance(SealPrompter *prompter);

static void
free_step(gpointer data)
{
    Step *step = data;

    g_free(step->line);
    g_free(step);
}

static void
add_step(GQueue *steps, StepKind kind, const char *verb, const char *text)
{
    Step *step = g_new0(Step, 1);

    step->kind = kind;
    step->line = verb ? seal_assuan_command(verb, text) : NULL;
    g_queue_push_tail(steps, step);
}

/* -- the end of a question ---------------------------------------------------- */

static void
close_stream(SealPrompt *prompt)
{
    g_clear_pointer(&prompt->stream, seal_watch_free);
    g_clear_pointer(&prompt->reader, seal_assuan_reader_free);
    seal_fd_clear(&prompt->fd);
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
    g_queue_clear_full(&prompt->steps, free_step);
    seal_watch_set_deadline(prompt->timer, -1);
    prompt->state = PROMPT_IDLE;
    prompt->done = NULL;
}

/* The one way out of a question. The callback may free the prompt. */
static void
finish(SealPrompt *prompt, SealErrorCode status, const char *message)
{
    SealPromptFunc done = prompt->done;
    g_autofree char *sentence = g_strdup(message);
    SealSecret *pin = g_steal_pointer(&prompt->answer);

    forget_question(prompt);
    if (status != SEAL_ERROR_NONE) {
        g_clear_pointer(&pin, seal_secret_free);
        drop_process(prompt);
    }
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
    g_autofree char *message = g_strdup_printf("cannot ask: the prompt program '%s' %s: " WAY_OUT,
                                               prompt->prompter->program, what);

    finish(prompt, SEAL_ERROR_NO_PROMPTER, message);
}

/* -- steps -------------------------------------------------------------------- */

static gboolean
is_question(const Step *step)
{
    return step && step->kind >= STEP_ASK_PIN;
}

static void
set_question_deadline(SealPrompt *prompt)
{
    gint64 timeout_us = (gint64)prompt->prompter->timeout_s * G_USEC_PER_SEC;

    seal_watch_set_deadline(prompt->timer, timeout_us == 0 ? -1
                                                           : g_get_monotonic_time() + timeout_us +
                                                                 QUESTION_GRACE_US);
}

/* The few bytes of a line fit the socket's buffer. If they cannot be sent nobody reads, and the end of
 * the stream or the deadline tells. */
static void
send_line(SealPrompt *prompt, const char *line)
{
    (void)send(prompt->fd, line, strlen(line), MSG_NOSIGNAL);
}

static void
send_step(SealPrompt *prompt)
{
    const Step *step = g_queue_peek_head(&prompt->steps);

    prompt->was_closed = FALSE;
    if (is_question(step))
        set_question_deadline(prompt);
    if (step->line)
        send_line(prompt, step->line);
}

static void
next_step(SealPrompt *prompt)
{
    free_step(g_queue_pop_head(&prompt->steps));
    g_clear_pointer(&prompt->answer, seal_secret_free);
    send_step(prompt);
}

/* TRUE if the answer to GETINFO flavor names a program that asks on a terminal ("tty", "curses", or a
 * graphical one that fell back, "gtk2:curses"). */
static gboolean
is_text_flavor(const SealSecret *answer)
{
    g_autofree char *flavor = NULL;

    if (!answer)
        return FALSE;
    flavor = g_strndup((const char *)seal_secret_peek(answer), seal_secret_len(answer));
    return g_str_has_suffix(flavor, "tty") || g_str_has_suffix(flavor, "curses");
}

/* -- what the program says ---------------------------------------------------- */

/* TRUE if the talk goes on; else the question ended and the prompt may be gone. */
static gboolean
on_ok(SealPrompt *prompt)
{
    const Step *step = g_queue_peek_head(&prompt->steps);

    if (step->kind == STEP_FLAVOR && is_text_flavor(prompt->answer) && !prompt->has_terminal) {
        finish_broken(prompt, "found neither a display nor a terminal");
        return FALSE;
    }
    if (!is_question(step)) {
        next_step(prompt);
        return TRUE;
    }
    if (seal_assuan_reader_next(prompt->reader).kind != SEAL_ASSUAN_NOTHING) {
        finish_broken(prompt, "said more than it was asked");
        return FALSE;
    }
    if (step->kind == STEP_SHOW) {
        /* The person put the message away; what it was about goes on. */
        forget_question(prompt);
        return FALSE;
    }
    if (step->kind == STEP_ASK_PIN && !prompt->answer)
        prompt->answer = seal_secret_new(1);
    finish(prompt, SEAL_ERROR_NONE, "");
    return FALSE;
}

/* As on_ok(). */
static gboolean
on_err(SealPrompt *prompt, const SealAssuanLine *line)
{
    const Step *step = g_queue_peek_head(&prompt->steps);
    g_autofree char *said = g_strndup(line->rest, line->rest_len);
    g_autofree char *shown = seal_assuan_name_clean(said);
    g_autofree char *what = g_strdup_printf("refused (%s)", shown);

    if (step->kind == STEP_WANTED || step->kind == STEP_FLAVOR) {
        next_step(prompt);
        return TRUE;
    }
    switch (is_question(step) ? line->code & 0xffff : 0) {
    case GPG_TIMEOUT:
        finish(prompt, SEAL_ERROR_TIMED_OUT, "nobody answered the prompt in time");
        break;
    case GPG_CANCELED:
    case GPG_FULLY_CANCELED:
        finish(prompt, SEAL_ERROR_CANCELLED,
               prompt->was_closed ? "the prompt was closed" : "cancelled at the prompt");
        break;
    case GPG_NOT_CONFIRMED:
        finish(prompt, SEAL_ERROR_DENIED, "refused at the prompt");
        break;
    default:
        finish_broken(prompt, what);
    }
    return FALSE;
}

/* FALSE if data has no place here or is too much. */
static gboolean
take_data(SealPrompt *prompt, const SealAssuanLine *line)
{
    const Step *step = g_queue_peek_head(&prompt->steps);

    if (step->kind != STEP_ASK_PIN && step->kind != STEP_FLAVOR)
        return FALSE;
    if (!prompt->answer)
        prompt->answer = seal_secret_new(ANSWER_MAX);
    return seal_assuan_data_append(line, prompt->answer);
}

/* One line; as on_ok(). */
static gboolean
on_line(SealPrompt *prompt, const SealAssuanLine *line)
{
    gboolean understood = prompt->state == PROMPT_TALKING && line->kind != SEAL_ASSUAN_GARBAGE;

    if (understood && line->kind == SEAL_ASSUAN_DATA)
        understood = take_data(prompt, line);
    if (!understood && prompt->done) {
        finish_broken(prompt, "does not speak the pinentry protocol");
        return FALSE;
    }
    if (!understood) {
        drop_process(prompt);
        return FALSE;
    }
    if (seal_assuan_status_is(line, "BUTTON_INFO", "close"))
        prompt->was_closed = TRUE;
    if (line->kind == SEAL_ASSUAN_INQUIRE)
        send_line(prompt, "CAN\n");
    if (line->kind == SEAL_ASSUAN_OK)
        return on_ok(prompt);
    if (line->kind == SEAL_ASSUAN_ERR)
        return on_err(prompt, line);
    return TRUE;
}

/* -- the end of the program --------------------------------------------------- */

/* It ended by itself with a step under way. */
static void
finish_lost(SealPrompt *prompt, SealPinentryEnd end)
{
    if (!is_question(g_queue_peek_head(&prompt->steps)))
        finish_broken(prompt, "ended before it could ask (is there a display or a terminal?)");
    else if (end == SEAL_PINENTRY_CRASHED)
        finish_broken(prompt, "crashed");
    else
        finish(prompt, SEAL_ERROR_CANCELLED, "the prompt was closed");
}

/* The program closed its stream. If a question is open, how the process ends decides what it means. */
static void
on_stream_end(SealPrompt *prompt)
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
on_stream(uint32_t events, gpointer user_data)
{
    SealPrompt *prompt = user_data;
    SealAssuanLine line = {.kind = SEAL_ASSUAN_NOTHING};
    int got = seal_assuan_reader_fill(prompt->reader, prompt->fd);

    if (got == -EAGAIN)
        return;
    if (got <= 0) {
        on_stream_end(prompt);
        return;
    }
    do
        line = seal_assuan_reader_next(prompt->reader);
    while (line.kind != SEAL_ASSUAN_NOTHING && on_line(prompt, &line));
}

static void
on_process_ended(SealPinentryEnd end, gpointer user_data)
{
    SealPrompter *prompter = user_data;

    prompter->process = NULL;
    prompter->last_end = end;
    if (prompter->active && prompter->active->state == PROMPT_LOST)
        finish_lost(prompter->active, end);
    advance(prompter);
}

static void
on_timer(uint32_t events, gpointer user_data)
{
    SealPrompt *prompt = user_data;

    if (prompt->state == PROMPT_FAILED)
        finish(prompt, prompt->failure, prompt->failure_message);
    else if (prompt->state == PROMPT_LOST && prompt->prompter->process)
        seal_pinentry_end(prompt->prompter->process);
    else if (is_question(g_queue_peek_head(&prompt->steps)))
        finish(prompt, SEAL_ERROR_TIMED_OUT, "nobody answered the prompt in time");
    else
        finish_broken(prompt, "does not answer");
}

/* -- turns -------------------------------------------------------------------- */

static void
add_option(GQueue *steps, const char *name, const char *value)
{
    g_autofree char *option = g_strdup_printf("%s=%s", name, value ? value : "");

    if (value && *value)
        add_step(steps, STEP_WANTED, "OPTION", option);
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

/* What makes a fresh program ready, before the steps of the question that is asked first. The option
 * that would let the PIN be kept by a password store is never given. */
static void
add_setup(SealPrompt *prompt)
{
    const SealCaller *caller = prompt->caller;
    GQueue steps = G_QUEUE_INIT;
    g_autofree char *owner =
        g_strdup_printf("%d/%u %s", (int)caller->pid, (guint)caller->uid, g_get_host_name());
    g_autofree char *timeout = g_strdup_printf("%u", prompt->prompter->timeout_s);

    add_step(&steps, STEP_GREETING, NULL, NULL);
    add_step(&steps, STEP_WANTED, "OPTION", "no-grab");
    add_option(&steps, "ttyname", seal_pinentry_variable(caller, "GPG_TTY"));
    add_option(&steps, "ttytype", seal_pinentry_variable(caller, "TERM"));
    add_option(&steps, "lc-ctype", first_variable(caller, "LC_CTYPE"));
    add_option(&steps, "lc-messages", first_variable(caller, "LC_MESSAGES"));
    add_option(&steps, "display", seal_pinentry_variable(caller, "DISPLAY"));
    add_option(&steps, "owner", owner);
    add_step(&steps, STEP_FLAVOR, "GETINFO", "flavor");
    add_step(&steps, STEP_WANTED, "SETTIMEOUT", timeout);
    while (!g_queue_is_empty(&steps))
        g_queue_push_head(&prompt->steps, g_queue_pop_tail(&steps));
}

static void
start(SealPrompt *prompt)
{
    SealPrompter *prompter = prompt->prompter;
    g_autoptr(GError) error = NULL;

    prompter->process = seal_pinentry_start(prompter->loop, prompter->program, prompt->caller,
                                            on_process_ended, prompter, &error);
    if (!prompter->process) {
        finish_later(prompt, SEAL_ERROR_NO_PROMPTER, error->message);
        return;
    }
    prompt->state = PROMPT_TALKING;
    prompt->fd = seal_pinentry_take_stream(prompter->process);
    prompt->has_terminal = seal_pinentry_has_terminal(prompter->process);
    prompt->reader = seal_assuan_reader_new();
    prompt->stream = seal_loop_watch(prompter->loop, prompt->fd, EPOLLIN, on_stream, prompt);
    add_setup(prompt);
    seal_watch_set_deadline(prompt->timer, g_get_monotonic_time() + SETUP_TIMEOUT_US);
    send_step(prompt);
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
    prompt->fd = -1;
    prompt->timer = seal_loop_watch(prompter->loop, -1, 0, on_timer, prompt);
    g_queue_init(&prompt->steps);
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
    g_queue_clear_full(&prompt->steps, free_step);
    seal_secret_free(prompt->answer);
    seal_watch_free(prompt->timer);
    seal_caller_unref(prompt->caller);
    g_free(prompt->failure_message);
    g_free(prompt);
    advance(prompter);
}

/* Asks the question whose steps were added: at once if a process listens, else when the turn comes. */
static void
ask(SealPrompt *prompt, SealPromptFunc done, gpointer user_data)
{
    SealPrompter *prompter = prompt->prompter;

    prompt->done = done;
    prompt->user_data = user_data;
    if (prompt->reader) {
        prompt->state = PROMPT_TALKING;
        seal_watch_set_deadline(prompt->timer, g_get_monotonic_time() + SETUP_TIMEOUT_US);
        send_step(prompt);
        return;
    }
    if (prompter->active != prompt && prompter->waiting.length >= WAITING_MAX) {
        finish_later(prompt, SEAL_ERROR_BUSY,
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
    add_step(&prompt->steps, STEP_WANTED, "SETTITLE", text->title);
    add_step(&prompt->steps, STEP_NEEDED, "SETDESC", text->description);
    if (text->error)
        add_step(&prompt->steps, STEP_NEEDED, "SETERROR", text->error);
    if (text->ok)
        add_step(&prompt->steps, STEP_WANTED, "SETOK", text->ok);
    add_step(&prompt->steps, STEP_WANTED, "SETCANCEL", "Cancel");
}

void
seal_prompt_ask_pin(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                    gpointer user_data)
{
    add_text(prompt, text);
    add_step(&prompt->steps, STEP_NEEDED, "SETPROMPT", text->prompt);
    add_step(&prompt->steps, STEP_ASK_PIN, "GETPIN", NULL);
    ask(prompt, done, user_data);
}

void
seal_prompt_confirm(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                    gpointer user_data)
{
    add_text(prompt, text);
    if (text->refuse)
        add_step(&prompt->steps, STEP_WANTED, "SETNOTOK", text->refuse);
    add_step(&prompt->steps, STEP_CONFIRM, "CONFIRM", NULL);
    ask(prompt, done, user_data);
}

void
seal_prompt_show(SealPrompt *prompt, const SealPromptText *text, SealPromptFunc done,
                 gpointer user_data)
{
    add_text(prompt, text);
    add_step(&prompt->steps, STEP_SHOW, "MESSAGE", NULL);
    ask(prompt, done, user_data);
}
