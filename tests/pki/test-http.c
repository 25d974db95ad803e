/* Fetching over HTTP from a server on this machine that has moods (tests/support/web-server.py). */
#include "pki/http.h"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>

#include "base/error.h"
#include "tests/support/home.h"
#include "tests/support/web.h"

typedef struct {
    SealTestHome *home;
    char *base;
    char *port;
    SealHttp *http;
} World;

/* A name about which the name server is silent, as long as a resolver may well ask it. */
#define SILENT_NAME "silent.example"
#define SILENCE_S   60

static gboolean stopped;

/* In place of the C library's, which libcurl calls in a thread; exported, so that it finds this. */
__attribute__((visibility("default"))) int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **ret_addresses)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

    if (g_strcmp0(name, SILENT_NAME) == 0)
        (void)poll(NULL, 0, SILENCE_S * 1000);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, ret_addresses);
}

static gboolean
is_stopped(void)
{
    return stopped;
}

static void
set_policy(World *world, guint timeout_s, const char *private_hosts)
{
    const SealHttpPolicy policy = {timeout_s, private_hosts, is_stopped};

    seal_http_free(world->http);
    world->http = seal_http_new(&policy);
}

static void
world_open(World *world, gconstpointer data)
{
    g_autoptr(GBytes) hello = g_bytes_new_static("hello", 5);

    world->home = seal_test_home_new();
    world->base = seal_test_web_start(world->home);
    world->port = strrchr(world->base, ':') + 1;
    seal_test_web_put(world->home, "hello", hello);
    set_policy(world, 60, "127.0.0.1");
}

static void
world_close(World *world, gconstpointer data)
{
    seal_http_free(world->http);
    g_free(world->base);
    seal_test_home_free(world->home);
}

static GBytes *
fetch(World *world, const char *url, gsize max, GError **error)
{
    const SealFetcher *fetcher = seal_http_fetcher(world->http);
    const SealFetchRequest request = {.url = url, .max = max};

    return fetcher->fetch(fetcher, &request, error);
}

static void
expect_text(World *world, const char *path, const char *text)
{
    g_autofree char *url = g_strconcat(world->base, path, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = fetch(world, url, 5, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), text, strlen(text));
}

static void
expect_error_at(World *world, const char *url, SealErrorCode code, const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(fetch(world, url, 100, &error));
    if (!seal_error_is(error, code) || !strstr(error->message, text))
        g_error("%s: %d '%s' instead of %d '%s'", url, error->code, error->message, code, text);
}

static void
expect_error(World *world, const char *path, SealErrorCode code, const char *text)
{
    g_autofree char *url = g_strconcat(world->base, path, NULL);

    expect_error_at(world, url, code, text);
}

/* What goes out says nothing of the user, and no environment variable changes the way. */
static void
test_get(World *world, gconstpointer data)
{
    seal_test_home_setenv(world->home, "http_proxy", "http://127.0.0.1:1/");
    seal_test_home_setenv(world->home, "ALL_PROXY", "http://127.0.0.1:1/");
    expect_text(world, "/hello", "hello");
    seal_test_home_setenv(world->home, "http_proxy", NULL);
    seal_test_home_setenv(world->home, "ALL_PROXY", NULL);
    g_assert_cmpuint(seal_test_web_count(world->home, "GET /hello privyseal"), ==, 1);
    expect_error(world, "/nothing", SEAL_ERROR_FAILED, "answers with status 404");
}

static void
test_limit(World *world, gconstpointer data)
{
    g_autofree char *url = g_strconcat(world->base, "/hello", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(fetch(world, url, 4, &error));
    g_assert_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED);
    expect_error(world, "/endless", SEAL_ERROR_LIMIT_EXCEEDED, "the answer has more than");
    expect_error(world, "/heads", SEAL_ERROR_LIMIT_EXCEEDED, "the answer has more than 64 KiB");
}

/* Half of the time for one, all of it for all; and who kept silent is not asked again. */
static void
test_silence(World *world, gconstpointer data)
{
    gint64 began = g_get_monotonic_time();

    set_policy(world, 3, "127.0.0.1");
    expect_error(world, "/silent", SEAL_ERROR_TIMED_OUT, "did not answer in time");
    expect_error(world, "/silent", SEAL_ERROR_UNREACHABLE, "did not answer before");
    g_assert_cmpuint(seal_test_web_count(world->home, "/silent"), <=, 1);
    expect_error(world, "/silent?", SEAL_ERROR_FAILED, "status 404"); /* the host lives */
    expect_error(world, "/to?/silent", SEAL_ERROR_UNREACHABLE, "did not answer before");
    set_policy(world, 3, "127.0.0.1");
    expect_error(world, "/to?/silent", SEAL_ERROR_TIMED_OUT, "did not answer in time");
    g_assert_cmpint(g_get_monotonic_time() - began, >=, 3 * G_USEC_PER_SEC);
}

