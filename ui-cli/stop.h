/* Ctrl-C: ends what is under way, in the agent too. */
#pragma once

#include "ipc/client/privyseal.h"

/* Catches SIGINT, SIGTERM and SIGHUP. The first one is noted and ends the client's calls; a second
 * one ends the program at once, as it would have without this. */
void seal_stop_install(void);
/* The client that a signal interrupts; NULL for none. */
void seal_stop_set_client(SealClient *client);
/* FALSE with CANCELLED once a signal has come. */
gboolean seal_stop_check(GError **error);
