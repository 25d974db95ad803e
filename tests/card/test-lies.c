/* A card whose retired keys lie, each in a way of its own: what is no certificate is left out, the
 * rest is taken for what it is, and the honest keys of the card work. One agent for all rows; it
 * has read the card once. */
#include <string.h>

#include "ipc/names.h"
#include "tests/card/lies.h"
#include "tests/card/scene.h"
#include "tests/support/process.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)

/* The first two retired keys are the fixture's. */
#define FIRST_LIE 3u

typedef struct {
    const char *name; /* of the certificate's subject, too */
    SealLie lie;
    gboolean is_listed;
} Row;

static const Row rows[] = {
    {"random-bytes/are-left-out", SEAL_LIE_RANDOM, FALSE},
    {"half-a-certificate/is-left-out", SEAL_LIE_HALF, FALSE},
    {"no-bytes/are-left-out", SEAL_LIE_EMPTY, FALSE},
    {"64-kib/are-left-out", SEAL_LIE_64_KIB, FALSE},
    {"bytes-after-it/do-not-count", SEAL_LIE_TRAILING, TRUE},
    {"subject-that-is-no-text/is-listed", SEAL_LIE_NAME, TRUE},
    {"compressed/is-listed", SEAL_LIE_ZIPPED, TRUE},
    {"compressed-without-saying/is-left-out", SEAL_LIE_CALLED_PLAIN, FALSE},
    {"plain-but-called-compressed/is-left-out", SEAL_LIE_CALLED_ZIPPED, FALSE},
    {"half-of-compressed/is-left-out", SEAL_LIE_ZIPPED_HALF, FALSE},
    {"gzip-bomb/is-left-out", SEAL_LIE_BOMB, FALSE},
    {"length-beyond-the-end/is-left-out", SEAL_LIE_LENGTH_BEYOND, FALSE},
    {"length-of-4-gib/is-left-out", SEAL_LIE_LENGTH_HUGE, FALSE},
    {"length-indefinite/is-left-out", SEAL_LIE_LENGTH_INDEFINITE, FALSE},
    {"outer-length-beyond-the-end/is-left-out", SEAL_LIE_OUTER_BEYOND, FALSE},
    {"outer-length-of-4-gib/is-left-out", SEAL_LIE_OUTER_HUGE, FALSE},
    {"outer-length-indefinite/is-left-out", SEAL_LIE_OUTER_INDEFINITE, FALSE},
};

static SealCardScene scene; /* of all rows */
static EVP_PKEY *keys[G_N_ELEMENTS(rows)];
static char *listed; /* what `privyseal list` says */

static void
assert_honest_keys_work(void)
{
    static const char *const honest[] = {"alice-rsa-sign", "alice-p384-sign"};
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(honest); i++) {
        seal_card_scene_sign(&scene, honest[i], &error);
        g_assert_no_error(error);
    }
    seal_card_scene_unwrap(&scene, "alice-rsa-decrypt", &error);
    g_assert_no_error(error);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *path = NULL;
    g_autofree char *subject = g_strconcat("CN=", row->name, NULL);

    if (!scene.connection) {
        g_test_skip("there are no cards here");
        return;
    }
    path = seal_card_scene_path_of(&scene, keys[row - rows]);
    g_assert_cmpint(path != NULL, ==, row->is_listed);
    if (row->lie != SEAL_LIE_NAME)
        g_assert_cmpint(strstr(listed, subject) != NULL, ==, row->is_listed);
    g_assert_null(strchr(listed, '\x1b')); /* nothing that a terminal would obey */
    assert_honest_keys_work();
}

static char *
list(void)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *const argv[] = {program, "list", NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene.home, argv, NULL);

    g_assert_cmpint(result->status, ==, 0);
    return g_steal_pointer(&result->out);
}

/* What is added to alice's description. */
static char *
describe_lies(const char *folder)
{
    g_autoptr(GString) all = g_string_new("");

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *file = g_strdup_printf("lie-%u", i);
        g_autofree char *lines = NULL;

        keys[i] = seal_lie_key_new(folder, file, "P-256");
        lines = seal_lie_describe(folder, file, rows[i].name, keys[i], rows[i].lie, FIRST_LIE + i);
        g_string_append(all, lines);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}

static void
set_up(void)
{
    g_autofree char *folder = NULL;
    g_autofree char *lies = NULL;

    scene.home = seal_test_home_new();
    folder = seal_test_home_path(scene.home, "tmp");
    lies = describe_lies(folder);
    if (!seal_test_cards_new(scene.home, lies))
        return;
    seal_test_cards_tell(scene.home, "insert alice 0");
    seal_card_scene_start_agent(&scene, "");
    seal_card_scene_wait(&scene, "alice-rsa-sign", "locked");
    listed = list();
}

int
main(int argc, char **argv)
{
    int status = 0;

    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/card/lies/certificate/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    set_up();
    status = g_test_run();
    seal_card_scene_tear_down(&scene, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        EVP_PKEY_free(keys[i]);
    g_free(listed);
    return status;
}