/* Neither a byte now and then nor a name server that is silent makes it wait longer. */
static void
test_slow(World *world, gconstpointer data)
{
    gint64 began = 0;

    set_policy(world, 2, "127.0.0.1");
    expect_error(world, "/slow", SEAL_ERROR_TIMED_OUT, "did not answer in time");
    set_policy(world, 2, "127.0.0.1");
    began = g_get_monotonic_time();
    expect_error_at(world, "http://" SILENT_NAME "/x", SEAL_ERROR_TIMED_OUT, SILENT_NAME);
    g_assert_cmpint(g_get_monotonic_time() - began, <, SILENCE_S / 2 * G_USEC_PER_SEC);
}

static void
test_refused_connection(World *world, gconstpointer data)
{
    /* Port 1 (tcpmux) of this machine: nobody listens there. */
    expect_error_at(world, "http://127.0.0.1:1/x", SEAL_ERROR_FAILED, "127.0.0.1: ");
    expect_error(world, "/hello", SEAL_ERROR_UNREACHABLE, "did not answer before");
}

static void
test_stop(World *world, gconstpointer data)
{
    stopped = TRUE;
    expect_error(world, "/silent", SEAL_ERROR_CANCELLED, "cancelled");
    stopped = FALSE;
}

static void
test_redirects(World *world, gconstpointer data)
{
    g_autofree char *named = g_strdup_printf("/to?http://localhost:%s/hello", world->port);

    expect_text(world, "/to?/hello", "hello");
    expect_text(world, "/to?/to?/to?/hello", "hello");
    expect_error(world, "/to?/to?/to?/to?/hello", SEAL_ERROR_FAILED, "more than 3 times");
    expect_error(world, "/loop", SEAL_ERROR_FAILED, "more than 3 times");
    g_assert_cmpuint(seal_test_web_count(world->home, "GET /loop"), ==, 4);
    expect_error(world, "/to?file:///etc/passwd", SEAL_ERROR_NOT_PERMITTED, "neither http nor");
    expect_error(world, "/to?gopher://127.0.0.1/x", SEAL_ERROR_NOT_PERMITTED, "");
    expect_error(world, "/to?http://user:pw@127.0.0.1/x", SEAL_ERROR_NOT_PERMITTED, "user's name");
    expect_error(world, "/to?http://10.0.0.1/x", SEAL_ERROR_NOT_PERMITTED, "10.0.0.1");
    /* Another name is judged anew, though it leads to the same address. */
    expect_error(world, named, SEAL_ERROR_NOT_PERMITTED, "localhost");
    g_assert_cmpuint(seal_test_web_count(world->home, "GET /hello"), ==, 2);
}

/* It is the address that counts, however it is written or named. */
static void
test_private(World *world, gconstpointer data)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost",          "2130706433",
                                        "0x7f.1",    "[::ffff:127.0.0.1]", "0.0.0.0"};

    set_policy(world, 60, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *url = g_strdup_printf("http://%s:%s/hello", hosts[i], world->port);

        expect_error_at(world, url, SEAL_ERROR_NOT_PERMITTED, "none of the public Internet");
    }
    g_assert_cmpuint(seal_test_web_count(world->home, "hello"), ==, 0);
    set_policy(world, 60, "ca.example, LOCAL* 127.0.0.?");
    expect_text(world, "/hello", "hello");
}

static void
test_urls(World *world, gconstpointer data)
{
    g_autofree char *padding = g_strnfill(3000, 'x');
    g_autofree char *longest = g_strconcat(world->base, "/", padding, NULL);

    expect_error_at(world, "file:///etc/passwd", SEAL_ERROR_NOT_PERMITTED, "");
    expect_error_at(world, "ftp://127.0.0.1/x", SEAL_ERROR_NOT_PERMITTED, "neither http nor https");
    expect_error_at(world, "http://", SEAL_ERROR_NOT_PERMITTED, "no URL with a host");
    expect_error_at(world, longest, SEAL_ERROR_NOT_PERMITTED, "no URL with a host");
}

#define ADD(path, func) g_test_add(path, World, NULL, world_open, func, world_close)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/http/get/says-nothing-of-the-user", test_get);
    ADD("/http/limit/stops-a-large-answer", test_limit);
    ADD("/http/silence/ends-in-time-and-is-remembered", test_silence);
    ADD("/http/slowness/ends-in-time", test_slow);
    ADD("/http/refused-connection/is-remembered", test_refused_connection);
    ADD("/http/stop/ends-the-waiting", test_stop);
    ADD("/http/redirects/are-judged-each", test_redirects);
    ADD("/http/private-addresses/are-not-asked-unless-named", test_private);
    ADD("/http/urls/others-than-http-are-refused", test_urls);
    return g_test_run();
}
