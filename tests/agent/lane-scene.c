/* What test-lanes.c and test-lane-ends.c ask an agent and a host for. Whatever should work and does
 * not aborts the test. */
#include "tests/agent/lane-scene.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <poll.h>
#include <unistd.h>

#include "ipc/names.h"
#include "pkcs11/wire/messages.h"
#include "tests/support/wait.h"

void
lane_clear(Lane *lane)
{
    if (lane->fd > 0)
        (void)close(lane->fd);
}

gboolean
open_on(GDBusConnection *connection, const char *label, const char *options, Lane *ret_lane,
        GError **error)
{
    g_autofree char *key = seal_test_key(connection, label);
    g_autoptr(GUnixFDList) list = NULL;
    g_autoptr(GVariant) answer = NULL;
    g_autoptr(GVariantDict) granted = NULL;
    g_autoptr(GVariant) entries = NULL;
    gint32 index = -1;
    guint32 version = 0;
    GDBusMessage *call = g_dbus_message_new_method_call(NULL, key, SEAL_INTERFACE_KEY, "OpenLane");
    g_autoptr(GDBusMessage) reply = NULL;

    g_dbus_message_set_body(call, g_variant_new("(@a{sv})", g_variant_new_parsed(options)));
    g_dbus_message_set_flags(call, G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
    if (!g_dbus_connection_get_unique_name(connection))
        g_dbus_message_set_destination(call, NULL);
    else
        g_dbus_message_set_destination(call, SEAL_BUS_NAME);
    reply = g_dbus_connection_send_message_with_reply_sync(
        connection, call, G_DBUS_SEND_MESSAGE_FLAGS_NONE, seal_test_deadline_ms(), NULL, NULL,
        error);
    g_object_unref(call);
    if (!reply || g_dbus_message_to_gerror(reply, error))
        return FALSE;
    g_variant_get(g_dbus_message_get_body(reply), "(h@a{sv})", &index, &entries);
    list = g_object_ref(g_dbus_message_get_unix_fd_list(reply));
    granted = g_variant_dict_new(entries);
    g_assert_true(g_variant_dict_lookup(granted, "version", "u", &version));
    g_assert_cmpuint(version, ==, SEAL_LANE_VERSION);
    g_assert_true(g_variant_dict_lookup(granted, "lane", "u", &ret_lane->number));
    g_assert_true(g_variant_dict_lookup(granted, "count", "u", &ret_lane->count));
    g_assert_true(g_variant_dict_lookup(granted, "seconds", "u", &ret_lane->seconds));
    g_assert_true(g_variant_dict_lookup(granted, "window", "u", &ret_lane->window));
    ret_lane->fd = g_unix_fd_list_get(list, index, NULL);
    g_assert_cmpint(ret_lane->fd, >=, 0);
    return TRUE;
}

void
open_lane(World *world, const char *options, Lane *ret_lane)
{
    GError *error = NULL;

    (void)open_on(world->connection, KEY, options, ret_lane, &error);
    g_assert_no_error(error);
}

int
next(Lane *lane, SealFrameHeader *header, guint8 *body, gsize room)
{
    struct pollfd ready = {lane->fd, POLLIN, 0};
    int received = 0;

    do {
        g_assert_cmpint(poll(&ready, 1, seal_test_deadline_ms()), ==, 1);
        received = seal_frame_receive_bare(lane->fd, header, body, room, FALSE);
    } while (received == -ECONNRESET);
    return received;
}

void
expect_end(Lane *lane, SealLaneEnd why)
{
    guint8 body[4096];
    SealFrameHeader header;
    SealFailure failure = {0};

    g_assert_cmpint(next(lane, &header, body, sizeof body), ==, 1);
    g_assert_cmpint(header.type, ==, SEAL_FRAME_LANE_REVOKED);
    g_assert_cmpint(header.status, ==, seal_lane_end_code(why));
    g_assert_true(seal_failure_decode(body, header.length, &failure));
    g_assert_cmpstr(failure.message, ==, seal_lane_end_phrase(why));
    seal_failure_clear(&failure);
    g_assert_cmpint(next(lane, &header, body, sizeof body), ==, 0);
}

gsize
count_listed(GDBusConnection *connection, guint32 *ret_used)
{
    g_autoptr(GVariant) lanes =
        seal_test_property(connection, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "Lanes");
    gsize n = g_variant_n_children(lanes);

    if (n > 0 && ret_used)
        g_variant_get_child(lanes, 0, "(usuosuuu)", NULL, NULL, NULL, NULL, NULL, NULL, ret_used,
                            NULL);
    return n;
}
