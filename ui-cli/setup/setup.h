/* One run of `privyseal setup`: a target plans what is to change, the person sees it, it is done.
 */
#pragma once

#include "base/error.h"
#include "ui-cli/options.h"
#include "ui-cli/setup/edit.h"
#include "ui-cli/setup/record.h"

typedef struct SealSetup SealSetup;

/* A program that can be set up: a row of a table. */
typedef struct {
    const char *name;           /* on the command line: "openssh" */
    const char *program;        /* in sentences: "OpenSSH" */
    const char *const *options; /* which options it takes beside those of all; ends with NULL */
    /* Opens the files it needs (seal_setup_open), and gives them their new text. FALSE with an
     * error where the program is not there, or a file is not what it should be. */
    gboolean (*plan)(SealSetup *setup, GError **error);
    /* Opens the file at `path`, which was set up earlier, and takes out what was put in. */
    gboolean (*take_back)(SealSetup *setup, const char *path, GError **error);
    /* What to do with it, as lines for the terminal, each ended. (transfer full) */
    char *(*explain)(SealSetup *setup);
} SealSetupTarget;

/* A run for `target` with the command's options (both borrowed). (transfer full), or NULL with an
 * error if the record of earlier runs cannot be read. */
SealSetup *seal_setup_new(const SealSetupTarget *target, SealOptions *options, GError **error);
void seal_setup_free(SealSetup *setup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSetup, seal_setup_free)

/* -- for the command --------------------------------------------------------------- */

/* Plans the change, or with --undo its taking back. FALSE with an error; nothing was changed. */
gboolean seal_setup_plan(SealSetup *setup, GError **error);
/* TRUE if --undo was given and nothing is recorded that it could take back. */
gboolean seal_setup_has_nothing_recorded(const SealSetup *setup);
/* TRUE if some file would change. */
gboolean seal_setup_has_change(const SealSetup *setup);
/* The planned changes as unified diffs, and what the person should know of them. (transfer full) */
char *seal_setup_describe(const SealSetup *setup);
char *seal_setup_describe_notes(const SealSetup *setup);
/* Does what was planned, file by file. FALSE with an error: what was done until then is recorded,
 * and the same command goes on from there. */
gboolean seal_setup_apply(SealSetup *setup, GError **error);

/* -- for the targets --------------------------------------------------------------- */

/* Sets an error that begins with what could not be done. Returns FALSE. */
gboolean seal_setup_fail(const SealSetup *setup, GError **error, SealErrorCode code,
                         const char *format, ...) G_GNUC_PRINTF(4, 5);
/* A sentence for the person, shown with the changes. */
void seal_setup_note(SealSetup *setup, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The value of an option; NULL if it was not given. */
const char *seal_setup_option(const SealSetup *setup, const char *name);
/* The path of privyseal-pkcs11.so as it may stand in any of the files (borrowed). NULL with an
 * error: it is not there, or has characters that some files cannot carry. */
const char *seal_setup_module(SealSetup *setup, GError **error);
/* FALSE with an error if `path` holds more than letters, digits and marks that no configuration
 * file minds. */
gboolean seal_setup_check_path(const SealSetup *setup, const char *path, GError **error);

/* Reads the file at `path` for a change. (borrowed), or NULL with an error. */
SealEdit *seal_setup_open(SealSetup *setup, const char *path, GError **error);
/* What to remember of a file that is to change, and what is remembered of it (transfer full). */
void seal_setup_remember(SealSetup *setup, const SealEdit *edit, const char *key,
                         const char *value);
char *seal_setup_recall(const SealSetup *setup, const char *path, const char *key);

/* FALSE with an error if others wrote the file: for files that are all ours. */
gboolean seal_setup_check_own(const SealSetup *setup, const SealEdit *edit, GError **error);
/* The file without the marked block of this target (transfer full). NULL with an error. */
char *seal_setup_text_of_others(const SealSetup *setup, const SealEdit *edit, GError **error);
/* Puts `body` as the marked block into the file. FALSE with an error. */
gboolean seal_setup_put_block(SealSetup *setup, SealEdit *edit, const char *body, GError **error);
/* The take_back() of targets that put blocks. */
gboolean seal_setup_take_back_block(SealSetup *setup, const char *path, GError **error);

/* The path of `name` in the user's configuration folder of Privy Seal (transfer full). */
char *seal_setup_own_file(const char *name);
