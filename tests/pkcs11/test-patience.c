/* A look at the slots that ends, and one that does not: what the agent hears at its end of the
 * channel. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkcs11/host/patience.h"
#include "pkcs11/wire/frame.h"
#include "tests/support/wait.h"

/* One host in a process: both looks are its. */
static void
test_endless_look_retires_the_host(void)
{
    static SealHost host;
    guint8 body[1024];
    SealFrameHeader header = {0};
    struct pollfd ready = {.events = POLLIN};
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ==, 0);
    host.channel = ends[1];
    ready.fd = ends[0];
    seal_patience_begin(&host, G_TIME_SPAN_HOUR);
    seal_patience_end();
    g_assert_cmpint(poll(&ready, 1, 0), ==, 0);
    seal_patience_begin(&host, 1000);
    g_assert_cmpint(poll(&ready, 1, (int)seal_test_deadline_ms()), ==, 1);
    g_assert_cmpint(seal_frame_receive(ends[0], &header, body, sizeof body, TRUE), ==, 1);
    g_assert_cmpuint(header.type, ==, SEAL_FRAME_RETIRE);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/patience/endless-look-retires-the-host",
                    test_endless_look_retires_the_host);
    return g_test_run();
}
