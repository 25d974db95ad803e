/* What verify, decrypt and open share: they ask different questions about a mail and treat the
 * answer alike. */
#pragma once

#include <stdio.h>

#include "smime/open.h"
#include "ui-cli/options.h"

typedef struct {
    const char *command;
    SealOpenMode mode;
    gboolean report_first; /* verify: the report is the result, on stdout; else the content is, and
                            * the report goes to stderr */
    gboolean harvests;     /* keeps what a good mail teaches, unless there is --no-harvest */
} SealOpening;

/* Reads the mail that the first operand names, opens it, prints the report and, if it is good,
 * writes the content; with --into, every operand's (opening-many.h). Returns the exit status, or sets `error`. Blocks; may prompt. */
int seal_opening_run(const SealOpening *opening, SealOptions *options, GError **error);

/* Prints the page for people from line `first` (0: all of it) on, with colours where `stream` has
 * them. */
void seal_opening_print_page(FILE *stream, const SealReport *report, guint first);

/* Prints one line of it. */
void seal_opening_print_line(FILE *stream, const SealReportLine *line);

/* The exit status that goes with a report; CANCELLED after Ctrl-C. */
int seal_opening_status(const SealReport *report, GError **error);
