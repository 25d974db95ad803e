/* The book of requests at one host: what was asked, what of it is at the host, what still waits for
 * room, and by when each must be answered. It sends and calls nothing. */
#pragma once

#include <glib.h>

#include "base/fd.h"
#include "pkcs11/token/module.h"
#include "pkcs11/wire/frame.h"

/* More than this at one module is refused, but for revocations of lanes: memory stays bounded whatever
 * peers do. */
#define SEAL_REQUESTS_MAX 1024u

typedef struct {
    guint64 id;
    SealFrameHeader header;
    gint64 deadline_us;
    gint64 timeout_us; /* what it was given at first */
    SealReplyFunc done; /* NULL: cancelled; what the host answers is dropped */
    gpointer user_data;
    gboolean patient;   /* a person is at the reader's pad: others may have to wait for it */
    gboolean in_flight; /* sent, not answered */
    SealFd descriptor;  /* to be sent with it, else -1 */
    /* A request that waits keeps its body: in locked memory if it has a PIN. */
    GByteArray *body;
    SealSecret *secret_body;
    /* A refused request is never sent: it only waits for its callback. */
    SealErrorCode refused;
    char *refusal;
} SealRequest;

typedef struct {
    GHashTable *by_id; /* owns them */
    GQueue waiting;    /* in the order of asking */
    guint64 last_id;
    guint in_flight;
} SealRequests;

/* Starts an empty book. */
void seal_requests_init(SealRequests *requests);
/* Frees the book; every request must have been removed before. */
void seal_requests_clear(SealRequests *requests);

/* Enters a new request and gives it an id; owned by the book. */
SealRequest *seal_requests_add(SealRequests *requests, SealReplyFunc done, gpointer user_data);
/* NULL if there is none. */
SealRequest *seal_requests_find(const SealRequests *requests, guint64 id);
/* Takes it out of the book (transfer full). */
SealRequest *seal_requests_take(SealRequests *requests, SealRequest *request);
void seal_request_free(SealRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealRequest, seal_request_free)

/* Keeps a copy of the body and puts the request at the end of those that wait. */
void seal_requests_wait(SealRequests *requests, SealRequest *request, const struct iovec *parts,
                        size_t n_parts, gboolean is_secret);
/* The first that waits, NULL if none (transfer none). */
SealRequest *seal_requests_first_waiting(const SealRequests *requests);
/* The body of a waiting request, as one part. */
struct iovec seal_request_body(const SealRequest *request);
/* It was sent: counts as in flight, its copy is wiped and freed. */
void seal_requests_sent(SealRequests *requests, SealRequest *request);

/* The earliest deadline, -1 if there is none. */
gint64 seal_requests_deadline(const SealRequests *requests);
/* Those that satisfy: overdue at `now_us` (-1: all), in the order of asking. (transfer container)
 */
GPtrArray *seal_requests_overdue(const SealRequests *requests, gint64 now_us);
/* TRUE while a patient request is at the host. */
gboolean seal_requests_has_patient(const SealRequests *requests);
