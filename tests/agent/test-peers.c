/* Peers that do not keep to the rules, on bare sockets: garbage, endless messages, floods whose
 * answers nobody reads, strangers. Each costs itself its connection or its answers, and nobody else
 * anything. */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "ipc/names.h"
#include "tests/agent/dbus.h"
#include "tests/support/agent.h"
#include "tests/support/wait.h"

/* What one peer may cost the agent at the most: its queue of answers, some 60 KiB each, and slack.
 */
#define MEMORY_MAX (48 * 1024 * 1024)

static pid_t
start_agent(SealTestHome *home)
{
    seal_test_agent_new(home);
    return seal_test_agent_pid(home);
}

/* -1 with errno if nobody listens or it is refused by the file system. */
static int
try_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    seal_fd_clear(&fd);
    return -1;
}

static int
connect_raw(SealTestHome *home)
{
    g_autofree char *path = seal_test_socket_path(home);
    int fd = try_connect(path);

    g_assert_cmpint(fd, >=, 0);
    return fd;
}

/* Writes all of it, or less if the other end closes. Returns what was written. */
static gsize
write_all(int fd, const void *data, gsize len)
{
    gsize done = 0;

    while (done < len) {
        ssize_t n = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        done += (gsize)n;
    }
    return done;
}

/* Reads until the other end closes; FALSE if it does not by the deadline. */
static gboolean
is_closed(int fd)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    char buffer[4096];

    while (g_get_monotonic_time() < deadline) {
        struct pollfd watched = {fd, POLLIN, 0};

        if (poll(&watched, 1, 100) > 0 && recv(fd, buffer, sizeof buffer, 0) <= 0)
            return TRUE;
    }
    return FALSE;
}

static void
authenticate(int fd)
{
    g_autofree char *uid = g_strdup_printf("%u", (unsigned)getuid());
    g_autoptr(GString) text = g_string_new("AUTH EXTERNAL ");
    char answer[64] = {0};

    for (const char *at = uid; *at; at++)
        g_string_append_printf(text, "%02x", *at);
    g_string_append(text, "\r\nBEGIN\r\n");
    g_assert_cmpint(send(fd, "\0", 1, 0), ==, 1);
    g_assert_cmpuint(write_all(fd, text->str, text->len), ==, text->len);
    g_assert_cmpint(recv(fd, answer, sizeof answer - 1, 0), >, 0);
    g_assert_true(g_str_has_prefix(answer, "OK "));
}

/* -- the handshake ------------------------------------------------------------------- */

/* What the agent says to `text` before it falls silent or closes (then "" is at the end). */
static void
assert_answer(SealTestHome *home, const char *text, gsize len, gsize piece, const char *expected)
{
    g_auto(SealFd) fd = connect_raw(home);
    g_autoptr(GString) answer = g_string_new(NULL);
    gint64 deadline = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    for (gsize at = 0; at < len; at += piece)
        write_all(fd, text + at, MIN(piece, len - at));
    while (!g_pattern_match_simple(expected, answer->str) && g_get_monotonic_time() < deadline) {
        struct pollfd watched = {fd, POLLIN, 0};
        char buffer[256];
        ssize_t n = 0;

        if (poll(&watched, 1, 100) == 0)
            continue;
        n = recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0)
            g_string_append(answer, "(closed)");
        else
            g_string_append_len(answer, buffer, n);
        if (n <= 0)
            break;
    }
    if (!g_pattern_match_simple(expected, answer->str))
        g_error("expected '%s' to '%s', got '%s'", expected, text + 1, answer->str);
}

