/* Asking whether certificates are revoked: what was fetched before, then the network. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

#include "pki/answer.h"
#include "pki/fetch.h"
#include "pki/http.h"

typedef struct SealOnline SealOnline;

/* Returns a new (transfer full) asker. `fetcher`: (nullable) by which the network is asked; it must
 * outlive it; without one only what is kept in $XDG_CACHE_HOME/privyseal/revocation is looked at. */
SealOnline *seal_online_new(const SealFetcher *fetcher);
/* The same over HTTP, with a fetcher of its own. */
SealOnline *seal_online_new_http(const SealHttpPolicy *policy);
void seal_online_free(SealOnline *online);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealOnline, seal_online_free)

/* Returns (nullable) its fetcher, which lives as long as it. */
const SealFetcher *seal_online_fetcher(const SealOnline *online);

/* Finds out about `certificate`, issued by `issuer`, at time `at`: from what was kept, else by OCSP,
 * else by a revocation list, where the certificate says these are. What was answered once is
 * answered alike from then on. `ret_answer` is filled in any case; "none" comes with the reason.
 * Blocks on the disk and as long as the fetcher. */
void seal_online_ask(SealOnline *online, X509 *certificate, X509 *issuer, gint64 at,
                     SealAnswer *ret_answer);
