/* The fetcher of a build without libcurl: it asks nobody, and says why. */
#include "pki/http.h"

#include "base/error.h"

struct SealHttp {
    SealFetcher fetcher;
};

static GBytes *
fetch_nothing(const SealFetcher *fetcher, const SealFetchRequest *request, GError **error)
{
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_SUPPORTED,
                        "this build has no libcurl, and asks nobody over the network");
    return NULL;
}

SealHttp *
seal_http_new(const SealHttpPolicy *policy)
{
    SealHttp *http = g_new0(SealHttp, 1);

    http->fetcher = (SealFetcher){fetch_nothing, http};
    return http;
}

void
seal_http_free(SealHttp *http)
{
    g_free(http);
}

const SealFetcher *
seal_http_fetcher(const SealHttp *http)
{
    return &http->fetcher;
}
