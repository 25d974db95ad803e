/* A person at a terminal, with the real pinentry-tty and pinentry-curses: `privyseal unlock` on a
 * pseudo-terminal, the agent by activation. The keys are those that a terminal sends: CR for Enter.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "base/fd.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

typedef struct {
    SealTestHome *home;
    char *pin;
    SealFd terminal; /* the side of the keyboard and the screen */
    SealFd line;     /* the programs' side, held open so that its settings can be read */
    struct termios settings;
    GString *screen; /* all that was written since the last wait */
    pid_t command;
} Terminal;

/* FALSE if the pinentry is not installed: the test is skipped then. */
static gboolean
terminal_open(Terminal *terminal, const char *pinentry)
{
    static const struct winsize size = {.ws_row = 24, .ws_col = 80};
    g_autofree char *path = g_find_program_in_path(pinentry);
    g_autofree char *module = NULL, *text = NULL, *written = NULL;
    int ends[2];

    if (!path) {
        g_test_skip("the pinentry is not installed");
        return FALSE;
    }
    memset(terminal, 0, sizeof *terminal);
    terminal->home = seal_test_home_new();
    seal_test_agent_new(terminal->home);
    module = seal_test_fixture_module(terminal->home);
    text = g_strdup_printf("[agent]\npinentry=%s\n\n[module softhsm]\npath=%s\n", path, module);
    written = seal_test_home_write(terminal->home, "config/privyseal/privyseal.conf", text);
    terminal->pin = seal_test_fixture_pin(terminal->home);
    g_assert_cmpint(openpty(&ends[0], &ends[1], NULL, NULL, &size), ==, 0);
    terminal->terminal = ends[0];
    terminal->line = ends[1];
    (void)fcntl(terminal->terminal, F_SETFD, FD_CLOEXEC);
    g_assert_cmpint(tcgetattr(terminal->line, &terminal->settings), ==, 0);
    terminal->screen = g_string_new(NULL);
    return TRUE;
}

static void
terminal_close(Terminal *terminal)
{
    g_string_free(terminal->screen, TRUE);
    g_free(terminal->pin);
    seal_fd_clear(&terminal->terminal);
    seal_fd_clear(&terminal->line);
    seal_test_home_free(terminal->home);
}

/* Starts the command as a shell does: in a session whose terminal this is. */
static void
start_command(Terminal *terminal, const char *command, const char *operand)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    char *argv[] = {program, (char *)command, (char *)operand, (char *)"Alice", NULL};

    if (!operand) {
        argv[2] = argv[3];
        argv[3] = NULL;
    }

    seal_test_home_setenv(terminal->home, "TERM", "xterm");
    terminal->command = fork();
    if (terminal->command != 0)
        return;
    if (login_tty(terminal->line) == 0)
        execv(program, argv);
    _exit(127);
}

/* Reads the screen until `text` stands on it, then forgets what came up to there. */
static void
wait_for_screen(Terminal *terminal, const char *text)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    while (!strstr(terminal->screen->str, text)) {
        struct pollfd ready = {terminal->terminal, POLLIN, 0};
        int left_ms = (int)((end_us - g_get_monotonic_time()) / 1000);
        char read_text[1024];
        ssize_t got = 0;

        if (left_ms <= 0 || poll(&ready, 1, left_ms) <= 0)
            g_error("'%s' is not on the screen: %s", text, terminal->screen->str);
        got = read(terminal->terminal, read_text, sizeof read_text);
        if (got > 0)
            g_string_append_len(terminal->screen, read_text, got);
    }
    g_string_erase(terminal->screen, 0,
                   strstr(terminal->screen->str, text) + strlen(text) - terminal->screen->str);
}

static void
type(Terminal *terminal, const char *keys)
{
    g_assert_cmpint(write(terminal->terminal, keys, strlen(keys)), ==, (ssize_t)strlen(keys));
}

