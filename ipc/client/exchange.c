/* A blocking call of sd-bus that signals do not interrupt: sd_bus_wait(3) and sd_bus_call(3) of
 * systemd 252 give up with EINTR, and programs that load the PKCS#11 module have timers and
 * profilers. */
#include "ipc/client/exchange.h"

#include <errno.h>

#include "ipc/client/connection.h"

int
seal_exchange_wait(sd_bus *bus, uint64_t timeout_us)
{
    int r = sd_bus_wait(bus, timeout_us);

    return r == -EINTR ? 0 : r;
}

typedef struct {
    sd_bus *bus;
    uint64_t cookie;
    gint64 deadline_us; /* -1: none */
} Exchange;

/* 1 with the answer, 0 when all that arrived was something else, or a negative errno. */
static int
take_reply(const Exchange *exchange, sd_bus_message **ret_reply)
{
    int r = 0;

    do {
        g_autoptr(sd_bus_message) message = NULL;
        uint64_t cookie = 0;

        r = sd_bus_process(exchange->bus, &message);
        if (message && sd_bus_message_get_reply_cookie(message, &cookie) >= 0 &&
            cookie == exchange->cookie) {
            *ret_reply = g_steal_pointer(&message);
            return 1;
        }
    } while (r > 0);
    return r;
}

static int
await_reply(const Exchange *exchange, sd_bus_message **ret_reply)
{
    for (;;) {
        uint64_t left_us = UINT64_MAX;
        int r = 0;

        if (exchange->deadline_us >= 0) {
            gint64 now = g_get_monotonic_time();

            if (now >= exchange->deadline_us)
                return -ETIMEDOUT;
            left_us = (uint64_t)(exchange->deadline_us - now);
        }
        r = seal_exchange_wait(exchange->bus, left_us);
        if (r >= 0)
            r = take_reply(exchange, ret_reply);
        if (r != 0)
            return r;
    }
}

int
seal_exchange(sd_bus *bus, sd_bus_message *message, gint64 deadline_us, sd_bus_message **ret_reply,
              gboolean *ret_sent)
{
    Exchange exchange = {.bus = bus, .deadline_us = deadline_us};
    int r = sd_bus_send(bus, message, &exchange.cookie);

    *ret_sent = r >= 0;
    return r < 0 ? r : await_reply(&exchange, ret_reply);
}
