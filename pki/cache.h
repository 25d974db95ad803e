/* A folder of bytes that were fetched, by name. */
#pragma once

#include <glib.h>

typedef struct SealCache SealCache;

/* Returns a new (transfer full) cache in `folder`, which is made when the first entry is put. It
 * keeps 256 entries and 64 MiB at most; the oldest go first. */
SealCache *seal_cache_new(const char *folder);
void seal_cache_free(SealCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCache, seal_cache_free)

/* The same in $XDG_CACHE_HOME/privyseal/revocation. */
SealCache *seal_cache_new_default(void);

/* Returns (transfer full) (nullable) what was put under `name` (any UTF-8), up to `max` bytes. It
 * may be anything: whoever can write to the folder wrote it. Blocks on the disk. */
GBytes *seal_cache_get(const SealCache *cache, const char *name, gsize max);

/* Puts `bytes` under `name`, atomically; a cache that cannot be written stays as it is. Blocks on
 * the disk. */
void seal_cache_put(SealCache *cache, const char *name, GBytes *bytes);
