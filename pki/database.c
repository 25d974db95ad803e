/* SQLite, with our errors and our schema.
 *
 * The schema is a list of steps; a database knows how many it has seen (user_version), and opening
 * it does the others, all or none. So an older file is brought up to date by whoever opens it
 * first, and a step that was released is never edited. A rollback journal rather than a write-ahead
 * log: writing is rare, and homes on network file systems stay possible. Several processes at once
 * wait for each other. */
#include "pki/database.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define WAIT_MS        5000
#define VALUE_MAX      (1024 * 1024) /* bytes; the largest certificates have some 100 KiB */
#define APPLICATION_ID 0x5053524c    /* "PSRL", told by file(1) and asked for when opening */

struct SealDatabase {
    sqlite3 *handle;
    char *path;
};

static const char *const steps[] = {
    /* 1: to whom mail was written. Addresses are canonical (pki/address.h), times seconds since
     * 1970; `origin` is a word. */
    "CREATE TABLE certificate ("
    "  fingerprint TEXT PRIMARY KEY NOT NULL,"
    "  der BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE correspondent ("
    "  address TEXT NOT NULL,"
    "  fingerprint TEXT NOT NULL REFERENCES certificate,"
    "  origin TEXT NOT NULL,"
    "  pinned INTEGER NOT NULL DEFAULT 0,"
    "  since INTEGER NOT NULL,"
    "  capabilities BLOB,"
    "  capabilities_time INTEGER,"
    "  PRIMARY KEY (address, fingerprint)) WITHOUT ROWID;"
    "CREATE INDEX correspondent_certificate ON correspondent (fingerprint);"
    "CREATE TABLE issuer ("
    "  fingerprint TEXT PRIMARY KEY NOT NULL,"
    "  der BLOB NOT NULL) WITHOUT ROWID;",
    /* 2: certificates of one's own, and where they were last. */
    "CREATE TABLE own ("
    "  fingerprint TEXT PRIMARY KEY NOT NULL,"
    "  der BLOB NOT NULL,"
    "  token TEXT NOT NULL,"
    "  token_serial TEXT NOT NULL,"
    "  last_seen INTEGER NOT NULL) WITHOUT ROWID;",
};

/* -- errors ----------------------------------------------------------------------------------- */

static gboolean
fail(const SealDatabase *database, GError **error)
{
    switch (sqlite3_errcode(database->handle)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                    "cannot use '%s': the database is damaged; move it away, and import again what "
                    "you need of it",
                    database->path);
        break;
    case SQLITE_BUSY:
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_BUSY,
                    "cannot use '%s': another program has held it for %d seconds, try again later",
                    database->path, WAIT_MS / 1000);
        break;
    default:
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "cannot use '%s': %s", database->path,
                    sqlite3_errmsg(database->handle));
    }
    return FALSE;
}

/* -- statements ------------------------------------------------------------------------------- */

static int
bind_value(sqlite3_stmt *query, int at, char type, va_list *values)
{
    const char *text = NULL;
    GBytes *bytes = NULL;
    gconstpointer data = NULL;
    gsize len = 0;

    switch (type) {
    case 't':
        text = va_arg(*values, const char *);
        return sqlite3_bind_text(query, at, text, -1, SQLITE_TRANSIENT);
    case 'b':
        bytes = va_arg(*values, GBytes *);
        if (!bytes)
            return sqlite3_bind_null(query, at);
        data = g_bytes_get_data(bytes, &len);
        return sqlite3_bind_blob64(query, at, data ? data : "", len, SQLITE_TRANSIENT);
    default:
        return sqlite3_bind_int64(query, at, va_arg(*values, gint64));
    }
}

static sqlite3_stmt *
prepare(SealDatabase *database, GError **error, const char *sql, const char *types, va_list *values)
{
    g_autoptr(sqlite3_stmt) query = NULL;
    int code = sqlite3_prepare_v2(database->handle, sql, -1, &query, NULL);

    for (int i = 0; code == SQLITE_OK && types[i]; i++)
        code = bind_value(query, i + 1, types[i], values);
    if (code == SQLITE_OK)
        return g_steal_pointer(&query);
    fail(database, error);
    return NULL;
}

sqlite3_stmt *
seal_database_query(SealDatabase *database, GError **error, const char *sql, const char *types, ...)
{
    sqlite3_stmt *query = NULL;
    va_list values;

    va_start(values, types);
    query = prepare(database, error, sql, types, &values);
    va_end(values);
    return query;
}

gboolean
seal_database_next(SealDatabase *database, sqlite3_stmt *query, GError **error)
{
    int code = sqlite3_step(query);

    if (code != SQLITE_ROW && code != SQLITE_DONE)
        fail(database, error);
    return code == SQLITE_ROW;
}

gboolean
seal_database_run(SealDatabase *database, GError **error, const char *sql, const char *types, ...)
{
    g_autoptr(sqlite3_stmt) query = NULL;
    va_list values;

    va_start(values, types);
    query = prepare(database, error, sql, types, &values);
    va_end(values);
    if (!query)
        return FALSE;
    return sqlite3_step(query) == SQLITE_DONE || fail(database, error);
}

guint
seal_database_changes(const SealDatabase *database)
{
    return (guint)sqlite3_changes(database->handle);
}

char *
seal_database_text(sqlite3_stmt *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query, column);

    return g_strdup(text ? text : "");
}

