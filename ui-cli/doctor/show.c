/* Findings for a person at a terminal, group by group as they are found; and for programs. */
#include "ui-cli/doctor/show.h"

#include <config.h>
#include <stdio.h>

#include "ui-cli/json.h"
#include "ui-cli/terminal.h"

#define RESULT_COLUMNS 9
#define NAME_COLUMNS   15

static SealColour
colour_of(SealHealth health)
{
    static const SealColour colours[] = {
        [SEAL_HEALTH_GOOD] = SEAL_COLOUR_GREEN,
        [SEAL_HEALTH_UNKNOWN] = SEAL_COLOUR_YELLOW,
        [SEAL_HEALTH_WORRY] = SEAL_COLOUR_YELLOW,
        [SEAL_HEALTH_BAD] = SEAL_COLOUR_RED,
    };

    return colours[health];
}

/* Prints `text` behind what is printed already, broken at blanks and set in. */
static void
print_wrapped(const char *text, guint indent)
{
    guint width = seal_terminal_width(stdout);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    guint column = indent;

    for (char **word = words; *word; word++) {
        guint len = seal_text_width(*word);

        if (width > indent + 20 && column > indent && column + 1 + len > width) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        }
        column += (guint)printf("%s", column > indent ? " " : "") + len;
        fputs(*word, stdout);
    }
    putchar('\n');
}

static void
print_finding(const SealFinding *finding)
{
    g_autofree char *sentence = seal_exam_show(finding->sentence);
    g_autofree char *clean = seal_text_clean(sentence);
    g_autofree char *result =
        g_strdup_printf("%-*s", RESULT_COLUMNS, seal_health_word(finding->health));

    printf("  ");
    seal_terminal_put(stdout, colour_of(finding->health), result);
    printf("%-*s ", NAME_COLUMNS, finding->name);
    print_wrapped(clean, 2 + RESULT_COLUMNS + NAME_COLUMNS + 1);
    if (finding->command) {
        g_autofree char *command = seal_exam_show(finding->command);
        g_autofree char *clean_command = seal_text_clean(command);

        printf("%*s", 2 + RESULT_COLUMNS + NAME_COLUMNS + 1, "");
        seal_terminal_put(stdout, SEAL_COLOUR_BOLD, "try: ");
        seal_terminal_put(stdout, SEAL_COLOUR_BOLD, clean_command);
        putchar('\n');
    }
}

void
seal_exam_print_from(const SealExam *exam, guint first)
{
    const char *group =
        first > 0 ? ((const SealFinding *)exam->findings->pdata[first - 1])->group : NULL;

    for (guint i = first; i < exam->findings->len; i++) {
        const SealFinding *finding = exam->findings->pdata[i];

        if (g_strcmp0(group, finding->group) != 0) {
            seal_terminal_put(stdout, SEAL_COLOUR_BOLD, finding->group);
            putchar('\n');
        }
        group = finding->group;
        print_finding(finding);
    }
    fflush(stdout);
}

static void
append_count(GString *sum, guint count, const char *one, const char *many)
{
    if (count > 0)
        g_string_append_printf(sum, "%s%u %s", sum->len > 0 ? ", " : "", count,
                               count == 1 ? one : many);
}

/* Of the first that failed, or else the first that worries. (nullable) */
static const char *
first_command(const SealExam *exam)
{
    SealHealth worst = seal_exam_worst(exam);

    for (guint i = 0; i < exam->findings->len; i++) {
        const SealFinding *finding = exam->findings->pdata[i];

        if (finding->health == worst && worst != SEAL_HEALTH_GOOD && finding->command)
            return finding->command;
    }
    return NULL;
}

char *
seal_exam_sum_up(const SealExam *exam)
{
    GString *sum = g_string_new(NULL);
    const char *command = first_command(exam);

    append_count(sum, seal_exam_count(exam, SEAL_HEALTH_BAD), "failed", "failed");
    append_count(sum, seal_exam_count(exam, SEAL_HEALTH_WORRY), "warning", "warnings");
    append_count(sum, seal_exam_count(exam, SEAL_HEALTH_UNKNOWN), "unknown", "unknown");
    if (sum->len == 0)
        g_string_append(sum, "all is well");
    if (command)
        g_string_append_printf(sum, "; first: %s", command);
    return g_string_free(sum, FALSE);
}

void
seal_exam_print_sum(const SealExam *exam)
{
    g_autofree char *sum = seal_exam_sum_up(exam);
    g_autofree char *shown = seal_exam_show(sum);
    g_autofree char *clean = seal_text_clean(shown);

    putchar('\n');
    seal_terminal_put(stdout, colour_of(seal_exam_worst(exam)), clean);
    putchar('\n');
}

static void
put_finding(JsonBuilder *json, const SealFinding *finding)
{
    g_autofree char *sentence = seal_exam_show(finding->sentence);
    g_autofree char *command = finding->command ? seal_exam_show(finding->command) : NULL;

    json_builder_begin_object(json);
    seal_json_put_text(json, "group", finding->group);
    seal_json_put_text(json, "name", finding->name);
    seal_json_put_text(json, "result", seal_health_word(finding->health));
    seal_json_put_text(json, "sentence", sentence);
    json_builder_set_member_name(json, "command");
    if (command)
        json_builder_add_string_value(json, command);
    else
        json_builder_add_null_value(json);
    json_builder_end_object(json);
}

char *
seal_exam_to_json(const SealExam *exam)
{
    g_autoptr(JsonBuilder) json = json_builder_new();

    json_builder_begin_object(json);
    seal_json_put_text(json, "version", SEAL_VERSION);
    seal_json_put_text(json, "result", seal_health_word(seal_exam_worst(exam)));
    json_builder_set_member_name(json, "checks");
    json_builder_begin_array(json);
    for (guint i = 0; i < exam->findings->len; i++)
        put_finding(json, exam->findings->pdata[i]);
    json_builder_end_array(json);
    json_builder_end_object(json);
    return seal_json_print(json);
}
