/* A session bus of its own for one test. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "tests/support/home.h"

/* Starts a dbus-daemon whose services stand in `services` in the home, waits until it listens and
 * points DBUS_SESSION_BUS_ADDRESS at it. What it and the services it starts print goes to
 * `bus.log`. Aborts the test if it cannot. */
void seal_test_bus_new(SealTestHome *home);

/* Waits until `name` has an owner (or, with FALSE, has none). FALSE at the deadline. Activates
 * nothing; blocks without a main loop. */
gboolean seal_test_bus_wait_for_name(const char *name, gboolean owned);

/* The process that owns `name`, 0 if nobody does. */
pid_t seal_test_bus_pid_of(const char *name);
