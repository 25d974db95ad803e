/* The steps of a talk with a pinentry.
 *
 * The program is trusted with the PIN but not with the agent: it may say anything at any time. What
 * does not answer the step under way ends the talk, and so does a program that chatters without
 * answering.
 *
 * A real cancel is told apart from a program that cannot ask. pinentry-tty 1.2.1 answers
 * "cancelled" when it cannot open its terminal, so a text flavour without a terminal is refused
 * before it is asked. A closed window is told by the status line BUTTON_INFO before the same
 * "cancelled". */
#include "agent/talk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/assuan.h"
#include "base/fd.h"

#define ANSWER_MAX 1024
/* Lines that answer nothing (status, comments) within one step; real programs send one or two. */
#define CHATTER_MAX 256

/* libgpg-error's codes (its low 16 bits), as pinentry uses them. */
enum {
    GPG_TIMEOUT = 62,
    GPG_CANCELED = 99,
    GPG_NOT_CONFIRMED = 114,
    GPG_FULLY_CANCELED = 198,
};

typedef struct {
    SealStepKind kind;
    char *line;
} Step;

struct SealTalk {
    SealFd fd;
    gboolean has_terminal;
    SealAssuanReader *reader; /* NULL when it is not open */
    GQueue steps;             /* of Step*; the head is under way */
    SealSecret *answer;       /* (nullable) data lines of the step under way */
    guint chatter;
    gboolean was_closed; /* the window, not the cancel button */
};

static void
free_step(gpointer data)
{
    Step *step = data;

    g_free(step->line);
    g_free(step);
}

SealTalk *
seal_talk_new(void)
{
    SealTalk *talk = g_new0(SealTalk, 1);

    talk->fd = -1;
    g_queue_init(&talk->steps);
    return talk;
}

void
seal_talk_free(SealTalk *talk)
{
    if (!talk)
        return;
    seal_talk_drop_steps(talk);
    seal_talk_close(talk);
    g_free(talk);
}

void
seal_talk_add(SealTalk *talk, SealStepKind kind, const char *verb, const char *text)
{
    Step *step = g_new0(Step, 1);

    step->kind = kind;
    step->line = verb ? seal_assuan_command(verb, text) : NULL;
    g_queue_push_tail(&talk->steps, step);
}

void
seal_talk_prepend(SealTalk *talk, SealTalk *first)
{
    while (!g_queue_is_empty(&first->steps))
        g_queue_push_head(&talk->steps, g_queue_pop_tail(&first->steps));
}

void
seal_talk_open(SealTalk *talk, int fd, gboolean has_terminal)
{
    talk->fd = fd;
    talk->has_terminal = has_terminal;
    talk->reader = seal_assuan_reader_new();
}

void
seal_talk_close(SealTalk *talk)
{
    g_clear_pointer(&talk->answer, seal_secret_free);
    g_clear_pointer(&talk->reader, seal_assuan_reader_free);
    seal_fd_clear(&talk->fd);
}

gboolean
seal_talk_is_open(const SealTalk *talk)
{
    return talk->reader != NULL;
}

void
seal_talk_drop_steps(SealTalk *talk)
{
    g_clear_pointer(&talk->answer, seal_secret_free);
    g_queue_clear_full(&talk->steps, free_step);
}

static SealStepKind
kind_under_way(const SealTalk *talk)
{
    const Step *step = talk->steps.head ? talk->steps.head->data : NULL;

    return step ? step->kind : SEAL_STEP_GREETING;
}

gboolean
seal_talk_is_asking(const SealTalk *talk)
{
    return kind_under_way(talk) >= SEAL_STEP_ASK_PIN;
}

/* The few bytes of a line fit the socket's buffer. If they cannot be sent nobody reads, and the end
 * of the stream or the asker's deadline tells. */
static void
send_line(SealTalk *talk, const char *line)
{
    (void)send(talk->fd, line, strlen(line), MSG_NOSIGNAL);
}

void
seal_talk_begin(SealTalk *talk)
{
    const Step *step = g_queue_peek_head(&talk->steps);

    talk->was_closed = FALSE;
    talk->chatter = 0;
    g_clear_pointer(&talk->answer, seal_secret_free);
    if (step && step->line)
        send_line(talk, step->line);
}

static SealTalkEvent
next_step(SealTalk *talk)
{
    free_step(g_queue_pop_head(&talk->steps));
    seal_talk_begin(talk);
    return (SealTalkEvent){.end = SEAL_TALK_GOES_ON};
}

static SealTalkEvent
broken(const char *phrase)
{
    return (SealTalkEvent){
        .end = SEAL_TALK_BROKEN, .status = SEAL_ERROR_NO_PROMPTER, .message = g_strdup(phrase)};
}

