/* One line, one answer, one connection. A line is a row of the table below with its number of
 * words; who waits for commands of a card is kept until they came. */
#include "tests/card/control.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define LINE_MAX_LEN 1024u

struct SealCardControl {
    SealFd listener;
    guint watch;
    GPtrArray *plays;   /* of SealCardPlay */
    GPtrArray *readers; /* of SealCardReader */
    GArray *waiting;    /* of Waiting */
};

typedef struct {
    SealCardPlay *play;
    int ins;
    guint count;
    int fd;
} Waiting;

typedef struct {
    SealCardControl *control;
    SealCardPlay *play;
    char **words; /* after the card */
    int fd;       /* -1: somebody keeps it for the answer */
} Line;

/* -- answers
 * ---------------------------------------------------------------------------------------- */

static void
say(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static char *
done(void)
{
    return g_strdup("ok\n");
}

static char *
done_with(guint number)
{
    return g_strdup_printf("ok %u\n", number);
}

/* -1 for "any" */
static int
parse_ins(const char *word)
{
    return g_str_equal(word, "any") ? -1 : (int)strtol(word, NULL, 16);
}

static guint
count_of(const SealCardPlay *play, int ins)
{
    return ins < 0 ? play->count : play->counts[ins & 0xff];
}

static void
on_heard(SealCardPlay *play, gpointer data)
{
    SealCardControl *control = data;

    for (guint i = control->waiting->len; i > 0; i--) {
        Waiting *waiting = &g_array_index(control->waiting, Waiting, i - 1);

        if (waiting->play != play || count_of(play, waiting->ins) < waiting->count)
            continue;
        say(waiting->fd, "ok\n");
        (void)close(waiting->fd);
        g_array_remove_index_fast(control->waiting, i - 1);
    }
}

/* -- what a line does
 * ------------------------------------------------------------------------------- */

static SealCardPlay *
find_play(SealCardControl *control, const char *name)
{
    for (guint i = 0; i < control->plays->len; i++) {
        SealCardPlay *play = control->plays->pdata[i];

        if (g_str_equal(seal_card_name(play->card), name))
            return play;
    }
    return NULL;
}

static char *
insert(Line *line)
{
    guint at = (guint)atoi(line->words[0]);

    if (line->play->reader != NULL || at >= line->control->readers->len)
        return g_strdup("error: the card is in a reader, or there is no such reader\n");
    seal_card_reader_insert(line->control->readers->pdata[at], line->play);
    return done();
}

static char *
pull(Line *line)
{
    if (line->play->reader == NULL)
        return g_strdup("error: the card is in no reader\n");
    seal_card_reader_eject(line->play->reader);
    return done();
}

static char *
load(Line *line)
{
    g_autoptr(GError) error = NULL;
    SealCard *card = line->play->reader == NULL ? seal_card_load(line->words[0], &error) : NULL;

    if (card == NULL)
        return g_strdup_printf("error: %s\n", error ? error->message : "the card is in a reader");
    seal_card_free(line->play->card);
    line->play->card = card;
    return done();
}

static char *
swap(Line *line)
{
    SealCardPlay *other = find_play(line->control, line->words[0]);

    if (line->play->reader == NULL || other == NULL || other->reader != NULL)
        return g_strdup("error: the card is in no reader, or the other is in one\n");
    seal_card_reader_swap(line->play->reader, other);
    return done();
}

static char *
slow(Line *line)
{
    line->play->slow_ms = (guint)atoi(line->words[0]);
    return done();
}

/* 0 for "each" */
static guint
parse_nth(const char *word)
{
    return g_str_equal(word, "each") ? 0 : MAX((guint)atoi(word), 1);
}

static char *
plan(Line *line, SealFault fault)
{
    fault.ins = parse_ins(line->words[0]);
    fault.nth = parse_nth(line->words[1]);
    seal_card_play_plan(line->play, fault);
    return done();
}

static char *
plan_status(Line *line)
{
    const SealFault fault = {.kind = SEAL_FAULT_STATUS,
                             .status = (guint)strtoul(line->words[2], NULL, 16)};

    return plan(line, fault);
}

static char *
plan_cut(Line *line)
{
    return plan(line, (SealFault){.kind = SEAL_FAULT_CUT});
}

static char *
plan_keep(Line *line)
{
    return plan(line, (SealFault){.kind = SEAL_FAULT_KEEP, .keep = (guint)atoi(line->words[2])});
}

static char *
plan_answer(Line *line)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GBytes) answer = NULL;
    const char *at = line->words[2];

    for (; g_ascii_isxdigit(at[0]) && g_ascii_isxdigit(at[1]); at += 2)
        seal_put_u8(bytes, (guint8)(g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1])));
    answer = g_bytes_new(bytes->data, bytes->len);
    if (*at != '\0')
        return g_strdup("error: these are no bytes in hex\n");
    return plan(line, (SealFault){.kind = SEAL_FAULT_ANSWER, .answer = answer});
}

static char *
plan_hang(Line *line)
{
    return plan(line, (SealFault){.kind = SEAL_FAULT_HANG});
}

static char *
plan_pull(Line *line)
{
    return plan(line, (SealFault){.kind = SEAL_FAULT_PULL});
}

