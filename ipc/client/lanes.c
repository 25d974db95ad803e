/* Opening a lane costs some three operations through the agent, so the first two of a key go there.
 * The lane is asked for without the flag that lets the agent ask a person: who opens a token by a
 * lane would not be told why. What the agent refuses for good is not asked for again on this
 * connection. */
#include "ipc/client/lanes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "ipc/names.h"
#include "pkcs11/wire/lane.h"

/* The third operation within a second. */
#define BUSY_USES 3u
/* Keys and mechanisms that are remembered; a program with more of them has no lanes to the rest. */
#define ENTRIES_MAX 32u
/* After a refusal that may pass. */
#define PAUSE_US (10 * G_USEC_PER_SEC)
/* Where the program set no limit: beyond the host's own deadline for an operation through the
 * agent. */
#define PATIENCE_US (60 * (gint64)G_USEC_PER_SEC)

typedef struct {
    char *key;
    SealMechanism mechanism;
    gint64 second_us; /* when counting began */
    guint uses;       /* since then */
    gint64 pause_us;  /* no lane is asked for before */
    SealClientLane *lane;
} Entry;

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    seal_client_lane_free(entry->lane);
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
    entry->key = g_strdup(ask->key);
    entry->mechanism = ask->mechanism;
    g_ptr_array_add(client->lanes, entry);
    return entry;
}

/* -- opening ------------------------------------------------------------------------------------
 */

static int
append_options(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    return sd_bus_message_append(message, "a{sv}", 1, "mechanisms", "as", 1,
                                 seal_mechanism_name(((const Entry *)data)->mechanism));
}

/* Reads a{sv} of numbers; unknown ones are a newer agent's. */
static int
read_granted(sd_bus_message *reply, guint32 *ret_version, guint32 *ret_lane, guint32 *ret_count,
             guint32 *ret_seconds)
{
    const struct {
        const char *name;
        guint32 *value;
    } entries[] = {
        {"version", ret_version},
        {"lane", ret_lane},
        {"count", ret_count},
        {"seconds", ret_seconds},
    };
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        const char *name = NULL;
        gboolean known = FALSE;

        r = sd_bus_message_read(reply, "s", &name);
        for (size_t i = 0; i < G_N_ELEMENTS(entries) && r >= 0; i++) {
            if (strcmp(name, entries[i].name) != 0)
                continue;
            known = TRUE;
            r = sd_bus_message_read(reply, "v", "u", entries[i].value);
        }
        if (r >= 0 && !known)
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    return MIN(r, 0);
}

static SealClientLane *
read_lane(sd_bus_message *reply)
{
    guint32 version = 0, number = 0, count = 0, seconds = 0;
    int theirs = -1, fd = -1;
    int r = sd_bus_message_read(reply, "h", &theirs);

    if (r >= 0)
        r = read_granted(reply, &version, &number, &count, &seconds);
    if (r < 0 || version != SEAL_LANE_VERSION)
        return NULL;
    fd = fcntl(theirs, F_DUPFD_CLOEXEC, 3);
    return fd >= 0 ? seal_client_lane_new(fd, number, count, seconds) : NULL;
}

static gboolean
is_final(const GError *error)
{
    return seal_error_is(error, SEAL_ERROR_NOT_PERMITTED) ||
           seal_error_is(error, SEAL_ERROR_NOT_SUPPORTED) ||
           seal_error_is(error, SEAL_ERROR_KEY_USAGE) || seal_error_is(error, SEAL_ERROR_DENIED);
}

static void
open_lane(SealClient *client, Entry *entry)
{
    const SealRequest request = {.path = entry->key,
                                 .interface = SEAL_INTERFACE_KEY,
                                 .member = "OpenLane",
                                 .append = append_options,
                                 .data = entry};
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(GError) error = NULL;
    gboolean interactive = client->interactive;
    gboolean answered = FALSE;

    client->interactive = FALSE;
    answered = seal_client_call(client, &request, &reply, &error);
    client->interactive = interactive;
    if (answered)
        entry->lane = read_lane(reply);
    if (entry->lane)
        return;
    if (error && is_final(error))
        entry->pause_us = G_MAXINT64;
    else if (!seal_error_is(error, SEAL_ERROR_INTERACTION_REQUIRED)) /* the use itself unlocks */
        entry->pause_us = g_get_monotonic_time() + PAUSE_US;
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

/* A lane that can be used now, NULL if there is none. */
static SealClientLane *
find_lane(SealClient *client, const SealLaneUseAsk *ask, Entry **ret_entry)
{
    Entry *entry = NULL;

    /* In a callback, or a forked child, or on a bus: as ever. */
    if (client->lanes_off || client->depth > 0 || client->pid != getpid() || !client->connection ||
        !client->connection->is_private)
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

SealLanesResult
seal_lanes_try(SealClient *client, const SealLaneUseAsk *ask, SealSecret **ret_answer,
               GError **error)
{
    Entry *entry = NULL;
    SealClientLane *lane = find_lane(client, ask, &entry);
    gint64 patience_us = client->timeout_ms > 0 ? (gint64)client->timeout_ms * 1000 : PATIENCE_US;
    SealLaneAsk sent = {.type = ask->type,
                        .mechanism = ask->mechanism,
                        .parts = ask->parts,
                        .n_parts = ask->n_parts,
                        .deadline_us = g_get_monotonic_time() + patience_us};
    g_autoptr(SealSecret) answer = NULL;
    g_autoptr(GError) reason = NULL;
    SealLaneOutcome outcome = SEAL_LANE_LOST;

    if (!lane)
        return SEAL_LANES_NOT_USED;
    answer = seal_secret_new(SEAL_LANE_ANSWER_MAX);
    outcome = seal_client_lane_ask(lane, &sent, &client->interrupt, answer, &reason);
    if (outcome == SEAL_LANE_DONE) {
        *ret_answer = g_steal_pointer(&answer);
        return SEAL_LANES_ANSWERED;
    }
    if (outcome != SEAL_LANE_REFUSED)
        g_clear_pointer(&entry->lane, seal_client_lane_free);
    if (outcome != SEAL_LANE_FAILED)
        return SEAL_LANES_NOT_USED;
    /* Nobody waits for the use any more, which may hang: the agent takes the lane back, and notices. */
    if (!seal_error_is(reason, SEAL_ERROR_MODULE_FAILED))
        seal_client_drop(client);
    g_propagate_error(error, g_steal_pointer(&reason));
    return SEAL_LANES_FAILED;
}

/* -- life ----------------------------------------------------------------------------------------
 */

void
seal_lanes_close(SealClient *client)
{
    for (guint i = 0; client->lanes && i < client->lanes->len; i++) {
        Entry *entry = client->lanes->pdata[i];

        g_clear_pointer(&entry->lane, seal_client_lane_free);
        entry->pause_us = 0;
    }
}

void
seal_lanes_clear(SealClient *client)
{
    g_clear_pointer(&client->lanes, g_ptr_array_unref);
}
