/* From what D-Bus and sd-bus say to an error of SEAL_ERROR. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Sets `error` from an error reply. The agent's sentence is kept as it stands. */
void seal_fault_set_reply(GError **error, const sd_bus_error *reply);

/* Sets `error` from a negative errno of sd-bus. `action`: what could not be done, e.g. "reach the
 * agent". */
void seal_fault_set_errno(GError **error, int negative_errno, const char *action);

/* TRUE if `fault` is an answer: sd_bus_call(3) also dresses up its own time limit and a closed
 * connection as errors, and gives the errno of a time limit for NoReply, which a bus says when the
 * agent ended. */
gboolean seal_fault_is_reply(const sd_bus_error *fault, int negative_errno);

/* TRUE if this negative errno means that the other end is gone. */
gboolean seal_fault_is_disconnect(int negative_errno);
