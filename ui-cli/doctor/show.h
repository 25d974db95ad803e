/* The findings as text and as JSON. */
#pragma once

#include "ui-cli/doctor/exam.h"

/* Prints the findings from number `first` on stdout, below their groups. */
void seal_exam_print_from(const SealExam *exam, guint first);

/* Returns (transfer full) one line: how many failed, and what to do first. */
char *seal_exam_sum_up(const SealExam *exam);

/* {"version": V, "result": the worst, "checks": [{"group", "name", "result": "pass", "unknown",
 * "warning" or "fail", "sentence", "command": a text or null}]}. A promise to programs: names are
 * added, never changed. (transfer full), with a final newline. */
char *seal_exam_to_json(const SealExam *exam);
