/* seal_diff(): what it says is what `diff -u` says of the same two texts. */
#include "ui-cli/setup/diff.h"

#include <string.h>

#include "tests/support/home.h"
#include "tests/support/process.h"

/* Texts whose shortest difference is one only, so that every diff finds the same. */
static const struct {
    const char *before;
    const char *after;
} cases[] = {
    {"", "a\n"},
    {"a\n", ""},
    {"a\nb\nc\n", "a\nx\nc\n"},
    {"a\nb", "a\nb\n"},
    {"a\nb\n", "a\nb"},
    {"a", "b"},
    {"\n\n\n", "\n\n\n\nend\n"},
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "new\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"},
    /* six lines between two changes share a hunk, seven do not */
    {"x\n1\n2\n3\n4\n5\n6\ny\n", "X\n1\n2\n3\n4\n5\n6\nY\n"},
    {"x\n1\n2\n3\n4\n5\n6\n7\ny\n", "X\n1\n2\n3\n4\n5\n6\n7\nY\n"},
    {"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n", "a\nb\nd\ne\nf\ng\nh\ni\nj\nk\nl\n"},
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "1\n2\n3\n4\n5\n6\n12\n"},
};

static char *
diff_by_program(SealTestHome *home, const char *before, const char *after)
{
    g_autofree char *old = seal_test_home_write(home, "old", before);
    g_autofree char *new = seal_test_home_write(home, "new", after);
    const char *const argv[] = {"diff", "-u", "--label", "FILE", "--label", "FILE", old, new, NULL};
    g_autoptr(SealTestResult) result = seal_test_run(home, argv, NULL);

    g_assert_cmpint(result->status, ==, 1);
    return g_strdup(result->out);
}

static void
test_as_diff(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *expected = diff_by_program(home, cases[i].before, cases[i].after);
        g_autofree char *made = seal_diff("FILE", cases[i].before, cases[i].after);

        g_assert_cmpstr(made, ==, expected);
    }
}

static void
test_nothing(void)
{
    g_autofree char *same = seal_diff("FILE", "a\n", "a\n");
    g_autofree char *none = seal_diff("FILE", NULL, NULL);

    g_assert_cmpstr(same, ==, "");
    g_assert_cmpstr(none, ==, "");
}

static void
test_new_and_gone(void)
{
    g_autofree char *made = seal_diff("FILE", NULL, "a\n");
    g_autofree char *gone = seal_diff("FILE", "a\n", NULL);

    g_assert_cmpstr(made, ==, "--- /dev/null\n+++ FILE\n@@ -0,0 +1 @@\n+a\n");
    g_assert_cmpstr(gone, ==, "--- FILE\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
}

/* Too many lines for the table of the longest common subsequence: all old ones, then all new ones.
 */
static void
test_large(void)
{
    GString *before = g_string_new(NULL), *after = g_string_new(NULL);
    g_autofree char *made = NULL;

    for (guint i = 0; i < 5000; i++) {
        g_string_append_printf(before, "old %u\n", i);
        g_string_append_printf(after, "new %u\n", i);
    }
    made = seal_diff("FILE", before->str, after->str);
    g_assert_nonnull(strstr(made, "@@ -1,5000 +1,5000 @@\n-old 0\n"));
    g_assert_nonnull(strstr(made, "-old 4999\n+new 0\n"));
    g_string_free(before, TRUE);
    g_string_free(after, TRUE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cli/diff/says-what-diff-says", test_as_diff);
    g_test_add_func("/cli/diff/equal-texts-say-nothing", test_nothing);
    g_test_add_func("/cli/diff/new-and-removed-files", test_new_and_gone);
    g_test_add_func("/cli/diff/large-texts-end", test_large);
    return g_test_run();
}
