/* Opening a lane costs some three operations through the agent, so the first two of a key go there.
 * The lane is asked for without the flag that lets the agent ask a person: who opens a token by a
 * lane would not be told why. What the agent refuses for good is not asked for again on this
 * connection. */
#include "ipc/client/lanes.h"

#include <unistd.h>

#include "base/error.h"
#include "ipc/client/fault.h"
#include "ipc/client/lane-open.h"
#include "ipc/client/window.h"

/* The third operation within a second. */
#define BUSY_USES 3u
/* Keys and mechanisms that are remembered; a program with more of them has no lanes to the rest. */
#define ENTRIES_MAX 32u
/* Requests in flight of asynchronous calls; what is more than a token can do at once only waits in
 * another place. */
#define WINDOW 32u

typedef struct {
    SealClient *client;
    char *key;
    SealMechanism mechanism;
    gint64 second_us;     /* when counting began */
    guint uses;           /* since then */
    gint64 pause_us;      /* no lane is asked for before */
    SealClientLane *lane; /* (nullable) of blocking calls */
    SealWindow *window;   /* (nullable) of asynchronous ones */
    sd_bus_slot *opening; /* (nullable) while one is asked for */
} Entry;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_slot, sd_bus_slot_unref)

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    seal_client_lane_free(entry->lane);
    seal_window_unref(entry->window);
    sd_bus_slot_unref(entry->opening);
    g_free(entry->key);
    g_free(entry);
}

static Entry *
find_entry(SealClient *client, const SealLaneUseAsk *ask)
{
    Entry *entry = NULL;

    if (!client->lanes)
        client->lanes = g_ptr_array_new_with_free_func(entry_free);
    for (guint i = 0; i < client->lanes->len; i++) {
        entry = client->lanes->pdata[i];
        if (entry->mechanism == ask->mechanism && g_str_equal(entry->key, ask->key))
            return entry;
    }
    if (client->lanes->len >= ENTRIES_MAX)
        return NULL;
    entry = g_new0(Entry, 1);
    entry->client = client;
    entry->key = g_strdup(ask->key);
    entry->mechanism = ask->mechanism;
    g_ptr_array_add(client->lanes, entry);
    return entry;
}

/* -- opening ------------------------------------------------------------------------------------
 */

static SealLaneWish
wish_for(const Entry *entry, guint32 window)
{
    return (SealLaneWish){.key = entry->key,
                          .mechanism = entry->mechanism,
                          .window = window,
                          .count = entry->client->wish.count,
                          .seconds = entry->client->wish.seconds};
}

static void
open_lane(SealClient *client, Entry *entry)
{
    const SealLaneWish wish = wish_for(entry, 1);
    const SealRequest request = seal_lane_open_request(&wish);
    SealLaneOffer offer;
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;
    gboolean interactive = client->interactive;
    gboolean answered = FALSE;

    client->interactive = FALSE;
    answered = seal_client_call(client, &request, &reply, &error);
    client->interactive = interactive;
    if (answered && seal_lane_open_read(reply, &offer))
        entry->lane = seal_client_lane_new(offer.fd, offer.number, offer.count, offer.seconds);
    else
        entry->pause_us = seal_lane_open_retry_us(error);
}

static int
on_window_opened(sd_bus_message *reply, void *user_data, sd_bus_error *ret_error)
{
    Entry *entry = user_data;
    g_autoptr(sd_bus_slot) slot = g_steal_pointer(&entry->opening);
    const sd_bus_error *fault = sd_bus_message_get_error(reply);
    SealLaneOffer offer;
    g_autoptr(GError) error = NULL;

    if (fault)
        seal_fault_set_reply(&error, fault);
    if (!fault && seal_lane_open_read(reply, &offer))
        entry->window = seal_window_new(entry->client, entry->key, &offer);
    if (!entry->window || seal_window_is_over(entry->window))
        entry->pause_us = seal_lane_open_retry_us(error);
    return 1;
}

/* Calls go to the agent until it has answered. */
static void
ask_for_window(SealClient *client, Entry *entry)
{
    const SealLaneWish wish = wish_for(entry, WINDOW);
    const SealRequest request = seal_lane_open_request(&wish);
    g_autoptr(sd_bus_message) message = NULL;

    if (seal_readiness_fd(&client->readiness) >= 0)
        message = seal_client_write(client, &request, FALSE, NULL);
    if (!message || sd_bus_call_async(client->connection->bus, &entry->opening, message,
                                      on_window_opened, entry, UINT64_MAX) < 0)
        entry->pause_us = seal_lane_open_retry_us(NULL);
}

static gboolean
is_busy(SealClient *client, Entry *entry)
{
    gint64 now = g_get_monotonic_time();

    if (now - entry->second_us > G_USEC_PER_SEC) {
        entry->second_us = now;
        entry->uses = 0;
    }
    entry->uses++;
    return now >= entry->pause_us && (client->is_bulk || entry->uses >= BUSY_USES);
}

/* In a forked child, or on a bus: as ever. */
static gboolean
may_have_lanes(const SealClient *client)
{
    return !client->lanes_off && client->pid == getpid() && client->connection &&
           client->connection->is_private;
}

