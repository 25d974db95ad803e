/* vpcd's protocol: messages with a length of two bytes before them, big-endian. A message of one
 * byte is for the reader (off, on, reset, tell the ATR), a longer one is a command to the card;
 * only the ATR and commands are answered.
 *
 * vpcd writes length and message apart, so the kernel must acknowledge the first at once: each
 * command would cost 40 ms otherwise. And vpcd takes one line at a time, when it next looks whether
 * there is a card: connecting must not block. */
#include "tests/card/reader.h"

#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define RETRY_MS 20
#define PREFIX   2u

enum { CONTROL_OFF, CONTROL_ON, CONTROL_RESET, CONTROL_ATR = 4 };

struct SealCardReader {
    guint16 port;
    SealCardHeardFunc heard;
    gpointer heard_data;
    SealCardPlay *play; /* (nullable, transfer none) */
    SealFd fd;
    guint watch; /* of fd, or the timer that tries to connect */
    GByteArray *in;
    GBytes *held;     /* (nullable) the command that the card hangs at */
    GByteArray *late; /* (nullable) the answer that a slow card gives later */
    guint timer;
};

static gboolean attach(gpointer data);

/* -- the line -------------------------------------------------------------------------------------
 */

static void
forget_command(SealCardReader *reader)
{
    g_clear_pointer(&reader->held, g_bytes_unref);
    g_clear_pointer(&reader->late, g_byte_array_unref);
    g_clear_handle_id(&reader->timer, g_source_remove);
    g_byte_array_set_size(reader->in, 0);
}

static void
hang_up(SealCardReader *reader)
{
    g_clear_handle_id(&reader->watch, g_source_remove);
    seal_fd_clear(&reader->fd);
    forget_command(reader);
}

/* The driver went away: the card is without power, and waits for the next. */
static void
lose_driver(SealCardReader *reader)
{
    hang_up(reader);
    seal_card_reset(reader->play->card);
    reader->watch = g_timeout_add(RETRY_MS, attach, reader);
}

static void
send_message(SealCardReader *reader, const void *data, gsize len)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    seal_put_u8(out, (guint8)(len >> 8));
    seal_put_u8(out, (guint8)len);
    seal_put_bytes(out, data, len);
    (void)send(reader->fd, out->data, out->len,
               MSG_NOSIGNAL); /* its end is seen by the next read */
}

static void
send_bytes(SealCardReader *reader, GBytes *bytes)
{
    gsize len = 0;
    const void *data = g_bytes_get_data(bytes, &len);

    send_message(reader, data, len);
}

/* -- commands
 * --------------------------------------------------------------------------------------- */

static gboolean
send_late(gpointer data)
{
    SealCardReader *reader = data;

    reader->timer = 0;
    send_message(reader, reader->late->data, reader->late->len);
    g_clear_pointer(&reader->late, g_byte_array_unref);
    return G_SOURCE_REMOVE;
}

static void
answer(SealCardReader *reader, const void *command, gsize len, const SealFault *fault)
{
    g_autoptr(GByteArray) out = seal_card_answer(reader->play->card, command, len);

    if (fault->kind == SEAL_FAULT_CUT)
        g_byte_array_set_size(out, out->len / 2);
    if (fault->kind == SEAL_FAULT_KEEP)
        g_byte_array_set_size(out, MIN(out->len, fault->keep));
    if (reader->play->slow_ms == 0) {
        send_message(reader, out->data, out->len);
        return;
    }
    reader->late = g_steal_pointer(&out);
    reader->timer = g_timeout_add(reader->play->slow_ms, send_late, reader);
}

static void
command(SealCardReader *reader, const guint8 *data, gsize len)
{
    SealFault fault = seal_card_play_note(reader->play, data[1]);
    const guint8 status[] = {(guint8)(fault.status >> 8), (guint8)fault.status};

    if (fault.kind == SEAL_FAULT_HANG)
        reader->held = g_bytes_new(data, len);
    reader->heard(reader->play, reader->heard_data);
    if (fault.kind == SEAL_FAULT_SWAP && fault.other->reader == NULL)
        seal_card_reader_swap(reader, fault.other);
    if (fault.kind == SEAL_FAULT_PULL)
        seal_card_reader_eject(reader);
    else if (fault.kind == SEAL_FAULT_STATUS)
        send_message(reader, status, sizeof status);
    else if (fault.kind == SEAL_FAULT_ANSWER)
        send_bytes(reader, fault.answer);
    else if (fault.kind != SEAL_FAULT_HANG)
        answer(reader, data, len, &fault);
}

