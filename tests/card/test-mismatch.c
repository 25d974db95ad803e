/* Certificates on a card that are not of the keys beside them: another key of the same kind, one of
 * another size. No signature is given out; after the second the key serves nobody and says why,
 * until tokens are looked for again; the card's honest keys work all the while. */
#include <openssl/pem.h>
#include <string.h>

#include "ipc/names.h"
#include "tests/card/contents.h"
#include "tests/card/lies.h"
#include "tests/card/scene.h"
#include "tests/support/agent.h"
#include "tests/support/fixture.h"
#include "tests/support/process.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)

/* The first two retired keys are the fixture's. */
#define FIRST_LIE 3u

typedef struct {
    const char *name;
    const char *certificate; /* kinds of key */
    const char *key;
    const char *mechanism;
    gboolean is_marked; /* else the module sees it itself, each time */
} Row;

static const Row rows[] = {
    {"another-key", "P-256", "P-256", "ecdsa", TRUE},
    {"p384-for-p256", "P-256", "P-384", "ecdsa", FALSE},
    {"p256-for-p384", "P-384", "P-256", "ecdsa", TRUE},
    {"rsa-1024-for-2048", "RSA-2048", "RSA-1024", "rsa-pkcs1", TRUE},
    {"rsa-3072-for-2048", "RSA-2048", "RSA-3072", "rsa-pkcs1", TRUE},
};

static SealCardScene scene; /* of all rows */
static EVP_PKEY *certified[G_N_ELEMENTS(rows)];

static void
assert_honest_key_works(void)
{
    (void)seal_card_scene_sign_again(&scene, "alice-rsa-sign");
}

/* The object of the key that the certificate is of (transfer full), once it is there. */
static char *
wait_for_key(const Row *row)
{
    assert_honest_key_works();
    return seal_card_scene_path_of(&scene, certified[row - rows]);
}

static GError *
try_to_sign(const Row *row)
{
    g_autofree char *path = wait_for_key(row);
    const guint8 digest[32] = {7};
    GError *error = NULL;
    g_autoptr(GBytes) signature = seal_test_sign(scene.connection, path, row->mechanism, "sha256",
                                                 digest, sizeof digest, &error);

    g_assert_null(signature);
    g_test_message("%s", error->message);
    return error;
}

static char *
fault_of(const Row *row)
{
    g_autofree char *path = wait_for_key(row);
    g_autoptr(GVariant) fault =
        seal_test_property(scene.connection, path, SEAL_INTERFACE_KEY, "Fault");

    return g_variant_dup_string(fault, NULL);
}

/* Runs a command of privyseal and returns what it printed (transfer full). */
static char *
run(const char *command, const char *option)
{
    g_autofree char *program = seal_test_built("ui-cli/privyseal");
    const char *const argv[] = {program, command, option, NULL};
    g_autoptr(SealTestResult) result = seal_test_run(scene.home, argv, NULL);

    return g_steal_pointer(&result->out);
}

static void
assert_people_are_told(void)
{
    g_autofree char *list = run("list", "--json");
    g_autofree char *doctor = run("doctor", NULL);

    g_assert_nonnull(strstr(list, "its signatures do not fit its public key"));
    g_assert_nonnull(strstr(doctor, "serves nobody: its signatures do not fit its public key"));
}

static void
rescan(void)
{
    g_autofree char *list = run("list", "--rescan");

    g_assert_nonnull(strstr(list, "Alice Example"));
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *before = NULL, *after = NULL, *again = NULL;

    if (!scene.connection) {
        g_test_skip("there are no cards here");
        return;
    }
    before = fault_of(row);
    g_assert_cmpstr(before, ==, "");
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = try_to_sign(row);

        g_assert_false(g_str_has_suffix(error->message, "has it tried again"));
    }
    if (!row->is_marked)
        return;
    after = fault_of(row);
    g_assert_cmpstr(after, ==, "its signatures do not fit its public key");
    seal_test_assert_error(try_to_sign(row), SEAL_ERROR_KEY_USAGE,
                           "its signatures do not fit its certificate");
    if (row == rows)
        assert_people_are_told();
    assert_honest_key_works();
    g_assert_cmpuint(seal_test_cards_tell(scene.home, "tries alice"), ==, 3);
    rescan();
    again = fault_of(row);
    g_assert_cmpstr(again, ==, "");
}

/* What is added to alice's description: the certificates of `certified`, and other keys. */
static char *
describe_mismatches(const char *folder)
{
    g_autoptr(GString) all = g_string_new("[card]\ncareless=true\n");

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *file = g_strdup_printf("certified-%u", i);
        g_autofree char *other_file = g_strdup_printf("other-%u", i);
        g_autoptr(EVP_PKEY) other = seal_lie_key_new(folder, other_file, rows[i].key);
        g_autofree char *lines = NULL;

        certified[i] = seal_lie_key_new(folder, file, rows[i].certificate);
        lines = seal_lie_describe(folder, file, rows[i].name, certified[i], SEAL_LIE_NONE,
                                  FIRST_LIE + i);
        g_string_append_printf(all, "%s[%X]\nkey=%s/%s.pem\n", lines,
                               SEAL_SLOT_RETIRED_FIRST + FIRST_LIE + i - 1, folder, other_file);
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
    lies = describe_mismatches(folder);
    if (!seal_test_cards_new(scene.home, lies))
        return;
    seal_test_cards_tell(scene.home, "insert alice 0");
    seal_card_scene_start_agent(&scene, "");
    seal_card_scene_wait(&scene, "alice-rsa-sign", "locked");
}

int
main(int argc, char **argv)
{
    int status = 0;

    seal_test_cards_enter();
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/card/mismatch/", rows[i].name, "/is-not-used", NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    set_up();
    status = g_test_run();
    seal_card_scene_tear_down(&scene, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        EVP_PKEY_free(certified[i]);
    return status;
}
