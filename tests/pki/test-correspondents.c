/* The user's database: what is kept, what a pin holds, and files that are old, new, damaged,
 * somebody else's or in use. SQLite's own program writes the ones that are not ours. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "pki/correspondents.h"
#include "tests/pki/authority.h"
#include "tests/support/home.h"
#include "tests/support/process.h"

#define ADDRESS "bob@example.org"
#define DAY     ((gint64)24 * 60 * 60)
#define NOW     ((gint64)1800000000)

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
}

static void
scene_close(Scene *scene, gconstpointer data)
{
    seal_database_free(scene->database);
    g_free(scene->path);
    seal_test_home_free(scene->home);
}

static SealDatabase *
database_of(Scene *scene)
{
    g_autoptr(GError) error = NULL;

    if (!scene->database)
        scene->database = seal_database_open(scene->path, &error);
    g_assert_no_error(error);
    return scene->database;
}

static void
assert_cannot_open(const Scene *scene, SealErrorCode code, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SealDatabase) database = seal_database_open(scene->path, &error);

    g_assert_null(database);
    g_assert_error(error, SEAL_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, scene->path));
    g_assert_nonnull(strstr(error->message, text));
}

/* A certificate for ADDRESS, valid from `from` seconds before now for a year. (transfer full) */
static GBytes *
issue(gint64 from)
{
    const TestSpec spec = {.name = "Bob",
                           .address = ADDRESS,
                           .usage = "keyAgreement",
                           .from = -from,
                           .until = 365 * DAY - from};
    g_autoptr(TestIdentity) identity = test_identity_new(&spec, NULL);

    return test_identity_der(identity);
}

static int
keep(Scene *scene, GBytes *certificate, SealNewsResult *ret_result)
{
    const SealNews news = {.address = "bob@EXAMPLE.org", .certificate = certificate, .now = NOW};
    g_autoptr(GError) error = NULL;

    seal_correspondents_keep(database_of(scene), &news, ret_result, &error);
    g_assert_no_error(error);
    return (int)ret_result->kind;
}

static char *
print_of(GBytes *certificate)
{
    return g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, certificate);
}

/* The certificate in use is this one, of `count`. */
static void
assert_used(Scene *scene, GBytes *certificate, guint count)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = seal_correspondents_list(database_of(scene), ADDRESS, &error);
    const SealCorrespondent *first = NULL;

    g_assert_no_error(error);
    g_assert_cmpuint(rows->len, ==, count);
    first = rows->pdata[0];
    g_assert_cmpstr(first->address, ==, ADDRESS);
    g_assert_true(g_bytes_equal(first->certificate, certificate));
}

/* -- keeping ---------------------------------------------------------------------------------- */

static void
test_first(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) certificate = issue(DAY);
    g_auto(SealNewsResult) first = {0};
    g_auto(SealNewsResult) again = {0};

    g_assert_cmpint(keep(scene, certificate, &first), ==, SEAL_NEWS_FIRST);
    g_assert_cmpint(keep(scene, certificate, &again), ==, SEAL_NEWS_OLD);
    assert_used(scene, certificate, 1);
}

static void
test_newer(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) old = issue(20 * DAY);
    g_autoptr(GBytes) new = issue(DAY);
    g_autofree char *old_print = print_of(old);
    g_auto(SealNewsResult) first = {0};
    g_auto(SealNewsResult) second = {0};

    keep(scene, old, &first);
    g_assert_cmpint(keep(scene, new, &second), ==, SEAL_NEWS_CHANGED);
    g_assert_cmpstr(second.former->fingerprint, ==, old_print);
    g_assert_cmpint(second.former->since, ==, NOW);
    assert_used(scene, new, 2);
}

static void
test_older(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) old = issue(20 * DAY);
    g_autoptr(GBytes) new = issue(DAY);
    g_auto(SealNewsResult) first = {0};
    g_auto(SealNewsResult) second = {0};

    keep(scene, new, &first);
    g_assert_cmpint(keep(scene, old, &second), ==, SEAL_NEWS_BESIDE);
    assert_used(scene, new, 2);
}

static void
test_expired_goes_last(Scene *scene, gconstpointer data)
{
    const TestSpec spec = {
        .name = "Bob", .address = ADDRESS, .usage = "keyAgreement", .from = -DAY, .until = -60};
    g_autoptr(TestIdentity) identity = test_identity_new(&spec, NULL);
    g_autoptr(GBytes) expired = test_identity_der(identity);
    g_autoptr(GBytes) old = issue(20 * DAY);
    g_auto(SealNewsResult) first = {0};
    g_auto(SealNewsResult) second = {0};

    keep(scene, expired, &first);
    g_assert_cmpint(keep(scene, old, &second), ==, SEAL_NEWS_CHANGED);
    assert_used(scene, old, 2);
}

