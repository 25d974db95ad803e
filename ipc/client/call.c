/* Asynchronous calls. sd-bus keeps the table of what is in flight and calls back on answer or when
 * the connection ends; here that becomes one SealCallFunc with bytes or an error.
 *
 * D-Bus has no message that takes a call back. A cancelled call is therefore muted: its callback
 * will not come, and its place among the 256 is free again when the agent answers. If nothing but
 * muted calls is left on the connection, it is closed, which ends their waits in the agent at once.
 */
#include "ipc/client/call.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/client/fault.h"
#include "ipc/client/unwrap.h"
#include "ipc/names.h"

struct SealCall {
    SealClient *client;
    SealConnection *connection;
    sd_bus_slot *slot;
    SealCallFunc done; /* (nullable) NULL: cancelled */
    gpointer user_data;
    gboolean is_secret;
    SealSecret *box_key; /* (nullable) */
};

static void
seal_call_free(SealCall *call)
{
    sd_bus_slot_unref(call->slot);
    seal_secret_free(call->box_key);
    g_free(call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SealCall, seal_call_free)

/* -- the answer ----------------------------------------------------------------- */

static void
finish(SealCall *call, const guint8 *result, gsize result_len, const GError *error)
{
    SealClient *client = call->client;

    if (!call->done)
        return;
    client->depth++;
    call->done(call, result, result_len, error, call->user_data);
    client->depth--;
}

static void
fail_call(SealCall *call, const sd_bus_error *fault)
{
    g_autoptr(GError) error = NULL;

    if (call->client->freeing || seal_interrupt_is_fired(&call->client->interrupt))
        seal_fault_set_errno(&error, -ECANCELED, "get an answer");
    else
        seal_fault_set_reply(&error, fault);
    finish(call, NULL, 0, error);
}

static void
deliver_session_key(SealCall *call, sd_bus_message *reply)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SealSecret) secret = seal_unwrap_read_reply(reply, call->box_key, &error);

    if (secret)
        finish(call, seal_secret_peek(secret), seal_secret_len(secret), NULL);
    else
        finish(call, NULL, 0, error);
}

static void
deliver_bytes(SealCall *call, sd_bus_message *reply)
{
    g_autoptr(GError) error = NULL;
    const void *data = NULL;
    size_t len = 0;
    int r = sd_bus_message_read_array(reply, 'y', &data, &len);

    if (r >= 0) {
        finish(call, data ? data : (const guint8 *)"", len, NULL);
        return;
    }
    seal_fault_set_errno(&error, r, "read the agent's answer");
    finish(call, NULL, 0, error);
}

static int
on_answered(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    g_autoptr(SealCall) call = user_data;
    const sd_bus_error *fault = sd_bus_message_get_error(reply);

    call->connection->in_flight--;
    if (!call->done)
        call->connection->muted--;
    if (fault)
        fail_call(call, fault);
    else if (call->is_secret)
        deliver_session_key(call, reply);
    else
        deliver_bytes(call, reply);
    return 1;
}

/* -- sending ------------------------------------------------------------------- */

/* One attempt on the current connection: 1 when sent, 0 when that turned out to be closed. */
static int
try_submit(SealCall *call, const SealRequest *request, GError **error)
{
    SealClient *client = call->client;
    g_autoptr(sd_bus_message) message = NULL;
    int r = 0;

    if (!seal_client_connect(client, error))
        return -1;
    if (client->connection->in_flight >= SEAL_LIMIT_IN_FLIGHT) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot call %s: %d calls are in flight already; handle an answer first",
                    request->member, SEAL_LIMIT_IN_FLIGHT);
        return -1;
    }
    message = seal_client_write(client, request, error);
    if (!message)
        return -1;
    r = sd_bus_call_async(client->connection->bus, &call->slot, message, on_answered, call,
                          UINT64_MAX);
    if (r >= 0) {
        call->connection = client->connection;
        call->connection->in_flight++;
        return 1;
    }
    call->slot = sd_bus_slot_unref(call->slot);
    if (seal_fault_is_disconnect(r))
        return 0;
    seal_fault_set_errno(error, r, "ask the agent");
    return -1;
}

