/* The loop that privyseal.h describes: poll(2) on the client's descriptor, then process. */
#include "tests/client/client-loop.h"

#include <poll.h>

#include "tests/support/wait.h"

void
seal_client_test_run_until(SealClient *client, const guint *finished, guint count)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)seal_test_deadline_ms() * 1000;

    while (*finished < count && g_get_monotonic_time() < deadline) {
        struct pollfd fd = {.fd = seal_client_get_fd(client),
                            .events = (short)seal_client_get_events(client)};
        int timeout_ms = seal_client_get_poll_timeout_ms(client);

        (void)poll(&fd, 1, timeout_ms < 0 ? seal_test_deadline_ms() : timeout_ms);
        (void)seal_client_process(client, NULL);
    }
    g_assert_cmpuint(*finished, ==, count);
}
