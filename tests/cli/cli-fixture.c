/* What the tests of the commands share. */
#include "tests/cli/cli-fixture.h"

#include <string.h>

#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/wait.h"

static SealTestHome *the_home;

SealTestHome *
seal_cli_test_home(void)
{
    return the_home;
}

int
seal_cli_test_main(int argc, char **argv, void (*add)(void))
{
    int status = 0;

    g_test_init(&argc, &argv, NULL);
    the_home = seal_test_home_new();
    seal_test_agent_new(the_home);
    seal_cli_test_pin_is_right();
    add();
    status = g_test_run();
    seal_test_home_free(g_steal_pointer(&the_home));
    return status;
}

void
seal_cli_test_pin_is_right(void)
{
    g_autofree char *pin = seal_test_fixture_pin(the_home);

    seal_test_pinentry_answer(the_home, "always pin %s", pin);
}

/* Other processes send this one no event: a tick lets the condition be asked again. */
static gboolean
on_tick(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

gboolean
seal_cli_test_wait_until(gboolean (*done)(gpointer data), gpointer data)
{
    guint tick = g_timeout_add(10, on_tick, NULL);
    gboolean is_done = seal_test_wait_until(done, data);

    g_source_remove(tick);
    return is_done;
}

void
seal_cli_test_lock_all(void)
{
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(NULL, "lock", NULL);

    seal_cli_test_assert_status(result, 0);
}

SealTestResult *
seal_cli_test_run(const char *const *arguments, GBytes *input)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    g_ptr_array_add(argv, program);
    for (; *arguments; arguments++)
        g_ptr_array_add(argv, (gpointer)*arguments);
    g_ptr_array_add(argv, NULL);
    return seal_test_run(the_home, (const char *const *)argv->pdata, input);
}

static GPtrArray *
collect(va_list list)
{
    GPtrArray *argv = g_ptr_array_new();
    char *word = NULL;

    while ((word = va_arg(list, char *)))
        g_ptr_array_add(argv, word);
    g_ptr_array_add(argv, NULL);
    return argv;
}

SealTestResult *
seal_cli_test_privyseal(GBytes *input, ...)
{
    g_autoptr(GPtrArray) argv = NULL;
    va_list list;

    va_start(list, input);
    argv = collect(list);
    va_end(list);
    return seal_cli_test_run((const char *const *)argv->pdata, input);
}

SealTestResult *
seal_cli_test_other(GBytes *input, ...)
{
    g_autoptr(GPtrArray) argv = NULL;
    va_list list;

    va_start(list, input);
    argv = collect(list);
    va_end(list);
    return seal_test_run(the_home, (const char *const *)argv->pdata, input);
}

void
seal_cli_test_assert_status(const SealTestResult *result, int status)
{
    if (result->status != status)
        g_error("status %d instead of %d\nstdout: %s\nstderr: %s", result->status, status,
                result->out, result->err);
}

void
seal_cli_test_assert_error(const SealTestResult *result, int status, const char *text)
{
    seal_cli_test_assert_status(result, status);
    g_assert_cmpuint(result->out_len, ==, 0);
    g_assert_true(g_str_has_prefix(result->err, "privyseal: "));
    g_assert_true(strchr(result->err, '\n') == result->err + strlen(result->err) - 1);
    if (!strstr(result->err, text))
        g_error("'%s' is not in: %s", text, result->err);
}

char *
seal_cli_test_fixture_file(const char *name)
{
    return seal_test_fixture_path(the_home, name);
}

char *
seal_cli_test_home_file(const char *name)
{
    return seal_test_home_path(the_home, name);
}

GBytes *
seal_cli_test_output(const SealTestResult *result)
{
    return g_bytes_new(result->out, result->out_len);
}

char *
seal_cli_test_save(const char *name, GBytes *bytes)
{
    g_autoptr(GError) error = NULL;
    char *path = seal_test_home_path(the_home, name);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    g_file_set_contents(path, data, (gssize)len, &error);
    g_assert_no_error(error);
    return path;
}

GBytes *
seal_cli_test_mail(void)
{
    static const char mail[] = "From: Alice Example <alice@example.org>\r\n"
                               "To: bob@example.org\r\n"
                               "Subject: The seal\r\n"
                               "Date: Mon, 01 Jun 2026 10:00:00 +0000\r\n"
                               "MIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Transfer-Encoding: 8bit\r\n"
                               "\r\n"
                               "Dear Bob,\r\n"
                               "\r\n" SEAL_CLI_TEST_WORDS ".\r\n"
                               "\r\n"
                               "Gr\xc3\xbc\xc3\x9f"
                               "e, trailing blank \r\n";

    return g_bytes_new_static(mail, sizeof mail - 1);
}
