/* The rejection secret: made once, kept, and not believed from anybody else's hands. */
#include "agent/rejection-secret.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/home.h"
#include "tests/support/warnings.h"

typedef struct {
    SealTestHome *home;
    char *path;
    guint8 first[SEAL_REJECTION_SECRET_LEN];
    guint8 second[SEAL_REJECTION_SECRET_LEN];
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->home = seal_test_home_new();
    fixture->path = seal_rejection_secret_path();
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_free(fixture->path);
    seal_test_home_free(fixture->home);
}

static gboolean
are_same(const Fixture *fixture)
{
    return memcmp(fixture->first, fixture->second, sizeof fixture->first) == 0;
}

static void
expect_private_file(const Fixture *fixture)
{
    struct stat now;

    g_assert_no_errno(stat(fixture->path, &now));
    g_assert_cmpint(now.st_mode & 07777, ==, 0600);
    g_assert_cmpint(now.st_size, ==, SEAL_REJECTION_SECRET_LEN);
}

static void
test_made_once_and_kept(Fixture *fixture, gconstpointer data)
{
    static const guint8 zeroes[SEAL_REJECTION_SECRET_LEN];

    seal_rejection_secret_load(fixture->path, fixture->first);
    seal_rejection_secret_load(fixture->path, fixture->second);
    g_assert_true(are_same(fixture));
    g_assert_true(memcmp(fixture->first, zeroes, sizeof zeroes) != 0);
    expect_private_file(fixture);
}

static void
expect_replacement(Fixture *fixture)
{
    static const char *const expected[] = {"*mode 0600: replacing it", NULL};

    seal_rejection_secret_load(fixture->path, fixture->second);
    seal_test_expect_warnings(expected);
    g_assert_false(are_same(fixture));
    expect_private_file(fixture);
}

static void
test_readable_by_others_is_replaced(Fixture *fixture, gconstpointer data)
{
    seal_rejection_secret_load(fixture->path, fixture->first);
    g_assert_no_errno(chmod(fixture->path, 0640));
    expect_replacement(fixture);
}

static void
test_wrong_size_is_replaced(Fixture *fixture, gconstpointer data)
{
    seal_rejection_secret_load(fixture->path, fixture->first);
    g_assert_no_errno(truncate(fixture->path, SEAL_REJECTION_SECRET_LEN - 1));
    expect_replacement(fixture);
}

static void
test_link_is_replaced_and_not_followed(Fixture *fixture, gconstpointer data)
{
    g_autofree char *target = seal_test_home_path(fixture->home, "target");

    seal_rejection_secret_load(target, fixture->first);
    seal_rejection_secret_load(fixture->path, fixture->second);
    g_assert_no_errno(unlink(fixture->path));
    g_assert_no_errno(symlink(target, fixture->path));
    expect_replacement(fixture);
    g_assert_false(g_file_test(fixture->path, G_FILE_TEST_IS_SYMLINK));
}

static void
test_unwritable_place_still_gives_one(Fixture *fixture, gconstpointer data)
{
    static const char *const expected[] = {"cannot make '*'*", "*changes with each start*", NULL};
    g_autofree char *blocked = seal_test_home_write(fixture->home, "file", "");
    g_autofree char *path = g_build_filename(blocked, "below", "secret", NULL);

    seal_rejection_secret_load(path, fixture->first);
    seal_test_expect_warnings(expected);
    g_assert_false(are_same(fixture));
}

#define ADD(path, function)                                                                        \
    g_test_add("/rejection-secret/" path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    seal_test_catch_warnings();
    ADD("made-once-and-kept", test_made_once_and_kept);
    ADD("readable-by-others/is-replaced", test_readable_by_others_is_replaced);
    ADD("wrong-size/is-replaced", test_wrong_size_is_replaced);
    ADD("link/is-replaced-and-not-followed", test_link_is_replaced_and_not_followed);
    ADD("unwritable-place/still-gives-one", test_unwritable_place_still_gives_one);
    return g_test_run();
}
