/* A method call in flight: its message, its peer, and what must be cancelled when the peer leaves.
 * Answering frees it. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "agent/callers.h"
#include "base/bytes.h"
#include "base/error.h"

typedef void (*SealCancelFunc)(gpointer handle);

typedef struct {
    SealPeer *peer;          /* NULL once it left */
    sd_bus_message *message; /* the call; what was read from it stays valid as long */
    GList link;
    GQueue *queue;         /* that `link` is in: the peer's, later the orphans' */
    SealCancelFunc cancel; /* (nullable) of `handle`: what is under way ends, nobody answers */
    gpointer handle;
} SealPeerCall;

/* Takes a reference on `message` and adds the call to `peer`. */
SealPeerCall *seal_peer_call_new(SealPeer *peer, sd_bus_message *message);

/* Names what to cancel if the peer leaves. Without one the call waits for its answer, which is
 * then thrown away. */
void seal_peer_call_on_cancel(SealPeerCall *call, SealCancelFunc cancel, gpointer handle);

/* Answers with `reply` (transfer full), a method return or error for the call's message. */
void seal_peer_call_answer_message(SealPeerCall *call, sd_bus_message *reply);
/* The ends of a call. A NONE status is an empty answer. `sensitive`: the message is wiped. */
void seal_peer_call_answer(SealPeerCall *call, SealErrorCode status, const char *message);
void seal_peer_call_answer_bytes(SealPeerCall *call, SealBytes bytes, gboolean sensitive);

/* The peer left: cancels and frees, or waits among the orphans for the answer that will come. */
void seal_peer_call_abandon(SealPeerCall *call);
void seal_peer_call_free(SealPeerCall *call);
