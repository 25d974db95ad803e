/* The command line itself: help, usage mistakes, a missing agent, a module that does not run.
 * Without a running agent except where a test says so. */
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/agent.h"

static const char *const commands[] = {"list",  "sign",   "verify", "encrypt", "decrypt", "open",
                                       "trust", "recipients", "unlock", "lock", "pin", "git", "mutt", "setup"};

static void
test_help(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autoptr(SealTestResult) result =
            seal_cli_test_privyseal(NULL, commands[i], "--help", NULL);
        g_autoptr(SealTestResult) same = seal_cli_test_privyseal(NULL, "help", commands[i], NULL);
        g_autofree char *usage = g_strdup_printf("usage: privyseal %s", commands[i]);

        seal_cli_test_assert_status(result, 0);
        g_assert_true(g_str_has_prefix(result->out, usage));
        g_assert_nonnull(strstr(result->out, "\noptions:\n"));
        g_assert_nonnull(strstr(result->out, "\nexamples:\n"));
        g_assert_nonnull(strstr(result->out, "\nexit status:\n"));
        g_assert_cmpstr(same->out, ==, result->out);
    }
}

/* A terminal has 80 columns; a line that breaks there is hard to read. */
static void
test_help_width(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autoptr(SealTestResult) result =
            seal_cli_test_privyseal(NULL, commands[i], "--help", NULL);
        g_auto(GStrv) lines = g_strsplit(result->out, "\n", -1);

        for (char **line = lines; *line; line++) {
            if (strlen(*line) > 100)
                g_error("%zu columns in the help of %s: %s", strlen(*line), commands[i], *line);
        }
    }
}

static void
test_overview(void)
{
    g_autoptr(SealTestResult) help = seal_cli_test_privyseal(NULL, "--help", NULL);
    g_autoptr(SealTestResult) version = seal_cli_test_privyseal(NULL, "--version", NULL);
    g_autoptr(SealTestResult) nothing = seal_cli_test_run((const char *const[]){NULL}, NULL);

    seal_cli_test_assert_status(help, 0);
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *row = g_strdup_printf("\n  %s ", commands[i]);

        g_assert_nonnull(strstr(help->out, row));
    }
    seal_cli_test_assert_status(version, 0);
    g_assert_true(g_str_has_prefix(version->out, "privyseal "));
    seal_cli_test_assert_error(nothing, 2, "say what to do");
}

typedef struct {
    const char *arguments[6];
    const char *text;
} UsageCase;

static void
test_mistakes(void)
{
    static const UsageCase cases[] = {
        {{"seal", NULL}, "there is no command 'seal'"},
        {{"list", "--colour", NULL}, "there is no option '--colour'"},
        {{"list", "-x", NULL}, "there is no option '-x'"},
        {{"list", "--json=yes", NULL}, "takes no value"},
        {{"sign", "--key", NULL}, "--key needs KEY"},
        {{"sign", "--from", "a", "--from=b", NULL}, "given twice"},
        {{"sign", "--key", "a", "--from", "b", NULL}, "exclude each other"},
        {{"sign", "a.eml", "b.eml", NULL}, "'b.eml' is too much"},
        {{"unlock", "a", "b", NULL}, "is too much"},
        {{"verify", "--output", "-", NULL}, "needs a file"},
        {{"setup", NULL}, "something is missing"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SealTestResult) result = seal_cli_test_run(cases[i].arguments, NULL);

        seal_cli_test_assert_error(result, 2, cases[i].text);
        g_assert_nonnull(strstr(result->err, "--help'"));
    }
}

static void
test_no_agent(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) list = NULL;
    g_autoptr(SealTestResult) sign = NULL;
    g_autoptr(SealTestResult) verify = NULL;

    seal_test_home_setenv(seal_cli_test_home(), "PRIVYSEAL_ADDRESS", "unix:path=/nonexistent/bus");
    list = seal_cli_test_privyseal(NULL, "list", NULL);
    sign = seal_cli_test_privyseal(mail, "sign", NULL);
    verify = seal_cli_test_privyseal(mail, "verify", NULL);
    seal_test_home_setenv(seal_cli_test_home(), "PRIVYSEAL_ADDRESS", NULL);
    seal_cli_test_assert_error(list, 3, "cannot reach the agent");
    seal_cli_test_assert_error(sign, 3, "/nonexistent/bus");
    /* Judging needs no token, so it needs no agent. */
    seal_cli_test_assert_status(verify, 1);
}

/* The agent runs on without a module that cannot be loaded, and says why. */
static void
test_broken_module(void)
{
    g_autoptr(SealTestResult) result = NULL;
    g_autoptr(SealTestResult) token = NULL;

    seal_test_agent_configure(seal_cli_test_home(), NULL,
                              "[module broken]\npath=/nonexistent/module.so\n");
    result = seal_cli_test_privyseal(NULL, "list", NULL);
    token = seal_cli_test_privyseal(NULL, "unlock", NULL);
    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, "Modules that do not run"));
    g_assert_nonnull(strstr(result->out, "broken"));
    g_assert_nonnull(strstr(result->out, "/nonexistent/module.so"));
    seal_cli_test_assert_error(token, 3, "there is no token");
}

static void
add(void)
{
    g_test_add_func("/cli/usage/help-of-each-command", test_help);
    g_test_add_func("/cli/usage/help-fits-the-terminal", test_help_width);
    g_test_add_func("/cli/usage/overview-and-version", test_overview);
    g_test_add_func("/cli/usage/mistakes-are-status-2", test_mistakes);
    g_test_add_func("/cli/usage/no-agent-is-status-3", test_no_agent);
    g_test_add_func("/cli/usage/broken-module-is-listed-with-its-reason", test_broken_module);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
