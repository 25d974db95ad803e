/* The agent, for a command: reached with a progress line, left by Ctrl-C. */
#pragma once

#include "ipc/client/privyseal.h"

typedef struct SealReach SealReach;

/* Connects, starting the agent. (transfer full), or NULL with an error. Blocks. */
SealReach *seal_reach_agent(GError **error);
void seal_reach_free(SealReach *reach);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealReach, seal_reach_free)

/* The connection, for the calls of libprivyseal (borrowed). */
SealClient *seal_reach_client(SealReach *reach);

/* What is there (borrowed); asked for once, and noted (ui-cli/own-memory.h). */
const SealClientObjects *seal_reach_objects(SealReach *reach, GError **error);
/* The same after the agent has looked for tokens again. */
const SealClientObjects *seal_reach_rescan(SealReach *reach, GError **error);

/* By object path; NULL if it is not listed. */
const SealClientToken *seal_objects_token(const SealClientObjects *objects, const char *path);
const SealClientKey *seal_objects_key(const SealClientObjects *objects, const char *path);
const SealClientCertificate *seal_objects_certificate(const SealClientObjects *objects,
                                                      const char *path);
