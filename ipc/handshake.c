/* D-Bus specification, "Authentication Protocol". sd-bus can do this itself, but it reads beyond
 * the peer's last line, into the first message, and takes messages of 128 MiB: a peer could make
 * the agent hold that much. So we read the lines octet by exact octet, and ipc/bus.c can look at
 * the header of every message before sd-bus does. sd-bus is given its own handshake through a
 * socketpair, whose end is then replaced by the peer's socket. */
#include "ipc/handshake.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

/* A line is a word and a user id in hexadecimal; a peer tries a few mechanisms at most. */
#define LINE_MAX_LEN 256
#define LINES_MAX    32

/* A program that connects goes on at once. */
#define HANDSHAKE_US (20 * G_USEC_PER_SEC)

/* Steps that sd-bus takes for a handshake whose every octet is there: three. */
#define ADOPT_STEPS 16

#ifndef SO_PASSRIGHTS /* Linux 6.16 */
#define SO_PASSRIGHTS 83
#endif

struct SealHandshake {
    SealFd fd;
    uid_t uid;
    SealWatch *watch;
    SealHandshakeFunc done;
    gpointer user_data;
    char line[LINE_MAX_LEN]; /* what is there of the current one */
    size_t len;
    guint n_lines;
    gboolean greeted;  /* the zero byte came */
    gboolean asked;    /* "AUTH EXTERNAL" without a user: DATA comes next */
    gboolean accepted; /* OK was said */
    gboolean passes_fds;
    gboolean begun;
    char guid[33];
};

/* -- sd-bus behind a handshake ------------------------------------------------------ */

