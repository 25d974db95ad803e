/* Lines for programs, as GnuPG writes them to its --status-fd. */
#pragma once

#include <glib.h>

typedef struct SealGnupgStatus SealGnupgStatus;

/* `fd`: the descriptor's number as it was given; NULL: the lines go nowhere. (transfer full), or
 * NULL with SEAL_USAGE_ERROR of `command` if it is no number, or nothing is open under it. */
SealGnupgStatus *seal_gnupg_status_new(const char *fd, const char *command, GError **error);
void seal_gnupg_status_free(SealGnupgStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealGnupgStatus, seal_gnupg_status_free)

/* Adds one line: a keyword and what belongs to it. Text from outside must have no line ends in it.
 */
void seal_gnupg_status_add(SealGnupgStatus *status, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Writes the lines that were added. FALSE with a G_FILE_ERROR. Blocks. */
gboolean seal_gnupg_status_write(SealGnupgStatus *status, GError **error);
