/* A client: one connection, opened when needed, and the blocking call.
 *
 * The blocking call sends, waits in poll(2) and then lets sd-bus read, which takes one system call
 * less than sd_bus_call(3) and also takes in the signals that the agent sends to every peer;
 * sd_bus_call() would only queue them. It is used all the same where sd_bus_process() may not be:
 * inside of a callback, and while asynchronous calls are in flight, whose callbacks must not come
 * by surprise.
 *
 * After a fork the parent keeps the connection: sd-bus refuses to work in the child (-ECHILD), and
 * freeing there closes descriptors without a word to the agent. */
#include "ipc/client/client.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/client/exchange.h"
#include "ipc/client/fault.h"
#include "ipc/client/lanes.h"
#include "ipc/names.h"

/* Beyond the host's own deadline for an operation through the agent. */
#define PATIENCE_US (60 * (gint64)G_USEC_PER_SEC)

static void
free_fading(gpointer connection)
{
    seal_connection_free(connection);
}

SealClient *
seal_client_new_unconnected(GError **error)
{
    g_autoptr(SealClient) client = g_new0(SealClient, 1);

    client->interrupt.fd = -1;
    client->readiness.epoll = client->readiness.bus = -1;
    client->patience_us = client->notice_us = PATIENCE_US;
    client->pid = getpid();
    client->interactive = TRUE;
    client->lanes_off = g_strcmp0(g_getenv(SEAL_LANES_VARIABLE), "0") == 0;
    client->fading = g_ptr_array_new_with_free_func(free_fading);
    if (!seal_interrupt_init(&client->interrupt, error))
        return NULL;
    return g_steal_pointer(&client);
}

SealClient *
seal_client_new(GError **error)
{
    g_autoptr(SealClient) client = seal_client_new_unconnected(error);

    if (!client || !seal_client_connect(client, error))
        return NULL;
    return g_steal_pointer(&client);
}

void
seal_client_free(SealClient *client)
{
    if (!client)
        return;
    if (client->pid == getpid()) {
        client->freeing = TRUE;
        seal_client_drop(client);
        (void)seal_client_process(client, NULL);
    }
    seal_lanes_clear(client);
    g_ptr_array_unref(client->fading);
    seal_readiness_clear(&client->readiness);
    seal_interrupt_clear(&client->interrupt);
    g_free(client);
}

void
seal_client_set_interactive(SealClient *client, gboolean interactive)
{
    client->interactive = interactive;
}

void
seal_client_set_timeout(SealClient *client, guint timeout_ms)
{
    client->timeout_ms = timeout_ms;
}

void
seal_client_set_bulk(SealClient *client, gboolean bulk)
{
    client->is_bulk = bulk;
}

void
seal_client_interrupt(SealClient *client)
{
    seal_interrupt_fire(&client->interrupt);
}

/* -- announcements ------------------------------------------------------------- */

/* Lanes come and go with the load, and are in nobody's list of objects: the one property of the
 * agent that is announced without its value. */
static gboolean
is_about_lanes(sd_bus_message *message)
{
    const char *interface = NULL;
    gboolean is = FALSE;

    if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Properties", "PropertiesChanged") <=
            0 ||
        g_strcmp0(sd_bus_message_get_path(message), SEAL_ROOT_PATH) != 0)
        return FALSE;
    is = sd_bus_message_read(message, "s", &interface) > 0 &&
         sd_bus_message_enter_container(message, 'a', "{sv}") > 0 &&
         sd_bus_message_at_end(message, 0) > 0;
    (void)sd_bus_message_rewind(message, 1);
    return is;
}

static int
on_message(sd_bus_message *message, void *user_data, sd_bus_error *ret_error)
{
    SealClient *client = user_data;
    uint8_t type = 0;

    if (sd_bus_message_get_type(message, &type) >= 0 && type == SD_BUS_MESSAGE_SIGNAL &&
        !is_about_lanes(message))
        client->changes++;
    return 0;
}

/* On the private socket the agent tells everybody; a bus wants to be asked. */
static gboolean
follow_connection(SealClient *client, GError **error)
{
    const SealConnection *connection = client->connection;
    int r = sd_bus_add_filter(connection->bus, NULL, on_message, client);

    if (r >= 0 && !connection->is_private)
        r = sd_bus_match_signal(connection->bus, NULL, SEAL_BUS_NAME, NULL, NULL, NULL, NULL, NULL);
    if (r >= 0)
        return TRUE;
    seal_fault_set_errno(error, r, "follow the agent's announcements");
    return FALSE;
}

void
seal_client_follow(SealClient *client)
{
    client->follows = TRUE;
}

guint
seal_client_count_changes(const SealClient *client)
{
    return client->changes;
}

gboolean
seal_client_connect(SealClient *client, GError **error)
{
    if (seal_interrupt_is_fired(&client->interrupt)) {
        seal_fault_set_errno(error, -ECANCELED, "reach the agent");
        return FALSE;
    }
    if (client->connection)
        return TRUE;
    client->connection = seal_connection_open(&client->interrupt, client->timeout_ms, error);
    if (client->connection && client->follows && !follow_connection(client, error))
        seal_client_drop(client);
    return client->connection != NULL;
}

