/* One frame in, one reply out. */
#pragma once

#include "base/fd.h"
#include "base/secret.h"
#include "pkcs11/host/host.h"

/* What one worker thread has of its own: room for a frame, which may carry a PIN, and for what
 * comes of it. Both are secrets; they are wiped after each frame. */
typedef struct {
    SealHost *host;
    SealSecret *frame;   /* SEAL_FRAME_MAX bytes */
    SealSecret *scratch; /* a SealScratch (operation.h) */
    SealFd descriptor;   /* that came with the frame, -1 if none */
} SealServer;

/* Allocate and free the two secrets; a zeroed server may be cleared. */
void seal_server_init(SealServer *server, SealHost *host);
void seal_server_clear(SealServer *server);

/* Receives one frame; blocks. As seal_frame_receive(). */
int seal_server_receive(SealServer *server, SealFrameHeader *ret_header);

/* Serves the frame just received and answers it. FALSE if it was malformed: the channel must be
 * closed. Blocks on the token. */
gboolean seal_server_serve(SealServer *server, SealFrameHeader *header);

/* Answers `header` with an error, before or without serving it. `rv`: CK_RV or 0. */
void seal_server_refuse(SealHost *host, const SealFrameHeader *header, CK_RV rv,
                        const GError *error);
