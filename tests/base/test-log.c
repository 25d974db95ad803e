/* Lines that are held back, as another process reads them. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

/* Runs `body` in a process of its own; what it wrote must match `pattern`. */
static void
expect_stderr(void (*body)(void), gboolean passes, const char *pattern)
{
    if (g_test_subprocess()) {
        seal_log_init("test", FALSE);
        body();
        exit(EXIT_SUCCESS);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    if (passes)
        g_test_trap_assert_passed();
    else
        g_test_trap_assert_failed();
    g_test_trap_assert_stderr(pattern);
}

static void
write_between(void)
{
    g_assert_cmpint(write(STDERR_FILENO, "between\n", 8), ==, 8);
}

static void
hold_two(void)
{
    seal_log_hold();
    seal_log_info("one");
    seal_log_info("two");
    write_between();
    seal_log_release();
    seal_log_info("three");
    write_between();
}

static void
test_held_lines_come_at_the_end(void)
{
    expect_stderr(hold_two, TRUE, "between\ntest: one\ntest: two\ntest: three\nbetween\n*");
}

static void
hold_many(void)
{
    seal_log_hold();
    for (guint i = 0; i < 1000; i++)
        seal_log_info("line %u of many", i);
    write_between();
    seal_log_release();
}

static void
test_many_lines_are_all_written(void)
{
    expect_stderr(hold_many, TRUE,
                  "test: line 0 of many\n*line 998 of many\ntest: line 999 of many\n");
    g_test_trap_assert_stderr("*\nbetween\n*");
}

static void
end_while_holding(void)
{
    seal_log_hold();
    seal_log_info("the last that was done");
    g_error("cannot go on");
}

static void
test_end_of_the_program_loses_no_line(void)
{
    expect_stderr(end_while_holding, FALSE, "test: the last that was done\ntest: cannot go on\n*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/hold/lines-come-at-the-end", test_held_lines_come_at_the_end);
    g_test_add_func("/log/hold/many-lines-are-all-written", test_many_lines_are_all_written);
    g_test_add_func("/log/hold/end-of-the-program-loses-no-line",
                    test_end_of_the_program_loses_no_line);
    return g_test_run();
}
