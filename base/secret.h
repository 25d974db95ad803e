/* Secret bytes as a type: locked in memory, left out of core files and forks, wiped when freed.
 *
 * A secret lives between two guard pages. It never goes through GLib's allocator, a GBytes, a
 * GVariant or a string. What can reach it: this process, root, and a debugger the kernel allows. */
#pragma once

#include <glib.h>
#include <stddef.h>

typedef struct SealSecret SealSecret;

/* Returns a new (transfer full) secret that can hold `capacity` bytes (1 to 1 MiB), length 0.
 * Aborts if the kernel gives no memory; if it gives memory but no lock (RLIMIT_MEMLOCK), the
 * secret works and seal_secret_is_locked() is FALSE. Does not block. */
SealSecret *seal_secret_new(size_t capacity);

/* Returns a new secret with a copy of `len` bytes at `data`; the caller wipes its own. */
SealSecret *seal_secret_new_copy(const void *data, size_t len);

/* Wipes and frees. NULL is allowed. */
void seal_secret_free(SealSecret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealSecret, seal_secret_free)

/* Unmaps what is kept for the next secrets: before this code is unloaded (dlclose). */
void seal_secret_drop_spares(void);

/* The bytes (transfer none): readable and writable up to the capacity, valid until freed. */
unsigned char *seal_secret_data(SealSecret *secret);
const unsigned char *seal_secret_peek(const SealSecret *secret);
size_t seal_secret_len(const SealSecret *secret);
size_t seal_secret_capacity(const SealSecret *secret);

/* Sets the length (at most the capacity, else aborts); bytes beyond it are wiped. */
void seal_secret_set_len(SealSecret *secret, size_t len);

/* Appends; FALSE and no change if it does not fit. */
gboolean seal_secret_append(SealSecret *secret, const void *data, size_t len);

/* Wipes the content, length becomes 0. */
void seal_secret_wipe(SealSecret *secret);

/* FALSE if the kernel refused to lock the pages (they could be swapped). */
gboolean seal_secret_is_locked(const SealSecret *secret);

/* Compares in time that depends on the lengths only. */
gboolean seal_secret_equal(const SealSecret *a, const SealSecret *b);

/* Overwrites `len` bytes so that the compiler cannot drop it: for buffers on the stack. */
void seal_wipe(void *data, size_t len);
