/* Only what an agent asks of it: ListSessions and Inhibit, and the signals that it may hear. An
 * inhibitor is a pipe as logind's own are: it is held as long as the other end is open. */
#include "tests/mock/logind.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <poll.h>
#include <unistd.h>

#define NAME    "org.freedesktop.login1"
#define ROOT    "/org/freedesktop/login1"
#define MANAGER "org.freedesktop.login1.Manager"
#define SESSION "org.freedesktop.login1.Session"

static const char interfaces[] =
    "<node><interface name='" MANAGER "'>"
    "<method name='ListSessions'><arg type='a(susso)' direction='out'/></method>"
    "<method name='Inhibit'><arg type='s' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='s' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='h' direction='out'/></method>"
    "</interface></node>";

typedef struct {
    char *id, *seat;
    uid_t uid;
} Session;

struct SealMockLogind {
    GDBusConnection *connection;
    GDBusNodeInfo *node;
    guint object;
    GPtrArray *sessions; /* of Session* */
    GArray *inhibitors;  /* of int: our ends */
    guint lists;
};

static void
session_free(gpointer data)
{
    Session *session = data;

    g_free(session->id);
    g_free(session->seat);
    g_free(session);
}

static char *
path_of(const char *id)
{
    return g_strdup_printf(ROOT "/session/_%s", id);
}

static void
answer_sessions(SealMockLogind *logind, GDBusMethodInvocation *call)
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("a(susso)"));
    for (guint i = 0; i < logind->sessions->len; i++) {
        const Session *session = logind->sessions->pdata[i];
        g_autofree char *path = path_of(session->id);

        g_variant_builder_add(&list, "(susso)", session->id, (guint32)session->uid, "somebody",
                              session->seat, path);
    }
    logind->lists++;
    g_dbus_method_invocation_return_value(call, g_variant_new("(a(susso))", &list));
}

static void
answer_inhibit(SealMockLogind *logind, GVariant *arguments, GDBusMethodInvocation *call)
{
    g_autoptr(GUnixFDList) list = NULL;
    const char *what = NULL, *mode = NULL;
    int ends[2] = {-1, -1};

    g_variant_get(arguments, "(&s&s&s&s)", &what, NULL, NULL, &mode);
    g_assert_cmpstr(what, ==, "sleep");
    g_assert_cmpstr(mode, ==, "delay");
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    g_array_append_val(logind->inhibitors, ends[0]);
    list = g_unix_fd_list_new_from_array(&ends[1], 1);
    g_dbus_method_invocation_return_value_with_unix_fd_list(call, g_variant_new("(h)", 0), list);
}

static void
on_call(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *method, GVariant *arguments, GDBusMethodInvocation *call, gpointer user_data)
{
    if (g_str_equal(method, "ListSessions"))
        answer_sessions(user_data, call);
    else
        answer_inhibit(user_data, arguments, call);
}

