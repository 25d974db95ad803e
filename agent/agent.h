/* The agent as a whole: the parts, made in order and ended in reverse. main.c is a skin over it. */
#pragma once

#include <glib.h>

typedef struct SealAgent SealAgent;

typedef struct {
    const char *config_file; /* (nullable) in place of the user's */
} SealAgentOptions;

/* Reads the configuration, listens, starts the modules' hosts and takes the bus name. NULL with an
 * error for people: the configuration is wrong (FILE:LINE: ...), there is no bus, or another agent
 * of this user runs. Blocks for the few messages that taking the name needs. (transfer full) */
SealAgent *seal_agent_new(GMainLoop *main_loop, const SealAgentOptions *options, GError **error);

/* Logs every token out, ends the hosts, closes every connection. NULL is allowed. */
void seal_agent_free(SealAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealAgent, seal_agent_free)
