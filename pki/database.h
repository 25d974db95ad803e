/* The user's database of certificates, a SQLite file: whom mail was written to, and which
 * certificates were one's own. Its tables have a file each: pki/correspondents.h, pki/own.h. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

typedef struct SealDatabase SealDatabase;

/* Returns (transfer full) $XDG_DATA_HOME/privyseal/recipients.db. */
char *seal_database_user_path(void);

/* Opens the database at `path`, making it (0600) and its folder (0700) if need be, and bringing an
 * older one up to date. Returns (transfer full); NULL with INVALID_INPUT if it is damaged or no
 * database of ours, NOT_SUPPORTED if a newer version wrote it, NOT_PERMITTED if it is another
 * user's, BUSY if others hold it for more than 5 s, G_FILE_ERROR or FAILED for what the system
 * says. Blocks on the disk. */
SealDatabase *seal_database_open(const char *path, GError **error);
/* NULL is allowed. */
void seal_database_free(SealDatabase *database);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealDatabase, seal_database_free)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/* For the files of the tables; each blocks on the disk and fails with the errors above.
 *
 * Returns (transfer full) a query; `types` has a letter for each value that follows and takes the
 * place of a `?`: t (const char *, nullable), b (GBytes *, nullable), i (gint64). NULL with an
 * error. */
sqlite3_stmt *seal_database_query(SealDatabase *database, GError **error, const char *sql,
                                  const char *types, ...);
/* Steps to the next row. FALSE at the end, or with an error. */
gboolean seal_database_next(SealDatabase *database, sqlite3_stmt *query, GError **error);
/* Runs what gives no rows, with values as above. */
gboolean seal_database_run(SealDatabase *database, GError **error, const char *sql,
                           const char *types, ...);
/* How many rows the last one changed. */
guint seal_database_changes(const SealDatabase *database);

/* Starts a transaction that no other process can come between. End it in any case. */
gboolean seal_database_begin(SealDatabase *database, GError **error);
/* Commits it if `well`, else takes all of it back. Returns `well`, or FALSE with an error if it
 * cannot be committed; nothing is changed then. */
gboolean seal_database_end(SealDatabase *database, gboolean well, GError **error);

/* A column of the current row, copied (transfer full): "" and no bytes for NULL. */
char *seal_database_text(sqlite3_stmt *query, int column);
GBytes *seal_database_bytes(sqlite3_stmt *query, int column);