static void
control(SealCardReader *reader, guint8 code)
{
    SealBytes atr = seal_card_atr(reader->play->card);

    if (code == CONTROL_ATR)
        send_message(reader, atr.data, atr.len);
    else
        seal_card_reset(reader->play->card);
}

/* Takes one message off what came. FALSE if none is whole. */
static gboolean
take_message(SealCardReader *reader)
{
    g_autoptr(GBytes) message = NULL;
    gsize len = 0;

    if (reader->in->len < PREFIX)
        return FALSE;
    len = (gsize)reader->in->data[0] << 8 | reader->in->data[1];
    if (reader->in->len < PREFIX + len)
        return FALSE;
    message = g_bytes_new(reader->in->data + PREFIX, len);
    g_byte_array_remove_range(reader->in, 0, (guint)(PREFIX + len));
    if (len == 1)
        control(reader, *(const guint8 *)g_bytes_get_data(message, NULL));
    else if (len > 1)
        command(reader, g_bytes_get_data(message, NULL), len);
    return TRUE;
}

static gboolean
on_readable(gint fd, GIOCondition condition, gpointer data)
{
    SealCardReader *reader = data;
    guint8 chunk[4096];
    const int at_once = 1;
    ssize_t got = recv(fd, chunk, sizeof chunk, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    if (got <= 0) {
        reader->watch = 0;
        lose_driver(reader);
        return G_SOURCE_REMOVE;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof at_once);
    g_byte_array_append(reader->in, chunk, (guint)got);
    while (reader->play != NULL && take_message(reader))
        continue;
    return G_SOURCE_CONTINUE; /* without effect if the card was pulled meanwhile */
}

/* -- in and out
 * ------------------------------------------------------------------------------------- */

static gboolean
attach(gpointer data)
{
    SealCardReader *reader = data;
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(reader->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int at_once = 1;

    reader->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (reader->fd < 0 || (connect(reader->fd, (const struct sockaddr *)(const void *)&address,
                                   sizeof address) != 0 &&
                           errno != EINPROGRESS)) {
        seal_fd_clear(&reader->fd);
        return G_SOURCE_CONTINUE;
    }
    (void)setsockopt(reader->fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    (void)setsockopt(reader->fd, IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof at_once);
    reader->watch = g_unix_fd_add(reader->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, reader);
    return G_SOURCE_REMOVE;
}

SealCardReader *
seal_card_reader_new(guint16 port, SealCardHeardFunc heard, gpointer data)
{
    SealCardReader *reader = g_new0(SealCardReader, 1);

    reader->port = port;
    reader->heard = heard;
    reader->heard_data = data;
    reader->fd = -1;
    reader->in = g_byte_array_new();
    return reader;
}

void
seal_card_reader_insert(SealCardReader *reader, SealCardPlay *play)
{
    reader->play = play;
    play->reader = reader;
    seal_card_reset(play->card);
    if (attach(reader))
        reader->watch = g_timeout_add(RETRY_MS, attach, reader);
}

void
seal_card_reader_eject(SealCardReader *reader)
{
    if (reader->play == NULL)
        return;
    hang_up(reader);
    seal_card_reset(reader->play->card);
    reader->play->reader = NULL;
    reader->play = NULL;
}

void
seal_card_reader_swap(SealCardReader *reader, SealCardPlay *other)
{
    seal_card_take_state(other->card, reader->play->card);
    reader->play->reader = NULL;
    reader->play = other;
    other->reader = reader;
}

void
seal_card_reader_release(SealCardReader *reader)
{
    g_autoptr(GBytes) held = g_steal_pointer(&reader->held);
    gsize len = 0;
    const guint8 *data = held != NULL ? g_bytes_get_data(held, &len) : NULL;

    if (data != NULL)
        answer(reader, data, len, &(SealFault){SEAL_FAULT_NONE});
}

void
seal_card_reader_free(SealCardReader *reader)
{
    if (reader == NULL)
        return;
    seal_card_reader_eject(reader);
    g_byte_array_unref(reader->in);
    g_free(reader);
}
