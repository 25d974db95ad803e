/* From a mail to its report and content.
 *
 * The rule for output: content goes out only if the report is good, whole, and after the report. So
 * a pipe behind `decrypt` or `open` never sees a byte of a mail that was refused. */
#include "ui-cli/opening.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "smime/sign.h"
#include "ui-cli/agent-unwrapper.h"
#include "ui-cli/files.h"
#include "ui-cli/harvest.h"
#include "ui-cli/opening-many.h"
#include "ui-cli/status.h"
#include "ui-cli/stop.h"
#include "ui-cli/terminal.h"
#include "ui-cli/trust-options.h"

/* Mails for which lanes pay off, each of which costs what some three operations cost. */
#define MANY 5

static const SealColour colours[] = {
    [SEAL_LINE_PLAIN] = SEAL_COLOUR_NONE,
    [SEAL_LINE_GOOD] = SEAL_COLOUR_GREEN,
    [SEAL_LINE_WARNING] = SEAL_COLOUR_YELLOW,
    [SEAL_LINE_BAD] = SEAL_COLOUR_RED,
};

void
seal_opening_print_line(FILE *stream, const SealReportLine *line)
{
    g_autofree char *text = seal_text_clean(line->text);

    fprintf(stream, "%*s%s%s", (int)(2 * line->indent), "", line->label ? line->label : "",
            line->label ? ": " : "");
    seal_terminal_put(stream, colours[line->mood], text);
    fprintf(stream, "\n");
}

void
seal_opening_print_page(FILE *stream, const SealReport *report, guint first)
{
    g_autoptr(GPtrArray) lines = seal_report_lines(report);

    for (guint i = first; i < lines->len; i++)
        seal_opening_print_line(stream, lines->pdata[i]);
}

static void
print_report(const SealOpening *opening, const SealOptions *options, const SealReport *report)
{
    gboolean json = seal_options_has(options, "json");
    const char *output = seal_options_value(options, "output");
    /* Where the content does not go: a JSON report on stdout only beside --output FILE. */
    gboolean content_on_stdout = !opening->report_first && (!output || g_str_equal(output, "-"));
    FILE *stream = opening->report_first || (json && !content_on_stdout) ? stdout : stderr;

    if (json) {
        g_autofree char *text = seal_report_to_json(report);

        fprintf(stream, "%s\n", text);
    } else {
        seal_opening_print_page(stream, report, 0);
    }
    fflush(stream);
}

static gboolean
write_content(const SealOpening *opening, const SealOptions *options, const SealReport *report,
              GBytes *content, GError **error)
{
    const char *output = seal_options_value(options, "output");

    if (!report->good || !content || (opening->report_first && !output))
        return TRUE;
    return seal_output_write(output, content, error);
}

/* Ctrl-C in a prompt is a person's refusal to the mail library, but to us the end of the command.
 */
int
seal_opening_status(const SealReport *report, GError **error)
{
    if (!seal_stop_check(error))
        return SEAL_STATUS_REFUSED;
    return report->good                              ? SEAL_STATUS_DONE
           : report->verdict == SEAL_VERDICT_REFUSED ? SEAL_STATUS_REFUSED
                                                     : SEAL_STATUS_NOT_GOOD;
}

static gboolean
check_options(const SealOpening *opening, const SealOptions *options, GError **error)
{
    const char *from = seal_options_value(options, "from");
    const char *output = seal_options_value(options, "output");

    if (from && !strchr(from, '@')) {
        seal_usage_error_set(error, opening->command, "--from needs a mail address, '%s' is none",
                             from);
        return FALSE;
    }
    if (opening->report_first && output && g_str_equal(output, "-")) {
        seal_usage_error_set(error, opening->command,
                             "--output needs a file here: standard output carries the report");
        return FALSE;
    }
    return seal_opening_check_many(opening, options, error);
}

/* The one mail that the first operand names. */
static int
run_one(const SealOpening *opening, SealOptions *options, const SealOpenOptions *how,
        GError **error)
{
    const GPtrArray *operands = seal_options_operands(options);
    g_autoptr(GBytes) mail = NULL;
    g_autoptr(SealReport) report = NULL;
    g_autoptr(GBytes) content = NULL;

    mail = seal_input_read(operands->len > 0 ? operands->pdata[0] : NULL, SEAL_MAIL_MAX, error);
    if (!mail)
        return SEAL_STATUS_IO;
    if (!seal_mail_open(mail, how, &report, &content, error) || !seal_stop_check(error))
        return SEAL_STATUS_IO;
    if (opening->harvests && !seal_options_has(options, "no-harvest"))
        seal_harvest(report, how->trust);
    print_report(opening, options, report);
    if (!write_content(opening, options, report, content, error))
        return SEAL_STATUS_IO;
    return seal_opening_status(report, error);
}

int
seal_opening_run(const SealOpening *opening, SealOptions *options, GError **error)
{
    g_autoptr(SealTrust) trust = NULL;
    g_autoptr(SealAgentUnwrapper) unwrapper = seal_agent_unwrapper_new();
    SealOpenOptions how = {.mode = opening->mode, .from = seal_options_value(options, "from")};

    if (!check_options(opening, options, error))
        return SEAL_STATUS_USAGE;
    trust = seal_trust_from_options(options, opening->command, error);
    if (!trust)
        return SEAL_STATUS_IO;
    how.trust = trust;
    if (opening->mode != SEAL_OPEN_VERIFY)
        how.unwrapper = seal_agent_unwrapper_peek(unwrapper);
    if (seal_options_operands(options)->len >= MANY)
        seal_agent_unwrapper_expect_many(unwrapper);
    return seal_options_has(options, "into") ? seal_opening_run_many(opening, options, &how, error)
                                             : run_one(opening, options, &how, error);
}
