/* Anchors in folders: what is taken, what is left out and told. */
#include "pki/anchors.h"

#include <string.h>
#include <sys/stat.h>

#include "tests/pki/authority.h"
#include "tests/support/home.h"

/* A root, a leaf of it, a folder for anchors, and what was told about it. */
typedef struct {
    SealTestHome *home;
    TestIdentity *root;
    TestIdentity *leaf;
    GPtrArray *problems;
} World;

static void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};
    const TestSpec leaf = {.name = "Alice", .address = "alice@example.org"};

    world->home = seal_test_home_new();
    world->root = test_identity_new(&root, NULL);
    world->leaf = test_identity_new(&leaf, world->root);
    world->problems = g_ptr_array_new_with_free_func(g_free);
}

static void
world_close(World *world, gconstpointer data)
{
    g_ptr_array_unref(world->problems);
    test_identity_free(world->leaf);
    test_identity_free(world->root);
    seal_test_home_free(world->home);
}

/* Writes a certificate to anchors.d; returns the path of the file (transfer full). */
static char *
put(World *world, const char *name, GBytes *bytes)
{
    g_autofree char *relative = g_build_filename("anchors.d", name, NULL);
    char *path = seal_test_home_write(world->home, relative, "");
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    g_assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
    g_assert_cmpint(chmod(path, 0644), ==, 0);
    return path;
}

static char *
put_root(World *world, const char *name)
{
    g_autoptr(GBytes) pem = test_identity_pem(world->root);

    return put(world, name, pem);
}

/* What the leaf's path is worth with the anchors of the folder alone. */
static const char *
verdict(World *world)
{
    g_autoptr(SealTrust) trust = seal_trust_new();
    g_autofree char *folder = seal_test_home_path(world->home, "anchors.d");
    g_auto(SealChainResult) result = {0};

    seal_anchors_add_folder(trust, folder, world->problems);
    seal_trust_judge(trust, world->leaf->certificate, NULL, SEAL_PURPOSE_SIGN_MAIL,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    return seal_chain_word(result.state);
}

static void
expect_problem(World *world, const char *text)
{
    g_assert_cmpuint(world->problems->len, ==, 1);
    if (!strstr(world->problems->pdata[0], text))
        g_error("'%s' is not in: %s", text, (const char *)world->problems->pdata[0]);
}

static void
test_pem_and_der(World *world, gconstpointer data)
{
    g_autoptr(GBytes) der = test_identity_der(world->root);
    static const char *const names[] = {"a.pem", "a.crt", "a.cer", "a.der"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *pem_file = put_root(world, names[i]);
        g_autofree char *der_file = NULL;

        g_assert_cmpstr(verdict(world), ==, "good");
        der_file = put(world, names[i], der);
        g_assert_cmpstr(verdict(world), ==, "good");
        g_assert_cmpint(remove(der_file), ==, 0);
    }
    g_assert_cmpuint(world->problems->len, ==, 0);
}

static void
test_missing_folder(World *world, gconstpointer data)
{
    g_assert_cmpstr(verdict(world), ==, "incomplete-chain");
    g_assert_cmpuint(world->problems->len, ==, 0);
}

static void
test_other_names(World *world, gconstpointer data)
{
    g_autofree char *backup = put_root(world, "root.pem~");
    g_autofree char *half_written = put_root(world, ".root.pem");
    g_autofree char *temporary = put_root(world, "root.pem.Xab12c");

    g_assert_cmpstr(verdict(world), ==, "incomplete-chain");
    g_assert_cmpuint(world->problems->len, ==, 0);
}

/* One bad file is told and does not take the others with it. */
static void
test_damaged_file(World *world, gconstpointer data)
{
    g_autoptr(GBytes) pem = test_identity_pem(world->root);
    g_autoptr(GBytes) half = g_bytes_new_from_bytes(pem, 0, g_bytes_get_size(pem) / 2);
    g_autofree char *broken = put(world, "a.pem", half);

    g_assert_cmpstr(verdict(world), ==, "incomplete-chain");
    expect_problem(world, broken);
    g_ptr_array_set_size(world->problems, 0);
    g_free(put_root(world, "b.pem"));
    g_assert_cmpstr(verdict(world), ==, "good");
    expect_problem(world, broken);
}

/* A good certificate before the damage is not taken either: who knows what was meant. */
static void
test_half_damaged_file(World *world, gconstpointer data)
{
    g_autoptr(GBytes) pem = test_identity_pem(world->root);
    g_autofree char *text = g_strndup(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem));
    g_autofree char *both =
        g_strconcat(text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NULL);
    g_autoptr(GBytes) bytes = g_bytes_new(both, strlen(both));

    g_free(put(world, "a.pem", bytes));
    g_assert_cmpstr(verdict(world), ==, "incomplete-chain");
    expect_problem(world, "a.pem");
}

static void
test_writable_by_all(World *world, gconstpointer data)
{
    g_autofree char *file = put_root(world, "a.pem");
    g_autofree char *folder = seal_test_home_path(world->home, "anchors.d");

    g_assert_cmpint(chmod(file, 0666), ==, 0);
    g_assert_cmpstr(verdict(world), ==, "incomplete-chain");
    expect_problem(world, "everybody may write to it");
    g_ptr_array_set_size(world->problems, 0);
    g_assert_cmpint(chmod(file, 0644), ==, 0);
    g_assert_cmpint(chmod(folder, 0777), ==, 0);
    g_assert_cmpstr(verdict(world), ==, "incomplete-chain");
    expect_problem(world, "everybody may write to it");
}

/* A pipe would make the reader wait for ever. */
static void
test_no_file(World *world, gconstpointer data)
{
    g_autofree char *file = put_root(world, "a.pem");

    g_assert_cmpint(remove(file), ==, 0);
    g_assert_cmpint(mkfifo(file, 0600), ==, 0);
    g_assert_cmpstr(verdict(world), ==, "incomplete-chain");
    expect_problem(world, "it is no file");
}

static void
test_defaults(World *world, gconstpointer data)
{
    g_autofree char *expected = seal_test_home_path(world->home, "config/privyseal/anchors.d");
    g_autofree char *site = seal_anchors_site_folder();
    g_autofree char *user = seal_anchors_user_folder();

    g_assert_cmpstr(site, ==, "/etc/privyseal/anchors.d");
    g_assert_cmpstr(user, ==, expected);
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/anchors/pem-and-der/are-trusted", test_pem_and_der);
    ADD("/anchors/missing-folder/is-an-empty-one", test_missing_folder);
    ADD("/anchors/other-names/are-passed-over", test_other_names);
    ADD("/anchors/damaged-file/is-left-out-and-told", test_damaged_file);
    ADD("/anchors/half-damaged-file/is-left-out-whole", test_half_damaged_file);
    ADD("/anchors/writable-by-everybody/is-left-out-and-told", test_writable_by_all);
    ADD("/anchors/pipe/is-left-out-and-told", test_no_file);
    ADD("/anchors/defaults/are-site-and-user", test_defaults);
    return g_test_run();
}
