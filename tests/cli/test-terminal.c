/* What privyseal shows on a terminal: colours, cut tables, and the line that says what it waits
 * for. */
#include <string.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"
#include "tests/cli/cli-terminal.h"
#include "tests/support/pinentry.h"

static void
test_colours(void)
{
    static const char *const arguments[] = {"list", NULL};
    SealCliTestTerminal coloured = {0};
    SealCliTestTerminal plain = {0};

    seal_test_home_setenv(seal_cli_test_home(), "TERM", "xterm");
    coloured = seal_cli_test_terminal_start(arguments, 200);
    g_assert_cmpint(seal_cli_test_terminal_end(&coloured), ==, 0);
    g_assert_nonnull(strstr(coloured.shown->str, "\033[1mAlice\033[0m"));
    seal_test_home_setenv(seal_cli_test_home(), "NO_COLOR", "1");
    plain = seal_cli_test_terminal_start(arguments, 200);
    g_assert_cmpint(seal_cli_test_terminal_end(&plain), ==, 0);
    seal_test_home_setenv(seal_cli_test_home(), "NO_COLOR", NULL);
    g_assert_nonnull(strstr(plain.shown->str, "Alice"));
    g_assert_null(strchr(plain.shown->str, '\033'));
    seal_cli_test_terminal_clear(&coloured);
    seal_cli_test_terminal_clear(&plain);
}

static void
test_width(void)
{
    static const char *const arguments[] = {"list", "keys", NULL};
    SealCliTestTerminal terminal = {0};
    g_auto(GStrv) lines = NULL;

    seal_test_home_setenv(seal_cli_test_home(), "NO_COLOR", "1");
    seal_test_home_setenv(seal_cli_test_home(), "LC_ALL", "C.UTF-8");
    terminal = seal_cli_test_terminal_start(arguments, 60);
    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 0);
    seal_test_home_setenv(seal_cli_test_home(), "NO_COLOR", NULL);
    lines = g_strsplit(terminal.shown->str, "\r\n", -1);
    for (char **line = lines; *line; line++)
        g_assert_cmpint(g_utf8_strlen(*line, -1), <=, 60);
    g_assert_nonnull(strstr(terminal.shown->str, "\u2026"));
    seal_cli_test_terminal_clear(&terminal);
}

/* With a display the prompt appears elsewhere: the line moves until Ctrl-C ends it. */
static void
test_progress(void)
{
    static const char *const arguments[] = {"unlock", "Alice", NULL};
    SealCliTestTerminal terminal = {0};

    seal_cli_test_lock_all();
    seal_test_home_setenv(seal_cli_test_home(), "TERM", "xterm");
    seal_test_home_setenv(seal_cli_test_home(), "DISPLAY", ":77");
    seal_test_pinentry_answer(seal_cli_test_home(), "hang");
    terminal = seal_cli_test_terminal_start(arguments, 100);
    g_assert_true(seal_cli_test_terminal_read_until(&terminal, "waiting for token 'Alice'"));
    g_assert_true(seal_cli_test_terminal_read_until(&terminal, "(1 s)"));
    g_assert_cmpint(write(terminal.master, "\003", 1), ==, 1);
    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 4);
    g_assert_true(g_str_has_suffix(terminal.shown->str, "\r\033[Kprivyseal: cancelled\r\n"));
    seal_test_home_setenv(seal_cli_test_home(), "DISPLAY", NULL);
    seal_cli_test_pin_is_right();
    seal_cli_test_terminal_clear(&terminal);
}

/* Without one the prompt takes this terminal: the line stands above it, once. */
static void
test_prompt_on_this_terminal(void)
{
    static const char *const arguments[] = {"unlock", "Alice", NULL};
    SealCliTestTerminal terminal = {0};

    seal_cli_test_lock_all();
    terminal = seal_cli_test_terminal_start(arguments, 100);
    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 0);
    g_assert_cmpstr(terminal.shown->str, ==, "waiting for token 'Alice': its PIN is asked for\r\n");
    seal_cli_test_terminal_clear(&terminal);
}

static void
test_interrupted_reading(void)
{
    static const char *const arguments[] = {"verify", NULL};
    SealCliTestTerminal terminal = seal_cli_test_terminal_start(arguments, 100);

    g_assert_true(seal_cli_test_terminal_read_until(&terminal, "Ctrl-D"));
    g_assert_cmpint(write(terminal.master, "\003", 1), ==, 1);
    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 4);
    g_assert_nonnull(strstr(terminal.shown->str, "privyseal: cancelled"));
    seal_cli_test_terminal_clear(&terminal);
}

/* A mail that would set the title and clear the screen comes out as text. */
static void
test_harmless_content(void)
{
    static const char text[] =
        "From: a@example.org\r\n\r\nbefore\033]0;title\007\033[2Jafter\ttab\r\n";
    g_autofree char *mail = seal_test_home_write(seal_cli_test_home(), "escapes.eml", text);
    const char *const arguments[] = {"open", mail, NULL};
    SealCliTestTerminal terminal = seal_cli_test_terminal_start(arguments, 100);
    g_autoptr(SealTestResult) piped = NULL;

    g_assert_cmpint(seal_cli_test_terminal_end(&terminal), ==, 0);
    g_assert_nonnull(strstr(terminal.shown->str, "after\ttab"));
    g_assert_null(strstr(terminal.shown->str, "\033]0;"));
    g_assert_null(strstr(terminal.shown->str, "\033[2J"));
    seal_cli_test_terminal_clear(&terminal);
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
