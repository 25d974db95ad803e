/* One blocking method call on a bus, whatever signals come. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* As sd_bus_wait(3), but a signal only ends it early: 0 then. */
int seal_exchange_wait(sd_bus *bus, uint64_t timeout_us);

/* Sends `message` and waits for its reply, which may be an error (transfer full), until
 * `deadline_us` of g_get_monotonic_time() (-1: for ever). Returns 1, or a negative errno:
 * -ETIMEDOUT, or what sd-bus says. `*ret_sent` is FALSE after an error if nobody can have seen the
 * request. What arrives beside the reply is dispatched. */
int seal_exchange(sd_bus *bus, sd_bus_message *message, gint64 deadline_us,
                  sd_bus_message **ret_reply, gboolean *ret_sent);
