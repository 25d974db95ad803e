/* Lanes as a stock client has them: opened over D-Bus, their frames written by the test. */
#pragma once

#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/lane.h"
#include "tests/agent/world.h"

#define KEY   "Alice P-256 signing"
#define ECDSA "{'mechanisms': <['ecdsa']>}"

typedef struct {
    int fd;
    guint32 number, count, seconds, window;
    guint64 last_request;
} Lane;

/* Closes it. */
void lane_clear(Lane *lane);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lane, lane_clear)

/* `options`: as g_variant_new_parsed() reads it. FALSE with `error`. */
gboolean open_on(GDBusConnection *connection, const char *label, const char *options,
                 Lane *ret_lane, GError **error);
/* To KEY on the world's connection, which must work. */
void open_lane(World *world, const char *options, Lane *ret_lane);

/* The next frame on the lane, 0 at its end. */
int next(Lane *lane, SealFrameHeader *header, guint8 *body, gsize room);
/* The host says `why`, and nothing after it. */
void expect_end(Lane *lane, SealLaneEnd why);

/* How many lanes the agent lists; of the first, `ret_used` (nullable). */
gsize count_listed(GDBusConnection *connection, guint32 *ret_used);
