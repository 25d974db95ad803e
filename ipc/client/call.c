/* Asynchronous calls. sd-bus keeps the table of what is at the agent and calls back on answer or
 * when the connection ends, window.c that of what is on a lane; here either becomes one
 * SealCallFunc with bytes or an error. A call whose lane is lost goes to the agent if it gave no
 * result and never will; then it is a call like any other.
 *
 * D-Bus has no message that takes a call back. A cancelled call is therefore muted: its callback
 * will not come, and its place among the 256 is free again when the agent, or the host, answers. If
 * nothing but muted calls is left, of which the agent has some, the connection is closed, which
 * ends their waits in the agent at once. */
#include "ipc/client/call.h"

#include <errno.h>

#include "base/error.h"
#include "ipc/client/fault.h"
#include "ipc/client/unwrap.h"
#include "ipc/client/window.h"
#include "ipc/names.h"

void
seal_call_free(SealCall *call)
{
    if (!call)
        return;
    sd_bus_slot_unref(call->slot);
    seal_secret_free(call->box_key);
    g_clear_pointer(&call->frame, g_bytes_unref);
    if (call->drop)
        call->drop(call->again.data);
    g_free(call);
}

/* -- the answer ----------------------------------------------------------------- */

/* It is no longer in flight. */
static void
settle(SealCall *call)
{
    call->connection->in_flight--;
    if (!call->done)
        call->connection->muted--;
    if (call->is_on_lane)
        call->connection->on_lanes--;
    call->is_on_lane = FALSE;
    call->window = NULL;
}

static void
finish(SealCall *call, const guint8 *result, gsize result_len, const GError *error)
{
    SealCallFunc done = g_steal_pointer(&call->done);

    if (!done)
        return;
    call->client->depth++;
    done(call, result, result_len, error, call->user_data);
    call->client->depth--;
}

static gboolean
is_cancelled(const SealClient *client)
{
    return client->freeing || seal_interrupt_is_fired(&client->interrupt);
}

static void
fail_call(SealCall *call, const sd_bus_error *fault)
{
    g_autoptr(GError) error = NULL;

    if (is_cancelled(call->client))
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

    settle(call);
    if (fault)
        fail_call(call, fault);
    else if (call->is_secret)
        deliver_session_key(call, reply);
    else
        deliver_bytes(call, reply);
    return 1;
}

/* -- sending ------------------------------------------------------------------- */

static void
note_in_flight(SealCall *call)
{
    call->connection = call->client->connection;
    call->connection->in_flight++;
}

/* One attempt on the current connection: 1 when sent, 0 when that turned out to be closed. */
static int
try_agent(SealCall *call, const SealRequest *request, GError **error)
{
    SealClient *client = call->client;
    g_autoptr(sd_bus_message) message =
        seal_client_write(client, request, call->interactive, error);
    int r = 0;

    if (!message)
        return -1;
    r = sd_bus_call_async(client->connection->bus, &call->slot, message, on_answered, call,
                          UINT64_MAX);
    if (r >= 0) {
        note_in_flight(call);
        seal_client_refresh(client);
        return 1;
    }
    call->slot = sd_bus_slot_unref(call->slot);
    if (seal_fault_is_disconnect(r))
        return 0;
    seal_fault_set_errno(error, r, "ask the agent");
    return -1;
}

/* On a lane, if there is one. What is asked is kept for the agent, should the lane be lost. */
static gboolean
try_lane(SealCall *call, const SealCallAsk *ask)
{
    if (!ask->on_lane || !seal_lanes_submit(call->client, ask->on_lane, call))
        return FALSE;
    call->again = ask->request;
    call->again.path = seal_window_key(call->window);
    call->again.data = ask->keep(ask->request.data);
    call->drop = ask->drop;
    call->is_on_lane = TRUE;
    note_in_flight(call);
    call->connection->on_lanes++;
    return TRUE;
}

static int
try_submit(SealCall *call, const SealCallAsk *ask, GError **error)
{
    SealClient *client = call->client;

    if (!seal_client_connect(client, error))
        return -1;
    if (client->connection->in_flight >= SEAL_LIMIT_IN_FLIGHT) {
        g_set_error(error, SEAL_ERROR, SEAL_ERROR_LIMIT_EXCEEDED,
                    "cannot call %s: %d calls are in flight already; handle an answer first",
                    ask->request.member, SEAL_LIMIT_IN_FLIGHT);
        return -1;
    }
    return try_lane(call, ask) ? 1 : try_agent(call, &ask->request, error);
}

SealCall *
seal_call_submit(SealClient *client, const SealCallAsk *ask, SealCallFunc done, gpointer user_data,
                 GError **error)
{
    g_autoptr(SealCall) call = g_new0(SealCall, 1);
    int r = 0;

    call->client = client;
    call->done = done;
    call->user_data = user_data;
    call->interactive = client->interactive;
    r = try_submit(call, ask, error);
    if (r == 0) {
        /* It never left, so it may be sent on a new connection. */
        seal_client_drop(client);
        r = try_submit(call, ask, error);
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
    SealConnection *connection = NULL;

    if (!call || !call->done)
        return;
    client = call->client;
    connection = call->connection;
    call->done = NULL;
    connection->muted++;
    if (call->window && seal_window_forget(call->window, call)) {
        settle(call);
        seal_call_free(call);
    }
    if (connection == client->connection && connection->in_flight > connection->on_lanes &&
        connection->muted == connection->in_flight)
        seal_client_drop(client);
}

/* -- on a lane ------------------------------------------------------------------ */

void
seal_call_answer(SealCall *call, const guint8 *result, gsize result_len)
{
    g_autoptr(SealCall) ending = call;

    settle(call);
    finish(call, result, result_len, NULL);
}

static void
finish_with(SealCall *call, SealErrorCode code, const char *reason)
{
    g_autoptr(GError) error = NULL;

    if (is_cancelled(call->client))
        seal_fault_set_errno(&error, -ECANCELED, "get an answer");
    else
        g_set_error(&error, SEAL_ERROR, (gint)code, "cannot get an answer: %s", reason);
    finish(call, NULL, 0, error);
}

void
seal_call_fail(SealCall *call, SealErrorCode code, const char *reason)
{
    g_autoptr(SealCall) ending = call;

    settle(call);
    finish_with(call, code, reason);
}

void
seal_call_give_up(SealCall *call, SealErrorCode code, const char *reason)
{
    if (!call->done)
        return;
    call->connection->muted++;
    finish_with(call, code, reason);
}

void
seal_call_hang_up(SealCall *call)
{
    seal_call_fail(call, SEAL_ERROR_UNREACHABLE, "the connection to the agent ended; try again");
}

void
seal_call_ask_agent(SealCall *call)
{
    g_autoptr(GError) error = NULL;
    int r = 0;

    if (!call->done || call->connection != call->client->connection || is_cancelled(call->client)) {
        seal_call_hang_up(call);
        return;
    }
    settle(call);
    r = try_agent(call, &call->again, &error);
    if (r > 0)
        return; /* in flight again */
    if (r == 0)
        seal_fault_set_errno(&error, -ECONNRESET, "ask the agent");
    finish(call, NULL, 0, error);
    seal_call_free(call);
}