static void
test_no_address(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) certificate = issue(DAY);
    const SealNews news = {.address = "bob", .certificate = certificate, .now = NOW};
    g_auto(SealNewsResult) result = {0};
    g_autoptr(GError) error = NULL;

    g_assert_false(seal_correspondents_keep(database_of(scene), &news, &result, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
}

/* Later mails win; one that claims to come from the future cannot win for ever. */
static void
test_capabilities(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) certificate = issue(DAY);
    static const char *const words[] = {"from the future", "later", "early"};
    const gint64 times[] = {NOW + 1000 * DAY, NOW + DAY, NOW - DAY};
    g_autoptr(GPtrArray) rows = NULL;
    const SealCorrespondent *row = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autoptr(GBytes) capabilities = g_bytes_new(words[i], strlen(words[i]));
        const SealNews news = {.address = ADDRESS,
                               .certificate = certificate,
                               .now = NOW + i * 2 * DAY,
                               .capabilities = capabilities,
                               .capabilities_time = times[i]};
        g_auto(SealNewsResult) result = {0};

        g_assert_true(seal_correspondents_keep(database_of(scene), &news, &result, NULL));
    }
    rows = seal_correspondents_list(database_of(scene), ADDRESS, NULL);
    row = rows->pdata[0];
    g_assert_cmpmem(g_bytes_get_data(row->capabilities, NULL), g_bytes_get_size(row->capabilities),
                    words[1], strlen(words[1]));
    g_assert_cmpint(row->capabilities_time, ==, NOW + DAY);
}

/* -- pins, forgetting ------------------------------------------------------------------------- */

static void
test_pin(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) old = issue(20 * DAY);
    g_autoptr(GBytes) new = issue(DAY);
    g_autofree char *print = print_of(old);
    g_auto(SealNewsResult) first = {0};
    g_auto(SealNewsResult) second = {0};
    g_autoptr(GError) error = NULL;

    keep(scene, old, &first);
    g_assert_true(seal_correspondents_pin(database_of(scene), ADDRESS, print, &error));
    g_assert_cmpint(keep(scene, new, &second), ==, SEAL_NEWS_PINNED);
    assert_used(scene, old, 2);
    g_assert_true(seal_correspondents_pin(database_of(scene), ADDRESS, NULL, &error));
    assert_used(scene, new, 2);
}

static void
test_pin_unknown(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) certificate = issue(DAY);
    g_autofree char *print = print_of(certificate);
    g_auto(SealNewsResult) first = {0};
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;

    keep(scene, certificate, &first);
    g_assert_true(seal_correspondents_pin(database_of(scene), ADDRESS, print, &error));
    g_assert_false(seal_correspondents_pin(database_of(scene), ADDRESS, "0123", &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_NOT_FOUND);
    rows = seal_correspondents_list(database_of(scene), ADDRESS, NULL);
    g_assert_true(((SealCorrespondent *)rows->pdata[0])->pinned);
}

static void
test_forget(Scene *scene, gconstpointer data)
{
    g_autoptr(GBytes) old = issue(20 * DAY);
    g_autoptr(GBytes) new = issue(DAY);
    g_autofree char *print = print_of(new);
    g_auto(SealNewsResult) first = {0};
    g_auto(SealNewsResult) second = {0};
    g_autoptr(GPtrArray) rows = NULL;
    guint count = 0;

    keep(scene, old, &first);
    keep(scene, new, &second);
    g_assert_true(seal_correspondents_forget(database_of(scene), ADDRESS, print, &count, NULL));
    g_assert_cmpuint(count, ==, 1);
    assert_used(scene, old, 1);
    g_assert_true(seal_correspondents_forget(database_of(scene), ADDRESS, NULL, &count, NULL));
    g_assert_cmpuint(count, ==, 1);
    g_assert_true(seal_correspondents_forget(database_of(scene), ADDRESS, NULL, &count, NULL));
    g_assert_cmpuint(count, ==, 0);
    rows = seal_correspondents_list(database_of(scene), NULL, NULL);
    g_assert_cmpuint(rows->len, ==, 0);
}

/* -- the file --------------------------------------------------------------------------------- */

