/* What privyseal shows on a terminal: colours, cut tables, and the line that says what it waits
 * for. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

typedef struct {
    pid_t pid;
    int master;
    GString *shown;
} Terminal;

/* Starts privyseal with its three descriptors on a new terminal of `columns` columns. */
static Terminal
start(const char *const *arguments, unsigned short columns)
{
    Terminal terminal = {.shown = g_string_new(NULL)};
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    g_ptr_array_add(argv, program);
    for (; *arguments; arguments++)
        g_ptr_array_add(argv, (gpointer)*arguments);
    g_ptr_array_add(argv, NULL);
    terminal.pid = forkpty(&terminal.master, NULL, NULL, &size);
    if (terminal.pid == 0) {
        execv(program, (char **)argv->pdata);
        _exit(127);
    }
    g_assert_cmpint(terminal.pid, >, 0);
    return terminal;
}

/* Reads until `text` was shown (NULL: until the program ended). FALSE at the deadline. */
static gboolean
read_until(Terminal *terminal, const char *text)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    while (!text || !strstr(terminal->shown->str, text)) {
        struct pollfd fd = {.fd = terminal->master, .events = POLLIN};
        char buffer[4096];
        gint64 left_ms = (deadline - g_get_monotonic_time()) / 1000;
        ssize_t len = 0;

        if (left_ms <= 0 || poll(&fd, 1, (int)left_ms) <= 0)
            return FALSE;
        len = read(terminal->master, buffer, sizeof buffer);
        if (len <= 0)
            return text == NULL; /* EIO: the last one closed the terminal */
        g_string_append_len(terminal->shown, buffer, len);
    }
    return TRUE;
}

/* Reads to the end; the exit status. */
static int
end(Terminal *terminal)
{
    int status = 0;

    g_assert_true(read_until(terminal, NULL));
    g_assert_cmpint(waitpid(terminal->pid, &status, 0), ==, terminal->pid);
    close(terminal->master);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
clear(Terminal *terminal)
{
    g_string_free(terminal->shown, TRUE);
}

static void
test_colours(void)
{
    static const char *const arguments[] = {"list", NULL};
    Terminal coloured = {0};
    Terminal plain = {0};

    seal_test_home_setenv(seal_cli_test_home(), "TERM", "xterm");
    coloured = start(arguments, 200);
    g_assert_cmpint(end(&coloured), ==, 0);
    g_assert_nonnull(strstr(coloured.shown->str, "\033[1mAlice\033[0m"));
    seal_test_home_setenv(seal_cli_test_home(), "NO_COLOR", "1");
    plain = start(arguments, 200);
    g_assert_cmpint(end(&plain), ==, 0);
    seal_test_home_setenv(seal_cli_test_home(), "NO_COLOR", NULL);
    g_assert_nonnull(strstr(plain.shown->str, "Alice"));
    g_assert_null(strchr(plain.shown->str, '\033'));
    clear(&coloured);
    clear(&plain);
}

static void
test_width(void)
{
    static const char *const arguments[] = {"list", "keys", NULL};
    Terminal terminal = {0};
    g_auto(GStrv) lines = NULL;

    seal_test_home_setenv(seal_cli_test_home(), "NO_COLOR", "1");
    seal_test_home_setenv(seal_cli_test_home(), "LC_ALL", "C.UTF-8");
    terminal = start(arguments, 60);
    g_assert_cmpint(end(&terminal), ==, 0);
    seal_test_home_setenv(seal_cli_test_home(), "NO_COLOR", NULL);
    lines = g_strsplit(terminal.shown->str, "\r\n", -1);
    for (char **line = lines; *line; line++)
        g_assert_cmpint(g_utf8_strlen(*line, -1), <=, 60);
    g_assert_nonnull(strstr(terminal.shown->str, "\u2026"));
    clear(&terminal);
}

/* With a display the prompt appears elsewhere: the line moves until Ctrl-C ends it. */
static void
test_progress(void)
{
    static const char *const arguments[] = {"unlock", "Alice", NULL};
    Terminal terminal = {0};

    seal_cli_test_lock_all();
    seal_test_home_setenv(seal_cli_test_home(), "TERM", "xterm");
    seal_test_home_setenv(seal_cli_test_home(), "DISPLAY", ":77");
    seal_test_pinentry_answer(seal_cli_test_home(), "hang");
    terminal = start(arguments, 100);
    g_assert_true(read_until(&terminal, "waiting for token 'Alice'"));
    g_assert_true(read_until(&terminal, "(1 s)"));
    g_assert_cmpint(write(terminal.master, "\003", 1), ==, 1);
    g_assert_cmpint(end(&terminal), ==, 4);
    g_assert_true(g_str_has_suffix(terminal.shown->str, "\r\033[Kprivyseal: cancelled\r\n"));
    seal_test_home_setenv(seal_cli_test_home(), "DISPLAY", NULL);
    seal_cli_test_pin_is_right();
    clear(&terminal);
}

/* Without one the prompt takes this terminal: the line stands above it, once. */
static void
test_prompt_on_this_terminal(void)
{
    static const char *const arguments[] = {"unlock", "Alice", NULL};
    Terminal terminal = {0};

    seal_cli_test_lock_all();
    terminal = start(arguments, 100);
    g_assert_cmpint(end(&terminal), ==, 0);
    g_assert_cmpstr(terminal.shown->str, ==, "waiting for token 'Alice': its PIN is asked for\r\n");
    clear(&terminal);
}

static void
test_interrupted_reading(void)
{
    static const char *const arguments[] = {"verify", NULL};
    Terminal terminal = start(arguments, 100);

    g_assert_true(read_until(&terminal, "Ctrl-D"));
    g_assert_cmpint(write(terminal.master, "\003", 1), ==, 1);
    g_assert_cmpint(end(&terminal), ==, 4);
    g_assert_nonnull(strstr(terminal.shown->str, "privyseal: cancelled"));
    clear(&terminal);
}

/* A mail that would set the title and clear the screen comes out as text. */
static void
test_harmless_content(void)
{
    static const char text[] =
        "From: a@example.org\r\n\r\nbefore\033]0;title\007\033[2Jafter\ttab\r\n";
    g_autofree char *mail = seal_test_home_write(seal_cli_test_home(), "escapes.eml", text);
    const char *const arguments[] = {"open", mail, NULL};
    Terminal terminal = start(arguments, 100);
    g_autoptr(SealTestResult) piped = NULL;

    g_assert_cmpint(end(&terminal), ==, 0);
    g_assert_nonnull(strstr(terminal.shown->str, "after\ttab"));
    g_assert_null(strstr(terminal.shown->str, "\033]0;"));
    g_assert_null(strstr(terminal.shown->str, "\033[2J"));
    clear(&terminal);
    piped = seal_cli_test_privyseal(NULL, "open", mail, NULL);
    seal_cli_test_assert_status(piped, 0);
    g_assert_nonnull(strstr(piped->out, "before\033]0;title")); /* a pipe gets every byte */
}

static void
add(void)
{
    g_test_add_func("/cli/terminal/colours-unless-forbidden", test_colours);
    g_test_add_func("/cli/terminal/tables-are-cut-to-its-width", test_width);
    g_test_add_func("/cli/terminal/progress-line-and-ctrl-c", test_progress);
    g_test_add_func("/cli/terminal/ctrl-c-while-reading", test_interrupted_reading);
    g_test_add_func("/cli/terminal/content-cannot-command-it", test_harmless_content);
    g_test_add_func("/cli/terminal/prompt-on-the-same-terminal", test_prompt_on_this_terminal);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
