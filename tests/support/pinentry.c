/* The test's side of the fake pinentry: an answers file, and a log beside the program. The program
 * is copied, since it finds both by its own path: whoever starts it need not pass anything on. */
#include "tests/support/pinentry.h"

#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>

#include "tests/support/process.h"
#include "tests/support/wait.h"

char *
seal_test_pinentry_new(SealTestHome *home)
{
    g_autofree char *built = seal_test_built("tests/support/fake-pinentry");
    g_autofree char *mine = seal_test_home_path(home, "pinentry/pinentry");
    const char *argv[] = {"cp", built, mine, NULL};
    g_autoptr(SealTestResult) result = NULL;

    seal_test_pinentry_answer(home, "%s", "");
    result = seal_test_run(home, argv, NULL);
    if (result->status != 0)
        g_error("cannot copy the fake pinentry: %s", result->err);
    return g_steal_pointer(&mine);
}

void
seal_test_pinentry_answer(SealTestHome *home, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;
    g_autofree char *next = seal_test_home_path(home, "pinentry/pinentry.next");
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    path = seal_test_home_write(home, "pinentry/pinentry.answers", text);
    (void)g_unlink(next);
}

char *
seal_test_pinentry_log(SealTestHome *home)
{
    return seal_test_home_read(home, "pinentry/pinentry.log");
}

guint
seal_test_pinentry_count(SealTestHome *home)
{
    g_autofree char *log = seal_test_pinentry_log(home);
    guint count = 0;

    for (const char *at = log; (at = strstr(at, "\nGETPIN\n")) != NULL; at++)
        count++;
    return count;
}

gboolean
seal_test_pinentry_wait(SealTestHome *home, const char *text)
{
    g_autofree char *path = seal_test_home_path(home, "pinentry/pinentry.log");

    return seal_test_wait_for_text(path, text);
}