static SealTalkEvent
refused(SealErrorCode status, const char *sentence)
{
    return (SealTalkEvent){
        .end = SEAL_TALK_REFUSED, .status = status, .message = g_strdup(sentence)};
}

/* TRUE if the answer to GETINFO flavor names a program that asks on a terminal ("tty", "curses", or
 * a graphical one that fell back, "gtk2:curses"). */
static gboolean
is_text_flavor(const SealSecret *answer)
{
    g_autofree char *flavor = NULL;

    if (!answer)
        return FALSE;
    flavor = g_strndup((const char *)seal_secret_peek(answer), seal_secret_len(answer));
    return g_str_has_suffix(flavor, "tty") || g_str_has_suffix(flavor, "curses");
}

static SealTalkEvent
on_ok(SealTalk *talk)
{
    SealStepKind kind = kind_under_way(talk);
    SealTalkEvent answered = {.end = SEAL_TALK_ANSWERED};

    if (kind == SEAL_STEP_FLAVOR && is_text_flavor(talk->answer) && !talk->has_terminal)
        return broken("found neither a display nor a terminal");
    if (!seal_talk_is_asking(talk))
        return next_step(talk);
    if (seal_assuan_reader_next(talk->reader).kind != SEAL_ASSUAN_NOTHING)
        return broken("said more than it was asked");
    if (kind == SEAL_STEP_ASK_PIN)
        answered.pin = talk->answer ? g_steal_pointer(&talk->answer) : seal_secret_new(1);
    return answered;
}

static SealTalkEvent
on_err(SealTalk *talk, const SealAssuanLine *line)
{
    SealStepKind kind = kind_under_way(talk);
    g_autofree char *said = g_strndup(line->rest, line->rest_len);
    g_autofree char *shown = seal_assuan_name_clean(said);
    g_autofree char *phrase = g_strdup_printf("refused (%s)", shown);

    if (kind == SEAL_STEP_WANTED || kind == SEAL_STEP_FLAVOR)
        return next_step(talk);
    switch (seal_talk_is_asking(talk) ? line->code & 0xffff : 0) {
    case GPG_TIMEOUT:
        return refused(SEAL_ERROR_TIMED_OUT, "nobody answered the prompt in time");
    case GPG_CANCELED:
    case GPG_FULLY_CANCELED:
        return refused(SEAL_ERROR_CANCELLED,
                       talk->was_closed ? "the prompt was closed" : "cancelled at the prompt");
    case GPG_NOT_CONFIRMED:
        return refused(SEAL_ERROR_DENIED, "refused at the prompt");
    default:
        return broken(phrase);
    }
}

/* FALSE if data has no place here or is too much. */
static gboolean
take_data(SealTalk *talk, const SealAssuanLine *line)
{
    SealStepKind kind = kind_under_way(talk);

    if (kind != SEAL_STEP_ASK_PIN && kind != SEAL_STEP_FLAVOR)
        return FALSE;
    if (!talk->answer)
        talk->answer = seal_secret_new(ANSWER_MAX);
    return seal_assuan_data_append(line, talk->answer);
}

static SealTalkEvent
on_line(SealTalk *talk, const SealAssuanLine *line)
{
    if (g_queue_is_empty(&talk->steps))
        return broken("speaks without being asked");
    switch (line->kind) {
    case SEAL_ASSUAN_OK:
        return on_ok(talk);
    case SEAL_ASSUAN_ERR:
        return on_err(talk, line);
    case SEAL_ASSUAN_DATA:
        if (!take_data(talk, line))
            return broken("answered what it was not asked");
        break;
    case SEAL_ASSUAN_STATUS:
        talk->was_closed |= seal_assuan_status_is(line, "BUTTON_INFO", "close");
        break;
    case SEAL_ASSUAN_INQUIRE:
        send_line(talk, "CAN\n");
        break;
    case SEAL_ASSUAN_COMMENT:
        break;
    default:
        return broken("does not speak the pinentry protocol");
    }
    if (++talk->chatter > CHATTER_MAX)
        return broken("talks without answering");
    return (SealTalkEvent){.end = SEAL_TALK_GOES_ON};
}

SealTalkEvent
seal_talk_read(SealTalk *talk)
{
    SealTalkEvent event = {.end = SEAL_TALK_GOES_ON};
    SealAssuanLine line = {.kind = SEAL_ASSUAN_NOTHING};
    int got = seal_assuan_reader_fill(talk->reader, talk->fd);

    if (got == -EAGAIN)
        return event;
    if (got <= 0) {
        event.end = SEAL_TALK_CLOSED;
        return event;
    }
    do {
        line = seal_assuan_reader_next(talk->reader);
        if (line.kind == SEAL_ASSUAN_NOTHING)
            break;
        event = on_line(talk, &line);
    } while (event.end == SEAL_TALK_GOES_ON);
    return event;
}
