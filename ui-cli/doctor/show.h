/* The findings as text and as JSON. */
#pragma once

#include "ui-cli/doctor/exam.h"

/* Prints the findings from number `first` on stdout, below their groups. */
void seal_exam_print_from(const SealExam *exam, guint first);

/* Returns (transfer full) one line: how many failed, and the command to begin with, which may have
 * marks (exam.h). */
char *seal_exam_sum_up(const SealExam *exam);
/* Prints it on stdout, after an empty line. */
void seal_exam_print_sum(const SealExam *exam);

/* {"version": V, "result": the worst, "checks": [{"group", "name", "result": "pass", "unknown",
 * "warning" or "fail", "sentence", "command": a text or null}]}. A promise to programs: names are
 * added, never changed. (transfer full), with a final newline. */
char *seal_exam_to_json(const SealExam *exam);
