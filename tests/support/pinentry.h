/* A person at the prompt, played by a program (fake-pinentry.c). */
#pragma once

#include <glib.h>

#include "tests/support/home.h"

/* Puts the fake pinentry into the home as `pinentry/pinentry`, without answers: it cancels every
 * prompt. Returns its path (transfer full), for the agent's configuration. */
char *seal_test_pinentry_new(SealTestHome *home);

/* Sets the answers to the coming prompts, one a line, in order (forgetting what was left):
 *   pin WORD    cancel    close    timeout    hang    die    garbage    flood    no-tty
 *   yes    no    always pin WORD (whatever is asked from here on)
 * `format` as in printf. */
void seal_test_pinentry_answer(SealTestHome *home, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* All that the prompts were sent and what came of it (transfer full): one command a line as it
 * came, then `-> ANSWER` for those that ask, the PIN itself left out. */
char *seal_test_pinentry_log(SealTestHome *home);

/* How often a PIN was asked for, up to now. */
guint seal_test_pinentry_count(SealTestHome *home);

/* Waits until the log contains `text`, e.g. "GETPIN". FALSE at the deadline. */
gboolean seal_test_pinentry_wait(SealTestHome *home, const char *text);
