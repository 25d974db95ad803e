/* What the host gives up before it loads vendor code. */
#pragma once

#include <glib.h>

/* Seconds in which a host that is to end does so by itself. */
#define SEAL_FAREWELL_S 3u

/* Gives up privileges gained by exec, core files, being traced by others, life SEAL_FAREWELL_S after
 * the parent's death and death by SIGPIPE (a vendor's connection that breaks is the vendor's matter);
 * closes every descriptor but 0, 1, 2 and the `n` in `keep`, which become close-on-exec. The
 * channel's end tells of a parent that died earlier. */
void seal_confine(const int *keep, gsize n);
