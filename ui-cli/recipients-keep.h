/* Keeping certificates of other people: what `privyseal recipients` changes. */
#pragma once

#include "pki/correspondents.h"

/* Keeps the certificates in a file (PEM or DER): those to which mail can be encrypted for each of
 * their addresses, those of CAs to build paths from. Prints a line for each. FALSE with the file's
 * or the database's error, or NOT_FOUND if there is none of either kind. Blocks. */
gboolean seal_recipients_import(SealDatabase *database, const char *path, GError **error);

/* Returns (transfer full) the whole fingerprint of the one certificate of `address` that begins
 * with `prefix` (8 hexadecimal digits at least, colons and blanks left out); NULL with NOT_FOUND,
 * INVALID_INPUT or the database's error. */
char *seal_recipients_fingerprint(SealDatabase *database, const char *address, const char *prefix,
                                  GError **error);

/* Returns (transfer full) (nullable) one sentence about what keeping a certificate changed for
 * `address`, where somebody should know: who, both fingerprints, since when. */
char *seal_recipients_change_text(const char *address, GBytes *certificate,
                                  const SealNewsResult *result);
