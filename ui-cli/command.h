/* What every command is: a row of a table. */
#pragma once

#include "ui-cli/options.h"

typedef struct {
    const char *name;
    const char *usage;         /* after the name: "[--key KEY] [MAIL]" */
    const char *summary;       /* one line for the list of commands */
    const char *description;   /* paragraphs for its help, wrapped by hand at 78 columns */
    const SealOption *options; /* ends with a NULL name */
    const char *examples;      /* lines, each indented by two blanks */
    const char *statuses;      /* (nullable) what its exit statuses mean beyond the general table */
    guint operands_min, operands_max;
    /* Returns the exit status; or, with `error` set, leaves it to the error. */
    int (*run)(SealOptions *options, GError **error);
} SealCommand;

extern const SealCommand seal_command_decrypt;
extern const SealCommand seal_command_doctor;
extern const SealCommand seal_command_encrypt;
extern const SealCommand seal_command_git;
extern const SealCommand seal_command_grants;
extern const SealCommand seal_command_list;
extern const SealCommand seal_command_mutt;
extern const SealCommand seal_command_open;
extern const SealCommand seal_command_pin;
extern const SealCommand seal_command_recipients;
extern const SealCommand seal_command_setup;
extern const SealCommand seal_command_sign;
extern const SealCommand seal_command_verify;
extern const SealCommand seal_command_trust;
extern const SealCommand seal_command_unlock;
extern const SealCommand seal_command_lock;
