/* A pseudo-terminal with privyseal on it. */
#include "tests/cli/cli-terminal.h"

#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/wait.h"

SealCliTestTerminal
seal_cli_test_terminal_start(const char *const *arguments, unsigned short columns)
{
    SealCliTestTerminal terminal = {.shown = g_string_new(NULL)};
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

gboolean
seal_cli_test_terminal_read_until(SealCliTestTerminal *terminal, const char *text)
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

int
seal_cli_test_terminal_end(SealCliTestTerminal *terminal)
{
    int status = 0;

    g_assert_true(seal_cli_test_terminal_read_until(terminal, NULL));
    g_assert_cmpint(waitpid(terminal->pid, &status, 0), ==, terminal->pid);
    close(terminal->master);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void
seal_cli_test_terminal_clear(SealCliTestTerminal *terminal)
{
    g_string_free(terminal->shown, TRUE);
}
