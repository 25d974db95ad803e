/* File descriptors with an owner, and atomic files. */
#pragma once

#include <glib.h>
#include <stddef.h>

/* Closes *fd if it is >= 0 and sets it to -1; errno is kept. For `g_auto(SealFd) fd = -1;`. */
typedef int SealFd;
void seal_fd_clear(SealFd *fd);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealFd, seal_fd_clear)

/* Returns *fd and sets it to -1. */
int seal_fd_steal(SealFd *fd);

/* Writes `len` bytes to `path` by a temporary file beside it, fsync and rename, so that a reader
 * sees the old file or the new one; devices and pipes as below. `mode` as in open(2). FALSE with a
 * G_FILE_ERROR that names the path; nothing is left behind then. Blocks on the disk. */
gboolean seal_file_replace(const char *path, const void *data, size_t len, int mode,
                           GError **error);

/* A file that is written piece by piece beside `path`, and takes its place when it is whole. */
typedef struct {
    char *path;
    char *temporary; /* (nullable) what must not be left behind */
    int fd;          /* to write to */
} SealNewFile;

/* Opens one, readable by its owner alone. What is there already and is no file (a device, a pipe) is
 * opened itself and written to as it is, with no mode and nothing atomic. Returns (transfer full), or NULL with a G_FILE_ERROR that
 * names the path. */
SealNewFile *seal_new_file_open(const char *path, GError **error);

/* Gives it its mode and its place, by fsync and rename. FALSE with a G_FILE_ERROR. Blocks on the
 * disk. */
gboolean seal_new_file_commit(SealNewFile *file, int mode, GError **error);

/* Frees it; one that was not committed is deleted. NULL is allowed. */
void seal_new_file_free(SealNewFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealNewFile, seal_new_file_free)

/* Writes all of it, whatever interrupts. FALSE with errno set. */
gboolean seal_fd_write_all(int fd, const void *data, size_t len);

/* Reads all of `path`, at most `max` bytes: a device without end stops there. Returns (transfer full), or
 * NULL with a G_FILE_ERROR, or SEAL_ERROR_LIMIT_EXCEEDED; both name the path. Blocks on the disk. */
GBytes *seal_file_read(const char *path, size_t max, GError **error);
/* The same with a NUL behind; sets *ret_len (nullable) to the bytes before it. (transfer full) */
char *seal_file_read_text(const char *path, size_t max, size_t *ret_len, GError **error);
