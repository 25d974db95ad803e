/* What `privyseal doctor` found, one line each, and what the examinations share. */
#pragma once

#include <glib.h>

#include "ui-cli/reach.h"

/* From good to bad. */
typedef enum {
    SEAL_HEALTH_GOOD,
    SEAL_HEALTH_UNKNOWN, /* it could not be found out */
    SEAL_HEALTH_WORRY,   /* works, but somebody should look at it */
    SEAL_HEALTH_BAD,     /* keys cannot be used before it is mended */
} SealHealth;

/* "pass", "unknown", "warning", "fail". Static. */
const char *seal_health_word(SealHealth health);

typedef struct {
    const char *group; /* static: "Agent" */
    const char *name;  /* static: "session bus" */
    SealHealth health;
    char *sentence;
    char *command; /* (nullable) what mends it, for a shell */
} SealFinding;

typedef struct {
    const char *group;   /* of the findings to come; static */
    GPtrArray *findings; /* of SealFinding */
    GPtrArray *hidden;   /* utf8: private texts, each once */
    GPtrArray *marked;   /* utf8: what seal_exam_hide() gave out */

    GPtrArray *settings; /* (nullable) of SealSetting: what is in force for the agent */
    SealReach *reach;    /* (nullable) */
    const SealClientObjects *objects; /* (nullable) what the agent knows; borrowed from reach */
    guint cards;                      /* that lie in readers */
} SealExam;

/* Returns one without findings (transfer full). */
SealExam *seal_exam_new(void);
void seal_exam_free(SealExam *exam);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealExam, seal_exam_free)

/* Adds a finding. `command` (nullable) is copied. `format` gives the sentence: lower-case start, no
 * full stop. */
void seal_exam_note(SealExam *exam, const char *name, SealHealth health, const char *command,
                    const char *format, ...) G_GNUC_PRINTF(5, 6);

/* `text` between marks, for a sentence or a command: shown to the person, replaced in a report. It
 * also goes from wherever else it stands in a report. Borrowed from `exam`. */
const char *seal_exam_hide(SealExam *exam, const char *text);
/* Only the latter. */
void seal_exam_remember_private(SealExam *exam, const char *text);

/* The number, from 1, of what was hidden as these `len` bytes; 0 if nothing was. */
guint seal_exam_number_of(const SealExam *exam, const char *text, gsize len);

/* The worst finding. */
SealHealth seal_exam_worst(const SealExam *exam);
/* Returns how many are of this health. */
guint seal_exam_count(const SealExam *exam, SealHealth health);

/* Returns (transfer full) `text` without the marks, as it may be shown: cleaned, in UTF-8. */
char *seal_exam_show(const char *text);

/* What seal_exam_hide() puts around a text. */
#define SEAL_EXAM_HIDE     '\002'
#define SEAL_EXAM_HIDE_END '\003'
