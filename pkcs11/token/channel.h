/* The frames between the agent and one host: requests go out within the host's window, replies find
 * their request, events go up. The channel outlives hosts: it is opened for each and closed when it
 * is lost. Every answer comes from the loop, exactly once, never from inside the call that asked.
 */
#pragma once

#include <glib.h>

#include "base/fd.h"
#include "base/loop.h"
#include "pkcs11/token/module.h"
#include "pkcs11/wire/frame.h"

typedef struct SealChannel SealChannel;

typedef struct {
    /* An event frame. FALSE: it makes no sense, which breaks the channel. */
    gboolean (*event)(const SealFrameHeader *header, SealBytes body, gpointer user_data);
    /* Nothing more comes: EOF (UNREACHABLE), a protocol error (MODULE_FAILED), a deadline
     * (TIMED_OUT). The owner must call seal_channel_close() before it returns. `message`: what
     * happened, for people. */
    void (*broken)(SealErrorCode why, const char *message, gpointer user_data);
    /* What may be the reason why the token does not answer, as a clause for people (transfer full,
     * nullable). */
    char *(*explain)(gpointer user_data);
} SealChannelEvents;

/* (transfer full); `events` static. */
SealChannel *seal_channel_new(SealLoop *loop, const SealChannelEvents *events, gpointer user_data);
/* Fails what is left with MODULE_FAILED first (the callbacks run). NULL is allowed. */
void seal_channel_free(SealChannel *channel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealChannel, seal_channel_free)

/* Starts with a new host at `fd` (not owned). Until seal_channel_set_window() only HELLO is sent,
 * other requests wait. */
void seal_channel_open(SealChannel *channel, int fd);
/* `window`: requests at the host at once, at least 1. Sends what waits. */
void seal_channel_set_window(SealChannel *channel, guint window);
/* Ends it; everything asked fails with `status` and `message`. No effect when it is not open, but
 * for that. */
void seal_channel_close(SealChannel *channel, SealErrorCode status, const char *message);
gboolean seal_channel_is_open(const SealChannel *channel);

typedef struct {
    uint16_t type;          /* SealFrameType */
    const SealKeyInfo *key; /* (nullable) */
    uint32_t lane;          /* number, 0 if it is not about one */
    SealFd *descriptor;     /* (nullable) goes with the frame; taken, whatever comes of it */
    SealMechanism mechanism;
    const struct iovec *parts; /* the body; read during the call only */
    size_t n_parts;            /* at most 6 */
    gboolean is_secret;        /* has a PIN: if it must wait, then in locked memory */
    guint timeout_ms;
    gboolean is_patient; /* waits for a person at the reader's pad */
} SealAsk;

/* Returns the request's id, never 0. Fails (by callback) with MODULE_FAILED when the channel is not
 * open, LIMIT_EXCEEDED when too much waits or the body is too large, TIMED_OUT at the deadline. */
guint64 seal_channel_ask(SealChannel *channel, const SealAsk *ask, SealReplyFunc done,
                         gpointer user_data);
/* A request that is not sent at all: answers from the loop with `status` and `message`. */
guint64 seal_channel_refuse(SealChannel *channel, SealErrorCode status, const char *message,
                            SealReplyFunc done, gpointer user_data);
/* No callback any more. What waits is not sent; what was sent is answered into nothing. */
void seal_channel_cancel(SealChannel *channel, guint64 id);
