/* A line that says what the program waits for. */
#pragma once

#include <glib.h>

typedef struct SealProgress SealProgress;

/* From one second on, shows `text` with a moving sign on stderr, if that is a terminal; nothing
 * elsewhere. `may_prompt`: a PIN may be asked for meanwhile. If that would happen on this same
 * terminal (no display), the line is written at once and left alone, so that it does not run into
 * the prompt. */
SealProgress *seal_progress_start(gboolean may_prompt, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Takes the line away. NULL is allowed. */
void seal_progress_end(SealProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealProgress, seal_progress_end)
