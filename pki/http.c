/* HTTP by libcurl, for URLs that strangers chose. One transfer at a time, with a fresh handle each,
 * so that nothing of one is left for the next; redirects are followed here, not by libcurl, because
 * each must be judged as the first URL was.
 *
 * What it cannot prevent: the host learns who asks and for which certificate. */
#include "pki/http.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "pki/internet.h"

#define REDIRECTS_MAX   3    /* one is common, from http to https */
#define CONNECT_MAX_MS  3000 /* a host that is up connects in a tenth of it */
#define URL_LEN_MAX     2048
#define HEAD_MAX        ((gsize)64 * 1024) /* of header fields; real ones have half a KiB */
#define PER_MILLISECOND 1000

struct SealHttp {
    SealFetcher fetcher;
    char **private_hosts;
    gint64 left_us; /* for requests that will come */
    gint64 most_us; /* for one request */
    gboolean (*is_stopped)(void);
    GHashTable
        *silent; /* (element-type utf8) hosts that no connection led to, URLs that gave no answer */
};

/* One request, over all of its redirects. */
typedef struct {
    SealHttp *http;
    const SealFetchRequest *request;
    gint64 ends_at;
    char *url;
    char *host; /* of `url` */
    GByteArray *body;
    gsize head_len; /* bytes of header fields that came */
    gboolean may_be_private;
    gboolean is_closed;    /* the address was refused */
    gsize exceeded;        /* the limit of bytes that it passed; 0: none */
    gboolean is_connected; /* was, at the last exchange */
} Transfer;

static void
transfer_clear(Transfer *transfer)
{
    g_clear_pointer(&transfer->url, g_free);
    g_clear_pointer(&transfer->host, g_free);
    g_clear_pointer(&transfer->body, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Transfer, transfer_clear)

/* -- where it may go -------------------------------------------------------------------------- */

static char *
url_part(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    char *copy = NULL;

    if (curl_url_get(parsed, part, &text, 0) == CURLUE_OK)
        copy = g_ascii_strdown(text, -1);
    curl_free(text);
    return copy;
}

static gboolean
refuse(GError **error, const char *why)
{
    g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_NOT_PERMITTED, why);
    return FALSE;
}

static gboolean
read_host(const char *url, char **ret_host, GError **error)
{
    CURLU *parsed = curl_url();
    gboolean read =
        strlen(url) <= URL_LEN_MAX && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;
    g_autofree char *scheme = read ? url_part(parsed, CURLUPART_SCHEME) : NULL;
    g_autofree char *user = read ? url_part(parsed, CURLUPART_USER) : NULL;

    *ret_host = read ? url_part(parsed, CURLUPART_HOST) : NULL;
    curl_url_cleanup(parsed);
    if (scheme && !g_str_equal(scheme, "http") && !g_str_equal(scheme, "https"))
        return refuse(error, "it leads to a URL that is neither http nor https");
    if (!*ret_host)
        return refuse(error, "it is no URL with a host");
    return !user || refuse(error, "it leads to a URL with a user's name");
}

static gboolean
is_private_host(const SealHttp *http, const char *host)
{
    for (char **pattern = http->private_hosts; *pattern; pattern++)
        if (g_pattern_match_simple(*pattern, host))
            return TRUE;
    return FALSE;
}

static gboolean
go_to(Transfer *transfer, const char *url, GError **error)
{
    g_autofree char *host = NULL;

    if (!read_host(url, &host, error))
        return FALSE;
    if (g_hash_table_contains(transfer->http->silent, host) ||
        g_hash_table_contains(transfer->http->silent, url)) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_UNREACHABLE, "%s did not answer before", host);
        return FALSE;
    }
    g_free(transfer->url);
    g_free(transfer->host);
    transfer->url = g_strdup(url);
    transfer->may_be_private = is_private_host(transfer->http, host);
    transfer->host = g_steal_pointer(&host);
    return TRUE;
}

/* -- what libcurl asks of us ------------------------------------------------------------------- */

static curl_socket_t
open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    Transfer *transfer = data;

    if (purpose != CURLSOCKTYPE_IPCXN ||
        (!transfer->may_be_private && !seal_internet_is_public(&address->addr, address->addrlen))) {
        transfer->is_closed = TRUE;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t
take_bytes(char *bytes, size_t size, size_t count, void *data)
{
    Transfer *transfer = data;
    gsize len = size * count;

    if (len > transfer->request->max - transfer->body->len) {
        transfer->exceeded = transfer->request->max;
        return 0;
    }
    g_byte_array_append(transfer->body, (const guint8 *)bytes, (guint)len);
    return len;
}

/* libcurl keeps them all in memory. */
static size_t
count_header(char *bytes, size_t size, size_t count, void *data)
{
    Transfer *transfer = data;
    gsize len = size * count;

    if (len > HEAD_MAX - transfer->head_len) {
        transfer->exceeded = HEAD_MAX;
        return 0;
    }
    transfer->head_len += len;
    return len;
}

static int
on_progress(void *data, curl_off_t to_come, curl_off_t came, curl_off_t to_go, curl_off_t went)
{
    const SealHttp *http = data;

    return http->is_stopped && http->is_stopped();
}

/* -- one exchange ------------------------------------------------------------------------------ */

static void
set_options(CURL *curl, Transfer *transfer)
{
    gint64 left_ms = (transfer->ends_at - g_get_monotonic_time()) / PER_MILLISECOND;
    long timeout_ms = (long)MAX(left_ms, 1);

    curl_easy_setopt(curl, CURLOPT_URL, transfer->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L); /* nobody reads the page of a 404 */
    curl_easy_setopt(curl, CURLOPT_PROXY, "");       /* none, whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "privyseal");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    /* Its thread in getaddrinfo() is left behind at the end of the time, instead of waited for. */
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, MIN(timeout_ms, (long)CONNECT_MAX_MS));
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, count_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer->http);
}

