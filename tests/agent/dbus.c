/* GDBus as it comes, without anything of ours. */
#include "tests/agent/dbus.h"

#include <string.h>

#include "ipc/errors.h"
#include "ipc/names.h"

static GDBusConnection *
connect_to(const char *address, GDBusConnectionFlags flags)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *connection = g_dbus_connection_new_for_address_sync(
        address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | flags, NULL, NULL, &error);

    g_assert_no_error(error);
    return connection;
}

GDBusConnection *
seal_test_shared(void)
{
    return connect_to(g_getenv("DBUS_SESSION_BUS_ADDRESS"),
                      G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION);
}

GDBusConnection *
seal_test_private(void)
{
    g_autoptr(GDBusConnection) bus = seal_test_shared();
    g_autoptr(GVariant) address =
        seal_test_property(bus, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT, "PrivateAddress");

    return connect_to(g_variant_get_string(address, NULL), G_DBUS_CONNECTION_FLAGS_NONE);
}

char *
seal_test_socket_path(SealTestHome *home)
{
    return seal_test_home_path(home, "run/privyseal/bus");
}

GVariant *
seal_test_call(GDBusConnection *connection, const char *path, const char *interface,
               const char *method, GVariant *arguments, gboolean interactive, GError **error)
{
    gboolean is_shared = g_dbus_connection_get_unique_name(connection) != NULL;

    return g_dbus_connection_call_sync(
        connection, is_shared ? SEAL_BUS_NAME : NULL, path, interface, method, arguments, NULL,
        interactive ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION : G_DBUS_CALL_FLAGS_NONE,
        60000, NULL, error);
}

GVariant *
seal_test_property(GDBusConnection *connection, const char *path, const char *interface,
                   const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(connection, path, "org.freedesktop.DBus.Properties", "Get",
                       g_variant_new("(ss)", interface, name), FALSE, &error);
    GVariant *value = NULL;

    g_assert_no_error(error);
    g_variant_get(answer, "(v)", &value);
    return value;
}

static char *
find_by_label(GDBusConnection *connection, const char *interface, const char *label)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer =
        seal_test_call(connection, SEAL_ROOT_PATH, "org.freedesktop.DBus.ObjectManager",
                       "GetManagedObjects", NULL, FALSE, &error);
    g_autoptr(GVariantIter) objects = NULL;
    const char *path = NULL;
    GVariant *members = NULL;
    char *found = NULL;

    g_assert_no_error(error);
    g_variant_get(answer, "(a{oa{sa{sv}}})", &objects);
    while (g_variant_iter_loop(objects, "{&o@a{sa{sv}}}", &path, &members)) {
        g_autoptr(GVariant) properties = g_variant_lookup_value(members, interface, NULL);
        const char *have = NULL;

        if (!found && properties && g_variant_lookup(properties, "Label", "&s", &have) &&
            g_str_equal(have, label))
            found = g_strdup(path);
    }
    if (!found)
        g_error("the agent has no %s labelled '%s'", interface, label);
    return found;
}

char *
seal_test_key(GDBusConnection *connection, const char *label)
{
    return find_by_label(connection, SEAL_INTERFACE_KEY, label);
}

char *
seal_test_token(GDBusConnection *connection, const char *label)
{
    return find_by_label(connection, SEAL_INTERFACE_TOKEN, label);
}

void
seal_test_unlock(GDBusConnection *connection, const char *token)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = seal_test_call(connection, token, SEAL_INTERFACE_TOKEN, "Unlock",
                                                g_variant_new("(a{sv})", NULL), TRUE, &error);

    g_assert_no_error(error);
}

gboolean
seal_test_token_is(GDBusConnection *connection, const char *token, const char *state)
{
    g_autoptr(GVariant) value = seal_test_property(connection, token, SEAL_INTERFACE_TOKEN, "State");

    return g_str_equal(g_variant_get_string(value, NULL), state);
}

void
seal_test_assert_error(GError *error, SealErrorCode code, const char *words)
{
    g_autofree char *name = error ? g_dbus_error_get_remote_error(error) : NULL;

    if (!error)
        g_error("the call succeeded, expected %s", seal_error_dbus_name(code));
    if (!name || !g_str_equal(name, seal_error_dbus_name(code)) || !strstr(error->message, words))
        g_error("expected %s with '%s', got: %s", seal_error_dbus_name(code), words,
                error->message);
    g_error_free(error);
}

GVariant *
seal_test_bytes(const void *data, gsize len)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, data, len, 1);
}

GBytes *
seal_test_take_bytes(GVariant *answer)
{
    g_autoptr(GVariant) owned = answer;
    g_autoptr(GVariant) array = g_variant_get_child_value(answer, 0);
    gsize len = 0;
    const void *data = g_variant_get_fixed_array(array, &len, 1);

    return g_bytes_new(data, len);
}

GBytes *
seal_test_sign(GDBusConnection *connection, const char *key, const char *mechanism,
               const char *hash, const void *data, gsize len, GError **error)
{
    GVariantBuilder parameters;
    GVariant *answer = NULL;

    g_variant_builder_init(&parameters, G_VARIANT_TYPE_VARDICT);
    if (hash)
        g_variant_builder_add(&parameters, "{sv}", "hash", g_variant_new_string(hash));
    answer = seal_test_call(
        connection, key, SEAL_INTERFACE_KEY, "Sign",
        g_variant_new("(sa{sv}@ay)", mechanism, &parameters, seal_test_bytes(data, len)), TRUE,
        error);
    return answer ? seal_test_take_bytes(answer) : NULL;
}
