/* One directory is asked, however long it takes. */
#pragma once

#include "pki/directory.h"

/* What seal_directory_find() does, without its deadline: each step has one of its own, but not the
 * C library, which looks up the name of the server, nor the Kerberos library. To be called in a
 * thread of its own, in which SIGPIPE is blocked afterwards. */
gboolean seal_directory_ask(const SealDirectory *directory, const char *address,
                            GPtrArray *preferred, GPtrArray *others, GError **error);