static void
handshakes_follow_the_specification(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *uid = g_strdup_printf("%u", (unsigned)getuid());
    g_autoptr(GString) hex = g_string_new(NULL);
    g_autofree char *named = NULL;
    g_autofree char *long_line = g_strnfill(1000, 'A');
    const struct {
        const char *text;
        gsize piece;
        const char *expected;
    } rows[] = {
        /* behind BEGIN a signal of the agent may follow at once: its tokens appear just now */
        {"AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", 1000,
         "DATA\r\nOK ????????????????????????????????\r\nAGREE_UNIX_FD\r\n*"},
        {"AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", 1,
         "DATA\r\nOK ????????????????????????????????\r\nAGREE_UNIX_FD\r\n*"},
        {"AUTH\r\nAUTH DBUS_COOKIE_SHA1 30\r\nAUTH ANONYMOUS\r\n", 1000,
         "REJECTED EXTERNAL\r\nREJECTED EXTERNAL\r\nREJECTED EXTERNAL\r\n"},
        {"AUTH EXTERNAL 3939393939\r\n", 1000, "REJECTED EXTERNAL\r\n"},
        {"BEGIN\r\n", 1000, "(closed)"},
        {"AUTH EXTERNAL 3939393939\r\nBEGIN\r\n", 1000, "REJECTED EXTERNAL\r\n(closed)"},
        {"AUTH EXTERNAL\nDATA\n", 1000, "(closed)"},
        {long_line, 1000, "(closed)"},
    };

    (void)start_agent(home);
    for (const char *at = uid; *at; at++)
        g_string_append_printf(hex, "%02x", *at);
    named = g_strdup_printf("%cAUTH EXTERNAL %s\r\n", 'x', hex->str);
    named[0] = '\0';
    assert_answer(home, named, strlen(named + 1) + 1, 3, "OK *\r\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat("x", rows[i].text, NULL);
        gsize len = strlen(text);

        text[0] = '\0';
        assert_answer(home, text, len, rows[i].piece, rows[i].expected);
    }
}

