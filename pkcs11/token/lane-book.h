/* The lanes at one host process, as the agent keeps them: their revocation words, and the records
 * of their uses. It sends and waits for nothing. */
#pragma once

#include <glib.h>

#include "pkcs11/token/module.h"
#include "pkcs11/wire/lane.h"

typedef struct SealLaneBook SealLaneBook;

typedef struct {
    /* A use was recorded; the lane is in the book. */
    void (*used)(const SealLaneRecord *record, gpointer user_data);
    /* The lane is over at the host, all its uses were told, and its number means nothing any more.
     */
    void (*closed)(guint32 lane, SealLaneEnd why, gpointer user_data);
} SealLaneBookEvents;

/* `audit`: our end of the host's socket for records, non-blocking; not owned. NULL if the system
 * gives no memory that only we can write: there are no lanes then. (transfer full) */
SealLaneBook *seal_lane_book_new(int audit, const SealLaneBookEvents *events, gpointer user_data);
/* NULL is allowed. */
void seal_lane_book_free(SealLaneBook *book);

/* The file of the words, for the host, which can only read it. Closed with the book. */
int seal_lane_book_words(const SealLaneBook *book);

/* Enters a lane, open from here on, and gives it a word. FALSE if SEAL_LANES_MAX are open. */
gboolean seal_lane_book_open(SealLaneBook *book, guint32 lane, guint32 *ret_word);
/* TRUE from then until it is closed. */
gboolean seal_lane_book_has(const SealLaneBook *book, guint32 lane);
/* Takes it back: nothing starts on it once this has returned, but for what has just looked at its
 * word. FALSE if the lane is not in the book. */
gboolean seal_lane_book_end(SealLaneBook *book, guint32 lane, SealLaneEnd why);
/* The same for all of them. */
void seal_lane_book_end_all(SealLaneBook *book, SealLaneEnd why);
/* `done` is called once when the lane has been told as closed. TRUE the first time for a lane: its
 * host is to be asked. The lane must be in the book. */
gboolean seal_lane_book_await(SealLaneBook *book, guint32 lane, SealLaneEndedFunc done,
                              gpointer user_data);
/* The host has done with the lane: reads what was recorded, tells, forgets it. `why`: what the host
 * said; the reason of an end before goes first. No effect if it is not in the book. FALSE as
 * seal_lane_book_drain(). */
gboolean seal_lane_book_close(SealLaneBook *book, guint32 lane, SealLaneEnd why);
/* The same for all of them: the host is gone. */
void seal_lane_book_close_all(SealLaneBook *book, SealLaneEnd why);

/* Reads the records that are there and tells them. FALSE if one is missing, or is none: the host
 * cannot be trusted with lanes. Does not wait. */
gboolean seal_lane_book_drain(SealLaneBook *book);
