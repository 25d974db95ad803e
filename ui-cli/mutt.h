/* What mutt and neomutt run to sign, encrypt, open and verify: the actions of `privyseal mutt`.
 * Each is a command of ui-cli/privyseal.muttrc. mutt takes what an action writes to standard output
 * as the result and shows standard error to its user; on a successful signature or encryption any
 * word on standard error would make it stop and wait for a key. */
#pragma once

#include "ui-cli/options.h"
#include "ui-cli/reach.h"

typedef struct {
    const char *name;
    const char *usage;          /* after the name */
    const char *const *options; /* names of the options it takes, ends with NULL */
    guint files_min, files_max; /* words after its name */
    /* As SealCommand's run(); `files`: (element-type utf8) the words after its name. */
    int (*run)(SealOptions *options, const GPtrArray *files, GError **error);
} SealMuttAction;

/* Their rows (ui-cli/cmd-mutt.c). */
int seal_mutt_sign(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_encrypt(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_open(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_verify(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_signer(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_addresses(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_pk7out(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_certificates(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_import(SealOptions *options, const GPtrArray *files, GError **error);
int seal_mutt_index(SealOptions *options, const GPtrArray *files, GError **error);
