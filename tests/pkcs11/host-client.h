/* The agent's end of a host's channel, for tests: starts a host, greets it, keeps what it tells. */
#pragma once

#include <glib.h>

#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/lane.h"
#include "pkcs11/wire/messages.h"
#include "tests/support/home.h"

typedef struct {
    pid_t pid;
    int channel;
    int audit;        /* our end of the socket for records */
    guint32 *words;   /* SEAL_LANES_MAX revocation words, shared with the host */
    guint64 last_request;
    SealHello hello;         /* the host's */
    GPtrArray *tokens;       /* of SealTokenInfo: those that are present */
    GPtrArray *keys;         /* of SealKeyInfo */
    GPtrArray *certificates; /* of SealCertificateInfo */
    GPtrArray *left_out;     /* of char *, of all tokens so far */
    guint n_told;            /* TOKEN_DONE frames so far */
    guint n_gone;            /* TOKEN_GONE frames */
    guint n_states;          /* TOKEN_STATE frames */
    guint n_bells;           /* DOORBELL frames */
    guint n_closed;          /* LANE_CLOSED frames */
    guint n_fitting;         /* KEY_TRIED frames of signatures that fit, and that do not */
    guint n_mismatching;
    guint32 closed_lane;     /* of the last one */
    SealLaneEnd closed_why;
} SealTestHost;

typedef struct {
    SealErrorCode status;
    guint32 ckr;
    char *message; /* of a failure */
    GBytes *body;  /* of a success */
} SealTestAnswer;

/* Starts privyseal-host with `module` and says nothing to it (transfer full). */
SealTestHost *seal_test_host_spawn(SealTestHome *home, const char *module);
/* Starts privyseal-host with `module` and sends HELLO (with `hello`, or a usual one if NULL).
 * Returns the host (transfer full) and its answer (transfer full). stderr goes to host.log in the
 * home. */
SealTestHost *seal_test_host_start(SealTestHome *home, const char *module, const SealHello *hello,
                                   SealTestAnswer **ret_answer);
/* As above with the fixture's module or (moody TRUE) the one with moods on top; expects success and
 * waits until every token was told. */
SealTestHost *seal_test_host_new(SealTestHome *home, gboolean moody);
/* As above over a fixture made here, with the moody module in this mood unless it is NULL; and logs in
 * to Alice's token. */
SealTestHost *seal_test_host_unlocked(SealTestHome *home, const char *mood);
/* The same, with so many operations at once at the most (0: what the token takes). */
SealTestHost *seal_test_host_narrow(SealTestHome *home, const char *mood, guint workers);
/* Closes the channel and waits for the end; returns the exit status (128 + signal if one ended it).
 */
int seal_test_host_stop(SealTestHost *host);
/* Stops and frees; expects exit status 0. NULL is allowed. */
void seal_test_host_free(SealTestHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTestHost, seal_test_host_free)

/* Sends a request with one part of body (may be NULL); returns its id. */
guint64 seal_test_host_send(SealTestHost *host, SealFrameHeader *header, GBytes *body);
/* Handles events until the answer to `request` comes (transfer full); NULL if the channel is
 * closed. */
SealTestAnswer *seal_test_host_wait(SealTestHost *host, guint64 request);
/* Both. */
SealTestAnswer *seal_test_host_ask(SealTestHost *host, SealFrameHeader *header, GBytes *body);
/* Handles events until `*counter` (a field of `host`) reaches `value`. */
void seal_test_host_wait_for(SealTestHost *host, const guint *counter, guint value);
/* From a reply's header and body (transfer full). */
SealTestAnswer *seal_test_answer_read(const SealFrameHeader *header, const guint8 *body);
void seal_test_answer_free(SealTestAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealTestAnswer, seal_test_answer_free)

/* By label; aborts if there is none. */
const SealTokenInfo *seal_test_host_token(SealTestHost *host, const char *label);
const SealKeyInfo *seal_test_host_key(SealTestHost *host, const char *label);

/* LOGIN and LOGOUT at the token of that label (transfer full). */
SealTestAnswer *seal_test_host_login(SealTestHost *host, const char *token, const char *pin);
SealTestAnswer *seal_test_host_logout(SealTestHost *host, const char *token);
/* PIN_CHANGE or PIN_UNBLOCK there (transfer full). */
SealTestAnswer *seal_test_host_set_pin(SealTestHost *host, SealFrameType type, const char *token,
                                       const char *given, const char *fresh);
/* Signs; `pin` may be NULL. */
SealTestAnswer *seal_test_host_sign(SealTestHost *host, const SealKeyInfo *key,
                                    SealMechanism mechanism, SealHash hash, guint salt_len,
                                    GBytes *data, const char *pin);
/* Unwraps; the lengths in `request` are set from its parts. */
SealTestAnswer *seal_test_host_unwrap(SealTestHost *host, const SealKeyInfo *key,
                                      SealMechanism mechanism, SealUnwrapRequest *request);

/* A raw operation over `input`. */
SealTestAnswer *seal_test_host_raw(SealTestHost *host, const SealKeyInfo *key,
                                   SealMechanism mechanism, const void *input, gsize len);

/* Changes the mood of the moody module: the lines of its [mood]. */
void seal_test_mood(SealTestHome *home, const char *lines);
/* How often the moody module's log (`calls` in the home) has `call`. */
guint seal_test_mood_count(SealTestHome *home, const char *call);
