/* Who else is in this process: two neighbours matter. */
#pragma once

#include <glib.h>

/* TRUE in the agent and its host, which must not load their own clients (PKCS#11 through p11-kit's
 * proxy would lead them here): they would wait for themselves. */
gboolean seal_company_is_own_agent(void);

/* TRUE if libp11, or its OpenSSL engine, is loaded. 0.4.12 gives up all keys of a token when it
 * meets one Ed25519 or X25519 key, waits for ever when it is refused a session, never opens
 * another in place of one that ended, and tries what failed again. So a search for all keys finds
 * others only; every session is granted, and lives as long as its slot; and a second try is
 * answered as the first (refusal.h). */
gboolean seal_company_has_libp11(void);