/* A lane that can be used now, NULL if there is none. */
static SealClientLane *
find_lane(SealClient *client, const SealLaneUseAsk *ask, Entry **ret_entry)
{
    Entry *entry = NULL;

    /* Not in a callback. */
    if (client->depth > 0 || !may_have_lanes(client))
        return NULL;
    entry = find_entry(client, ask);
    if (!entry)
        return NULL;
    if (entry->lane && !seal_client_lane_is_good(entry->lane))
        g_clear_pointer(&entry->lane, seal_client_lane_free);
    if (!entry->lane && is_busy(client, entry))
        open_lane(client, entry);
    *ret_entry = entry;
    return entry->lane;
}

/* -- using --------------------------------------------------------------------------------------
 */

/* Nobody waits for the use any more, which may hang: the agent takes the lane back, and notices. It
 * does so when the connection ends, unless others are served on that. */
static void
leave(SealClient *client, guint32 lane)
{
    if (client->connection && client->connection->in_flight > 0)
        seal_lane_give_up(client, lane);
    else
        seal_client_drop(client);
}

static SealLanesResult
ask_on(SealClient *client, Entry *entry, const SealLaneUseAsk *ask, SealSecret **ret_answer,
       GError **error)
{
    guint32 number = entry->lane->number;
    gint64 patience_us =
        client->timeout_ms > 0 ? (gint64)client->timeout_ms * 1000 : client->patience_us;
    const SealLaneAsk sent = {.type = ask->type,
                              .mechanism = ask->mechanism,
                              .parts = ask->parts,
                              .n_parts = ask->n_parts,
                              .deadline_us = g_get_monotonic_time() + patience_us};
    g_autoptr(SealSecret) answer = seal_secret_new(SEAL_LANE_ANSWER_MAX);
    g_autoptr(GError) reason = NULL;
    SealLaneOutcome outcome =
        seal_client_lane_ask(entry->lane, &sent, &client->interrupt, answer, &reason);

    if (outcome == SEAL_LANE_DONE) {
        *ret_answer = g_steal_pointer(&answer);
        return SEAL_LANES_ANSWERED;
    }
    if (outcome != SEAL_LANE_REFUSED)
        g_clear_pointer(&entry->lane, seal_client_lane_free);
    if (outcome != SEAL_LANE_FAILED)
        return SEAL_LANES_NOT_USED;
    if (!seal_error_is(reason, SEAL_ERROR_MODULE_FAILED))
        leave(client, number);
    g_propagate_error(error, g_steal_pointer(&reason));
    return SEAL_LANES_FAILED;
}

SealLanesResult
seal_lanes_try(SealClient *client, const SealLaneUseAsk *ask, SealSecret **ret_answer,
               GError **error)
{
    Entry *entry = NULL;

    /* Else the first operation would go to the agent. */
    if (client->is_bulk && !client->lanes_off && !seal_client_connect(client, error))
        return SEAL_LANES_FAILED;
    if (!find_lane(client, ask, &entry))
        return SEAL_LANES_NOT_USED;
    return ask_on(client, entry, ask, ret_answer, error);
}

/* -- not waited for ------------------------------------------------------------------------------
 */

gboolean
seal_lanes_submit(SealClient *client, const SealLaneUseAsk *ask, SealCall *call)
{
    Entry *entry = may_have_lanes(client) ? find_entry(client, ask) : NULL;

    if (!entry)
        return FALSE;
    if (entry->window && seal_window_is_over(entry->window))
        g_clear_pointer(&entry->window, seal_window_unref);
    if (entry->window)
        return seal_window_takes(entry->window) && seal_window_submit(entry->window, ask, call);
    if (!entry->opening && is_busy(client, entry))
        ask_for_window(client, entry);
    return FALSE;
}

void
seal_lanes_process(SealClient *client)
{
    /* Callbacks may add entries, and close what is in them. */
    for (guint i = 0; client->lanes && i < client->lanes->len; i++) {
        Entry *entry = client->lanes->pdata[i];

        if (entry->window)
            seal_window_process(entry->window);
        if (entry->window && seal_window_is_over(entry->window))
            g_clear_pointer(&entry->window, seal_window_unref);
    }
}

gint64
seal_lanes_deadline_us(const SealClient *client)
{
    gint64 first_us = -1;

    for (guint i = 0; client->lanes && i < client->lanes->len; i++) {
        const Entry *entry = client->lanes->pdata[i];
        gint64 until_us = entry->window ? seal_window_deadline_us(entry->window) : -1;

        if (until_us >= 0 && (first_us < 0 || until_us < first_us))
            first_us = until_us;
    }
    return first_us;
}

/* -- life ----------------------------------------------------------------------------------------
 */

void
seal_lanes_close(SealClient *client)
{
    for (guint i = 0; client->lanes && i < client->lanes->len; i++) {
        Entry *entry = client->lanes->pdata[i];

        g_clear_pointer(&entry->lane, seal_client_lane_free);
        if (entry->window)
            seal_window_close(entry->window, &client->connection->unanswered);
        g_clear_pointer(&entry->window, seal_window_unref);
        g_clear_pointer(&entry->opening, sd_bus_slot_unref);
        entry->pause_us = 0;
    }
}

void
seal_lanes_clear(SealClient *client)
{
    g_clear_pointer(&client->lanes, g_ptr_array_unref);
}