/* A call that is answered with every object there is. */
static GBytes *
big_question(void)
{
    g_autoptr(GDBusMessage) message = g_dbus_message_new_method_call(
        NULL, SEAL_ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
    g_autoptr(GError) error = NULL;
    gsize len = 0;
    guchar *blob = NULL;

    g_dbus_message_set_serial(message, 1);
    blob = g_dbus_message_to_blob(message, &len, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
    g_assert_no_error(error);
    return g_bytes_new_take(blob, len);
}

/* Resident bytes of a process. */
static gsize
memory_of(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", (int)pid);
    g_autofree char *text = NULL;
    gulong total = 0, resident = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpint(sscanf(text, "%lu %lu", &total, &resident), ==, 2);
    return resident * (gsize)sysconf(_SC_PAGESIZE);
}

/* Not under AddressSanitizer, which keeps what was freed. */
static void
assert_memory(pid_t agent, gsize before)
{
#ifndef __SANITIZE_ADDRESS__
    g_assert_cmpuint(memory_of(agent), <, before + MEMORY_MAX);
#endif
}

/* The same agent process as before answers somebody else. */
static void
assert_others_are_served(SealTestHome *home, pid_t agent)
{
    g_autoptr(GDBusConnection) other = seal_test_private();
    g_autoptr(GVariant) version =
        seal_test_property(other, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Version");

    g_assert_cmpuint(strlen(g_variant_get_string(version, NULL)), >, 0);
    g_assert_cmpint(seal_test_agent_pid(home), ==, agent);
}

/* -- garbage ------------------------------------------------------------------------ */

static void
garbage_costs_the_connection(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    pid_t agent = start_agent(home);
    g_auto(SealFd) before = connect_raw(home);
    g_auto(SealFd) after = connect_raw(home);
    guint8 garbage[8192];

    for (gsize i = 0; i < sizeof garbage; i++)
        garbage[i] = (guint8)g_test_rand_int();
    garbage[0] = 'x'; /* D-Bus begins with a zero byte */
    write_all(before, garbage, sizeof garbage);
    g_assert_true(is_closed(before));

    authenticate(after);
    garbage[0] = '?'; /* neither 'l' nor 'B' */
    write_all(after, garbage, sizeof garbage);
    g_assert_true(is_closed(after));
    assert_others_are_served(home, agent);
}

/* Every byte of a good call is damaged in turn: the agent answers, or closes, and lives. */
static void
damaged_messages_are_survived(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    pid_t agent = start_agent(home);
    g_autoptr(GBytes) question = big_question();
    gsize len = g_bytes_get_size(question);

    for (gsize i = 0; i < len; i++) {
        g_autofree guint8 *damaged = g_memdup2(g_bytes_get_data(question, NULL), len);
        g_auto(SealFd) fd = connect_raw(home);

        authenticate(fd);
        damaged[i] ^= (guint8)(1 << (i % 8));
        write_all(fd, damaged, len);
    }
    assert_others_are_served(home, agent);
}

/* -- too much ------------------------------------------------------------------------- */

/* Many connections, each with a message of 8 MiB of which half comes: each would be held for ever.
 */
static void
unfinished_messages_do_not_add_up(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    pid_t agent = start_agent(home);
    gsize before = memory_of(agent);
    guint8 header[16] = {'l', 1, 0, 1, 0, 0, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    g_autofree guint8 *zeros = g_malloc0(4 * 1024 * 1024);
    int fds[32];

    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = connect_raw(home);
        authenticate(fds[i]);
        if (write_all(fds[i], header, sizeof header) == sizeof header)
            (void)write_all(fds[i], zeros, 4 * 1024 * 1024);
    }
    assert_others_are_served(home, agent);
    assert_memory(agent, before);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        seal_fd_clear(&fds[i]);
}

/* A header that promises 100 MiB, and then zeros for ever. */
static void
endless_message_is_cut_off(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    pid_t agent = start_agent(home);
    gsize before = memory_of(agent);
    g_auto(SealFd) fd = connect_raw(home);
    guint8 header[16] = {'l', 1, 0, 1, 0, 0, 0x40, 0x06, 1, 0, 0, 0, 0, 0, 0, 0};
    g_autofree guint8 *zeros = g_malloc0(64 * 1024);
    const gsize promised = 100 * 1024 * 1024;
    gsize sent = 0;

    authenticate(fd);
    g_assert_cmpuint(write_all(fd, header, sizeof header), ==, sizeof header);
    while (sent < 2 * promised) {
        gsize n = write_all(fd, zeros, 64 * 1024);

        sent += n;
        if (n < 64 * 1024)
            break;
    }
    g_assert_cmpuint(sent, <, 2 * promised);
    assert_memory(agent, before);
    assert_others_are_served(home, agent);
}

/* Writes questions until the agent takes no more for half a second. Returns how many. */
static gsize
flood(int fd, GBytes *question, gsize most)
{
    gsize len = g_bytes_get_size(question);
    const char *data = g_bytes_get_data(question, NULL);
    gsize sent = 0;

    g_assert_cmpint(fcntl(fd, F_SETFL, O_NONBLOCK), ==, 0);
    while (sent < most) {
        struct pollfd watched = {fd, POLLOUT, 0};
        gsize at = 0;

        if (poll(&watched, 1, 500) == 0)
            return sent;
        while (at < len) {
            ssize_t n = send(fd, data + at, len - at, MSG_NOSIGNAL);

            if (n <= 0 && errno == EAGAIN) {
                watched.revents = 0;
                if (poll(&watched, 1, 500) == 0)
                    return sent;
                continue;
            }
            g_assert_cmpint(n, >, 0);
            at += (gsize)n;
        }
        sent++;
    }
    return sent;
}

static void
unread_answers_hold_the_flooder_back(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    pid_t agent = start_agent(home);
    gsize before = memory_of(agent);
    g_auto(SealFd) fd = connect_raw(home);
    g_autoptr(GBytes) question = big_question();

    authenticate(fd);
    g_assert_cmpuint(flood(fd, question, 100000), <, 100000);
    assert_memory(agent, before);
    assert_others_are_served(home, agent);
}

/* The one that reads after all gets its answers, and is listened to again. */
static void
late_reader_is_served_again(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    pid_t agent = start_agent(home);
    g_auto(SealFd) fd = connect_raw(home);
    g_autoptr(GBytes) question = big_question();
    g_autofree char *buffer = g_malloc(256 * 1024);
    gint64 deadline = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    gsize accepted = 0, before = 0, received = 0;

    authenticate(fd);
    accepted = flood(fd, question, 100000);
    before = accepted;
    while (accepted < before + 1000 && g_get_monotonic_time() < deadline) {
        struct pollfd watched = {fd, POLLIN | POLLOUT, 0};
        ssize_t n = 0;

        g_assert_cmpint(poll(&watched, 1, seal_test_deadline_ms()), >, 0);
        if (watched.revents & POLLIN) {
            n = recv(fd, buffer, 256 * 1024, 0);
            g_assert_cmpint(n, >, 0);
            received += (gsize)n;
        }
        if (watched.revents & POLLOUT && send(fd, g_bytes_get_data(question, NULL),
                                              g_bytes_get_size(question), MSG_NOSIGNAL) > 0)
            accepted++;
    }
    g_assert_cmpuint(accepted, ==, before + 1000);
    g_assert_cmpuint(received, >, 0);
    assert_others_are_served(home, agent);
}

static void
one_process_has_256_connections(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));

    (void)start_agent(home);
    for (int i = 0; i < 256; i++) {
        int fd = connect_raw(home);

        g_array_append_val(fds, fd);
    }
    authenticate(g_array_index(fds, int, 255));
    {
        g_auto(SealFd) fd = connect_raw(home);

        g_assert_true(is_closed(fd));
    }
    seal_fd_clear(&g_array_index(fds, int, 0));
    for (guint i = 1; i < fds->len; i++)
        seal_fd_clear(&g_array_index(fds, int, i));
}

/* -- strangers --------------------------------------------------------------------------- */

/* What a process of user `nobody` sees: 0 closed without a word, 1 answered, 2 not connected. */
static int
run_stranger(const char *path)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        char answer[16];
        int fd = -1;

        if (setgid(65534) < 0 || setuid(65534) < 0 || (fd = try_connect(path)) < 0)
            _exit(2);
        (void)!write(fd, "\0AUTH EXTERNAL 3635353334\r\n", 27);
        _exit(recv(fd, answer, sizeof answer, 0) > 0 ? 1 : 0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
other_users_are_refused(void)
{
    g_autoptr(SealTestHome) home = NULL;
    static const char *const opened[] = {"", "run", "run/privyseal", "run/privyseal/bus"};
    g_autofree char *path = NULL;
    pid_t agent = 0;

    if (getuid() != 0) {
        g_test_skip("only root can be somebody else");
        return;
    }
    home = seal_test_home_new();
    agent = start_agent(home);
    path = seal_test_socket_path(home);
    g_assert_cmpint(run_stranger(path), ==, 2); /* the folder is ours alone */
    for (size_t i = 0; i < G_N_ELEMENTS(opened); i++) {
        g_autofree char *each = seal_test_home_path(home, opened[i]);

        g_assert_cmpint(chmod(each, 0777), ==, 0);
    }
    g_assert_cmpint(run_stranger(path), ==, 0); /* and if it were not */
    assert_others_are_served(home, agent);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/peers/handshakes-follow-the-specification",
                    handshakes_follow_the_specification);
    g_test_add_func("/peers/garbage-costs-the-connection", garbage_costs_the_connection);
    g_test_add_func("/peers/damaged-messages-are-survived", damaged_messages_are_survived);
    g_test_add_func("/peers/endless-message-is-cut-off", endless_message_is_cut_off);
    g_test_add_func("/peers/unfinished-messages-do-not-add-up", unfinished_messages_do_not_add_up);
    g_test_add_func("/peers/unread-answers-hold-the-flooder-back",
                    unread_answers_hold_the_flooder_back);
    g_test_add_func("/peers/late-reader-is-served-again", late_reader_is_served_again);
    g_test_add_func("/peers/one-process-has-256-connections", one_process_has_256_connections);
    g_test_add_func("/peers/other-users-are-refused", other_users_are_refused);
    return g_test_run();
}
