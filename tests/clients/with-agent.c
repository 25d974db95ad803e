/* with-agent SCRIPT [PROFILE...]: runs one of these scripts in a home of its own, where an agent of
 * the build tree serves the tokens of the golden fixture (or of one made from PROFILE...) through
 * privyseal-pkcs11.so, and a person answers each prompt with the PIN. The exit status is the
 * script's; 77 means that a program is missing.
 *
 * The script finds MODULE (the module's path), TOKEN (the fixture's folder), and the home as HOME
 * and as working folder. It fails unless the person was asked for the PIN exactly once, or as often
 * as the script wrote to the file `prompts`. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"

#define SKIPPED 77

static void
export_path(SealTestHome *home, const char *name, char *path)
{
    seal_test_home_setenv(home, name, path);
    g_free(path);
}

static int
check_prompts(SealTestHome *home)
{
    g_autofree char *wanted = seal_test_home_read(home, "prompts");
    guint expected = *wanted ? (guint)g_ascii_strtoull(wanted, NULL, 10) : 1;
    guint asked = seal_test_pinentry_count(home);

    if (asked == expected)
        return 0;
    fprintf(stderr, "the PIN was asked for %u times instead of %u\n", asked, expected);
    return 1;
}

int
main(int argc, char **argv)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(SealTestResult) result = NULL;
    g_autofree char *pin = NULL;
    g_autofree char *folder = seal_test_home_path(home, "");
    const char *command[] = {"sh", argc > 1 ? argv[1] : "", NULL};

    if (argc > 2)
        seal_test_fixture_make(home, (const char *const *)argv + 2);
    seal_test_agent_new(home);
    pin = seal_test_fixture_pin(home);
    seal_test_pinentry_answer(home, "always pin %s\n", pin);
    export_path(home, "MODULE", seal_test_built("pkcs11/module/privyseal-pkcs11.so"));
    export_path(home, "TOKEN", seal_test_home_path(home, "fixture"));
    if (chdir(folder) < 0)
        g_error("cannot enter %s", folder);
    result = seal_test_run(home, command, NULL);
    fputs(result->out, stdout);
    fputs(result->err, stderr);
    if (result->status == 0)
        return check_prompts(home);
    if (result->status != SKIPPED) {
        g_autofree char *log = seal_test_agent_log(home);

        fputs(log, stderr);
    }
    return result->status;
}