void
seal_client_drop(SealClient *client)
{
    SealConnection *connection = NULL;

    /* In a forked child shutting down would end the parent's connection; it stays, and stays
     * refused. */
    if (!client->connection || client->pid != getpid())
        return;
    client->changes++;
    seal_lanes_close(client);
    seal_readiness_forget_bus(&client->readiness);
    connection = g_steal_pointer(&client->connection);
    seal_interrupt_hang_up(&client->interrupt);
    if (connection->in_flight > 0)
        g_ptr_array_add(client->fading, connection);
    else
        seal_connection_free(connection);
}

sd_bus_message *
seal_client_write(SealClient *client, const SealRequest *request, gboolean interactive,
                  GError **error)
{
    const SealConnection *connection = client->connection;
    g_autoptr(sd_bus_message) message = NULL;
    int r = sd_bus_message_new_method_call(connection->bus, &message, connection->destination,
                                           request->path, request->interface, request->member);

    if (r >= 0 && interactive)
        r = sd_bus_message_set_allow_interactive_authorization(message, 1);
    if (r >= 0 && request->append)
        r = request->append(connection, message, request->data);
    if (r >= 0)
        return g_steal_pointer(&message);
    if (r == -ECHILD)
        seal_fault_set_errno(error, r, "ask the agent");
    else
        g_set_error(
            error, SEAL_ERROR, SEAL_ERROR_INVALID_INPUT,
            "cannot call %s: '%s' is no object path of the agent, or an argument is too long",
            request->member, request->path);
    return NULL;
}

void
seal_client_tell(SealClient *client, const SealRequest *request)
{
    g_autoptr(sd_bus_message) message = NULL;

    if (!client->connection)
        return;
    message = seal_client_write(client, request, FALSE, NULL);
    if (message && sd_bus_message_set_expect_reply(message, 0) >= 0)
        (void)sd_bus_send(client->connection->bus, message, NULL);
}

/* -- the blocking exchange ---------------------------------------------------- */

/* `*ret_sent` is FALSE after an error if the agent cannot have seen the request. */
static int
exchange_alone(const SealClient *client, sd_bus_message *message, sd_bus_message **ret_reply,
               gboolean *ret_sent)
{
    gint64 deadline_us = -1;

    if (client->timeout_ms > 0)
        deadline_us = g_get_monotonic_time() + (gint64)client->timeout_ms * 1000;
    return seal_exchange(client->connection->bus, message, deadline_us, ret_reply, ret_sent);
}

static int
exchange_among_others(const SealClient *client, sd_bus_message *message, sd_bus_error *fault,
                      sd_bus_message **ret_reply)
{
    uint64_t timeout_us = client->timeout_ms > 0 ? (uint64_t)client->timeout_ms * 1000 : UINT64_MAX;

    return sd_bus_call(client->connection->bus, message, timeout_us, fault, ret_reply);
}

/* TRUE with an answer that is none of the errors. */
static gboolean
judge(SealClient *client, int r, sd_bus_message *reply, const sd_bus_error *fault,
      const SealRequest *request, GError **error)
{
    g_autofree char *action = NULL;

    if (reply)
        fault = sd_bus_message_get_error(reply);
    if (fault && seal_fault_is_reply(fault, r)) {
        seal_fault_set_reply(error, fault);
        return FALSE;
    }
    if (r >= 0)
        return TRUE;
    /* Nobody waits for the answer any more: closing tells the agent, unless others still do. */
    if (r != -ETIMEDOUT || client->connection->in_flight == 0)
        seal_client_drop(client);
    if (seal_interrupt_is_fired(&client->interrupt))
        r = -ECANCELED;
    action = g_strdup_printf("get an answer to %s", request->member);
    seal_fault_set_errno(error, r, action);
    return FALSE;
}

gboolean
seal_client_call(SealClient *client, const SealRequest *request, sd_bus_message **ret_reply,
                 GError **error)
{
    for (guint attempt = 0;; attempt++) {
        g_autoptr(sd_bus_message) message = NULL;
        g_autoptr(sd_bus_message) reply = NULL;
        g_auto(sd_bus_error) fault = SD_BUS_ERROR_NULL;
        gboolean sent = TRUE;
        int r = 0;

        if (!seal_client_connect(client, error))
            return FALSE;
        message = seal_client_write(client, request, client->interactive, error);
        if (!message)
            return FALSE;
        if (client->depth > 0 || client->connection->in_flight > 0)
            r = exchange_among_others(client, message, &fault, &reply);
        else
            r = exchange_alone(client, message, &reply, &sent);
        if (!sent && attempt == 0 && seal_fault_is_disconnect(r) &&
            !seal_interrupt_is_fired(&client->interrupt)) {
            seal_client_drop(client);
            continue;
        }
        if (!judge(client, r, reply, &fault, request, error))
            return FALSE;
        if (ret_reply)
            *ret_reply = g_steal_pointer(&reply);
        return TRUE;
    }
}
