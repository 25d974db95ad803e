/* A lane with several requests in flight, for calls that nobody blocks in. */
#pragma once

#include "ipc/client/call.h"
#include "ipc/client/lane-open.h"

/* Takes `offer->fd`, which the client's readiness watches from here on. `key`: object path, stays
 * as long as the client. (transfer full) */
SealWindow *seal_window_new(SealClient *client, const char *key, const SealLaneOffer *offer);
/* Gives the lane back; calls that are left are freed without a callback. NULL is allowed. */
void seal_window_unref(SealWindow *window);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealWindow, seal_window_unref)

/* The object path of its key, as it was given (borrowed). */
const char *seal_window_key(const SealWindow *window);
/* TRUE while another call may be given to it. */
gboolean seal_window_takes(const SealWindow *window);
/* TRUE if it is closed, or of no more use and nothing is on it. */
gboolean seal_window_is_over(const SealWindow *window);

/* Sends the call, or keeps it until the window has room. FALSE if the agent must be asked. */
gboolean seal_window_submit(SealWindow *window, const SealLaneUseAsk *ask, SealCall *call);
/* Drops a call that was not sent yet; FALSE if it was. */
gboolean seal_window_forget(SealWindow *window, SealCall *call);

/* Handles what has arrived, calling callbacks, and gives up what is overdue. Does not block. */
void seal_window_process(SealWindow *window);
/* When it is to be processed at the latest (g_get_monotonic_time()), -1: when something arrives. */
gint64 seal_window_deadline_us(const SealWindow *window);

/* Gives the lane back; the calls on it are put behind `ret_calls`. */
void seal_window_close(SealWindow *window, GQueue *ret_calls);
