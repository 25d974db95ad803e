/* The folder in which mutt looks for certificates, as files. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

typedef struct {
    char *id; /* its file's name */
    X509 *certificate;
    GPtrArray *addresses; /* (element-type utf8) */
    char trust;           /* mutt's letter for it; 0: it is not one to encrypt to */
    char *reason;         /* (nullable) why it is not trusted */
} SealMuttEntry;

/* Returns (transfer full) the path of the folder, whether it is there or not. */
char *seal_mutt_folder_path(void);

/* Makes the folder, and that of the keys in it. Returns (transfer full) its path, or NULL with
 * NOT_SUPPORTED if mutt could not use it, or a G_FILE_ERROR. */
char *seal_mutt_folder_open(GError **error);

/* Keeps those of `certificates` (element-type GBytes, DER) to which mail can be encrypted, and CAs.
 * FALSE with a G_FILE_ERROR. */
gboolean seal_mutt_folder_keep(const char *folder, const GPtrArray *certificates, GError **error);

/* Returns (transfer full) (element-type SealMuttEntry) what is in the folder, by id, not judged; a
 * file that cannot be read is left out with a warning. NULL with a G_FILE_ERROR or
 * LIMIT_EXCEEDED. */
GPtrArray *seal_mutt_folder_read(const char *folder, GError **error);

/* Returns (transfer full) the name that a certificate's (DER) file has. */
char *seal_mutt_folder_id(GBytes *der);
/* TRUE if `name` is one of a certificate's file. */
gboolean seal_mutt_folder_is_id(const char *name);
