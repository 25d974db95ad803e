/* privyseal doctor: why it does not work, and what to do. It looks and asks; it changes nothing,
 * opens no token, and waits for nothing longer than some seconds. */
#include "ui-cli/command.h"

#include <stdio.h>
#include <string.h>

#include "ui-cli/doctor/examine.h"
#include "ui-cli/doctor/report.h"
#include "ui-cli/doctor/show.h"
#include "ui-cli/files.h"
#include "ui-cli/status.h"
#include "ui-cli/stop.h"

static const SealOption options_table[] = {
    {.name = "json", .help = "print JSON instead of text"},
    {.name = "report",
     .argument = "FILE",
     .help = "also write a report for a support desk, without labels, names,\n"
             "addresses and serial numbers; -: print it instead"},
    {0},
};

static void (*const examinations[])(SealExam *exam) = {
    seal_examine_configuration, seal_examine_agent,  seal_examine_modules,
    seal_examine_readers,       seal_examine_rivals, seal_examine_tokens,
    seal_examine_keys,          seal_examine_trust,  seal_examine_prompter,
};

/* `is_shown`: each finding as soon as there is one, since the next may take seconds. */
static gboolean
examine_all(SealExam *exam, gboolean is_shown, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(examinations); i++) {
        guint first = exam->findings->len;

        examinations[i](exam);
        if (!seal_stop_check(error))
            return FALSE;
        if (is_shown)
            seal_exam_print_from(exam, first);
    }
    return TRUE;
}

static gboolean
write_report(const SealExam *exam, const char *path, GError **error)
{
    g_autofree char *report = seal_exam_to_report(exam);
    gsize len = strlen(report);
    g_autoptr(GBytes) bytes = g_bytes_new_take(g_steal_pointer(&report), len);

    return seal_output_write(path, bytes, error);
}

static int
status_of(SealHealth worst)
{
    static const SealStatus statuses[] = {
        [SEAL_HEALTH_GOOD] = SEAL_STATUS_DONE,
        [SEAL_HEALTH_UNKNOWN] = SEAL_STATUS_NOT_GOOD,
        [SEAL_HEALTH_WORRY] = SEAL_STATUS_NOT_GOOD,
        [SEAL_HEALTH_BAD] = SEAL_STATUS_MISSING,
    };

    return (int)statuses[worst];
}

static int
run_doctor(SealOptions *options, GError **error)
{
    const char *report = seal_options_value(options, "report");
    gboolean is_json = seal_options_has(options, "json");
    gboolean is_text = !is_json && g_strcmp0(report, "-") != 0;
    g_autoptr(SealExam) exam = seal_exam_new();

    if (is_json && g_strcmp0(report, "-") == 0) {
        seal_usage_error_set(error, "doctor",
                             "--json and --report - would print two things at once");
        return SEAL_STATUS_USAGE;
    }
    if (!examine_all(exam, is_text, error))
        return SEAL_STATUS_REFUSED;
    if (is_text) {
        seal_exam_print_sum(exam);
    } else if (is_json) {
        g_autofree char *json = seal_exam_to_json(exam);

        fputs(json, stdout);
    }
    if (report && !write_report(exam, report, error))
        return SEAL_STATUS_IO;
    if (report && is_text)
        printf("the report is in '%s': read it before you send it\n", report);
    return status_of(seal_exam_worst(exam));
}

const SealCommand seal_command_doctor = {
    .name = "doctor",
    .usage = "[--json] [--report FILE]",
    .summary = "find out why something does not work, and what to do",
    .description =
        "Looks at all that must work together, one line each: the configuration, the session bus,\n"
        "the agent, the PKCS#11 modules and their packages, readers, pcscd and whether this "
        "session\n"
        "may use it, programs that use cards beside the agent, tokens and the tries of their "
        "PINs,\n"
        "keys, certificates, trust, and the program that asks for PINs. Below what failed stands "
        "the\n"
        "command that mends it. Changes nothing, asks for no PIN and waits for nobody: what hangs "
        "is\n"
        "a finding. The agent is started if it does not run.\n\n"
        "The report leaves out labels, serial numbers, names, mail addresses and the home folder, "
        "and\n"
        "says so at its end.",
    .options = options_table,
    .examples = "  privyseal doctor\n"
                "  privyseal doctor --report report.txt\n"
                "  privyseal doctor --json | jq -r '.checks[] | select(.result == \"fail\") | "
                ".command'\n",
    .statuses = "  0  all is well\n"
                "  1  warnings, or something could not be found out\n"
                "  2  wrong use of the command\n"
                "  3  something failed: keys cannot be used before it is mended\n"
                "  4  Ctrl-C\n"
                "  5  the report cannot be written\n",
    .run = run_doctor,
};
