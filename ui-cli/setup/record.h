/* What `privyseal setup` changed for one program, so that it can be taken back: a key file at
 * $XDG_STATE_HOME/privyseal/setup/PROGRAM. */
#pragma once

#include <glib.h>

typedef struct SealRecord SealRecord;

/* The record of `program` ("openssh"), empty if it was never set up. (transfer full), or NULL with
 * an error that names the file. Blocks. */
SealRecord *seal_record_read(const char *program, GError **error);
void seal_record_free(SealRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealRecord, seal_record_free)

/* The files that were changed (transfer full, NULL-terminated). */
char **seal_record_paths(const SealRecord *record);
/* Forgets the file at `path`. */
void seal_record_forget(SealRecord *record, const char *path);

/* What is remembered of the file at `path` under `key`; NULL: nothing. (transfer full) */
char *seal_record_get(const SealRecord *record, const char *path, const char *key);
/* Remembers `value`, or with NULL nothing more, under `key`. */
void seal_record_set(SealRecord *record, const char *path, const char *key, const char *value);

/* The outermost folder above `path` that the record of any program holds under `key`, or NULL.
 * (transfer full) Records that cannot be read count for nothing. Blocks. */
char *seal_record_find_folder(const char *key, const char *path);

/* Writes it; without files in it, removes it with the folders that are empty then. FALSE with an
 * error. Blocks. */
gboolean seal_record_save(SealRecord *record, GError **error);
