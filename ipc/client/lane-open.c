/* What is asked for and what came back, whether the answer is waited for or not. */
#include "ipc/client/lane-open.h"

#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "ipc/names.h"
#include "pkcs11/wire/lane.h"

/* After a refusal that may pass. */
#define PAUSE_US (10 * G_USEC_PER_SEC)

static int
append_options(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    const SealLaneWish *wish = data;
    const struct {
        const char *name;
        guint32 value;
    } options[] = {{"window", wish->window}, {"count", wish->count}, {"seconds", wish->seconds}};
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    if (r >= 0)
        r = sd_bus_message_append(message, "{sv}", "mechanisms", "as", 1,
                                  seal_mechanism_name(wish->mechanism));
    for (size_t i = 0; i < G_N_ELEMENTS(options) && r >= 0; i++)
        if (options[i].value != 0)
            r = sd_bus_message_append(message, "{sv}", options[i].name, "u", options[i].value);
    return r >= 0 ? sd_bus_message_close_container(message) : r;
}

SealRequest
seal_lane_open_request(const SealLaneWish *wish)
{
    return (SealRequest){.path = wish->key,
                         .interface = SEAL_INTERFACE_KEY,
                         .member = "OpenLane",
                         .append = append_options,
                         .data = (gpointer)wish};
}

/* Reads a{sv} of numbers; unknown ones are a newer agent's. */
static int
read_granted(sd_bus_message *reply, guint32 *ret_version, SealLaneOffer *ret_offer)
{
    const struct {
        const char *name;
        guint32 *value;
    } entries[] = {
        {"version", ret_version},       {"lane", &ret_offer->number},
        {"count", &ret_offer->count},   {"seconds", &ret_offer->seconds},
        {"window", &ret_offer->window},
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

gboolean
seal_lane_open_read(sd_bus_message *reply, SealLaneOffer *ret_offer)
{
    SealLaneOffer offer = {.window = 1};
    guint32 version = 0;
    int theirs = -1;
    int r = sd_bus_message_read(reply, "h", &theirs);

    if (r >= 0)
        r = read_granted(reply, &version, &offer);
    if (r < 0 || version != SEAL_LANE_VERSION)
        return FALSE;
    offer.fd = fcntl(theirs, F_DUPFD_CLOEXEC, 3);
    if (offer.fd < 0)
        return FALSE;
    *ret_offer = offer;
    return TRUE;
}

static gboolean
is_final(const GError *error)
{
    return seal_error_is(error, SEAL_ERROR_NOT_PERMITTED) ||
           seal_error_is(error, SEAL_ERROR_NOT_SUPPORTED) ||
           seal_error_is(error, SEAL_ERROR_KEY_USAGE) || seal_error_is(error, SEAL_ERROR_DENIED);
}

gint64
seal_lane_open_retry_us(const GError *error)
{
    if (error && is_final(error))
        return G_MAXINT64;
    if (seal_error_is(error, SEAL_ERROR_INTERACTION_REQUIRED))
        return 0; /* the use itself unlocks */
    return g_get_monotonic_time() + PAUSE_US;
}

static int
append_number(const SealConnection *connection, sd_bus_message *message, gpointer data)
{
    return sd_bus_message_append(message, "a{sv}", 1, "lane", "u", *(const guint32 *)data);
}

void
seal_lane_give_up(SealClient *client, guint32 number)
{
    const SealRequest request = {.path = SEAL_ROOT_PATH,
                                 .interface = SEAL_INTERFACE_AGENT,
                                 .member = "RevokeLanes",
                                 .append = append_number,
                                 .data = &number};

    seal_client_tell(client, &request);
}
