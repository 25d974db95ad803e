/* The agent of the build tree, started by D-Bus activation on the test's bus. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "tests/support/home.h"

#define SEAL_TEST_AGENT_NAME "org.privyseal.Agent1"

/* Gives the home a fixture, a bus, a fake pinentry, the agent's configuration and its service
 * file, unless it has them already. The agent itself starts with the first call to its name. At
 * the home's end it is stopped, and the test aborts if a sanitizer found fault with it. */
void seal_test_agent_new(SealTestHome *home);

/* Writes the configuration anew: `agent_lines` (nullable) go into [agent] after the pinentry,
 * `groups` (nullable) takes the place of the group of the SoftHSM module. Before the agent starts. */
void seal_test_agent_configure(SealTestHome *home, const char *agent_lines, const char *groups);

/* The same with the SoftHSM module and `groups` beside it, policy rules say. */
void seal_test_agent_add_groups(SealTestHome *home, const char *groups);

/* Starts the agent (by activation) if it does not run and returns its pid; aborts the test if it
 * does not come. */
pid_t seal_test_agent_pid(SealTestHome *home);

/* What the agent and its hosts printed up to now, with the bus's own lines (transfer full). */
char *seal_test_agent_log(SealTestHome *home);
