/* The corpus: good mails of other programs and hostile ones, each judged by the program privyseal
 * as a user runs it, with the fixture's root as anchor and the keys on SoftHSM tokens behind the
 * agent. For every row the verdict, a part of the reason and the exit status must come out, and of
 * a mail that is not good not one byte of content. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/mail/corpus.h"
#include "tests/mail/scene.h"
#include "tests/support/pinentry.h"

static GBytes *
make_mail(const CorpusRow *row)
{
    g_autoptr(GBytes) mail = row->make(row->argument);

    if (!mail)
        return NULL;
    return row->from ? world_replace(mail, row->from, row->to) : g_steal_pointer(&mail);
}

static SealTestResult *
run_row(const CorpusRow *row, GBytes *mail)
{
    g_autofree char *root = seal_cli_test_fixture_file("root.pem");
    g_auto(GStrv) words = g_strsplit(row->command, " ", -1);
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; words[i]; i++)
        g_ptr_array_add(arguments, g_str_has_prefix(words[i], "fixture:")
                                       ? seal_cli_test_fixture_file(words[i] + 8)
                                       : g_strdup(words[i]));
    g_ptr_array_add(arguments, g_strdup("--json"));
    if (!g_str_equal(words[0], "decrypt")) { /* which asks nobody for trust */
        g_ptr_array_add(arguments, g_strdup("--anchor"));
        g_ptr_array_add(arguments, g_strdup(root));
    }
    g_ptr_array_add(arguments, NULL);
    return seal_cli_test_run((const char *const *)arguments->pdata, mail);
}

/* The report must be one JSON object that brings no control character to a terminal. */
static JsonNode *
read_report(const char *text)
{
    JsonNode *root = json_from_string(text, NULL);

    if (!root)
        return NULL;
    g_assert_true(JSON_NODE_HOLDS_OBJECT(root));
    g_assert_true(g_utf8_validate(text, -1, NULL));
    for (const char *at = text; *at; at++)
        g_assert_true(*at == '\n' || !g_ascii_iscntrl(*at));
    return root;
}

/* Other rows go on after one that fails. */
static void
check_row(const CorpusRow *row, const SealTestResult *result)
{
    gboolean verify = g_str_has_prefix(row->command, "verify");
    const char *text = verify ? result->out : result->err;
    g_autoptr(JsonNode) root = read_report(text);
    JsonObject *report = root ? json_node_get_object(root) : NULL;
    const char *verdict = report ? json_object_get_string_member(report, "verdict") : "none";
    const char *reason =
        report ? json_object_get_string_member_with_default(report, "reason", NULL) : NULL;

    if (!g_str_equal(verdict, row->verdict))
        g_test_fail_printf("'%s' instead of '%s': %s", verdict, row->verdict, text);
    else if (row->words && (!reason || !strstr(reason, row->words)))
        g_test_fail_printf("'%s' is not in the reason: %s", row->words, text);
    else if (result->status != (row->status ? row->status : row->words ? 1 : 0))
        g_test_fail_printf("status %d: %s", result->status, text);
    else if (!verify && (result->out_len == 0) != (row->words != NULL))
        g_test_fail_printf("%zu bytes of content", (size_t)result->out_len);
    else if (!verify && g_strstr_len(result->out, (gssize)result->out_len, CORPUS_FOREIGN))
        g_test_fail_printf("foreign text in the content: %s", result->out);
}

static void
test_row(gconstpointer data)
{
    const CorpusRow *row = data;
    g_autoptr(GBytes) mail = make_mail(row);
    g_autoptr(SealTestResult) result = NULL;

    if (!mail) {
        g_test_skip("the program that writes this mail is not installed");
        return;
    }
    result = run_row(row, mail);
    check_row(row, result);
}

/* More than is taken, and no disk behind it: refused by its size, before it is read into memory. */
static void
test_two_gibibytes(void)
{
    g_autofree char *path = seal_cli_test_home_file("sparse");
    g_autoptr(SealTestResult) made = seal_cli_test_other(NULL, "truncate", "-s", "2G", path, NULL);
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(NULL, "open", path, NULL);

    seal_cli_test_assert_status(made, 0);
    seal_cli_test_assert_error(result, 5, "larger than 256 MiB");
}

/* A person says no: exit status 4. The tokens are locked for it, and open for the rows behind. */
static void
test_refused(void)
{
    const CorpusRow row = {.name = "refused",
                           .command = "open",
                           .verdict = "refused",
                           .words = "cancelled",
                           .status = 4};
    g_autoptr(GBytes) plain = world_bytes(WORLD_MAIL);
    g_autoptr(GBytes) mail = scene_sealed(plain, "alice-rsa-decrypt", FALSE);
    g_autoptr(SealTestResult) result = NULL;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(seal_cli_test_home(), "cancel");
    result = run_row(&row, mail);
    seal_cli_test_pin_is_right();
    check_row(&row, result);
}

static void
add_rows(const CorpusRow *rows)
{
    for (; rows->name; rows++) {
        g_autofree char *path = g_strconcat("/corpus/", rows->name, NULL);

        g_test_add_data_func(path, rows, test_row);
    }
}

static void
add_all(void)
{
    add_rows(corpus_files);
    add_rows(corpus_headers);
    add_rows(corpus_mime);
    add_rows(corpus_people);
    add_rows(corpus_programs);
    add_rows(corpus_sealed);
    add_rows(corpus_senders);
    add_rows(corpus_signed);
    g_test_add_func("/corpus/sealed/person-says-no", test_refused);
    g_test_add_func("/corpus/limits/two-gibibytes/are-refused", test_two_gibibytes);
}

int
main(int argc, char **argv)
{
    int status = seal_cli_test_main(argc, argv, add_all);

    scene_end();
    return status;
}
