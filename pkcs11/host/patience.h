/* How long a look at the slots may take. */
#pragma once

#include "pkcs11/host/host.h"

/* From here on `host` (which lives as long as the process) retires in `limit_us` microseconds,
 * unless seal_patience_end() comes before. One at a time. */
void seal_patience_begin(SealHost *host, gint64 limit_us);
void seal_patience_end(void);
