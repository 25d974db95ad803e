/* A client's end of a lane, and what an agent does around it, for tests of the host. */
#pragma once

#include "tests/pkcs11/host-client.h"

typedef struct {
    SealTestHost *host;
    guint32 number;
    guint32 word;
    int fd;
    guint64 last_request;
    gboolean is_over; /* the lane's end was read */
    SealLaneEnd end;  /* what the host said before; OPEN: nothing */
} SealTestLane;

/* A grant for everything that the fixture's keys do: a thousand operations, an hour, window 1. */
SealLaneGrant seal_test_lane_grant(void);
/* Opens lane `number` for `key`, its word at the same place (transfer full). `ret_answer`
 * (transfer full): what the host said. */
SealTestLane *seal_test_lane_try(SealTestHost *host, guint32 number, const SealKeyInfo *key,
                                 const SealLaneGrant *grant, SealTestAnswer **ret_answer);
/* The same, which must work; for the key of that label. */
SealTestLane *seal_test_lane_new(SealTestHost *host, guint32 number, const char *label,
                                 const SealLaneGrant *grant);
/* Closes our end. NULL is allowed. */
void seal_test_lane_free(SealTestLane *lane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTestLane, seal_test_lane_free)

/* A SIGN frame with ECDSA over SHA-256 of a digest whose first octet is `mark`; the body is 48
 * bytes. */
SealFrameHeader seal_test_lane_header(const SealTestLane *lane);
GBytes *seal_test_lane_body(guint8 mark);
/* Sends one; returns its request, 0 if the lane is closed at the other end. */
guint64 seal_test_lane_send(SealTestLane *lane, SealFrameHeader *header, GBytes *body);
/* The next answer (transfer full), NULL when the lane is over: `end` says why. */
SealTestAnswer *seal_test_lane_wait(SealTestLane *lane);
/* All three. */
SealTestAnswer *seal_test_lane_sign(SealTestLane *lane, guint8 mark);
/* Signs and expects a signature; signs, and expects the lane to end with `why`. */
void seal_test_lane_expect_signature(SealTestLane *lane);
void seal_test_lane_expect_end(SealTestLane *lane, SealLaneEnd why);

/* As the agent: takes the lane back by its word, and by a frame that is awaited. */
void seal_test_lane_write_word(SealTestLane *lane, SealLaneEnd why);
void seal_test_lane_revoke(SealTestLane *lane, SealLaneEnd why);

/* The next record; FALSE if there is none now. */
gboolean seal_test_host_record(SealTestHost *host, SealLaneRecord *ret_record);
