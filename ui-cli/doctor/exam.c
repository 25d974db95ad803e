/* The findings of a doctor's visit. Whatever of a sentence is the person's own (a label, a serial
 * number, an address, a path) stands between marks, so that the report for strangers leaves it out
 * by construction, not by guessing. Control characters are never shown, so marks cannot be forged:
 * they are taken out of a text before it is marked. */
#include "ui-cli/doctor/exam.h"

#include <string.h>

#include "ui-cli/terminal.h"

/* A certificate may call itself by a book. */
#define SHOW_COLUMNS 500u

static const char marks[] = {SEAL_EXAM_HIDE, SEAL_EXAM_HIDE_END, '\0'};

const char *
seal_health_word(SealHealth health)
{
    static const char *const words[] = {
        [SEAL_HEALTH_GOOD] = "pass",
        [SEAL_HEALTH_UNKNOWN] = "unknown",
        [SEAL_HEALTH_WORRY] = "warning",
        [SEAL_HEALTH_BAD] = "fail",
    };

    return words[health];
}

static void
finding_free(gpointer data)
{
    SealFinding *finding = data;

    g_free(finding->sentence);
    g_free(finding->command);
    g_free(finding);
}

SealExam *
seal_exam_new(void)
{
    SealExam *exam = g_new0(SealExam, 1);

    exam->findings = g_ptr_array_new_with_free_func(finding_free);
    exam->hidden = g_ptr_array_new_with_free_func(g_free);
    exam->marked = g_ptr_array_new_with_free_func(g_free);
    return exam;
}

void
seal_exam_free(SealExam *exam)
{
    if (!exam)
        return;
    g_ptr_array_unref(exam->findings);
    g_ptr_array_unref(exam->hidden);
    g_ptr_array_unref(exam->marked);
    g_clear_pointer(&exam->settings, g_ptr_array_unref);
    seal_reach_free(exam->reach);
    g_free(exam);
}

void
seal_exam_note(SealExam *exam, const char *name, SealHealth health, const char *command,
               const char *format, ...)
{
    SealFinding *finding = g_new0(SealFinding, 1);
    va_list arguments;

    va_start(arguments, format);
    finding->sentence = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    finding->group = exam->group;
    finding->name = name;
    finding->health = health;
    finding->command = g_strdup(command);
    g_ptr_array_add(exam->findings, finding);
}

void
seal_exam_remember_private(SealExam *exam, const char *text)
{
    if (text && *text && !g_ptr_array_find_with_equal_func(exam->hidden, text, g_str_equal, NULL))
        g_ptr_array_add(exam->hidden, g_strdup(text));
}

guint
seal_exam_number_of(const SealExam *exam, const char *text, gsize len)
{
    for (guint i = 0; i < exam->hidden->len; i++) {
        const char *hidden = exam->hidden->pdata[i];

        if (strlen(hidden) == len && memcmp(hidden, text, len) == 0)
            return i + 1;
    }
    return 0;
}

const char *
seal_exam_hide(SealExam *exam, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
    g_autofree char *shown = seal_text_cut(valid, SHOW_COLUMNS);
    char *marked = NULL;

    g_strdelimit(shown, marks, ' ');
    seal_exam_remember_private(exam, shown);
    seal_exam_remember_private(exam, text);
    marked = g_strdup_printf("%c%s%c", SEAL_EXAM_HIDE, shown, SEAL_EXAM_HIDE_END);
    g_ptr_array_add(exam->marked, marked);
    return marked;
}

SealHealth
seal_exam_worst(const SealExam *exam)
{
    SealHealth worst = SEAL_HEALTH_GOOD;

    for (guint i = 0; i < exam->findings->len; i++) {
        const SealFinding *finding = exam->findings->pdata[i];

        worst = MAX(worst, finding->health);
    }
    return worst;
}

guint
seal_exam_count(const SealExam *exam, SealHealth health)
{
    guint count = 0;

    for (guint i = 0; i < exam->findings->len; i++) {
        const SealFinding *finding = exam->findings->pdata[i];

        count += finding->health == health;
    }
    return count;
}

char *
seal_exam_show(const char *text)
{
    g_auto(GStrv) parts = g_strsplit_set(text, marks, -1);
    g_autofree char *joined = g_strjoinv("", parts);

    return seal_text_clean_utf8(joined);
}
