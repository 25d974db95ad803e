/* What the doctor's report leaves out, with texts that try to get through. */
#include <string.h>

#include "tests/support/home.h"
#include "ui-cli/doctor/report.h"

/* The report on one finding whose sentence says `text` (nullable) hidden, and `foreign`, another
 * program's words. (transfer full) */
static char *
report_on(const char *text, const char *foreign)
{
    g_autoptr(SealExam) exam = seal_exam_new();

    exam->group = "Group";
    seal_exam_note(exam, "name", SEAL_HEALTH_WORRY, NULL, "%s|%s|",
                   text ? seal_exam_hide(exam, text) : "", foreign);
    return seal_exam_to_report(exam);
}

static void
assert_report(const char *text, const char *foreign, const char *expected)
{
    g_autofree char *report = report_on(text, foreign);
    g_autofree char *line = g_strdup_printf("\nwarning  Group: name: %s\n", expected);

    if (!strstr(report, line))
        g_error("'%s' is not in:\n%s", line, report);
}

static void
test_marked(void)
{
    assert_report("Alice", "fine", "[hidden 1]|fine|");
    assert_report("A", "A card", "[hidden 1]|A card|"); /* too short to be looked for */
    assert_report("", "fine", "[hidden 0]|fine|");
    assert_report("two\nlines", "fine", "[hidden 1]|fine|");
}

/* A label with the marks themselves in it ends nothing early. */
static void
test_forged_marks(void)
{
    assert_report("in\003side", "fine", "[hidden 1]|fine|");
    assert_report("in\002side\003", "fine", "[hidden 1]|fine|");
    assert_report("bytes \xff\xfe", "fine", "[hidden 1]|fine|");
}

static void
test_elsewhere(void)
{
    assert_report("Alice", "token 'Alice' or alice's, not Alicent",
                  "[hidden 1]|token '[hidden 1]' or [hidden 1]'s, not Alicent|");
    assert_report(".*", "a.b", "[hidden 1]|a.b|");
    assert_report("C (x) [y]*", "see C (x) [y]* there", "[hidden 1]|see [hidden 1] there|");
    assert_report("J\xc3\xbcrgen", "f\xc3\xbcr J\xc3\xbcrgen, nicht J\xc3\xbcrgens",
                  "[hidden 1]|f\xc3\xbcr [hidden 1], nicht J\xc3\xbcrgens|");
}

/* Cards that lie have labels of any length, and with anything in them. */
static void
test_long(void)
{
    g_autofree char *label = g_strnfill(100000, 'x');
    g_autofree char *foreign = g_strdup_printf("token %s is gone", label);
    g_autofree char *lines = g_strdup("Al\nice");

    assert_report(label, foreign, "[hidden 1]|token [hidden 2]");
    assert_report(lines, "token Al\nice is gone", "[hidden 1]|token [hidden 1] is gone|");
}

/* What nobody has marked and everybody recognises. */
static void
test_recognised(void)
{
    assert_report(NULL, "to bob@example.org, <x.y+z@m\xc3\xbcller.de>",
                  "|to [hidden], <[hidden]>|");
    assert_report(NULL, "serial 12345678, version 1.9.9, pid 123456",
                  "|serial [hidden], version 1.9.9, pid 123456|");
    assert_report(NULL, "reader (21121234567890) 00 00", "|reader ([hidden]) 00 00|");
    assert_report(NULL, "guid 00112233445566778899aabbccddeeff", "|guid [hidden]|");
    assert_report(NULL, "print ab:cd:ef:01:23:45:67", "|print [hidden]|");
    assert_report(NULL, "failed defaced effaced 2026-11-29", "|failed defaced effaced 2026-11-29|");
}

static void
test_home(void)
{
    g_autofree char *foreign = g_strdup_printf("%s/.config/privyseal.conf:2: no", g_get_home_dir());

    assert_report(NULL, foreign, "|~/.config/privyseal.conf:2: no|");
}

int
main(int argc, char **argv)
{
    g_autoptr(SealTestHome) home = NULL;

    g_test_init(&argc, &argv, NULL);
    home = seal_test_home_new();
    g_test_add_func("/report/marked-text-becomes-a-number", test_marked);
    g_test_add_func("/report/marks-cannot-be-forged", test_forged_marks);
    g_test_add_func("/report/marked-text-goes-elsewhere-too", test_elsewhere);
    g_test_add_func("/report/texts-of-any-length", test_long);
    g_test_add_func("/report/addresses-and-numbers-are-recognised", test_recognised);
    g_test_add_func("/report/home-is-a-tilde", test_home);
    return g_test_run();
}
