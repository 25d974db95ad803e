/* The frames between agent and host, and on a lane between client and host (lane.h).
 *
 * One SOCK_SEQPACKET message is one frame: a fixed header of 40 bytes in host byte order, then
 * `length` bytes of body. A request is answered by a frame of the same request id whose type has
 * SEAL_FRAME_REPLY set; its `status` is a SealErrorCode. The body of a failed reply is a
 * SealFailure (messages.h). A type nobody knows is answered SEAL_ERROR_NOT_SUPPORTED. A frame with
 * a wrong length, a truncated one, an empty one, or a descriptor on any type but
 * SEAL_FRAME_LANE_OPEN is a protocol error: the receiver closes the channel. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define SEAL_WIRE_VERSION 1u

/* The largest frame, header included: 64 KiB of data, parameters, and room for both; below the
 * 212,000 bytes at which a SEQPACKET send fails with EMSGSIZE (default buffer). */
#define SEAL_FRAME_MAX  (80u * 1024u)
#define SEAL_DATA_MAX   (64u * 1024u) /* DESIGN section 4: data and encryptedKey */
#define SEAL_PIN_MAX    255u          /* bytes of a PIN */
#define SEAL_FRAME_REPLY 0x8000u

typedef enum {
    /* agent to host, answered */
    SEAL_FRAME_HELLO = 1,   /* body: SealHello; answered by SealHello */
    SEAL_FRAME_RESCAN = 2,  /* no body; the reply comes after the TOKEN ... frames it caused */
    SEAL_FRAME_LOGIN = 3,   /* body: SealLoginParameters, PIN bytes */
    SEAL_FRAME_LOGOUT = 4,  /* body: u32 token reference */
    SEAL_FRAME_SIGN = 5,    /* body: SealSignParameters, data, PIN; reply: signature */
    SEAL_FRAME_UNWRAP = 6,  /* body: SealUnwrapParameters, parts; reply: session key or sealed box */
    SEAL_FRAME_PIN_CHANGE = 7,  /* body: SealPinParameters, PIN, new PIN; logged in or not, the token
                                   stays as it was */
    SEAL_FRAME_PIN_UNBLOCK = 8, /* body: SealPinParameters, PUK, new PIN; the token is logged out */
    /* reserved for the life of a key: 9 generate, 10 import, 11 store */
    SEAL_FRAME_RAW = 12,    /* body: SealRawParameters, input, PIN; reply: secret or block. The host
                               knows no policy: the agent asks for nothing that no rule opened */

    /* host to agent, not answered; one TOKEN, its KEYs, CERTIFICATEs and LEFT_OUTs, then TOKEN_DONE */
    SEAL_FRAME_TOKEN = 32,       /* body: messages.h; the token's old objects are forgotten */
    SEAL_FRAME_KEY = 33,
    SEAL_FRAME_CERTIFICATE = 34,
    SEAL_FRAME_TOKEN_DONE = 35,  /* body: u32 token reference */
    SEAL_FRAME_TOKEN_GONE = 36,  /* body: u32 token reference */
    SEAL_FRAME_TOKEN_STATE = 37, /* body: u32 token reference, u32 SealTokenFlags */
    SEAL_FRAME_RETIRE = 38,      /* body: text, why the module must be started anew in another process */
    SEAL_FRAME_READERS = 39,     /* body: u32 number, a text each: the readers that have a card. From a host
                                    that serves no module, for others to serve one reader each */
    SEAL_FRAME_LEFT_OUT = 40,    /* body: u32 token reference, text: which object of the token is not told,
                                    and why */

    SEAL_FRAME_KEY_TRIED = 41,   /* body: u32 token reference, u32 key reference, u32: 1 the first signature
                                    that fits the key's public half, or 0 any that does not, before the
                                    answer to its request */

    /* lanes; each has the lane's number in the header */
    SEAL_FRAME_LANE_OPEN = 64,    /* agent to host, answered; body: SealLaneGrant. The one type that
                                     carries a descriptor, exactly one: the host's end of the lane */
    SEAL_FRAME_LANE_REVOKE = 66,  /* agent to host; body: u32 SealLaneEnd; answered when nothing is
                                     under way on the lane any more, also if there is none */
    SEAL_FRAME_LANE_REVOKED = 67, /* host to client, the last frame; body: SealFailure */
    SEAL_FRAME_LANE_CLOSED = 68,  /* host to agent, not answered; body: u32 SealLaneEnd */
    SEAL_FRAME_DOORBELL = 70,     /* host to agent, not answered: records wait in the audit socket */
} SealFrameType;

typedef struct {
    uint16_t type;       /* SealFrameType, | SEAL_FRAME_REPLY */
    uint16_t flags;      /* 0 */
    uint32_t length;     /* bytes of body that follow the header */
    uint64_t request;    /* chosen by the asker, never 0 in a request; 0 in an event */
    uint32_t lane;       /* 0: the agent's channel */
    uint32_t key;        /* key reference of SEAL_FRAME_KEY, else 0 */
    uint32_t generation; /* of that key; a stale one is answered SEAL_ERROR_TOKEN_REMOVED */
    uint32_t mechanism;  /* SealMechanism (pkcs11/core/mechanism.h), else 0 */
    uint32_t status;     /* SealErrorCode of a reply; 0 in a request */
    uint32_t load;       /* request: how many are in flight at this host, this one included */
} SealFrameHeader;
G_STATIC_ASSERT(sizeof(SealFrameHeader) == 40);

/* Sends one frame: `header` (its `length` is set here from the parts) and up to 6 `parts`. Does not
 * wait: returns 0, or -errno (-EAGAIN when the peer's queue is full, -EMSGSIZE over SEAL_FRAME_MAX,
 * -EPIPE when it is gone; no SIGPIPE). `wait`: block until there is room instead of -EAGAIN. */
int seal_frame_send(int fd, SealFrameHeader *header, const struct iovec *parts, size_t n_parts,
                    gboolean wait);

/* Receives one frame into `header` and `body` (`room` bytes, at least SEAL_FRAME_MAX minus the
 * header). Returns 1 for a frame, 0 when the peer closed (an empty message looks the same: the
 * channel ends either way), -EAGAIN when there is none (or with `wait`, blocks), -EPROTO for a
 * malformed one (truncated, wrong length, with a descriptor: received descriptors are closed), or
 * another -errno. */
int seal_frame_receive(int fd, SealFrameHeader *header, void *body, size_t room, gboolean wait);

/* As above with a `descriptor`, which stays the caller's; for SEAL_FRAME_LANE_OPEN. Does not wait. */
int seal_frame_send_descriptor(int fd, SealFrameHeader *header, const struct iovec *parts,
                               size_t n_parts, int descriptor);
/* As seal_frame_receive(); a LANE_OPEN gives its descriptor (transfer full, close-on-exec), other
 * frames -1. A LANE_OPEN without exactly one is malformed. */
int seal_frame_receive_descriptor(int fd, SealFrameHeader *header, void *body, size_t room,
                                  gboolean wait, int *ret_descriptor);
/* As seal_frame_receive() from a peer that nobody trusts: no descriptor is ever taken in, also not
 * to be closed. A frame that came with one is malformed. */
int seal_frame_receive_bare(int fd, SealFrameHeader *header, void *body, size_t room,
                            gboolean wait);