static void
ask_bus(SealMockLogind *logind, const char *method, GVariant *arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = g_dbus_connection_call_sync(
        logind->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        method, arguments, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

    g_assert_no_error(error);
}

static void
take_name(SealMockLogind *logind)
{
    ask_bus(logind, "RequestName", g_variant_new("(su)", NAME, 0u));
}

static void
give_name_up(SealMockLogind *logind)
{
    ask_bus(logind, "ReleaseName", g_variant_new("(s)", NAME));
}

SealMockLogind *
seal_mock_logind_new(void)
{
    static const GDBusInterfaceVTable table = {.method_call = on_call};
    SealMockLogind *logind = g_new0(SealMockLogind, 1);
    const char *address = g_getenv("DBUS_SESSION_BUS_ADDRESS");
    g_autoptr(GError) error = NULL;

    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
    logind->sessions = g_ptr_array_new_with_free_func(session_free);
    logind->inhibitors = g_array_new(FALSE, FALSE, sizeof(int));
    logind->connection =
        g_dbus_connection_new_for_address_sync(address,
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, &error);
    g_assert_no_error(error);
    logind->node = g_dbus_node_info_new_for_xml(interfaces, &error);
    g_assert_no_error(error);
    logind->object = g_dbus_connection_register_object(
        logind->connection, ROOT, logind->node->interfaces[0], &table, logind, NULL, &error);
    g_assert_no_error(error);
    take_name(logind);
    return logind;
}

static void
forget_inhibitors(SealMockLogind *logind)
{
    for (guint i = 0; i < logind->inhibitors->len; i++)
        (void)close(g_array_index(logind->inhibitors, int, i));
    g_array_set_size(logind->inhibitors, 0);
}

void
seal_mock_logind_free(SealMockLogind *logind)
{
    if (!logind)
        return;
    (void)g_dbus_connection_unregister_object(logind->connection, logind->object);
    (void)g_dbus_connection_close_sync(logind->connection, NULL, NULL);
    g_object_unref(logind->connection);
    g_dbus_node_info_unref(logind->node);
    forget_inhibitors(logind);
    g_array_unref(logind->inhibitors);
    g_ptr_array_unref(logind->sessions);
    g_free(logind);
}

void
seal_mock_logind_restart(SealMockLogind *logind)
{
    give_name_up(logind);
    forget_inhibitors(logind);
    take_name(logind);
}

/* -- signals ------------------------------------------------------------------------------------
 */

static void
emit(SealMockLogind *logind, const char *path, const char *interface, const char *signal,
     GVariant *arguments)
{
    g_autoptr(GError) error = NULL;

    (void)g_dbus_connection_emit_signal(logind->connection, NULL, path, interface, signal,
                                        arguments, &error);
    g_assert_no_error(error);
    (void)g_dbus_connection_flush_sync(logind->connection, NULL, &error);
    g_assert_no_error(error);
}

void
seal_mock_logind_begin(SealMockLogind *logind, const char *id, uid_t uid, const char *seat)
{
    Session *session = g_new0(Session, 1);
    g_autofree char *path = path_of(id);

    session->id = g_strdup(id);
    session->seat = g_strdup(seat);
    session->uid = uid;
    g_ptr_array_add(logind->sessions, session);
    emit(logind, ROOT, MANAGER, "SessionNew", g_variant_new("(so)", id, path));
}

void
seal_mock_logind_end(SealMockLogind *logind, const char *id)
{
    g_autofree char *path = path_of(id);

    for (guint i = logind->sessions->len; i-- > 0;)
        if (g_str_equal(((Session *)logind->sessions->pdata[i])->id, id))
            g_ptr_array_remove_index(logind->sessions, i);
    emit(logind, ROOT, MANAGER, "SessionRemoved", g_variant_new("(so)", id, path));
}

void
seal_mock_logind_lock(SealMockLogind *logind, const char *id)
{
    g_autofree char *path = path_of(id);

    emit(logind, path, SESSION, "Lock", NULL);
}

void
seal_mock_logind_hint(SealMockLogind *logind, const char *id, gboolean is_locked)
{
    g_autofree char *path = path_of(id);
    GVariantBuilder changed;

    g_variant_builder_init(&changed, G_VARIANT_TYPE("a{sv}"));
    g_variant_builder_add(&changed, "{sv}", "IdleHint", g_variant_new_boolean(FALSE));
    g_variant_builder_add(&changed, "{sv}", "LockedHint", g_variant_new_boolean(is_locked));
    emit(logind, path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
         g_variant_new("(sa{sv}as)", SESSION, &changed, NULL));
}

void
seal_mock_logind_sleep(SealMockLogind *logind, gboolean begins)
{
    emit(logind, ROOT, MANAGER, "PrepareForSleep", g_variant_new("(b)", begins));
}

/* -- counts -------------------------------------------------------------------------------------
 */

guint
seal_mock_logind_lists(SealMockLogind *logind)
{
    return logind->lists;
}

guint
seal_mock_logind_inhibitors(SealMockLogind *logind)
{
    guint held = 0;

    for (guint i = 0; i < logind->inhibitors->len; i++) {
        struct pollfd end = {.fd = g_array_index(logind->inhibitors, int, i), .events = POLLIN};

        held += poll(&end, 1, 0) == 0; /* POLLHUP: the other end was closed */
    }
    return held;
}
