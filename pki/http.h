/* A fetcher by HTTP, for what certificates name: issuers, revocation lists, OCSP. */
#pragma once

#include <glib.h>

#include "pki/fetch.h"

typedef struct {
    guint timeout_s;           /* for all requests together, at least 1; one takes half at most */
    const char *private_hosts; /* (nullable) patterns of the hosts that may be asked although their
                                * address is no public one: "ocsp.corp.example *.lan", '*' for any
                                * characters */
    gboolean (*is_stopped)(void); /* (nullable) TRUE ends a request within a second */
} SealHttpPolicy;

typedef struct SealHttp SealHttp;

/* Returns a new (transfer full) fetcher that has asked nobody yet. Without libcurl in the build
 * each fetch of it fails, and says so. */
SealHttp *seal_http_new(const SealHttpPolicy *policy);
void seal_http_free(SealHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealHttp, seal_http_free)

/* Its interface, which lives as long as it. It speaks http and https with an https certificate that
 * the system trusts, no other scheme, follows three redirects, and asks no host with an address
 * that is not public (pki/internet.h), private hosts aside; a name is resolved once, and the
 * address judged is the one connected to. No proxy, cookie, password or name of the user's goes
 * out. Who did not answer once is not asked again. Errors: NOT_PERMITTED for a host or scheme that
 * is not asked, TIMED_OUT, LIMIT_EXCEEDED for more than request->max, CANCELLED, FAILED. */
const SealFetcher *seal_http_fetcher(const SealHttp *http);
