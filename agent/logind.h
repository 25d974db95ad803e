/* What logind tells of this user's sessions and of the machine: when to lock tokens because nobody sits
 * there any more. */
#pragma once

#include <glib.h>

#include "base/loop.h"

typedef struct SealLogind SealLogind;

typedef enum {
    SEAL_LOGIND_SCREEN_LOCKED, /* in one of the user's sessions */
    SEAL_LOGIND_SESSION_ENDED, /* the user's last one, or one at a seat */
    SEAL_LOGIND_SUSPENDS,      /* seal_logind_allow_sleep() is awaited */
} SealLogindEvent;

/* Called from the loop. */
typedef void (*SealLogindFunc)(SealLogindEvent event, gpointer user_data);

/* Listens on the system bus for `events` (bits 1 << SealLogindEvent; with none nothing is listened to).
 * Does not block; without a bus or logind nothing is ever told. While suspending is one of the events,
 * an inhibitor holds it up until it is allowed, or until logind is tired of waiting (5 s by default).
 * (transfer full) */
SealLogind *seal_logind_new(SealLoop *loop, guint events, SealLogindFunc func, gpointer user_data);

/* The tokens are locked: the machine may sleep. */
void seal_logind_allow_sleep(SealLogind *logind);

/* Closes the connection. NULL is allowed. */
void seal_logind_free(SealLogind *logind);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealLogind, seal_logind_free)