SealCall *
seal_call_submit(SealClient *client, const SealRequest *request, SealCallFunc done,
                 gpointer user_data, GError **error)
{
    g_autoptr(SealCall) call = g_new0(SealCall, 1);
    int r = 0;

    call->client = client;
    call->done = done;
    call->user_data = user_data;
    r = try_submit(call, request, error);
    if (r == 0) {
        /* It never left, so it may be sent on a new connection. */
        seal_client_drop(client);
        r = try_submit(call, request, error);
        if (r == 0)
            seal_fault_set_errno(error, -ECONNRESET, "ask the agent");
    }
    return r > 0 ? g_steal_pointer(&call) : NULL;
}

void
seal_call_expect_session_key(SealCall *call, SealSecret *box_key)
{
    call->is_secret = TRUE;
    call->box_key = box_key;
}

void
seal_call_cancel(SealCall *call)
{
    SealClient *client = NULL;

    if (!call || !call->done)
        return;
    client = call->client;
    call->done = NULL;
    call->connection->muted++;
    if (call->connection == client->connection &&
        call->connection->muted == call->connection->in_flight)
        seal_client_drop(client);
}

/* -- the caller's loop ----------------------------------------------------------- */

int
seal_client_get_fd(SealClient *client)
{
    return client->connection ? sd_bus_get_fd(client->connection->bus) : -1;
}

int
seal_client_get_events(SealClient *client)
{
    int events = client->connection ? sd_bus_get_events(client->connection->bus) : 0;

    return MAX(events, 0);
}

int
seal_client_get_poll_timeout_ms(SealClient *client)
{
    uint64_t until_us = UINT64_MAX;
    gint64 left_us = 0;

    if (client->fading->len > 0)
        return 0;
    if (!client->connection || sd_bus_get_timeout(client->connection->bus, &until_us) < 0 ||
        until_us == UINT64_MAX)
        return -1;
    left_us = (gint64)until_us - g_get_monotonic_time();
    /* Rounded up, so that nobody wakes a moment too early and spins. */
    return (int)CLAMP((left_us + 999) / 1000, 0, G_MAXINT);
}

/* sd-bus calls back every call of a closed connection; its socket was shut down, so this ends. */
static void
drain(SealConnection *connection)
{
    while (sd_bus_process(connection->bus, NULL) > 0)
        ;
}

static void
drain_fading(SealClient *client)
{
    while (client->fading->len > 0) {
        g_autoptr(SealConnection) connection = g_ptr_array_steal_index(client->fading, 0);

        drain(connection);
    }
}

/* `bus` is held by the caller: a callback may drop the connection. */
static int
process_bus(SealClient *client, const SealConnection *connection, sd_bus *bus)
{
    int r = 0;

    do
        r = sd_bus_process(bus, NULL);
    while (r > 0 && client->connection == connection);
    return client->connection == connection ? r : 0;
}

gboolean
seal_client_process(SealClient *client, GError **error)
{
    sd_bus *bus = NULL;
    int r = 0;

    if (client->depth > 0)
        return TRUE; /* called from a callback: the call above goes on */
    drain_fading(client);
    if (!client->connection)
        return TRUE;
    bus = sd_bus_ref(client->connection->bus);
    r = process_bus(client, client->connection, bus);
    if (r < 0)
        seal_client_drop(client);
    sd_bus_unref(bus);
    drain_fading(client);
    if (r >= 0)
        return TRUE;
    if (seal_interrupt_is_fired(&client->interrupt))
        r = -ECANCELED;
    seal_fault_set_errno(error, r, "ask the agent");
    return FALSE;
}

gboolean
seal_client_wait(SealClient *client, int timeout_ms, GError **error)
{
    struct pollfd fd = {.fd = seal_client_get_fd(client),
                        .events = (short)seal_client_get_events(client)};
    int own_ms = seal_client_get_poll_timeout_ms(client);

    if (timeout_ms < 0 || (own_ms >= 0 && own_ms < timeout_ms))
        timeout_ms = own_ms;
    if (fd.fd < 0 && timeout_ms < 0)
        return seal_client_process(client, error); /* nothing that could ever arrive */
    (void)poll(&fd, 1, timeout_ms);
    return seal_client_process(client, error);
}
