/* How far the way to the agent is open: for a program that says what is wrong with it. */
#pragma once

#include "ipc/client/privyseal.h"

typedef struct {
    gboolean bus_answers;
    gboolean is_activatable; /* the bus knows how to start the agent */
    guint32 pid;             /* of the agent that ran before it was asked; 0 if none did */
    char *version;           /* (nullable) the agent has answered */
    gboolean is_late;        /* bus or agent did not answer in time */
    GError *error;           /* (nullable) why bus or agent cannot be reached */
} SealProbe;

/* Goes that way step by step, up to the first that fails, on a connection of its own: the bus (at
 * most `bus_ms` milliseconds), what it knows of the agent, and the agent's answer (at most
 * `agent_ms`), which starts it. Fills `ret_probe` in any case; clear it with seal_probe_clear().
 * Ended by seal_client_interrupt(). Blocks. */
void seal_client_probe(SealClient *client, guint bus_ms, guint agent_ms, SealProbe *ret_probe);

/* Frees what is in `probe`, not `probe` itself. */
void seal_probe_clear(SealProbe *probe);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SealProbe, seal_probe_clear)
