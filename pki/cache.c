/* The cache as files. A file's name is the SHA-256 of the entry's, so no URL leads out of the
 * folder. Nothing here judges what an entry says or how long it is good for: CRLs and OCSP
 * responses carry their own signature and their own end, and are verified again whenever they are
 * read. So the cache can be shared by processes, damaged or deleted at any time. */
#include "pki/cache.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

#define ENTRIES_MAX 256
#define BYTES_MAX   ((gint64)64 * 1024 * 1024)
#define NAME_LEN    64 /* SHA-256 in hexadecimal */

struct SealCache {
    char *folder;
};

typedef struct {
    char *path;
    gint64 changed, bytes;
} Entry;

static void
free_entry(gpointer data)
{
    Entry *entry = data;

    g_free(entry->path);
    g_free(entry);
}

static char *
path_of(const SealCache *cache, const char *name)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);

    return g_build_filename(cache->folder, hash, NULL);
}

/* -- the oldest go ---------------------------------------------------------------------------- */

static gint
by_age(gconstpointer a, gconstpointer b)
{
    const Entry *left = *(Entry *const *)a;
    const Entry *right = *(Entry *const *)b;

    return (left->changed < right->changed) - (left->changed > right->changed);
}

/* Newest first. What a writer that died left behind ("HASH.XXXXXX") is an entry, too. */
static GPtrArray *
list_entries(const SealCache *cache)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func(free_entry);
    GDir *dir = g_dir_open(cache->folder, 0, NULL);
    const char *name = NULL;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(cache->folder, name, NULL);
        struct stat about;
        Entry *entry = NULL;

        if (strlen(name) < NAME_LEN || lstat(path, &about) != 0 || !S_ISREG(about.st_mode))
            continue;
        entry = g_new0(Entry, 1);
        entry->path = g_steal_pointer(&path);
        entry->changed =
            (gint64)about.st_mtim.tv_sec * G_USEC_PER_SEC + about.st_mtim.tv_nsec / 1000;
        entry->bytes = about.st_size;
        g_ptr_array_add(entries, entry);
    }
    if (dir)
        g_dir_close(dir);
    g_ptr_array_sort(entries, by_age);
    return entries;
}

static void
trim(const SealCache *cache)
{
    g_autoptr(GPtrArray) entries = list_entries(cache);
    gint64 bytes = 0;

    for (guint i = 0; i < entries->len; i++) {
        const Entry *entry = entries->pdata[i];

        bytes += entry->bytes;
        if (i >= ENTRIES_MAX || bytes > BYTES_MAX)
            (void)g_unlink(entry->path);
    }
}

/* -- public ----------------------------------------------------------------------------------- */

SealCache *
seal_cache_new(const char *folder)
{
    SealCache *cache = g_new0(SealCache, 1);

    cache->folder = g_strdup(folder);
    return cache;
}

SealCache *
seal_cache_new_default(void)
{
    g_autofree char *folder =
        g_build_filename(g_get_user_cache_dir(), "privyseal", "revocation", NULL);

    return seal_cache_new(folder);
}

void
seal_cache_free(SealCache *cache)
{
    if (!cache)
        return;
    g_free(cache->folder);
    g_free(cache);
}

GBytes *
seal_cache_get(const SealCache *cache, const char *name, gsize max)
{
    g_autofree char *path = path_of(cache, name);
    struct stat about;

    /* A fifo that somebody put there would wait for its writer. */
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return NULL;
    return seal_file_read(path, max, NULL);
}

void
seal_cache_put(SealCache *cache, const char *name, GBytes *bytes)
{
    g_autofree char *path = path_of(cache, name);
    gsize len = 0;
    gconstpointer data = g_bytes_get_data(bytes, &len);

    if (len == 0 || (gint64)len > BYTES_MAX || g_mkdir_with_parents(cache->folder, 0700) != 0)
        return;
    if (seal_file_replace(path, data, len, 0600, NULL))
        trim(cache);
}
