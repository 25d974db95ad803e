/* Clients that never stop signing on lanes of the real agent, over a module that signs nothing, at
 * once, and counts each start as it happens (starts.h). */
#pragma once

#include "tests/agent/lane-scene.h"
#include "tests/pkcs11/lane-signer.h"
#include "tests/support/starts.h"

#define CLIENTS 3u

typedef struct {
    World world;
    GDBusConnection *owner; /* whose lanes they are */
    const guint32 *starts;  /* client i signs with mark i */
    Lane lanes[CLIENTS];
    SealTestSigner *signers[CLIENTS];
} Load;

/* The agent is configured, and not started before it is asked for something. `agent_lines`
 * (nullable): of its configuration. */
void load_init(Load *load, const char *agent_lines);
void load_clear(Load *load);
/* Changes the module's mood; what it is besides stays. */
void load_set_mood(Load *load, const char *lines);
/* Writes the configuration anew, with these [policy] groups. */
void load_configure(Load *load, const char *agent_lines, const char *rules);

/* Opens a lane for each client, with windows of 1, 2 and 3, and lets them go. `more`: options of
 * OpenLane,
 * ", 'seconds': <uint32 1>" say. */
void load_start(Load *load, const char *more);
/* Waits until each client has begun some more signatures. */
void load_wait(Load *load);
/* Signatures that the module has begun for all of them. */
guint32 load_count(const Load *load);