GBytes *
seal_database_bytes(sqlite3_stmt *query, int column)
{
    gconstpointer data = sqlite3_column_blob(query, column);

    return g_bytes_new(data, (gsize)sqlite3_column_bytes(query, column));
}

/* -- transactions ----------------------------------------------------------------------------- */

gboolean
seal_database_begin(SealDatabase *database, GError **error)
{
    return seal_database_run(database, error, "BEGIN IMMEDIATE", "");
}

gboolean
seal_database_end(SealDatabase *database, gboolean well, GError **error)
{
    if (well && seal_database_run(database, error, "COMMIT", ""))
        return TRUE;
    /* What failed may have ended the transaction by itself. */
    if (!sqlite3_get_autocommit(database->handle))
        sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
    return FALSE;
}

/* -- the schema ------------------------------------------------------------------------------- */

static gboolean
read_number(SealDatabase *database, const char *sql, gint64 *ret_number, GError **error)
{
    g_autoptr(sqlite3_stmt) query = seal_database_query(database, error, sql, "");

    if (!query || !seal_database_next(database, query, error))
        return FALSE;
    *ret_number = sqlite3_column_int64(query, 0);
    return TRUE;
}

static gboolean
check_version(const SealDatabase *database, gint64 version, GError **error)
{
    if (version >= 0 && version <= (gint64)G_N_ELEMENTS(steps))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                "cannot use '%s': a newer version of Privy Seal wrote it, update this one",
                database->path);
    return FALSE;
}

/* An empty file becomes ours; that of another program is left alone. */
static gboolean
check_owner(SealDatabase *database, GError **error)
{
    gint64 id = 0;
    gint64 tables = 0;

    if (!read_number(database, "PRAGMA application_id", &id, error) ||
        !read_number(database, "SELECT count(*) FROM sqlite_schema", &tables, error))
        return FALSE;
    if (id == APPLICATION_ID || (id == 0 && tables == 0))
        return TRUE;
    g_set_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
                "cannot use '%s': it is the database of another program, move it away",
                database->path);
    return FALSE;
}

static gboolean
take_steps(SealDatabase *database, gint64 from, GError **error)
{
    g_autofree char *mark = NULL;

    for (gint64 i = from; i < (gint64)G_N_ELEMENTS(steps); i++) {
        if (sqlite3_exec(database->handle, steps[i], NULL, NULL, NULL) != SQLITE_OK)
            return fail(database, error);
    }
    mark = g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID,
                           (int)G_N_ELEMENTS(steps));
    return sqlite3_exec(database->handle, mark, NULL, NULL, NULL) == SQLITE_OK ||
           fail(database, error);
}

/* Another process may have been faster between the look and the lock. */
static gboolean
bring_up_to_date(SealDatabase *database, GError **error)
{
    gint64 version = 0;
    gboolean well = FALSE;

    if (!read_number(database, "PRAGMA user_version", &version, error) ||
        !check_version(database, version, error))
        return FALSE;
    if (version == (gint64)G_N_ELEMENTS(steps))
        return check_owner(database, error);
    if (!seal_database_begin(database, error))
        return FALSE;
    well = read_number(database, "PRAGMA user_version", &version, error) &&
           check_version(database, version, error) && check_owner(database, error) &&
           take_steps(database, version, error);
    return seal_database_end(database, well, error);
}

/* -- opening ---------------------------------------------------------------------------------- */

static gboolean
file_error(const char *path, const char *action, GError **error)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot %s '%s': %s",
                action, path, g_strerror(errno));
    return FALSE;
}

/* What stands in it decides to whom mail is encrypted. An existing file is not opened here: closing
 * it would take away the locks of another handle of this process. */
static gboolean
prepare_file(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_auto(SealFd) fd = -1;
    struct stat about;

    if (g_mkdir_with_parents(folder, 0700) < 0)
        return file_error(folder, "make the folder", error);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        return TRUE;
    if (errno != EEXIST || stat(path, &about) < 0)
        return file_error(path, "open", error);
    if (!S_ISREG(about.st_mode) || about.st_uid != geteuid()) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_PERMITTED,
                    "cannot use '%s': it is not a file of yours, move it away", path);
        return FALSE;
    }
    if ((about.st_mode & 077) != 0 && chmod(path, 0600) < 0)
        return file_error(path, "protect", error);
    return TRUE;
}

/* A file that somebody else prepared must not run anything by its schema. */
static void
configure(sqlite3 *handle)
{
    sqlite3_busy_timeout(handle, WAIT_MS);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
}

SealDatabase *
seal_database_open(const char *path, GError **error)
{
    g_autoptr(SealDatabase) database = NULL;

    if (!prepare_file(path, error))
        return NULL;
    database = g_new0(SealDatabase, 1);
    database->path = g_strdup(path);
    if (sqlite3_open_v2(path, &database->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        fail(database, error);
        return NULL;
    }
    configure(database->handle);
    return bring_up_to_date(database, error) ? g_steal_pointer(&database) : NULL;
}

void
seal_database_free(SealDatabase *database)
{
    if (!database)
        return;
    sqlite3_close(database->handle);
    g_free(database->path);
    g_free(database);
}

char *
seal_database_user_path(void)
{
    return g_build_filename(g_get_user_data_dir(), "privyseal", "recipients.db", NULL);
}