/* Waits for the command's end; what it still writes is read meanwhile, or it could not end. */
static int
await_status(Terminal *terminal)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    int status = 0;

    while (waitpid(terminal->command, &status, WNOHANG) == 0) {
        struct pollfd ready = {terminal->terminal, POLLIN, 0};
        char scrap[1024];

        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
        if (poll(&ready, 1, 20) > 0)
            (void)!read(terminal->terminal, scrap, sizeof scrap);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static gboolean
has_pinentry(pid_t agent)
{
    g_autoptr(GArray) children = seal_test_children(agent);

    return children->len > 1; /* the host is the other */
}

/* The terminal is as it was: echo, line mode, signals. The pinentry may take a moment to end. */
static void
assert_restored(Terminal *terminal)
{
    pid_t agent = seal_test_agent_pid(terminal->home);
    gint64 end_us = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;
    struct termios now;

    while (has_pinentry(agent)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
        (void)poll(NULL, 0, 5);
    }
    g_assert_cmpint(tcgetattr(terminal->line, &now), ==, 0);
    g_assert_cmphex(now.c_lflag, ==, terminal->settings.c_lflag);
    g_assert_cmphex(now.c_iflag, ==, terminal->settings.c_iflag);
    g_assert_cmphex(now.c_oflag, ==, terminal->settings.c_oflag);
}

static void
test_right_pin(gconstpointer pinentry)
{
    Terminal terminal;

    if (!terminal_open(&terminal, pinentry))
        return;
    start_command(&terminal, "unlock", NULL);
    wait_for_screen(&terminal, "PIN:");
    type(&terminal, terminal.pin);
    type(&terminal, "\r");
    g_assert_cmpint(await_status(&terminal), ==, 0);
    assert_restored(&terminal);
    terminal_close(&terminal);
}

static void
test_wrong_then_right(gconstpointer pinentry)
{
    Terminal terminal;

    if (!terminal_open(&terminal, pinentry))
        return;
    start_command(&terminal, "unlock", NULL);
    wait_for_screen(&terminal, "PIN:");
    type(&terminal, "00000000\r");
    wait_for_screen(&terminal, "wrong");
    wait_for_screen(&terminal, "PIN:");
    type(&terminal, terminal.pin);
    type(&terminal, "\r");
    g_assert_cmpint(await_status(&terminal), ==, 0);
    assert_restored(&terminal);
    terminal_close(&terminal);
}

/* All in one dialogue: the PIN, a slip when the new one is repeated, and again. */
static void
test_change(gconstpointer pinentry)
{
    static const char *const entries[][2] = {
        {"New PIN:", "2468101214\r"}, {"Repeat the new PIN:", "2468101215\r"}, {"differ", NULL},
        {"New PIN:", "2468101214\r"}, {"Repeat the new PIN:", "2468101214\r"},
    };
    Terminal terminal;

    if (!terminal_open(&terminal, pinentry))
        return;
    start_command(&terminal, "pin", "change");
    wait_for_screen(&terminal, "PIN:");
    type(&terminal, terminal.pin);
    type(&terminal, "\r");
    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++) {
        wait_for_screen(&terminal, entries[i][0]);
        if (entries[i][1])
            type(&terminal, entries[i][1]);
    }
    g_assert_cmpint(await_status(&terminal), ==, 0);
    assert_restored(&terminal);
    terminal_close(&terminal);
}

/* Whoever gets the key first, the command or the pinentry: it ends with "refused or cancelled". */
static void
test_interrupt(gconstpointer pinentry)
{
    Terminal terminal;

    if (!terminal_open(&terminal, pinentry))
        return;
    start_command(&terminal, "unlock", NULL);
    wait_for_screen(&terminal, "PIN:");
    type(&terminal, "123\003");
    g_assert_cmpint(await_status(&terminal), ==, 4);
    assert_restored(&terminal);
    terminal_close(&terminal);
}

/* The command is gone without a word: the agent ends the dialogue and cleans the terminal up. */
static void
test_command_is_killed(gconstpointer pinentry)
{
    Terminal terminal;

    if (!terminal_open(&terminal, pinentry))
        return;
    start_command(&terminal, "unlock", NULL);
    wait_for_screen(&terminal, "PIN:");
    g_assert_cmpint(kill(terminal.command, SIGKILL), ==, 0);
    g_assert_cmpint(await_status(&terminal), ==, 128 + SIGKILL);
    assert_restored(&terminal);
    terminal_close(&terminal);
}

int
main(int argc, char **argv)
{
    static const char *const pinentries[] = {"pinentry-tty", "pinentry-curses"};
    static const struct {
        const char *name;
        GTestDataFunc func;
    } tests[] = {
        {"right-pin", test_right_pin},
        {"wrong-then-right", test_wrong_then_right},
        {"pin-change", test_change},
        {"interrupt", test_interrupt},
        {"command-is-killed", test_command_is_killed},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(pinentries); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(tests); j++) {
            g_autofree char *path =
                g_strdup_printf("/terminal/%s/%s", pinentries[i], tests[j].name);

            g_test_add_data_func(path, pinentries[i], tests[j].func);
        }
    }
    return g_test_run();
}
