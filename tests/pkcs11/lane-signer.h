/* A client that never stops: it keeps its lane's window full, whatever is said, until the lane is
 * over. */
#pragma once

#include "pkcs11/wire/lane.h"

typedef struct SealTestSigner SealTestSigner;

/* A thread that signs on the lane behind `fd`, which stays the caller's, what begins with `mark`.
 * (transfer full) */
SealTestSigner *seal_test_signer_new(int fd, guint32 lane, guint window, guint8 mark);

/* What it had. */
typedef struct {
    guint signatures;
    guint refusals;  /* answers without one, but for BUSY: a starved machine takes records late */
    SealLaneEnd end; /* what the last frame said; OPEN: there was none */
} SealTestSigned;

/* Waits until the lane is over, at most the usual deadline. Frees the signer. */
SealTestSigned seal_test_signer_join(SealTestSigner *signer);
