/* Log lines with fields: to the journal where stderr is connected to it, else to stderr. */
#pragma once

#include <glib.h>

/* Sets how this program logs. `program` (static) names it; `verbose` shows debug lines too.
 * Call once, first thing in main(). */
void seal_log_init(const char *program, gboolean verbose);

/* Between these two the lines of this thread are gathered, and written in few pieces: for many that
 * come at once. What was gathered is written at the end, before a line that ends the program, and
 * whenever there is much of it; the journal gets each line at once. Calls do not nest. */
void seal_log_hold(void);
void seal_log_release(void);

/* Lines for people who run the program: lower-case start, no full stop, never a secret. */
#define seal_log_error(...)   g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "MESSAGE", __VA_ARGS__)
#define seal_log_warning(...) g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", __VA_ARGS__)
#define seal_log_info(...)    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE", __VA_ARGS__)
#define seal_log_debug(...)   g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE", __VA_ARGS__)
