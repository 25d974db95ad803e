/* The secret behind PKCS#1 v1.5 implicit rejection: the same damaged message gives the same
 * pseudo-random key today and tomorrow, so that nobody can tell it from a real one by asking twice. */
#pragma once

#include <glib.h>

#define SEAL_REJECTION_SECRET_LEN 32

/* Fills `ret_secret` from `path` (of the form $XDG_STATE_HOME/privyseal/rejection-secret); makes the
 * file (0600) with random bytes when there is none, or when it is not a regular file of ours alone with
 * exactly 32 bytes. Never fails: if nothing can be written, it warns and the bytes last as long as this
 * process. Blocks on the disk. */
void seal_rejection_secret_load(const char *path, guint8 ret_secret[SEAL_REJECTION_SECRET_LEN]);

/* $XDG_STATE_HOME/privyseal/rejection-secret (transfer full). */
char *seal_rejection_secret_path(void);
