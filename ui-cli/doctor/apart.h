/* Asking what may hang: in a process of its own, with a deadline. */
#pragma once

#include <glib.h>

typedef struct {
    gboolean late; /* the deadline passed: it was killed */
    int status;    /* exit status; -1 if it was killed, or not started */
    char *out;     /* what it wrote, at most 64 KiB, NUL-terminated; valid UTF-8 */
} SealApart;

/* Frees what is in `apart`, not `apart` itself. */
void seal_apart_clear(SealApart *apart);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealApart, seal_apart_clear)

/* Runs a program (`argv`, NULL-terminated; argv[0] an absolute path) with nothing on its standard
 * input; both its outputs are read. Fills `ret_apart` in any case. Blocks until it ends, or
 * `deadline_ms`, or Ctrl-C. The calling process must have no threads. */
void seal_apart_run(const char *const *argv, guint deadline_ms, SealApart *ret_apart);

/* The same for a function of this program, which writes to `fd`. */
void seal_apart_call(void (*ask)(int fd), guint deadline_ms, SealApart *ret_apart);

/* Returns (transfer full) (nullable) the path of a program, from PATH or the folders of programs
 * for administrators, which are not in everybody's. */
char *seal_apart_find(const char *program);
