/* Redaction in two nets. What was marked when the sentence was made is replaced by a number, the
 * same for the same text, so that a reader can still follow it. Then whatever is known to be
 * private goes wherever else it stands, since other programs' messages carry no marks: in whole
 * words, longest first. What is left and looks like a mail address or a serial number goes, too. */
#include "ui-cli/doctor/report.h"

#include <config.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ui-cli/doctor/show.h"

/* Shorter ones would be found in every other word; where they were marked they are replaced. */
#define WORD_MIN_LEN 3
/* Of longer ones (characters) the beginning is looked for, and all that follows it goes, too: a
 * regular expression has its limit. */
#define LOOK_LEN 500

static const char rest[] = "[^\\s'\"<>(),;]+@[^\\s'\"<>(),;]+" /* a mail address */
                           "|(?<![\\w.])[0-9]{8,}(?![\\w.])"   /* a serial number */
                           "|(?<!\\w)(?=[0-9a-f]*[0-9])[0-9a-f]{12,}(?!\\w)"
                           "|(?<!\\w)[0-9a-f]{2}(:[0-9a-f]{2}){5,}(?!\\w)";

/* -- what is private -------------------------------------------------------------------------- */

typedef struct {
    gsize len;
    GRegex *regex; /* it as a whole word */
    char *instead;
} Private;

static void
private_free(gpointer data)
{
    Private *private = data;

    g_regex_unref(private->regex);
    g_free(private->instead);
    g_free(private);
}

/* `instead`: (transfer full) */
static void
add_private(GPtrArray *list, const char *text, char *instead)
{
    g_autofree char *shown = seal_exam_show(text);
    g_autofree char *beginning =
        g_utf8_substring(shown, 0, MIN(g_utf8_strlen(shown, -1), LOOK_LEN));
    g_autofree char *escaped = g_regex_escape_string(beginning, -1);
    g_autofree char *pattern =
        g_strdup_printf("(?<!\\w)%s%s", escaped, g_str_equal(beginning, shown) ? "(?!\\w)" : ".*");
    Private *private = NULL;

    if (strlen(text) < WORD_MIN_LEN) {
        g_free(instead);
        return;
    }
    private = g_new0(Private, 1);
    private->len = strlen(text);
    private->regex = g_regex_new(pattern, G_REGEX_CASELESS, 0, NULL);
    private->instead = instead;
    g_assert(private->regex); /* an escaped text of this length is one */
    g_ptr_array_add(list, private);
}

static gint
compare_lengths(gconstpointer a, gconstpointer b)
{
    gsize len_a = (*(const Private *const *)a)->len;
    gsize len_b = (*(const Private *const *)b)->len;

    return (len_a < len_b) - (len_a > len_b);
}

/* (transfer full) (element-type Private), longest first. */
static GPtrArray *
collect_private(const SealExam *exam)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(private_free);

    for (guint i = 0; i < exam->hidden->len; i++)
        add_private(list, exam->hidden->pdata[i], g_strdup_printf("[hidden %u]", i + 1));
    add_private(list, g_get_home_dir(), g_strdup("~"));
    /* root is everybody's, "Unknown" is what GLib says for nobody, and the rest is private. */
    if (getuid() != 0)
        add_private(list, g_get_user_name(), g_strdup("[user]"));
    if (getuid() != 0 && !g_str_equal(g_get_real_name(), "Unknown"))
        add_private(list, g_get_real_name(), g_strdup("[user]"));
    add_private(list, g_get_host_name(), g_strdup("[host]"));
    g_ptr_array_sort(list, compare_lengths);
    return list;
}

/* -- replacing -------------------------------------------------------------------------------- */

/* What stands between marks. (transfer full) */
static char *
replace_marked(const SealExam *exam, const char *text)
{
    GString *out = g_string_new(NULL);
    const char *mark = NULL;

    while ((mark = strchr(text, SEAL_EXAM_HIDE))) {
        const char *end = strchr(mark, SEAL_EXAM_HIDE_END);
        gsize len = end ? (gsize)(end - mark - 1) : strlen(mark + 1);

        g_string_append_len(out, text, mark - text);
        g_string_append_printf(out, "[hidden %u]", seal_exam_number_of(exam, mark + 1, len));
        text = mark + 1 + len + (end ? 1 : 0);
    }
    g_string_append(out, text);
    return g_string_free(out, FALSE);
}

/* What `regex` finds in `text` (transfer full). A text in which nothing can be looked for is left
 * out whole. */
static char *
replace_found(char *text, const GRegex *regex, const char *instead)
{
    char *replaced = g_regex_replace_literal(regex, text, -1, 0, instead, 0, NULL);

    g_free(text);
    return replaced ? replaced : g_strdup("[hidden]");
}

/* (transfer full) */
static char *
redact(const SealExam *exam, const GPtrArray *list, const char *text)
{
    g_autoptr(GRegex) regex = g_regex_new(rest, G_REGEX_CASELESS, 0, NULL);
    g_autofree char *without_marked = replace_marked(exam, text);
    char *redacted = seal_exam_show(without_marked);

    for (guint i = 0; i < list->len; i++) {
        const Private *private = list->pdata[i];

        redacted = replace_found(redacted, private->regex, private->instead);
    }
    return replace_found(redacted, regex, "[hidden]");
}

/* -- the page --------------------------------------------------------------------------------- */

static void
append_system(GString *page)
{
    g_autofree char *name = g_get_os_info(G_OS_INFO_KEY_PRETTY_NAME);
    struct utsname kernel = {0};

    (void)uname(&kernel);
    g_string_append_printf(page, "Privy Seal " SEAL_VERSION ", doctor's report\n%s, %s %s %s\n",
                           name ? name : "unknown system", kernel.sysname, kernel.release,
                           kernel.machine);
}

static void
append_finding(GString *page, const SealExam *exam, const GPtrArray *list,
               const SealFinding *finding)
{
    g_autofree char *sentence = redact(exam, list, finding->sentence);
    g_autofree char *command = finding->command ? redact(exam, list, finding->command) : NULL;

    g_string_append_printf(page, "%-8s %s: %s: %s\n", seal_health_word(finding->health),
                           finding->group, finding->name, sentence);
    if (command)
        g_string_append_printf(page, "         try: %s\n", command);
}

char *
seal_exam_to_report(const SealExam *exam)
{
    g_autoptr(GPtrArray) list = collect_private(exam);
    g_autofree char *sum_up = seal_exam_sum_up(exam);
    g_autofree char *sum = redact(exam, list, sum_up);
    GString *page = g_string_new(NULL);

    append_system(page);
    g_string_append_printf(page, "%s\n\n", sum);
    for (guint i = 0; i < exam->findings->len; i++)
        append_finding(page, exam, list, exam->findings->pdata[i]);
    g_string_append_printf(
        page,
        "\nleft out: %u labels, serial numbers, names and mail addresses of "
        "tokens, keys and\ncertificates ([hidden NUMBER], the same number for the "
        "same text); the home folder (~), the\nnames of user and machine ([user], "
        "[host]); other mail addresses and long numbers ([hidden])\n",
        exam->hidden->len);
    return g_string_free(page, FALSE);
}
