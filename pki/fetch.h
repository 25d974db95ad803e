/* How pki/ gets bytes from elsewhere: by a function of its caller's. Without one nothing touches
 * the network. */
#pragma once

#include <glib.h>

typedef struct {
    const char *url;       /* from a certificate: UTF-8, no control characters, at most 2,048 bytes,
                            * any host */
    gsize max;             /* the most that is taken, in bytes */
    GBytes *body;          /* (nullable) what is posted there; else it is a GET */
    const char *body_type; /* its media type */
} SealFetchRequest;

typedef struct SealFetcher SealFetcher;
struct SealFetcher {
    /* Returns (transfer full) the answer; NULL with an error, a clause that can follow "URL: ".
     * Decides itself which hosts may be asked, how long it takes, and what it remembers of
     * failures. May block. */
    GBytes *(*fetch)(const SealFetcher *fetcher, const SealFetchRequest *request, GError **error);
    gpointer data; /* the function's own */
};
