/* A look at the slots that ends, one that does not, and one that has to wait: what the agent hears at
 * its end of the channel. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkcs11/host/patience.h"
#include "pkcs11/wire/frame.h"
#include "tests/support/wait.h"

/* One host in a process: all looks are its. */
static SealHost host;

typedef struct {
    int ends[2];
    struct pollfd ready; /* the agent's end */
} Scene;

static void
scene_set_up(Scene *scene, gconstpointer data)
{
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, scene->ends), ==, 0);
    host.channel = scene->ends[1];
    scene->ready = (struct pollfd){.fd = scene->ends[0], .events = POLLIN};
}

static void
scene_tear_down(Scene *scene, gconstpointer data)
{
    (void)close(scene->ends[0]);
    (void)close(scene->ends[1]);
}

/* Many times its limit goes by: nothing may come, however slow the machine is. */
static void
test_look_behind_a_long_call_goes_on(Scene *scene, gconstpointer data)
{
    enum { LIMIT_MS = 10 };
    SealPatienceCall call, another;

    seal_patience_call_begin(&call);
    seal_patience_call_begin(&another);
    seal_patience_begin(&host, LIMIT_MS * 1000);
    seal_patience_call_end(&another);
    g_assert_cmpint(poll(&scene->ready, 1, 20 * LIMIT_MS), ==, 0);
    seal_patience_end();
    seal_patience_call_end(&call);
    g_assert_cmpint(poll(&scene->ready, 1, 2 * LIMIT_MS), ==, 0);
}

/* Ends the thread that waits: the last test. */
static void
test_endless_look_retires_the_host(Scene *scene, gconstpointer data)
{
    guint8 body[1024];
    SealFrameHeader header = {0};
    SealPatienceCall call;

    seal_patience_begin(&host, G_TIME_SPAN_HOUR);
    seal_patience_end();
    g_assert_cmpint(poll(&scene->ready, 1, 0), ==, 0);
    seal_patience_call_begin(&call);
    seal_patience_begin(&host, 1000);
    seal_patience_call_end(&call); /* which holds nobody up any more */
    g_assert_cmpint(poll(&scene->ready, 1, (int)seal_test_deadline_ms()), ==, 1);
    g_assert_cmpint(seal_frame_receive(scene->ends[0], &header, body, sizeof body, TRUE), ==, 1);
    g_assert_cmpuint(header.type, ==, SEAL_FRAME_RETIRE);
}

#define ADD(path, test) g_test_add(path, Scene, NULL, scene_set_up, test, scene_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/host/patience/look-behind-a-long-call-goes-on", test_look_behind_a_long_call_goes_on);
    ADD("/host/patience/endless-look-retires-the-host", test_endless_look_retires_the_host);
    return g_test_run();
}
