/* slapd stays in the foreground and ends with the home. It is given its port and its socket on the
 * command line; nothing of the system's own slapd, its folder or its service, is touched. */
#include "tests/cli/directory-scene.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"

#define PROGRAM "/usr/sbin/slapd"

gboolean
test_directory_is_possible(void)
{
    return g_file_test(PROGRAM, G_FILE_TEST_IS_EXECUTABLE);
}

static struct sockaddr_in
local_address(guint port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((guint16)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

guint
test_directory_free_port(void)
{
    struct sockaddr_in address = local_address(0);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, len), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &len), ==, 0);
    close(fd);
    return ntohs(address.sin_port);
}

static gboolean
is_up(gpointer data)
{
    const TestDirectory *directory = data;
    struct sockaddr_in address = local_address(directory->port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gboolean up = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return up;
}

/* -- the entries ------------------------------------------------------------------------------ */

void
test_directory_add(GString *ldif, const char *id, const char *address, const char *attribute,
                   GBytes *const *values, guint value_count)
{
    g_string_append_printf(ldif,
                           "dn: uid=%s,dc=example,dc=net\nobjectClass: inetOrgPerson\nuid: %s\n"
                           "cn: %s\nsn: %s\nmail: %s\n",
                           id, id, id, id, address);
    for (guint i = 0; i < value_count; i++) {
        gsize len = 0;
        gconstpointer data = g_bytes_get_data(values[i], &len);
        g_autofree char *text = g_base64_encode(data, len);

        g_string_append_printf(ldif, "%s:: %s\n", attribute, text);
    }
    g_string_append_c(ldif, '\n');
}

/* -- the server ------------------------------------------------------------------------------- */

static char *
save(const char *folder, const char *file, GBytes *bytes)
{
    g_autofree char *name = g_build_filename(folder, file, NULL);

    return seal_cli_test_save(name, bytes);
}

static char *
tls_lines(const char *folder, const TestIdentity *server)
{
    g_autoptr(GBytes) pem = server ? test_identity_pem(server) : NULL;
    g_autoptr(GBytes) key = server ? test_identity_key_pem(server) : NULL;
    g_autofree char *pem_file = server ? save(folder, "server.pem", pem) : NULL;
    g_autofree char *key_file = server ? save(folder, "server.key", key) : NULL;

    return server ? g_strdup_printf("TLSCertificateFile %s\nTLSCertificateKeyFile %s\n", pem_file,
                                    key_file)
                  : g_strdup("");
}

/* slapd.conf, with its folder made. (transfer full) */
static char *
write_configuration(const char *folder, const TestIdentity *server)
{
    g_autofree char *mark = g_build_filename(folder, "data", "here", NULL);
    g_autofree char *data_mark = seal_test_home_write(seal_cli_test_home(), mark, "");
    g_autofree char *data = g_path_get_dirname(data_mark);
    g_autofree char *tls = tls_lines(folder, server);
    g_autofree char *text =
        g_strdup_printf("include /etc/ldap/schema/core.schema\n"
                        "include /etc/ldap/schema/cosine.schema\n"
                        "include /etc/ldap/schema/inetorgperson.schema\n"
                        "modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
                        "pidfile %s/pid\n%sdatabase mdb\nsuffix dc=example,dc=net\n"
                        "directory %s\nmaxsize 16777216\n",
                        data, tls, data);
    g_autofree char *name = g_build_filename(folder, "slapd.conf", NULL);

    return seal_test_home_write(seal_cli_test_home(), name, text);
}

static void
load(const char *folder, const char *configuration, const char *ldif)
{
    g_autofree char *name = g_build_filename(folder, "entries.ldif", NULL);
    g_autofree char *text =
        g_strconcat("dn: dc=example,dc=net\nobjectClass: domain\ndc: example\n\n", ldif, NULL);
    g_autofree char *file = seal_test_home_write(seal_cli_test_home(), name, text);
    g_autoptr(SealTestResult) result =
        seal_cli_test_other(NULL, "/usr/sbin/slapadd", "-q", "-f", configuration, "-l", file, NULL);

    seal_cli_test_assert_status(result, 0);
}

TestDirectory *
test_directory_new(const char *name, const char *ldif, const TestIdentity *server)
{
    TestDirectory *directory = g_new0(TestDirectory, 1);
    g_autofree char *configuration = write_configuration(name, server);
    g_autofree char *folder = g_path_get_dirname(configuration);
    g_autofree char *path = g_build_filename(folder, "ldapi", NULL);
    g_autofree char *escaped = g_uri_escape_string(path, NULL, FALSE);
    g_autofree char *log = g_build_filename(name, "log", NULL);
    g_autofree char *listeners = NULL;

    directory->port = test_directory_free_port();
    directory->tls_port = test_directory_free_port();
    directory->socket = g_strdup_printf("ldapi://%s", escaped);
    listeners = g_strdup_printf("ldap://127.0.0.1:%u/ %s", directory->port, directory->socket);
    if (server) {
        g_autofree char *more =
            g_strdup_printf("%s ldaps://127.0.0.1:%u/", listeners, directory->tls_port);

        g_free(listeners);
        listeners = g_steal_pointer(&more);
    }
    load(name, configuration, ldif);
    {
        const char *const argv[] = {PROGRAM, "-d", "0", "-f", configuration, "-h", listeners, NULL};

        directory->pid = seal_test_start(seal_cli_test_home(), argv, log);
    }
    g_assert_true(seal_cli_test_wait_until(is_up, directory));
    return directory;
}

void
test_directory_free(TestDirectory *directory)
{
    if (!directory)
        return;
    seal_test_stop(directory->pid);
    g_free(directory->socket);
    g_free(directory);
}
