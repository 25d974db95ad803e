/* What is behind the module that fuzz-module.c calls: a real agent with the fixture's tokens, and
 * inputs that a random generator would never hit upon. */
#pragma once

#include <glib.h>

#include "base/bytes.h"

/* Starts bus and agent once in the process; they end with it. A policy rule opens every raw
 * operation. */
void module_scene_start_once(void);

/* Something that Alice's keys of the fixture can make sense of: `which` chooses, modulo how many
 * there are. Borrowed, for good. */
SealBytes module_scene_input(guint which);

/* All connections to the agent break, and no new one can be made; until it is there again. */
void module_scene_lose_agent(void);
void module_scene_find_agent(void);