/* Has `bus` authenticate a peer that says what it wants to hear. FALSE if it does not like it. */
static gboolean
feed_handshake(sd_bus *bus, gboolean passes_fds, int other_end)
{
    static const char plain[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
    static const char fds[] = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
    const char *text = passes_fds ? fds : plain;
    size_t len = (passes_fds ? sizeof fds : sizeof plain) - 1;

    if (send(other_end, text, len, MSG_NOSIGNAL) != (ssize_t)len || sd_bus_start(bus) < 0)
        return FALSE;
    for (int i = 0; i < ADOPT_STEPS; i++) {
        int ready = sd_bus_is_ready(bus);

        if (ready != 0)
            return ready > 0;
        if (sd_bus_process(bus, NULL) < 0)
            return FALSE;
    }
    return FALSE;
}

/* A started server connection over `fd` (stays the caller's), past authentication; NULL if it
 * cannot be made. */
static sd_bus *
adopt(int fd, gboolean passes_fds)
{
    int ends[2] = {-1, -1};
    sd_bus *bus = NULL;
    sd_id128_t id = SD_ID128_NULL;
    gboolean fine = FALSE;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return NULL;
    if (sd_bus_new(&bus) < 0 || sd_id128_randomize(&id) < 0 || sd_bus_set_server(bus, 1, id) < 0 ||
        sd_bus_set_trusted(bus, 1) < 0 || sd_bus_negotiate_fds(bus, passes_fds) < 0 ||
        sd_bus_set_fd(bus, ends[0], ends[0]) < 0) {
        seal_fd_clear(&ends[0]);
    } else {
        /* from here on `bus` owns ends[0], and closes it */
        fine = feed_handshake(bus, passes_fds, ends[1]) && dup3(fd, ends[0], O_CLOEXEC) >= 0;
    }
    seal_fd_clear(&ends[1]);
    if (!fine)
        bus = sd_bus_close_unref(bus);
    return bus;
}

/* -- the peer's lines ------------------------------------------------------------------ */

static gboolean
say(SealHandshake *handshake, const char *text)
{
    size_t len = strlen(text);

    return send(handshake->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The user id in `hex` (ASCII digits in hexadecimal) is the peer's; nothing stands for the same. */
static gboolean
names_peer(const SealHandshake *handshake, const char *hex)
{
    g_autofree char *uid = g_strdup_printf("%u", (unsigned)handshake->uid);
    g_autoptr(GString) expected = g_string_new(NULL);

    for (const char *at = uid; *at; at++)
        g_string_append_printf(expected, "%02x", (unsigned char)*at);
    return *hex == '\0' || g_ascii_strcasecmp(hex, expected->str) == 0;
}

static gboolean
accept_or_reject(SealHandshake *handshake, const char *hex)
{
    g_autofree char *ok = NULL;

    handshake->asked = FALSE;
    handshake->accepted = names_peer(handshake, hex);
    if (!handshake->accepted)
        return say(handshake, "REJECTED EXTERNAL\r\n");
    ok = g_strdup_printf("OK %s\r\n", handshake->guid);
    return say(handshake, ok);
}

/* FALSE ends the connection. */
static gboolean
obey(SealHandshake *handshake, const char *line)
{
    if (handshake->accepted && g_str_equal(line, "BEGIN")) {
        handshake->begun = TRUE;
        return TRUE;
    }
    if (handshake->accepted && g_str_equal(line, "NEGOTIATE_UNIX_FD")) {
        handshake->passes_fds = TRUE;
        return say(handshake, "AGREE_UNIX_FD\r\n");
    }
    if (handshake->accepted)
        return say(handshake, "ERROR\r\n");
    if (handshake->asked && (g_str_equal(line, "DATA") || g_str_has_prefix(line, "DATA ")))
        return accept_or_reject(handshake, line[4] ? line + 5 : "");
    handshake->asked = g_str_equal(line, "AUTH EXTERNAL");
    if (handshake->asked)
        return say(handshake, "DATA\r\n");
    if (g_str_has_prefix(line, "AUTH EXTERNAL "))
        return accept_or_reject(handshake, line + strlen("AUTH EXTERNAL "));
    if (g_str_equal(line, "BEGIN"))
        return FALSE;
    return say(handshake, "REJECTED EXTERNAL\r\n");
}

/* Takes octets up to the end of a line, and none behind it. 1: a line is complete; 0: nothing more
 * is there; -1: the connection is over. */
static int
take_line(SealHandshake *handshake)
{
    char *at = handshake->line + handshake->len;
    size_t room = LINE_MAX_LEN - 1 - handshake->len;
    ssize_t n = room > 0 ? recv(handshake->fd, at, room, MSG_PEEK | MSG_DONTWAIT) : 0;
    char *end = NULL;

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    end = memchr(at, '\n', (size_t)n);
    if (end)
        n = end + 1 - at;
    if (recv(handshake->fd, at, (size_t)n, MSG_DONTWAIT) != n)
        return -1;
    handshake->len += (size_t)n;
    if (!end)
        return take_line(handshake);
    return ++handshake->n_lines > LINES_MAX ? -1 : 1;
}

/* Answers a complete line; FALSE ends the connection. */
static gboolean
answer_line(SealHandshake *handshake)
{
    char *line = handshake->line;
    size_t len = handshake->len;

    handshake->len = 0;
    if (!handshake->greeted && len > 0 && line[0] == '\0') {
        handshake->greeted = TRUE;
        line++;
        len--;
    }
    if (!handshake->greeted || len < 2 || line[len - 2] != '\r')
        return FALSE;
    line[len - 2] = '\0';
    return strlen(line) == len - 2 && obey(handshake, line);
}

static void
end_handshake(SealHandshake *handshake)
{
    sd_bus *bus = handshake->begun ? adopt(handshake->fd, handshake->passes_fds) : NULL;

    g_clear_pointer(&handshake->watch, seal_watch_free);
    seal_fd_clear(&handshake->fd);
    handshake->done(handshake, bus, handshake->user_data);
}

static void
on_ready(uint32_t events, gpointer user_data)
{
    SealHandshake *handshake = user_data;
    int taken = events ? 1 : -1; /* none: too late */

    while (taken > 0 && !handshake->begun) {
        taken = take_line(handshake);
        if (taken > 0 && !answer_line(handshake))
            taken = -1;
    }
    if (taken < 0 || handshake->begun)
        end_handshake(handshake);
}

SealHandshake *
seal_handshake_new(SealLoop *loop, int fd, uid_t uid, SealHandshakeFunc done, gpointer user_data)
{
    SealHandshake *handshake = g_new0(SealHandshake, 1);
    sd_id128_t id = SD_ID128_NULL;
    const int no = 0;

    handshake->fd = fd;
    handshake->uid = uid;
    handshake->done = done;
    handshake->user_data = user_data;
    (void)sd_id128_randomize(&id);
    sd_id128_to_string(id, handshake->guid);
    /* Descriptors are passed to peers only, with lanes. What they send is refused by the kernel where
     * it can, else by ipc/bus.c: a peer could fill this process with them. */
    (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no);
    handshake->watch = seal_loop_watch(loop, fd, EPOLLIN, on_ready, handshake);
    seal_watch_set_deadline(handshake->watch, g_get_monotonic_time() + HANDSHAKE_US);
    return handshake;
}

void
seal_handshake_free(SealHandshake *handshake)
{
    if (!handshake)
        return;
    seal_watch_free(handshake->watch);
    seal_fd_clear(&handshake->fd);
    g_free(handshake);
}
