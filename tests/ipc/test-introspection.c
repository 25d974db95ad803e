/* The installed XML is what the agent serves, member by member, on the shared bus and on the
 * private socket, and its manual leaves nothing out. GDBus reads both descriptions. */
#include <gio/gio.h>
#include <string.h>

#include "ipc/names.h"
#include "tests/support/agent.h"

static const char *const interfaces[] = {SEAL_INTERFACE_AGENT, SEAL_INTERFACE_TOKEN,
                                         SEAL_INTERFACE_KEY, SEAL_INTERFACE_CERTIFICATE};

static char *
read_xml(const char *interface)
{
    g_autofree char *name = g_strdup_printf("ipc/%s.xml", interface);
    g_autofree char *path = seal_test_source(name);
    g_autoptr(GError) error = NULL;
    char *xml = NULL;

    g_file_get_contents(path, &xml, NULL, &error);
    g_assert_no_error(error);
    return xml;
}

static GDBusNodeInfo *
parse(const char *xml)
{
    g_autoptr(GError) error = NULL;
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);

    g_assert_no_error(error);
    return node;
}

/* -- the manual --------------------------------------------------------------- */

/* The comment that ends right before `member` in `xml`. */
static char *
comment_before(const char *xml, const char *member)
{
    const char *at = strstr(xml, member);
    const char *end = NULL;
    const char *begin = NULL;

    g_assert_nonnull(at);
    end = g_strrstr_len(xml, at - xml, "-->");
    begin = g_strrstr_len(xml, at - xml, "<!--");
    if (!begin || !end || end < begin)
        return g_strdup("");
    for (const char *between = end + 3; between < at; between++)
        if (!g_ascii_isspace(*between))
            return g_strdup("");
    return g_strndup(begin + 4, (gsize)(end - begin - 4));
}

static void
check_page(const char *xml, const char *kind, const char *name, GDBusArgInfo **in,
           GDBusArgInfo **out)
{
    g_autofree char *member = g_strdup_printf("<%s name=\"%s\"", kind, name);
    g_autofree char *comment = comment_before(xml, member);
    g_autofree char *title = g_strdup_printf("%s:", name);
    GDBusArgInfo **lists[] = {in, out};

    if (!g_str_has_prefix(g_strchug(comment), title))
        g_error("%s %s has no page in its XML", kind, name);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        for (GDBusArgInfo **arg = lists[i]; arg && *arg; arg++) {
            g_autofree char *line = g_strdup_printf("@%s:", (*arg)->name);

            if (!strstr(comment, line))
                g_error("argument %s of %s is not described", (*arg)->name, name);
        }
}

static void
every_member_has_its_page(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(interfaces); i++) {
        g_autofree char *xml = read_xml(interfaces[i]);
        g_autoptr(GDBusNodeInfo) node = parse(xml);
        GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, interfaces[i]);

        g_assert_nonnull(info);
        for (GDBusMethodInfo **each = info->methods; each && *each; each++)
            check_page(xml, "method", (*each)->name, (*each)->in_args, (*each)->out_args);
        for (GDBusSignalInfo **each = info->signals; each && *each; each++)
            check_page(xml, "signal", (*each)->name, (*each)->args, NULL);
        for (GDBusPropertyInfo **each = info->properties; each && *each; each++)
            check_page(xml, "property", (*each)->name, NULL, NULL);
    }
}

/* -- the live agent ------------------------------------------------------------- */

static GDBusConnection *
connect_bus(void)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *bus =
        g_dbus_connection_new_for_address_sync(g_getenv("DBUS_SESSION_BUS_ADDRESS"),
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, &error);

    g_assert_no_error(error);
    return bus;
}

static GVariant *
call(GDBusConnection *connection, const char *name, const char *path, const char *interface,
     const char *method, GVariant *arguments)
{
    g_autoptr(GError) error = NULL;
    GVariant *answer =
        g_dbus_connection_call_sync(connection, name, path, interface, method, arguments, NULL,
                                    G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

    g_assert_no_error(error);
    return answer;
}

static GDBusConnection *
connect_privately(GDBusConnection *bus)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer =
        call(bus, SEAL_BUS_NAME, SEAL_ROOT_PATH, "org.freedesktop.DBus.Properties", "Get",
             g_variant_new("(ss)", SEAL_INTERFACE_AGENT, "PrivateAddress"));
    g_autoptr(GVariant) address = NULL;
    GDBusConnection *connection = NULL;

    g_variant_get(answer, "(v)", &address);
    connection = g_dbus_connection_new_for_address_sync(
        g_variant_get_string(address, NULL), G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL,
        NULL, &error);
    g_assert_no_error(error);
    return connection;
}

