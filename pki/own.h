/* Certificates of one's own that were seen on tokens: which card held which, and when. */
#pragma once

#include "pki/database.h"

typedef struct {
    char *fingerprint;
    GBytes *certificate; /* DER */
    char *token;         /* label */
    char *token_serial;
    gint64 last_seen; /* seconds since 1970, the day of it */
} SealOwn;

/* NULL is allowed. */
void seal_own_free(SealOwn *own);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealOwn, seal_own_free)

/* Notes that these `seen` (element-type SealOwn; fingerprint and last_seen are not looked at) are
 * on their tokens now. Writes only what is new or was not noted today, in one transaction. FALSE
 * with the errors of seal_database_open(). Blocks on the disk. */
gboolean seal_own_note(SealDatabase *database, const GPtrArray *seen, gint64 now, GError **error);

/* Returns (transfer full) (element-type SealOwn) all that were noted; errors as above. */
GPtrArray *seal_own_list(SealDatabase *database, GError **error);

/* Returns (transfer none) (nullable) the one of `list` that a message names by `issuer` (DER Name)
 * and `serial` (content octets of the INTEGER), or by `key_id`; NULL ones are not compared. */
const SealOwn *seal_own_find(const GPtrArray *list, GBytes *issuer, GBytes *serial, GBytes *key_id);