static void
run_sqlite(const Scene *scene, const char *sql)
{
    g_autofree char *folder = g_path_get_dirname(scene->path);
    sqlite3 *handle = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_cmpint(sqlite3_open(scene->path, &handle), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(handle, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(handle);
}

static void
test_mode(Scene *scene, gconstpointer data)
{
    struct stat about;

    database_of(scene);
    g_assert_cmpint(stat(scene->path, &about), ==, 0);
    g_assert_cmpuint(about.st_mode & 0777, ==, 0600);
    g_clear_pointer(&scene->database, seal_database_free);
    g_assert_cmpint(chmod(scene->path, 0644), ==, 0);
    database_of(scene);
    g_assert_cmpint(stat(scene->path, &about), ==, 0);
    g_assert_cmpuint(about.st_mode & 0777, ==, 0600);
}

static void
test_newer_schema(Scene *scene, gconstpointer data)
{
    run_sqlite(scene, "CREATE TABLE later (x); PRAGMA user_version = 1000;");
    assert_cannot_open(scene, SEAL_ERROR_NOT_SUPPORTED, "update this one");
}

static void
test_other_program(Scene *scene, gconstpointer data)
{
    run_sqlite(scene, "CREATE TABLE bookmark (x);");
    assert_cannot_open(scene, SEAL_ERROR_INVALID_INPUT, "of another program");
}

static void
test_damaged(Scene *scene, gconstpointer data)
{
    g_autofree char *folder = g_path_get_dirname(scene->path);
    g_autofree char *noise = g_strnfill(8192, '#');

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(scene->path, noise, 8192, NULL));
    assert_cannot_open(scene, SEAL_ERROR_INVALID_INPUT, "move it away");
}

/* Pages of the middle are overwritten: opening may succeed, reading must not pass it over. */
static void
test_damaged_inside(Scene *scene, gconstpointer data)
{
    g_autofree char *contents = NULL;
    gsize len = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    for (guint i = 0; i < 30; i++) {
        g_autoptr(GBytes) certificate = issue((i + 1) * DAY);
        g_auto(SealNewsResult) result = {0};

        keep(scene, certificate, &result);
    }
    g_clear_pointer(&scene->database, seal_database_free);
    g_assert_true(g_file_get_contents(scene->path, &contents, &len, NULL));
    g_assert_cmpuint(len, >, 16384);
    memset(contents + 4096, 0xff, len - 4096);
    g_assert_true(g_file_set_contents(scene->path, contents, (gssize)len, NULL));
    scene->database = seal_database_open(scene->path, &error);
    if (scene->database)
        rows = seal_correspondents_list(scene->database, NULL, &error);
    g_assert_null(rows);
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    g_assert_nonnull(strstr(error->message, "damaged"));
}

static void
test_folder_in_its_place(Scene *scene, gconstpointer data)
{
    g_assert_cmpint(g_mkdir_with_parents(scene->path, 0700), ==, 0);
    assert_cannot_open(scene, SEAL_ERROR_NOT_PERMITTED, "not a file of yours");
}

/* Several processes make the database and write to it at once; nothing of it is lost. The children
 * are this program, called with the path and a number. */
#define CHILDREN 4
#define EACH     8

static int
write_as_child(const char *path, guint number)
{
    for (guint i = 0; i < EACH; i++) {
        g_autoptr(SealDatabase) database = seal_database_open(path, NULL);
        g_autofree char *text = g_strdup_printf("no certificate, but bytes %u/%u", number, i);
        g_autoptr(GBytes) certificate = g_bytes_new(text, strlen(text));
        const SealNews news = {.address = ADDRESS, .certificate = certificate, .now = NOW};
        g_auto(SealNewsResult) result = {0};

        if (!database || !seal_correspondents_keep(database, &news, &result, NULL))
            return 1;
    }
    return 0;
}

static void
test_many_processes(Scene *scene, gconstpointer data)
{
    GPid children[CHILDREN];
    g_autoptr(GPtrArray) rows = NULL;

    for (guint i = 0; i < CHILDREN; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);
        const char *const argv[] = {"/proc/self/exe", "--child", scene->path, number, NULL};

        g_assert_true(g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                    NULL, &children[i], NULL));
    }
    for (guint i = 0; i < CHILDREN; i++) {
        int status = 0;

        g_assert_cmpint(waitpid(children[i], &status, 0), ==, children[i]);
        g_assert_cmpint(status, ==, 0);
    }
    rows = seal_correspondents_list(database_of(scene), ADDRESS, NULL);
    g_assert_nonnull(rows);
    g_assert_cmpuint(rows->len, ==, CHILDREN * EACH);
}

#define ADD(path, function) g_test_add(path, Scene, NULL, scene_open, function, scene_close)

int
main(int argc, char **argv)
{
    if (argc == 4 && g_str_equal(argv[1], "--child"))
        return write_as_child(argv[2], (guint)g_ascii_strtoull(argv[3], NULL, 10));
    g_test_init(&argc, &argv, NULL);
    ADD("/correspondents/keep/first-is-used", test_first);
    ADD("/correspondents/keep/newer-takes-its-place", test_newer);
    ADD("/correspondents/keep/older-does-not", test_older);
    ADD("/correspondents/keep/expired-one-makes-place", test_expired_goes_last);
    ADD("/correspondents/keep/what-is-no-address-is-refused", test_no_address);
    ADD("/correspondents/keep/later-capabilities-win", test_capabilities);
    ADD("/correspondents/pin/newer-one-does-not-take-its-place", test_pin);
    ADD("/correspondents/pin/unknown-one-changes-nothing", test_pin_unknown);
    ADD("/correspondents/forget/one-or-all", test_forget);
    ADD("/correspondents/file/is-the-owners-alone", test_mode);
    ADD("/correspondents/file/of-a-newer-version-is-left-alone", test_newer_schema);
    ADD("/correspondents/file/of-another-program-is-left-alone", test_other_program);
    ADD("/correspondents/file/damage-is-told", test_damaged);
    ADD("/correspondents/file/damage-inside-is-told", test_damaged_inside);
    ADD("/correspondents/file/folder-in-its-place", test_folder_in_its_place);
    ADD("/correspondents/file/many-processes-at-once", test_many_processes);
    return g_test_run();
}
