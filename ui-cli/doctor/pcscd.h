/* The service that serves smart-card readers. */
#pragma once

#include "ui-cli/doctor/exam.h"

/* Adds what there is to find of pcscd and of who may use it. Returns (transfer full) the lines of
 * seal_pcsc_ask() with its readers; NULL if it could not be asked. Blocks for some seconds at the
 * most. */
char *seal_examine_pcscd(SealExam *exam);

/* How bad it is if cards cannot be reached: less where a token is here all the same. */
SealHealth seal_exam_reader_severity(const SealExam *exam);
