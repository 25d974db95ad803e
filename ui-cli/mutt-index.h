/* The indexes of the folder in which mutt looks for certificates. */
#pragma once

#include "pki/trust.h"
#include "ui-cli/reach.h"

/* Writes the index of certificates anew. Returns (transfer full) (element-type SealMuttEntry) the
 * folder's certificates, judged by `trust`; NULL with the errors of seal_mutt_folder_read() or
 * a G_FILE_ERROR. Blocks on the disk. */
GPtrArray *seal_mutt_index_renew(const char *folder, const SealTrust *trust, GError **error);

/* Writes the index of the keys with which mail can be signed. FALSE with a G_FILE_ERROR. */
gboolean seal_mutt_index_write_keys(const char *folder, const SealClientObjects *objects,
                                    GError **error);

/* Returns (transfer full) the file of the trusted certificate that the index names for `address`;
 * NULL if there is none. Blocks on the disk. */
char *seal_mutt_index_find(const char *address);
