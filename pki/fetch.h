/* How pki/ gets bytes from elsewhere: by a function of its caller's. Without one nothing touches
 * the network. */
#pragma once

#include <glib.h>

typedef struct SealFetcher SealFetcher;
struct SealFetcher {
    /* Gets what is at `url`, which came from a certificate: UTF-8, no control characters, at most
     * 2,048 bytes, any host. Returns (transfer full) at most `max` bytes; NULL with an error.
     * Decides itself which hosts may be asked, how long it takes, and what it remembers of
     * failures. May block. */
    GBytes *(*fetch)(const SealFetcher *fetcher, const char *url, gsize max, GError **error);
    gpointer data; /* the function's own */
};
