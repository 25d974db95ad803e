/* A lane: a leased SEQPACKET line from a client straight to the host, for one key. What the agent
 * permits on it, how it takes that back, and what the host records of each use.
 *
 * On a lane the frames are those of the agent's channel (frame.h) with narrower rules, for the peer
 * may be hostile: types SIGN and UNWRAP only; `lane` is its number, `key`, `generation` and
 * `status` are 0; no PIN; `load` is the number of requests that the client has in flight on it. The
 * last frame that a host sends is an event of type LANE_REVOKED that says why (SealFailure with the
 * SealLaneEnd in place of the CK_RV). */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "base/error.h"

/* Of the frames on a lane; told when it is opened. */
#define SEAL_LANE_VERSION 1u
/* Lanes of one host, open at once: one word each in a page of revocation words. */
#define SEAL_LANES_MAX 1024u
/* Requests that a lane's client may have in flight. */
#define SEAL_LANE_WINDOW_MAX 64u
/* Operations of one lease: more than any token does within an hour. */
#define SEAL_LANE_COUNT_MAX 1000000000u

/* SEAL_FRAME_LANE_OPEN, with the lane's descriptor; the header has lane number, key, generation. */
typedef struct {
    uint64_t expires_us; /* CLOCK_BOOTTIME */
    uint32_t count;      /* operations, 1 to SEAL_LANE_COUNT_MAX */
    uint32_t mechanisms; /* bit (1 << SealMechanism); never raw ones */
    uint32_t hashes;     /* bit (1 << SealHash): of digests, of OAEP, of key derivation */
    uint32_t salt_max;   /* bytes of PSS salt */
    uint32_t window;     /* requests at once, 1 to SEAL_LANE_WINDOW_MAX */
    uint32_t word;       /* index of its revocation word */
    uint32_t client;     /* whose lane it is: lanes of one client share its turns */
    uint32_t reserved;   /* 0 */
} SealLaneGrant;
G_STATIC_ASSERT(sizeof(SealLaneGrant) == 40);

/* TRUE if the body is exactly one grant that makes sense. FALSE leaves the result untouched. */
gboolean seal_lane_grant_decode(const void *body, size_t len, SealLaneGrant *ret_grant);

/* Why a lane ended. Part of the frames: append only. */
typedef enum {
    SEAL_LANE_OPEN = 0,
    SEAL_LANE_CLOSED,   /* by its client */
    SEAL_LANE_BROKEN,   /* its client broke the rules of frames */
    SEAL_LANE_NOT_READ, /* its client does not read the answers */
    SEAL_LANE_USED_UP,  /* as many operations as were granted */
    SEAL_LANE_EXPIRED,
    SEAL_LANE_LOCKED,     /* the token was locked */
    SEAL_LANE_REMOVED,    /* the token, or the key, went */
    SEAL_LANE_ABANDONED,  /* the connection that it was opened on ended */
    SEAL_LANE_REVOKED,    /* a person asked for it */
    SEAL_LANE_UNRECORDED, /* the agent takes no records */
    SEAL_LANE_HOST_ENDED, /* the module crashed or was stopped */
    SEAL_LANE_FORBIDDEN,  /* the policy has changed */
    SEAL_LANE_END_LAST = SEAL_LANE_FORBIDDEN,
} SealLaneEnd;

/* "used-up" and its like for lists and logs; static, "" for a number outside of the enum. */
const char *seal_lane_end_name(SealLaneEnd end);
/* The contract's error for it, and a sentence for people; static. */
SealErrorCode seal_lane_end_code(SealLaneEnd end);
const char *seal_lane_end_phrase(SealLaneEnd end);

/* A revocation word is the lane's own number as long as the lane is open. The agent writes another
 * value to take the lane back; numbers are never given twice, so a word that serves another lane by
 * now is no permission either. Lane numbers are below SEAL_LANE_WORD_ENDED. */
#define SEAL_LANE_WORD_ENDED 0x80000000u
static inline uint32_t
seal_lane_word(SealLaneEnd end)
{
    return SEAL_LANE_WORD_ENDED | (uint32_t)end;
}

/* What became of the use that a record tells. */
typedef enum {
    SEAL_LANE_USE_STARTS = 1, /* sent before the token is asked: it may have been used */
    SEAL_LANE_USE_FAILED = 2, /* the use recorded before gave nothing; `status` says why */
} SealLaneUse;

/* One record on the audit socket: a message of exactly 64 bytes. */
typedef struct {
    uint64_t sequence;    /* of this host: from 1, without a gap */
    uint64_t boottime_us; /* CLOCK_BOOTTIME */
    uint64_t request;     /* the client's number of it */
    uint32_t lane;
    uint32_t lane_sequence; /* of the lane's uses: from 1; of a failure, that of its start */
    uint32_t key;           /* key reference */
    uint16_t mechanism;     /* SealMechanism */
    uint8_t use;            /* SealLaneUse */
    uint8_t status;         /* SealErrorCode of a failure, else 0 */
    uint8_t input_hash[24]; /* SHA-256, cut, of the digest, message or encrypted key */
} SealLaneRecord;
G_STATIC_ASSERT(sizeof(SealLaneRecord) == 64);