static char *
plan_swap(Line *line)
{
    const SealFault fault = {.kind = SEAL_FAULT_SWAP,
                             .other = find_play(line->control, line->words[0])};

    if (fault.other == NULL)
        return g_strdup("error: no such card\n");
    line->words++;
    return plan(line, fault);
}

static char *
release(Line *line)
{
    if (line->play->reader != NULL)
        seal_card_reader_release(line->play->reader);
    return done();
}

static char *
count(Line *line)
{
    return done_with(count_of(line->play, parse_ins(line->words[0])));
}

static char *
tries(Line *line)
{
    return done_with(seal_card_pin_tries(line->play->card));
}

static char *
leave(Line *line)
{
    seal_card_set_pin_tries(line->play->card, (guint)atoi(line->words[0]));
    return done();
}

static char *
wait_for(Line *line)
{
    Waiting waiting = {line->play, parse_ins(line->words[0]), (guint)atoi(line->words[1]),
                       line->fd};

    if (count_of(line->play, waiting.ins) >= waiting.count)
        return done();
    g_array_append_val(line->control->waiting, waiting);
    line->fd = -1;
    return NULL;
}

static char *
forget(Line *line)
{
    seal_card_play_forget(line->play, FALSE);
    return done();
}

static char *
calm(Line *line)
{
    seal_card_play_forget(line->play, TRUE);
    return done();
}

typedef struct {
    const char *word;
    guint n_words; /* after the card */
    char *(*carry_out)(Line *line);
} Row;

static const Row rows[] = {
    {"insert", 1, insert},      {"pull", 0, pull},          {"swap", 1, swap},
    {"slow", 1, slow},          {"status", 3, plan_status}, {"cut", 2, plan_cut},
    {"keep", 3, plan_keep},     {"hang", 2, plan_hang},     {"pull-at", 2, plan_pull},
    {"answer", 3, plan_answer}, {"swap-at", 3, plan_swap},  {"release", 0, release},
    {"count", 1, count},        {"tries", 0, tries},        {"leave", 1, leave},
    {"wait", 2, wait_for},      {"forget", 0, forget},      {"calm", 0, calm},
    {"load", 1, load},
};

/* (nullable) the answer (transfer full) */
static char *
carry_out(Line *line, char **words)
{
    guint n_words = g_strv_length(words);

    line->play = n_words > 1 ? find_play(line->control, words[1]) : NULL;
    if (line->play == NULL)
        return g_strdup("error: no such card\n");
    line->words = words + 2;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_str_equal(rows[i].word, words[0]) && n_words == rows[i].n_words + 2)
            return rows[i].carry_out(line);
    return g_strdup("error: no such command\n");
}

/* -- the socket
 * ------------------------------------------------------------------------------------- */

static gboolean
on_line(gint fd, GIOCondition condition, gpointer data)
{
    Line line = {.control = data, .fd = fd};
    char text[LINE_MAX_LEN] = "";
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    g_auto(GStrv) words = g_strsplit(g_strstrip(text), " ", -1);
    g_autofree char *reply = got > 0 ? carry_out(&line, words) : NULL;

    if (reply != NULL)
        say(fd, reply);
    if (line.fd >= 0)
        (void)close(fd);
    return G_SOURCE_REMOVE;
}

static gboolean
on_client(gint listener, GIOCondition condition, gpointer data)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        g_unix_fd_add(fd, G_IO_IN | G_IO_HUP, on_line, data);
    return G_SOURCE_CONTINUE;
}

SealCardControl *
seal_card_control_new(const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_auto(SealFd) listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SealCardControl *control = NULL;

    if (listener < 0 ||
        g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path ||
        bind(listener, (const struct sockaddr *)(const void *)&address, sizeof address) != 0 ||
        listen(listener, SOMAXCONN) != 0) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot listen at '%s': %s", path,
                    g_strerror(errno));
        return NULL;
    }
    control = g_new0(SealCardControl, 1);
    control->listener = seal_fd_steal(&listener);
    control->plays = g_ptr_array_new_with_free_func((GDestroyNotify)seal_card_play_free);
    control->readers = g_ptr_array_new_with_free_func((GDestroyNotify)seal_card_reader_free);
    control->waiting = g_array_new(FALSE, FALSE, sizeof(Waiting));
    control->watch = g_unix_fd_add(control->listener, G_IO_IN, on_client, control);
    return control;
}

void
seal_card_control_add_card(SealCardControl *control, SealCard *card)
{
    g_ptr_array_add(control->plays, seal_card_play_new(card));
}

void
seal_card_control_add_reader(SealCardControl *control, guint16 port)
{
    g_ptr_array_add(control->readers, seal_card_reader_new(port, on_heard, control));
}

void
seal_card_control_free(SealCardControl *control)
{
    if (control == NULL)
        return;
    g_source_remove(control->watch);
    seal_fd_clear(&control->listener);
    g_ptr_array_unref(control->readers);
    g_ptr_array_unref(control->plays);
    for (guint i = 0; i < control->waiting->len; i++)
        (void)close(g_array_index(control->waiting, Waiting, i).fd);
    g_array_unref(control->waiting);
    g_free(control);
}
