/* CRLs in folders: what is used, and what is an error since leaving it out could do harm. */
#include "pki/crls.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "tests/pki/authority.h"
#include "tests/support/home.h"

#define HOUR ((gint64)60 * 60)

/* A trusted root, and a leaf of it that a CRL revokes. */
typedef struct {
    SealTestHome *home;
    TestIdentity *root;
    TestIdentity *leaf;
    SealTrust *trust;
} World;

static void
world_open(World *world, gconstpointer data)
{
    const TestSpec root = {.name = "Root", .authority = TRUE};
    const TestSpec leaf = {.name = "Alice", .address = "alice@example.org"};

    world->home = seal_test_home_new();
    world->root = test_identity_new(&root, NULL);
    world->leaf = test_identity_new(&leaf, world->root);
    world->trust = seal_trust_new();
    seal_trust_add_anchor(world->trust, world->root->certificate);
}

static void
world_close(World *world, gconstpointer data)
{
    seal_trust_free(world->trust);
    test_identity_free(world->leaf);
    test_identity_free(world->root);
    seal_test_home_free(world->home);
}

static char *
put(World *world, const char *name, const char *text)
{
    g_autofree char *relative = g_build_filename("config/privyseal/crls.d", name, NULL);
    char *path = seal_test_home_write(world->home, relative, text);

    g_assert_cmpint(chmod(path, 0644), ==, 0);
    return path;
}

static char *
put_crl(World *world, const char *name)
{
    g_autoptr(GBytes) pem = test_crl_new(world->root, world->leaf, -HOUR, HOUR);
    g_autofree char *text = g_strndup(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem));

    return put(world, name, text);
}

static const char *
verdict(World *world)
{
    g_autofree char *folder = seal_test_home_path(world->home, "config/privyseal/crls.d");
    g_autoptr(GError) error = NULL;
    g_auto(SealChainResult) result = {0};

    g_assert_true(seal_crls_add_folder(world->trust, folder, &error));
    g_assert_no_error(error);
    seal_trust_judge(world->trust, world->leaf->certificate, NULL, SEAL_PURPOSE_SIGN_MAIL,
                     g_get_real_time() / G_USEC_PER_SEC, &result);
    return seal_chain_word(result.state);
}

static void
expect_error(World *world, const char *path, const char *text)
{
    g_autofree char *folder = seal_test_home_path(world->home, "config/privyseal/crls.d");
    g_autoptr(GError) error = NULL;

    g_assert_false(seal_crls_add_folder(world->trust, folder, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT);
    if (!strstr(error->message, path) || !strstr(error->message, text))
        g_error("'%s' and '%s' are not in: %s", path, text, error->message);
}

static void
test_revoked(World *world, gconstpointer data)
{
    g_assert_cmpstr(verdict(world), ==, "good"); /* there is no folder */
    g_free(put_crl(world, "root.crl~"));
    g_free(put_crl(world, ".root.crl"));
    g_assert_cmpstr(verdict(world), ==, "good");
    g_free(put_crl(world, "root.crl"));
    g_assert_cmpstr(verdict(world), ==, "revoked");
}

static void
test_damaged(World *world, gconstpointer data)
{
    g_autofree char *path = put(world, "a.pem", "no list\n");

    g_free(put_crl(world, "b.crl"));
    expect_error(world, path, "no readable CRL");
}

static void
test_foreign_hand(World *world, gconstpointer data)
{
    g_autofree char *path = put_crl(world, "a.crl");
    g_autofree char *folder = g_path_get_dirname(path);

    g_assert_cmpint(chmod(path, 0666), ==, 0);
    expect_error(world, path, "everybody may write to it");
    g_assert_cmpint(chmod(path, 0644), ==, 0);
    g_assert_cmpint(chmod(folder, 0777), ==, 0);
    expect_error(world, folder, "everybody may write to it");
}

static void
test_no_file(World *world, gconstpointer data)
{
    g_autofree char *path = put_crl(world, "a.crl");

    g_assert_cmpint(remove(path), ==, 0);
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    expect_error(world, path, "it is no file");
}

static void
test_defaults(World *world, gconstpointer data)
{
    g_autofree char *path = put(world, "a.pem", "no list\n");
    g_autoptr(GError) error = NULL;

    g_assert_false(seal_crls_add_defaults(world->trust, &error));
    g_assert_nonnull(strstr(error->message, path));
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/crls/list-in-the-folder/revokes", test_revoked);
    ADD("/crls/damaged-file/is-an-error", test_damaged);
    ADD("/crls/writable-by-everybody/is-an-error", test_foreign_hand);
    ADD("/crls/no-file/is-an-error", test_no_file);
    ADD("/crls/defaults/are-those-of-the-user-too", test_defaults);
    return g_test_run();
}