static char *
annotations_to_text(GDBusAnnotationInfo **annotations)
{
    GString *text = g_string_new(NULL);

    for (GDBusAnnotationInfo **each = annotations; each && *each; each++)
        g_string_append_printf(text, " [%s=%s]", (*each)->key, (*each)->value);
    return g_string_free(text, FALSE);
}

static void
append_arguments(GString *text, const char *direction, GDBusArgInfo **arguments)
{
    for (GDBusArgInfo **each = arguments; each && *each; each++)
        g_string_append_printf(text, " %s %s:%s", direction, (*each)->name, (*each)->signature);
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One line per member, sorted: equal texts are equal interfaces. */
static char *
describe(GDBusInterfaceInfo *info)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (GDBusMethodInfo **each = info->methods; each && *each; each++) {
        GString *line = g_string_new("method ");
        g_autofree char *annotations = annotations_to_text((*each)->annotations);

        g_string_append(line, (*each)->name);
        append_arguments(line, "in", (*each)->in_args);
        append_arguments(line, "out", (*each)->out_args);
        g_string_append(line, annotations);
        g_ptr_array_add(lines, g_string_free(line, FALSE));
    }
    for (GDBusSignalInfo **each = info->signals; each && *each; each++)
        g_ptr_array_add(lines, g_strdup_printf("signal %s", (*each)->name));
    for (GDBusPropertyInfo **each = info->properties; each && *each; each++) {
        g_autofree char *annotations = annotations_to_text((*each)->annotations);

        g_ptr_array_add(lines, g_strdup_printf("property %s %s flags %d%s", (*each)->name,
                                               (*each)->signature, (*each)->flags, annotations));
    }
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

static void
check_object(GDBusConnection *connection, const char *name, const char *path, const char *interface)
{
    g_autoptr(GVariant) answer =
        call(connection, name, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
    const char *live_xml = NULL;
    g_autofree char *written_xml = read_xml(interface);
    g_autoptr(GDBusNodeInfo) live = NULL;
    g_autoptr(GDBusNodeInfo) written = parse(written_xml);
    g_autofree char *live_text = NULL;
    g_autofree char *written_text = describe(g_dbus_node_info_lookup_interface(written, interface));

    g_variant_get(answer, "(&s)", &live_xml);
    live = parse(live_xml);
    g_assert_nonnull(g_dbus_node_info_lookup_interface(live, interface));
    live_text = describe(g_dbus_node_info_lookup_interface(live, interface));
    g_assert_cmpstr(live_text, ==, written_text);
    /* nothing of ours is there that has no XML */
    for (GDBusInterfaceInfo **each = live->interfaces; *each; each++)
        g_assert_true(g_str_equal((*each)->name, interface) ||
                      g_str_has_prefix((*each)->name, "org.freedesktop.DBus."));
}

/* Every object of the tree against the XML of its interface; how many of each kind there are. */
static void
check_tree(GDBusConnection *connection, const char *name, guint n_of_kind[4])
{
    g_autoptr(GVariant) answer =
        call(connection, name, SEAL_ROOT_PATH, "org.freedesktop.DBus.ObjectManager",
             "GetManagedObjects", NULL);
    g_autoptr(GVariantIter) objects = NULL;
    const char *path = NULL;
    GVariant *members = NULL;

    check_object(connection, name, SEAL_ROOT_PATH, SEAL_INTERFACE_AGENT);
    n_of_kind[0]++;
    g_variant_get(answer, "(a{oa{sa{sv}}})", &objects);
    while (g_variant_iter_loop(objects, "{&o@a{sa{sv}}}", &path, &members))
        for (size_t i = 1; i < G_N_ELEMENTS(interfaces); i++) {
            g_autoptr(GVariant) found = g_variant_lookup_value(members, interfaces[i], NULL);

            if (!found)
                continue;
            if (n_of_kind[i]++ == 0)
                check_object(connection, name, path, interfaces[i]);
        }
}

static void
agent_serves_what_the_xml_says(void)
{
    g_autoptr(SealTestHome) home = seal_test_home_new();
    guint shared[4] = {0}, private[4] = {0};

    seal_test_agent_new(home);
    {
        g_autoptr(GDBusConnection) bus = connect_bus();
        g_autoptr(GDBusConnection) connection = connect_privately(bus);

        check_tree(bus, SEAL_BUS_NAME, shared);
        check_tree(connection, NULL, private);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(interfaces); i++) {
        g_assert_cmpuint(shared[i], >, 0);
        g_assert_cmpuint(shared[i], ==, private[i]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ipc/introspection/every-member-has-its-page", every_member_has_its_page);
    g_test_add_func("/ipc/introspection/agent-serves-what-the-xml-says",
                    agent_serves_what_the_xml_says);
    return g_test_run();
}
