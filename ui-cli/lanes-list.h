/* The lanes that programs have open, for people and for programs. */
#pragma once

#include "ui-cli/reach.h"

/* Prints them on stdout, as a table or (`json`) as {"lanes": [...]}: number, program, pid, key (its
 * id), operation, count, used, seconds-left. FALSE with an error if the agent does not say. */
gboolean seal_lanes_list_print(SealReach *reach, gboolean json, GError **error);