static struct curl_slist *
set_body(CURL *curl, const SealFetchRequest *request)
{
    g_autofree char *type = g_strconcat("Content-Type: ", request->body_type, NULL);
    /* Without the empty one libcurl waits for a "100 Continue" from servers that never send it. */
    struct curl_slist *headers = curl_slist_append(curl_slist_append(NULL, type), "Expect:");
    gsize len = 0;
    gconstpointer bytes = g_bytes_get_data(request->body, &len);

    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bytes);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

static gboolean
is_silence(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
           code == CURLE_OPERATION_TIMEDOUT;
}

static gboolean
fail(const Transfer *transfer, CURLcode code, GError **error)
{
    if (transfer->is_closed) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_NOT_PERMITTED,
                    "the address of %s is none of the public Internet, add the host to "
                    "private-hosts of privyseal.conf if it may be asked",
                    transfer->host);
        return FALSE;
    }
    if (is_silence(code))
        g_hash_table_add(transfer->http->silent,
                         g_strdup(transfer->is_connected ? transfer->url : transfer->host));
    if (transfer->exceeded > 0)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "the answer has more than %" G_GSIZE_FORMAT " KiB", transfer->exceeded / 1024);
    else if (code == CURLE_ABORTED_BY_CALLBACK)
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_CANCELLED, "cancelled");
    else if (code == CURLE_OPERATION_TIMEDOUT)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_TIMED_OUT, "%s did not answer in time",
                    transfer->host);
    else
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "%s: %s", transfer->host,
                    curl_easy_strerror(code));
    return FALSE;
}

/* TRUE after any answer; *ret_next is set to where a redirect leads. */
static gboolean
exchange(Transfer *transfer, long *ret_status, char **ret_next, GError **error)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    char *next = NULL;
    curl_off_t connect_us = 0;
    CURLcode code = CURLE_OK;

    g_byte_array_set_size(transfer->body, 0);
    transfer->head_len = 0;
    set_options(curl, transfer);
    if (transfer->request->body)
        headers = set_body(curl, transfer->request);
    code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &next);
    curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connect_us);
    transfer->is_connected = connect_us > 0;
    *ret_next = g_strdup(next);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    ERR_clear_error(); /* TLS leaves its own there */
    return code == CURLE_OK || code == CURLE_HTTP_RETURNED_ERROR || fail(transfer, code, error);
}

static gboolean
run(Transfer *transfer, GError **error)
{
    g_autofree char *next = g_strdup(transfer->request->url);
    long status = 0;

    for (guint hop = 0; next && hop <= REDIRECTS_MAX; hop++) {
        g_autofree char *url = g_steal_pointer(&next);

        if (!go_to(transfer, url, error) || !exchange(transfer, &status, &next, error))
            return FALSE;
    }
    if (!next && status == 200)
        return TRUE;
    if (next)
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "it redirects more than %d times",
                    REDIRECTS_MAX);
    else
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_FAILED, "%s answers with status %ld",
                    transfer->host, status);
    return FALSE;
}

static GBytes *
fetch(const SealFetcher *fetcher, const SealFetchRequest *request, GError **error)
{
    SealHttp *http = fetcher->data;
    gint64 began = g_get_monotonic_time();
    g_auto(Transfer) transfer = {.http = http, .request = request};
    gboolean done = FALSE;

    if (http->left_us <= 0) {
        g_set_error_literal(error, SEAL_ERROR, SEAL_ERROR_TIMED_OUT,
                            "the time for questions over the network is used up");
        return NULL;
    }
    transfer.ends_at = began + MIN(http->most_us, http->left_us);
    transfer.body = g_byte_array_new();
    done = run(&transfer, error);
    http->left_us -= g_get_monotonic_time() - began;
    return done ? g_byte_array_free_to_bytes(g_steal_pointer(&transfer.body)) : NULL;
}

/* -- public ----------------------------------------------------------------------------------- */

static char **
split_hosts(const char *hosts)
{
    g_autofree char *lower = g_ascii_strdown(hosts ? hosts : "", -1);

    return g_strsplit_set(lower, " ,;", -1);
}

SealHttp *
seal_http_new(const SealHttpPolicy *policy)
{
    SealHttp *http = g_new0(SealHttp, 1);

    /* Counted by libcurl; never undone, since other parts of the program may use it, too. */
    curl_global_init(CURL_GLOBAL_DEFAULT);
    http->fetcher = (SealFetcher){fetch, http};
    http->left_us = (gint64)policy->timeout_s * G_USEC_PER_SEC;
    http->most_us = http->left_us / 2;
    http->private_hosts = split_hosts(policy->private_hosts);
    http->is_stopped = policy->is_stopped;
    http->silent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return http;
}

void
seal_http_free(SealHttp *http)
{
    if (!http)
        return;
    g_strfreev(http->private_hosts);
    g_hash_table_unref(http->silent);
    g_free(http);
}

const SealFetcher *
seal_http_fetcher(const SealHttp *http)
{
    return &http->fetcher;
}
