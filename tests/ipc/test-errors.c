/* The error table has a name for every code, and both directions agree. */
#include <string.h>

#include "ipc/errors.h"
#include "ipc/names.h"

static void
every_code_has_a_name_of_its_own(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (int code = SEAL_ERROR_FAILED; code <= SEAL_ERROR_LAST; code++) {
        const char *name = seal_error_dbus_name((SealErrorCode)code);

        g_assert_nonnull(name);
        g_assert_true(g_hash_table_add(seen, (gpointer)name));
        g_assert_cmpint(seal_error_from_dbus_name(name), ==, code);
    }
}

static void
names_of_the_bus_are_understood(void)
{
    static const struct {
        const char *name;
        SealErrorCode code;
    } rows[] = {
        {"org.freedesktop.DBus.Error.ServiceUnknown", SEAL_ERROR_UNREACHABLE},
        {"org.freedesktop.DBus.Error.NoReply", SEAL_ERROR_UNREACHABLE},
        {"org.freedesktop.DBus.Error.UnknownObject", SEAL_ERROR_NOT_FOUND},
        {"org.freedesktop.DBus.Error.UnknownMethod", SEAL_ERROR_NOT_SUPPORTED},
        {"org.freedesktop.DBus.Error.InvalidArgs", SEAL_ERROR_INVALID_INPUT},
        {"org.freedesktop.DBus.Error.AccessDenied", SEAL_ERROR_NOT_PERMITTED},
        {"org.freedesktop.DBus.Error.LimitsExceeded", SEAL_ERROR_LIMIT_EXCEEDED},
        {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
         SEAL_ERROR_INTERACTION_REQUIRED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(seal_error_from_dbus_name(rows[i].name), ==, rows[i].code);
}

static void
unknown_names_are_plain_failures(void)
{
    g_assert_cmpint(seal_error_from_dbus_name(NULL), ==, SEAL_ERROR_FAILED);
    g_assert_cmpint(seal_error_from_dbus_name("org.example.Odd"), ==, SEAL_ERROR_FAILED);
    g_assert_cmpstr(seal_error_dbus_name((SealErrorCode)9999), ==,
                    "org.freedesktop.DBus.Error.Failed");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ipc/errors/every-code-has-a-name-of-its-own",
                    every_code_has_a_name_of_its_own);
    g_test_add_func("/ipc/errors/names-of-the-bus-are-understood", names_of_the_bus_are_understood);
    g_test_add_func("/ipc/errors/unknown-names-are-plain-failures",
                    unknown_names_are_plain_failures);
    return g_test_run();
}
