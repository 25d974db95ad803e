/* privyseal-host: one process, one PKCS#11 module, one channel to the agent. */
#pragma once

#include <glib.h>
#include <p11-kit/pkcs11.h>

#include "pkcs11/host/store.h"
#include "pkcs11/wire/frame.h"
#include "pkcs11/wire/messages.h"

/* Exit statuses. Whatever went wrong at the start is also told in a failed reply to HELLO. */
typedef enum {
    SEAL_HOST_EXIT_CLOSED = 0,   /* the agent closed the channel */
    SEAL_HOST_EXIT_USAGE = 2,    /* wrong arguments */
    SEAL_HOST_EXIT_MODULE = 3,   /* the module cannot be loaded or initialised */
    SEAL_HOST_EXIT_PROTOCOL = 4, /* the agent sent a malformed frame, or no HELLO first */
} SealHostExit;

typedef struct {
    const char *module; /* path */
    const char *name;   /* for log lines; NULL: the path */
    const char *reader; /* (nullable) the one PC/SC reader to serve; "": the module is not loaded, and the
                           agent told which readers have a card */
    int channel;        /* SOCK_SEQPACKET to the agent */
    int audit, revoke;  /* of lanes: the socket for records, the file of revocation words; -1: none */
} SealHostOptions;

typedef struct {
    CK_FUNCTION_LIST *functions; /* NULL: readers are told, no module is served */
    const char *reader;          /* (nullable) as in the options */
    int channel;
    SealHello hello; /* what the agent said */
    SealStore *store;
    struct SealLanes *lanes; /* (nullable) lanes.h */
    GMutex scan_lock; /* held while slots are looked at and tokens told */
    struct SealReaders *readers; /* (nullable) readers.h */
    gint polls;                  /* atomic: the module must be asked which tokens are there (again.h) */
    gint retired;                /* atomic */
} SealHost;

/* Confines the process, loads the module, serves the channel until it closes. Returns a
 * SealHostExit. Runs vendor code: may block, crash or never return; the agent watches. */
int seal_host_run(const SealHostOptions *options);

/* Sends an event with `body` (may be NULL); waits for room. Failures are left to the next receive.
 */
void seal_host_send_event(SealHost *host, SealFrameType type, const GByteArray *body);

/* Asks the agent, once, for another host in place of this one: the module got into a state that it does
 * not leave by itself. `reason`: what happened, for people. */
void seal_host_retire(SealHost *host, const char *reason);

/* After the answer to a request at which the module said `rv`: retires if that leaves the module in such a
 * state. */
void seal_host_recover(SealHost *host, CK_RV rv);
