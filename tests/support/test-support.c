/* The tools of the other tests must not deceive them: each is tried here by itself. */
#include <glib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "tests/support/bus.h"
#include "tests/support/fixture.h"
#include "tests/support/home.h"
#include "tests/support/pinentry.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

static void
test_home_goes_with_its_files(void)
{
    g_autofree char *path = NULL;
    g_autofree char *file = NULL;
    SealTestHome *home = seal_test_home_new();

    path = seal_test_home_path(home, "");
    file = seal_test_home_write(home, "deep/below/file", "text");
    g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    g_assert_true(g_str_has_prefix(path, g_getenv("HOME")));
    seal_test_home_free(home);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void
test_run_tells_all_that_came_of_it(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autoptr(GBytes) input = g_bytes_new_static("a\0b", 3);
    const char *argv[] = {"sh", "-c", "cat; echo bad >&2; exit 7", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, input);

    g_assert_cmpint(result->status, ==, 7);
    g_assert_cmpmem(result->out, result->out_len, "a\0b", 3);
    g_assert_cmpstr(result->err, ==, "bad\n");
}

static void
test_started_process_ends_with_home(void)
{
    SealTestHome *home = seal_test_home_new();
    const char *argv[] = {"tail", "-f", "/dev/null", NULL};
    pid_t pid = seal_test_start(home, argv, "tail.log");

    seal_test_home_free(home);
    g_assert_true(seal_test_wait_for_end(pid));
}

static void
test_fixture_token_opens_with_its_pin(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *pin = NULL;
    g_autofree char *module = NULL;
    g_autoptr(SealTestResult) result = NULL;

    seal_test_fixture_new(home);
    pin = seal_test_fixture_pin(home);
    module = seal_test_fixture_module(home);
    g_assert_cmpuint(strlen(pin), ==, 8);
    {
        const char *argv[] = {"pkcs11-tool", "--module", module, "--token-label", "Alice", "--pin",
                              pin, "--list-objects", "--type", "privkey", NULL};

        result = seal_test_run(home, argv, NULL);
    }
    g_assert_cmpint(result->status, ==, 0);
    g_assert_nonnull(strstr(result->out, "Alice P-256 decryption"));
    g_assert_nonnull(strstr(result->out, "Alice Ed25519 signing"));
}

static void
test_bus_names_come_and_go(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    sd_bus *bus = NULL;

    seal_test_bus_new(home);
    g_assert_true(seal_test_bus_wait_for_name("org.example.Nobody", FALSE));
    g_assert_cmpint(seal_test_bus_pid_of("org.example.Nobody"), ==, 0);
    g_assert_cmpint(sd_bus_open_user(&bus), >=, 0);
    g_assert_cmpint(sd_bus_request_name(bus, "org.example.Somebody", 0), >=, 0);
    g_assert_true(seal_test_bus_wait_for_name("org.example.Somebody", TRUE));
    g_assert_cmpint(seal_test_bus_pid_of("org.example.Somebody"), ==, getpid());
    sd_bus_flush_close_unref(bus);
    g_assert_true(seal_test_bus_wait_for_name("org.example.Somebody", FALSE));
}

/* Sends `commands` to one run of the fake pinentry; what it said (transfer full). */
static char *
converse(SealTestHome *home, const char *program, const char *commands)
{
    const char *argv[] = {program, NULL};
    g_autoptr(GBytes) input = g_bytes_new_static(commands, strlen(commands));
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, input);

    return g_steal_pointer(&result->out);
}

static void
test_pinentry_answers_in_order_over_several_runs(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *program = seal_test_pinentry_new(home);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autofree char *log = NULL;

    seal_test_pinentry_answer(home, "pin 12%%4\nyes\nno\ntimeout\nalways pin 9\n");
    first = converse(home, program, "SETDESC open it\nGETPIN\nCONFIRM\nBYE\n");
    g_assert_cmpstr(first, ==, "OK Pleased to meet you\nOK\nD 12%254\nOK\nOK\nOK\n");
    second = converse(home, program, "CONFIRM\nGETPIN\nGETPIN\nGETPIN\n");
    g_assert_cmpstr(second, ==,
                    "OK Pleased to meet you\nERR 83886194 Not confirmed <Pinentry>\n"
                    "ERR 83886142 Timeout <Pinentry>\nD 9\nOK\nD 9\nOK\n");
    g_assert_cmpuint(seal_test_pinentry_count(home), ==, 4);
    log = seal_test_pinentry_log(home);
    g_assert_nonnull(strstr(log, "SETDESC open it\n"));
    g_assert_null(strstr(log, "12%4"));
}

static void
test_pinentry_without_answers_cancels(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    g_autofree char *program = seal_test_pinentry_new(home);
    g_autofree char *said = converse(home, program, "GETPIN\n");

    g_assert_cmpstr(said, ==,
                    "OK Pleased to meet you\nERR 83886179 Operation cancelled <Pinentry>\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/support/home/goes-with-its-files", test_home_goes_with_its_files);
    g_test_add_func("/support/run/tells-all-that-came-of-it", test_run_tells_all_that_came_of_it);
    g_test_add_func("/support/start/ends-with-home", test_started_process_ends_with_home);
    g_test_add_func("/support/fixture/opens-with-its-pin", test_fixture_token_opens_with_its_pin);
    g_test_add_func("/support/bus/names-come-and-go", test_bus_names_come_and_go);
    g_test_add_func("/support/pinentry/answers-in-order-over-several-runs",
                    test_pinentry_answers_in_order_over_several_runs);
    g_test_add_func("/support/pinentry/without-answers-cancels",
                    test_pinentry_without_answers_cancels);
    return g_test_run();
}
