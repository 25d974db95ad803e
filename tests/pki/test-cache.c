/* The folder of what was fetched. */
#include "pki/cache.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <utime.h>

#include "tests/support/home.h"

#define KIB 1024

typedef struct {
    SealTestHome *home;
    char *folder;
    SealCache *cache;
} World;

static void
world_open(World *world, gconstpointer data)
{
    world->home = seal_test_home_new();
    world->folder = seal_test_home_path(world->home, "cache/privyseal/revocation");
    world->cache = seal_cache_new(world->folder);
}

static void
world_close(World *world, gconstpointer data)
{
    seal_cache_free(world->cache);
    g_free(world->folder);
    seal_test_home_free(world->home);
}

static void
put(World *world, const char *name, gsize len)
{
    g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(len), len);

    seal_cache_put(world->cache, name, bytes);
}

static gboolean
has(World *world, const char *name)
{
    g_autoptr(GBytes) bytes = seal_cache_get(world->cache, name, (gsize)64 * KIB * KIB);

    return bytes != NULL;
}

/* The files in it, and in *ret_only (nullable) the path of the last one. */
static guint
count_files(World *world, char **ret_only)
{
    GDir *dir = g_dir_open(world->folder, 0, NULL);
    const char *name = NULL;
    guint count = 0;

    while (dir && (name = g_dir_read_name(dir))) {
        count++;
        if (ret_only) {
            g_free(*ret_only);
            *ret_only = g_build_filename(world->folder, name, NULL);
        }
    }
    if (dir)
        g_dir_close(dir);
    return count;
}

static void
test_round(World *world, gconstpointer data)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static("a list", 6);
    g_autoptr(GBytes) found = NULL;
    g_autofree char *path = NULL;
    struct stat about;

    g_assert_false(has(world, "crl http://x/../../y"));
    seal_cache_put(world->cache, "crl http://x/../../y", bytes);
    found = seal_cache_get(world->cache, "crl http://x/../../y", 6);
    g_assert_true(g_bytes_equal(bytes, found));
    g_assert_false(has(world, "crl http://x/../../z"));
    g_assert_null(seal_cache_get(world->cache, "crl http://x/../../y", 5));
    g_assert_cmpuint(count_files(world, &path), ==, 1);
    g_assert_cmpint(stat(path, &about), ==, 0);
    g_assert_cmpint(about.st_mode & 0777, ==, 0600);
    g_assert_cmpint(stat(world->folder, &about), ==, 0);
    g_assert_cmpint(about.st_mode & 0777, ==, 0700);
}

static void
make_old(const char *path, time_t when)
{
    const struct utimbuf times = {when, when};

    g_assert_cmpint(utime(path, &times), ==, 0);
}

/* 256 entries; the oldest goes, also if it is what a writer left that died. */
static void
test_count(World *world, gconstpointer data)
{
    g_autofree char *first = NULL;
    g_autofree char *left = NULL;

    put(world, "first", 1);
    g_assert_cmpuint(count_files(world, &first), ==, 1);
    make_old(first, 1000);
    left = g_strconcat(first, ".AbCdEf", NULL);
    g_assert_true(g_file_set_contents(left, "x", 1, NULL));
    make_old(left, 900);
    for (guint i = 0; i < 256; i++) {
        g_autofree char *name = g_strdup_printf("%u", i);

        put(world, name, 1);
    }
    g_assert_cmpuint(count_files(world, NULL), ==, 256);
    g_assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
    g_assert_false(has(world, "first"));
    g_assert_true(has(world, "255"));
}

/* 64 MiB */
static void
test_bytes(World *world, gconstpointer data)
{
    g_autofree char *first = NULL;

    put(world, "first", (gsize)33 * KIB * KIB);
    g_assert_cmpuint(count_files(world, &first), ==, 1);
    make_old(first, 1000);
    put(world, "second", (gsize)33 * KIB * KIB);
    g_assert_false(has(world, "first"));
    g_assert_true(has(world, "second"));
    put(world, "third", (gsize)65 * KIB * KIB);
    g_assert_false(has(world, "third"));
    g_assert_true(has(world, "second"));
}

/* Neither waits for a writer nor fails. */
static void
test_odd_files(World *world, gconstpointer data)
{
    g_autofree char *path = NULL;
    g_autofree char *file = seal_test_home_write(world->home, "a-file", "");
    g_autoptr(SealCache) nowhere = seal_cache_new(file);
    g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);

    put(world, "name", 1);
    g_assert_cmpuint(count_files(world, &path), ==, 1);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    g_assert_false(has(world, "name"));
    seal_cache_put(nowhere, "name", bytes);
    g_assert_null(seal_cache_get(nowhere, "name", 1));
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/cache/entry/comes-back-to-its-owner-only", test_round);
    ADD("/cache/many-entries/the-oldest-go", test_count);
    ADD("/cache/large-entries/the-oldest-go", test_bytes);
    ADD("/cache/odd-files/are-no-entries", test_odd_files);
    return g_test_run();
}
