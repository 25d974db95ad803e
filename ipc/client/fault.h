/* From what D-Bus and sd-bus say to an error of SEAL_ERROR. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Sets `error` from an error reply. The agent's sentence is kept as it stands. */
void seal_fault_set_reply(GError **error, const sd_bus_error *reply);

/* Sets `error` from a negative errno of sd-bus. `action`: what could not be done, e.g. "reach the
 * agent". */
void seal_fault_set_errno(GError **error, int negative_errno, const char *action);

/* TRUE if this negative errno means that the other end is gone. */
gboolean seal_fault_is_disconnect(int negative_errno);
