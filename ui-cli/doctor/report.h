/* The findings for somebody else: a support desk. */
#pragma once

#include "ui-cli/doctor/exam.h"

/* Returns (transfer full) the findings as text, with the versions of Privy Seal and the system, and
 * without what is the person's own: whatever was hidden (exam.h) or is known to be private,
 * wherever it stands; the home folder, the names of user, person and machine; mail addresses and
 * long numbers. Its last lines say what was left out. */
char *seal_exam_to_report(const SealExam *exam);
