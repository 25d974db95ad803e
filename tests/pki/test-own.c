/* The memory of one's own certificates, and a database that an earlier version wrote. */
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/correspondents.h"
#include "pki/own.h"
#include "tests/pki/authority.h"
#include "tests/support/home.h"

#define DAY ((gint64)24 * 60 * 60)
#define NOW ((gint64)1800000000)

/* The tables of version 1, and one person in them: copied from a database of that version. */
static const char version_1[] =
    "CREATE TABLE certificate (fingerprint TEXT PRIMARY KEY NOT NULL, der BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE correspondent (address TEXT NOT NULL, fingerprint TEXT NOT NULL REFERENCES "
    "certificate, origin TEXT NOT NULL, pinned INTEGER NOT NULL DEFAULT 0, since INTEGER NOT NULL, "
    "capabilities BLOB, capabilities_time INTEGER, PRIMARY KEY (address, fingerprint)) WITHOUT "
    "ROWID;"
    "CREATE INDEX correspondent_certificate ON correspondent (fingerprint);"
    "CREATE TABLE issuer (fingerprint TEXT PRIMARY KEY NOT NULL, der BLOB NOT NULL) WITHOUT ROWID;"
    "INSERT INTO certificate VALUES ('ab', x'3000');"
    "INSERT INTO correspondent VALUES ('bob@example.org', 'ab', 'import', 1, 5, NULL, NULL);"
    "PRAGMA application_id = 1347637836; PRAGMA user_version = 1;";

typedef struct {
    SealTestHome *home;
    char *path;
    SealDatabase *database;
} Scene;

static void
scene_open(Scene *scene, gconstpointer data)
{
    scene->home = seal_test_home_new();
    scene->path = seal_test_home_path(scene->home, "data/recipients.db");
    scene->database = data ? NULL : seal_database_open(scene->path, NULL);
    g_assert_true(data || scene->database);
}

static void
scene_close(Scene *scene, gconstpointer data)
{
    seal_database_free(scene->database);
    g_free(scene->path);
    seal_test_home_free(scene->home);
}

static GBytes *
issue(const char *name)
{
    const TestSpec spec = {.name = name};
    g_autoptr(TestIdentity) identity = test_identity_new(&spec, NULL);

    return test_identity_der(identity);
}

static void
note(Scene *scene, GBytes *certificate, const char *token, gint64 now)
{
    SealOwn own = {
        .certificate = certificate, .token = (char *)token, .token_serial = (char *)"01"};
    g_autoptr(GPtrArray) seen = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(seen, &own);
    seal_own_note(scene->database, seen, now, &error);
    g_assert_no_error(error);
}

static gint64
count_changes(Scene *scene)
{
    g_autoptr(sqlite3_stmt) query =
        seal_database_query(scene->database, NULL, "SELECT total_changes()", "");

    g_assert_true(seal_database_next(scene->database, query, NULL));
    return sqlite3_column_int64(query, 0);
}

static void
test_moves(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) certificate = issue("Own");
    g_autoptr(GPtrArray) list = NULL;
    const SealOwn *own = NULL;

    note(scene, certificate, "Blue", NOW);
    note(scene, certificate, "Green", NOW + 2 * DAY);
    list = seal_own_list(scene->database, NULL);
    g_assert_cmpuint(list->len, ==, 1);
    own = list->pdata[0];
    g_assert_cmpstr(own->token, ==, "Green");
    g_assert_cmpint(own->last_seen / DAY, ==, (NOW + 2 * DAY) / DAY);
}

static void
test_once_a_day(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) certificate = issue("Own");
    gint64 changes = 0;

    note(scene, certificate, "Blue", NOW);
    changes = count_changes(scene);
    note(scene, certificate, "Blue", NOW + 60);
    g_assert_cmpint(count_changes(scene), ==, changes);
    note(scene, certificate, "Blue", NOW + DAY);
    g_assert_cmpint(count_changes(scene), >, changes);
}

static void
test_find(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) first = issue("First");
    g_autoptr(GBytes) second = issue("Second");
    const unsigned char *at = g_bytes_get_data(second, NULL);
    X509 *certificate = d2i_X509(NULL, &at, (long)g_bytes_get_size(second));
    unsigned char *name = NULL;
    int name_len = i2d_X509_NAME(X509_get_issuer_name(certificate), &name);
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(certificate);
    unsigned char *number = NULL; /* with its tag and one octet of length */
    int number_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &number);
    g_autoptr(GBytes) issuer = g_bytes_new(name, (gsize)name_len);
    g_autoptr(GBytes) serial = g_bytes_new(number + 2, (gsize)number_len - 2);
    g_autoptr(GBytes) key_id =
        g_bytes_new(ASN1_STRING_get0_data(id), (gsize)ASN1_STRING_length(id));
    g_autoptr(GBytes) other = g_bytes_new_static("other", 5);
    g_autoptr(GPtrArray) list = NULL;

    note(scene, first, "Blue", NOW);
    note(scene, second, "Green", NOW);
    list = seal_own_list(scene->database, NULL);
    g_assert_cmpstr(seal_own_find(list, issuer, serial, NULL)->token, ==, "Green");
    g_assert_cmpstr(seal_own_find(list, NULL, NULL, key_id)->token, ==, "Green");
    g_assert_null(seal_own_find(list, issuer, other, NULL));
    g_assert_null(seal_own_find(list, other, serial, NULL));
    g_assert_null(seal_own_find(list, NULL, NULL, other));
    OPENSSL_free(name);
    OPENSSL_free(number);
    X509_free(certificate);
}

static void
test_version_1(Scene *scene, gconstpointer data)
{
    sqlite3 *handle = NULL;
    g_autoptr(GBytes) certificate = issue("Own");
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(sqlite3_open(scene->path, &handle), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(handle, version_1, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(handle);
    scene->database = seal_database_open(scene->path, &error);
    g_assert_no_error(error);
    rows = seal_correspondents_list(scene->database, "bob@example.org", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(rows->len, ==, 1);
    g_assert_true(((const SealCorrespondent *)rows->pdata[0])->pinned);
    note(scene, certificate, "Blue", NOW);
    list = seal_own_list(scene->database, NULL);
    g_assert_cmpuint(list->len, ==, 1);
}

#define ADD(path, function, data) g_test_add(path, Scene, data, scene_open, function, scene_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/own/note/last-token-counts", test_moves, NULL);
    ADD("/own/note/writes-once-a-day", test_once_a_day, NULL);
    ADD("/own/find/by-issuer-and-serial-or-key-identifier", test_find, NULL);
    ADD("/own/database-of-version-1-is-brought-up-to-date", test_version_1, "empty");
    return g_test_run();
}
