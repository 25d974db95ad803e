/* What a directory may do to whoever asks it: a server in a thread, which speaks as much LDAP (RFC
 * 4511) as it takes to misbehave. What is right is asked of slapd, in tests/cli/test-ldap.c. */
#include "pki/directory.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

/* A name about which the name server is silent, as long as a resolver may well ask it. */
#define SILENT_NAME "silent.example"
#define SILENCE_S   60

/* In place of the C library's; exported, so that libldap finds this. */
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

/* -- the server ------------------------------------------------------------------------------- */

/* After a bind that succeeds, `answer` is sent `times` times (0: until the client hangs up). */
typedef struct {
    const char *answer;
    gsize len;
    guint times;
    int fd;
    guint port;
    GThread *thread;
} Server;

static gboolean
send_all(int fd, const char *bytes, gsize len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return FALSE;
        bytes += sent;
        len -= (gsize)sent;
    }
    return TRUE;
}

static gpointer
serve(gpointer data)
{
    static const char bound[] = "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
    const Server *server = data;
    char request[1024];
    int fd = accept(server->fd, NULL, NULL);

    if (recv(fd, request, sizeof request, 0) > 0 && send_all(fd, bound, sizeof bound - 1) &&
        recv(fd, request, sizeof request, 0) > 0) {
        for (guint i = 0; server->times == 0 || i < server->times; i++) {
            if (!send_all(fd, server->answer, server->len))
                break;
        }
    }
    while (recv(fd, request, sizeof request, 0) > 0)
        ;
    close(fd);
    return NULL;
}

static void
server_start(Server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(server->fd, (struct sockaddr *)&address, len), ==, 0);
    g_assert_cmpint(listen(server->fd, 1), ==, 0);
    g_assert_cmpint(getsockname(server->fd, (struct sockaddr *)&address, &len), ==, 0);
    server->port = ntohs(address.sin_port);
    server->thread = g_thread_new("server", serve, server);
}

static void
server_end(Server *server)
{
    g_thread_join(server->thread);
    close(server->fd);
}

/* -- asking ----------------------------------------------------------------------------------- */

static void
expect_error(const char *host, guint port, guint timeout_s, SealErrorCode code)
{
    g_autofree char *uri = g_strdup_printf("ldap://%s:%u", host, port);
    const SealDirectory directory = {.name = (char *)"circle",
                                     .uri = uri,
                                     .base = (char *)"dc=example,dc=net",
                                     .in_clear = TRUE,
                                     .timeout_s = timeout_s};
    g_autoptr(GPtrArray) certificates = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(
        seal_directory_find(&directory, "dora@example.net", certificates, certificates, &error));
    g_assert_error(error, SEAL_ERROR, (gint)code);
    g_assert_nonnull(strstr(error->message, "'circle'"));
    g_assert_cmpuint(strlen(error->message), <, 500);
    g_assert_cmpuint(certificates->len, ==, 0);
}

static void
expect_error_of(const char *answer, gsize len, guint times, guint timeout_s, SealErrorCode code)
{
    Server server = {.answer = answer, .len = len, .times = times};

    server_start(&server);
    expect_error("127.0.0.1", server.port, timeout_s, code);
    server_end(&server);
}

/* An entry without name and attributes, again and again. */
static void
test_endless(void)
{
    static const char entry[] = "\x30\x09\x02\x01\x02\x64\x04\x04\x00\x30\x00";

    expect_error_of(entry, sizeof entry - 1, 0, 60, SEAL_ERROR_LIMIT_EXCEEDED);
}

/* References to other servers, which nobody follows. */
static void
test_references(void)
{
    static const char reference[] = "\x30\x11\x02\x01\x02\x73\x0c\x04\x0aldap://x/y";

    expect_error_of(reference, sizeof reference - 1, 0, 60, SEAL_ERROR_LIMIT_EXCEEDED);
}

/* The head of a message of 16 MiB. */
static void
test_large(void)
{
    static const char head[] = "\x30\x84\x01\x00\x00\x00\x02\x01\x02\x64";

    expect_error_of(head, sizeof head - 1, 1, 60, SEAL_ERROR_UNREACHABLE);
}

/* An end with the code operationsError and 996 bytes of explanation. */
static void
test_chatter(void)
{
    static const char head[] = "\x30\x82\x03\xf4\x02\x01\x02\x65\x82\x03\xed"
                               "\x0a\x01\x01\x04\x00\x04\x82\x03\xe4";
    g_autofree char *chatter = g_strnfill(996, 'x');
    g_autofree char *answer = g_malloc(sizeof head - 1 + 996);

    memcpy(answer, head, sizeof head - 1);
    memcpy(answer + sizeof head - 1, chatter, 996);
    expect_error_of(answer, sizeof head - 1 + 996, 1, 60, SEAL_ERROR_NOT_PERMITTED);
}

static void
test_noise(void)
{
    expect_error_of("noise, and no LDAP", 18, 20, 20, SEAL_ERROR_UNREACHABLE);
}

static void
test_silence(void)
{
    gint64 began = g_get_monotonic_time();

    expect_error_of("", 0, 1, 1, SEAL_ERROR_TIMED_OUT);
    g_assert_cmpint(g_get_monotonic_time() - began, <, SILENCE_S / 2 * G_USEC_PER_SEC);
}

static void
test_silent_name(void)
{
    gint64 began = g_get_monotonic_time();

    expect_error(SILENT_NAME, 389, 1, SEAL_ERROR_TIMED_OUT);
    g_assert_cmpint(g_get_monotonic_time() - began, <, SILENCE_S / 2 * G_USEC_PER_SEC);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/directory/server/endless-entries-are-refused", test_endless);
    g_test_add_func("/directory/server/endless-references-are-refused", test_references);
    g_test_add_func("/directory/server/large-message-is-refused", test_large);
    g_test_add_func("/directory/server/long-explanation-is-cut", test_chatter);
    g_test_add_func("/directory/server/noise-is-refused", test_noise);
    g_test_add_func("/directory/server/silence-ends-in-time", test_silence);
    g_test_add_func("/directory/name-server/silence-ends-in-time", test_silent_name);
    return g_test_run();
}
