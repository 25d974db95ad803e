/* One file of the user's that is to change: what it holds now and what it shall hold. */
#pragma once

#include <glib.h>

typedef struct {
    char *path;      /* as people name it */
    char *real_path; /* where its bytes lie: symbolic links followed */
    char *before;    /* its text; NULL: there is no such file */
    char *after;     /* what it shall hold; NULL: it goes. At first the same as before */
    int mode;        /* of the file, which is kept; a new one is readable by its owner alone */
} SealEdit;

/* Reads the file at `path`, which need not exist. (transfer full), or NULL with an error that names
 * it: a link to nothing, no regular file, another user's, larger than 1 MiB, not text. Blocks. */
SealEdit *seal_edit_open(const char *path, GError **error);
void seal_edit_free(SealEdit *edit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealEdit, seal_edit_free)

/* Takes `after` (transfer full, nullable) as what the file shall hold. */
void seal_edit_take(SealEdit *edit, char *after);
/* TRUE if there is something to do. */
gboolean seal_edit_has_change(const SealEdit *edit);

/* The outermost folder that has to be made for the file; NULL if none. (transfer full) */
char *seal_edit_missing_folder(const SealEdit *edit);

/* Does it: the file is replaced whole, or removed; its folder is made (0700) where it is missing.
 * FALSE with an error, and the file as it was; BUSY if it is not what was read. Blocks. */
gboolean seal_edit_apply(const SealEdit *edit, GError **error);
