/* Certificates from directories: OpenLDAP's slapd answers, openssl packs userSMIMECertificate. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"
#include "tests/cli/directory-scene.h"

#define DAY ((gint64)24 * 60 * 60)

/* All tests share one world: people, a server with TLS and one without. */
static struct {
    TestIdentity *root, *other_root, *server;
    TestIdentity *dora, *dora_old; /* both in her entry */
    char *root_file, *other_root_file, *dora_file, *dora_old_file;
    TestDirectory *secure, *plain;
    char *before; /* privyseal.conf without directories */
} world;

static TestIdentity *
person(const char *name, const char *address, gint64 age, const TestIdentity *issuer)
{
    const TestSpec spec = {.name = name,
                           .address = address,
                           .usage = "keyAgreement",
                           .from = -age,
                           .until = 300 * DAY};

    return test_identity_new(&spec, issuer);
}

/* -- the world -------------------------------------------------------------------------------- */

static void
add_bare(GString *ldif, const char *id, const char *address, const TestIdentity *identity)
{
    g_autoptr(GBytes) der = test_identity_der(identity);

    test_directory_add(ldif, id, address, "userCertificate;binary", &der, 1);
}

/* One whose userSMIMECertificate, a PKCS #7 by openssl, is older than their userCertificate. */
static void
add_packed(GString *ldif)
{
    g_autoptr(TestIdentity) packed = person("Packed", "pat@example.net", 20 * DAY, world.root);
    g_autoptr(TestIdentity) bare = person("Bare", "pat@example.net", DAY, world.root);
    g_autoptr(GBytes) pem = test_identity_pem(packed);
    g_autoptr(GBytes) der = test_identity_der(bare);
    g_autofree char *file = seal_cli_test_save("packed.pem", pem);
    g_autoptr(SealTestResult) result = seal_cli_test_other(
        NULL, "openssl", "crl2pkcs7", "-nocrl", "-certfile", file, "-outform", "DER", NULL);
    g_autoptr(GBytes) blob = seal_cli_test_output(result);
    g_autofree char *text = NULL;

    seal_cli_test_assert_status(result, 0);
    test_directory_add(ldif, "pat", "pat@example.net", "userSMIMECertificate", &blob, 1);
    g_string_truncate(ldif, ldif->len - 1);
    text = g_base64_encode(g_bytes_get_data(der, NULL), g_bytes_get_size(der));
    g_string_append_printf(ldif, "userCertificate;binary:: %s\n\n", text);
}

static void
add_two(GString *ldif)
{
    g_autoptr(GBytes) first = test_identity_der(world.dora_old);
    g_autoptr(GBytes) second = test_identity_der(world.dora);
    GBytes *both[] = {second, first};

    test_directory_add(ldif, "dora", "dora@example.net", "userCertificate;binary", both, 2);
}

static char *
new_entries(void)
{
    g_autoptr(GString) ldif = g_string_new(NULL);
    g_autoptr(TestIdentity) alone = person("Alone", "alone@example.net", DAY, NULL);
    g_autoptr(TestIdentity) eve = person("Eve", "eve@example.net", DAY, world.root);

    add_two(ldif);
    add_packed(ldif);
    add_bare(ldif, "alone", "alone@example.net", alone);
    add_bare(ldif, "frank", "frank@example.net", eve); /* Eve's certificate in Frank's entry */
    for (guint i = 0; i < 25; i++) {
        g_autofree char *id = g_strdup_printf("many%u", i);

        test_directory_add(ldif, id, "many@example.net", NULL, NULL, 0);
    }
    return g_string_free(g_steal_pointer(&ldif), FALSE);
}

static char *
save_pem(const TestIdentity *identity, const char *name)
{
    g_autoptr(GBytes) pem = test_identity_pem(identity);

    return seal_cli_test_save(name, pem);
}

static void
world_open(void)
{
    const TestSpec root = {.name = "Circle", .authority = TRUE};
    const TestSpec server = {.name = "127.0.0.1",
                             .key = "rsa:2048",
                             .usage = "digitalSignature,keyEncipherment",
                             .extended = "serverAuth",
                             .extensions = {"subjectAltName=IP:127.0.0.1"}};
    g_autofree char *entries = NULL;

    world.root = test_identity_new(&root, NULL);
    world.other_root = test_identity_new(&root, NULL);
    world.server = test_identity_new(&server, world.root);
    world.root_file = save_pem(world.root, "circle.pem");
    world.other_root_file = save_pem(world.other_root, "other-circle.pem");
    world.dora = person("Dora new", "dora@example.net", DAY, world.root);
    world.dora_old = person("Dora old", "dora@example.net", 20 * DAY, world.root);
    world.dora_file = save_pem(world.dora, "dora.pem");
    world.dora_old_file = save_pem(world.dora_old, "dora-old.pem");
    entries = new_entries();
    world.secure = test_directory_new("secure", entries, world.server);
    world.plain = test_directory_new("plain", entries, NULL);
    world.before = seal_test_home_read(seal_cli_test_home(), "config/privyseal/privyseal.conf");
}

static void
world_close(void)
{
    test_directory_free(world.secure);
    test_directory_free(world.plain);
    test_identity_free(world.root);
    test_identity_free(world.other_root);
    test_identity_free(world.server);
    test_identity_free(world.dora);
    test_identity_free(world.dora_old);
    g_free(world.dora_file);
    g_free(world.dora_old_file);
    g_free(world.root_file);
    g_free(world.other_root_file);
    g_free(world.before);
}

/* `find` with the lines `more` in the group [ldap circle]; the circle's root is trusted. */
static SealTestResult *
find_with(const char *address, const char *uri, const char *more)
{
    g_autofree char *text =
        g_strdup_printf("%s\n[recipients]\nsources=ldap\n[ldap circle]\nuri=%s\n"
                        "base=dc=example,dc=net\n%s\n",
                        world.before, uri, more);

    g_free(seal_test_home_write(seal_cli_test_home(), "config/privyseal/privyseal.conf", text));
    return seal_cli_test_privyseal(NULL, "recipients", "find", address, "--anchor", world.root_file,
                                   NULL);
}

static SealTestResult *
find(const char *address)
{
    g_autofree char *uri = g_strdup_printf("ldap://127.0.0.1:%u", world.secure->port);
    g_autofree char *ca = g_strdup_printf("ca-file=%s", world.root_file);

    return find_with(address, uri, ca);
}

static void
assert_found(const SealTestResult *result, const char *subject)
{
    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, subject));
    g_assert_nonnull(strstr(result->out, "ldap"));
}

/* -- what is found ---------------------------------------------------------------------------- */

static void
test_newest(void)
{
    g_autoptr(SealTestResult) result = find("dora@example.net");

    assert_found(result, "CN=Dora new");
}

static void
test_packed(void)
{
    g_autoptr(SealTestResult) result = find("pat@EXAMPLE.net");

    assert_found(result, "CN=Packed");
}

static void
test_local_socket(void)
{
    g_autoptr(SealTestResult) anonymous = find_with("dora@example.net", world.plain->socket, "");
    g_autoptr(SealTestResult) external =
        find_with("dora@example.net", world.plain->socket, "sasl=EXTERNAL");

    assert_found(anonymous, "CN=Dora new");
    assert_found(external, "CN=Dora new");
}

static void
test_ldaps(void)
{
    g_autofree char *uri = g_strdup_printf("ldaps://127.0.0.1:%u", world.secure->tls_port);
    g_autofree char *ca = g_strdup_printf("ca-file=%s", world.root_file);
    g_autofree char *other_ca = g_strdup_printf("ca-file=%s", world.other_root_file);
    g_autoptr(SealTestResult) result = find_with("dora@example.net", uri, ca);
    g_autoptr(SealTestResult) other = find_with("dora@example.net", uri, other_ca);

    assert_found(result, "CN=Dora new");
    seal_cli_test_assert_error(other, 3, "cannot ask the directory 'circle'");
}

/* Openssl opens what was encrypted to the one that the directory has. */
static void
test_encrypt(void)
{
    const char *mail = "From: alice@example.org\nTo: dora@example.net\nSubject: x\n\nHello, Dora\n";
    g_autoptr(GBytes) input = g_bytes_new_static(mail, strlen(mail));
    g_autoptr(SealTestResult) found = find("dora@example.net"); /* leaves the configuration */
    g_autoptr(SealTestResult) sealed = seal_cli_test_privyseal(
        input, "encrypt", "--to", "dora@example.net", "--anchor", world.root_file, NULL);
    g_autoptr(GBytes) message = seal_cli_test_output(sealed);
    g_autoptr(GBytes) key = test_identity_key_pem(world.dora);
    g_autofree char *key_file = seal_cli_test_save("dora.key", key);
    g_autofree char *file = seal_cli_test_save("sealed.eml", message);
    g_autoptr(SealTestResult) opened =
        seal_cli_test_other(NULL, "openssl", "cms", "-decrypt", "-in", file, "-recip",
                            world.dora_file, "-inkey", key_file, NULL);

    assert_found(found, "CN=Dora new");
    seal_cli_test_assert_status(sealed, 0);
    seal_cli_test_assert_status(opened, 0);
    g_assert_nonnull(strstr(opened->out, "Hello, Dora"));
}

/* What mutt hands over when it has no file for a recipient. */
static void
test_mutt(void)
{
    g_autoptr(GBytes) text = g_bytes_new_static("Content-Type: text/plain\n\nHello\n", 32);
    g_autofree char *entity = seal_cli_test_save("entity", text);
    g_autoptr(GBytes) pem = test_identity_pem(world.root);
    g_autofree char *root = g_strndup(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem));
    g_autoptr(SealTestResult) found = find("dora@example.net"); /* leaves the configuration */
    g_autoptr(SealTestResult) untrusted =
        seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, "/x/dora@example.net", NULL);
    g_autofree char *anchor =
        seal_test_home_write(seal_cli_test_home(), "config/privyseal/anchors.d/circle.pem", root);
    g_autoptr(SealTestResult) trusted =
        seal_cli_test_privyseal(NULL, "mutt", "encrypt", entity, "/x/dora@example.net", NULL);

    g_assert_cmpint(unlink(anchor), ==, 0);
    assert_found(found, "CN=Dora new");
    seal_cli_test_assert_error(untrusted, 3, "no CA is trusted here");
    seal_cli_test_assert_status(trusted, 0);
}

/* All of them at once, and nothing is written. */
static void
test_missing_together(void)
{
    g_autoptr(GBytes) input = g_bytes_new_static("To: x\n\nHello\n", 13);
    g_autoptr(SealTestResult) found = find("dora@example.net");
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(
        input, "encrypt", "--to", "nobody@example.net", "--to", "dora@example.net", "--to",
        "alone@example.net", "--anchor", world.root_file, NULL);

    assert_found(found, "CN=Dora new");
    seal_cli_test_assert_error(result, 3, "'nobody@example.net' (none is known), 'alone@");
    g_assert_cmpstr(result->out, ==, "");
}

/* -- what is kept ----------------------------------------------------------------------------- */

static void
recipients(const char *action, const char *word, const char *more)
{
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "recipients", action, word, more, NULL);

    seal_cli_test_assert_status(result, 0);
}

static void
test_change_is_told(void)
{
    g_autoptr(SealTestResult) same = NULL;
    g_autoptr(SealTestResult) changed = NULL;

    recipients("import", world.dora_old_file, NULL);
    changed = find("dora@example.net");
    recipients("import", world.dora_file, NULL);
    same = find("dora@example.net");
    recipients("forget", "dora@example.net", NULL);
    assert_found(changed, "CN=Dora new");
    g_assert_nonnull(strstr(changed->err, "dora@example.net has another certificate now: SHA-256"));
    assert_found(same, "CN=Dora new");
    g_assert_null(strstr(same->err, "another certificate"));
}

/* Though only the directory is a source, and has a newer one. */
static void
test_pin_stays(void)
{
    g_autoptr(GBytes) old = test_identity_der(world.dora_old);
    g_autofree char *fingerprint = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, old);
    g_autoptr(SealTestResult) result = NULL;

    recipients("import", world.dora_old_file, NULL);
    recipients("pin", "dora@example.net", fingerprint);
    result = find("dora@example.net");
    recipients("forget", "dora@example.net", NULL);
    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, "pinned"));
    g_assert_nonnull(strstr(result->out, "CN=Dora old"));
}

/* Who is pinned cannot be told: the network is not asked instead. */
static void
test_damaged_database(void)
{
    g_autofree char *before = g_strdup(g_getenv("XDG_DATA_HOME"));
    g_autofree char *data = seal_cli_test_home_file("damaged");
    g_autofree char *noise = g_strnfill(8192, '#');
    g_autofree char *path =
        seal_test_home_write(seal_cli_test_home(), "damaged/privyseal/recipients.db", noise);
    g_autoptr(SealTestResult) result = NULL;

    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", data);
    result = find("dora@example.net");
    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", before);
    seal_cli_test_assert_error(result, 3, "the database is damaged");
    g_assert_nonnull(strstr(result->err, path));
}

static void
test_nobody(void)
{
    g_autoptr(SealTestResult) result = find("nobody@example.net");

    seal_cli_test_assert_error(result, 3, "'nobody@example.net' (none is known)");
}

/* An address is a value, never a pattern: the second would match Dora. */
static void
test_no_pattern(void)
{
    g_autoptr(SealTestResult) star = find("*@example.net");
    g_autoptr(SealTestResult) part = find("dora*@example.net");

    seal_cli_test_assert_error(star, 3, "(none is known)");
    seal_cli_test_assert_error(part, 3, "(none is known)");
}

/* -- what is refused -------------------------------------------------------------------------- */

static void
test_untrusted(void)
{
    g_autoptr(SealTestResult) alone = find("alone@example.net");
    g_autoptr(SealTestResult) nobody_trusted = NULL;

    seal_cli_test_assert_error(alone, 3, "certificate 'CN=Alone");
    nobody_trusted = seal_cli_test_privyseal(NULL, "recipients", "find", "dora@example.net", NULL);
    seal_cli_test_assert_error(nobody_trusted, 3, "no CA is trusted here");
}

static void
test_of_another(void)
{
    g_autoptr(SealTestResult) result = find("frank@example.net");

    seal_cli_test_assert_error(result, 3, "it is for another address");
}

static void
test_many(void)
{
    g_autoptr(SealTestResult) result = find("many@example.net");

    seal_cli_test_assert_error(result, 3, "more entries than are looked at");
}

/* -- the connection --------------------------------------------------------------------------- */

static void
test_wrong_server(void)
{
    g_autofree char *uri = g_strdup_printf("ldap://127.0.0.1:%u", world.secure->port);
    g_autofree char *ca = g_strdup_printf("ca-file=%s", world.other_root_file);
    g_autoptr(SealTestResult) result = find_with("dora@example.net", uri, ca);

    seal_cli_test_assert_error(result, 3, "cannot ask the directory 'circle'");
    g_assert_nonnull(strstr(result->err, "of a CA in ca-file"));
}

static void
test_other_name(void)
{
    g_autofree char *uri = g_strdup_printf("ldap://localhost:%u", world.secure->port);
    g_autofree char *ca = g_strdup_printf("ca-file=%s", world.root_file);
    g_autoptr(SealTestResult) result = find_with("dora@example.net", uri, ca);

    seal_cli_test_assert_error(result, 3, "cannot ask the directory 'circle'");
}

static void
test_in_clear(void)
{
    g_autofree char *uri = g_strdup_printf("ldap://127.0.0.1:%u", world.plain->port);
    g_autoptr(SealTestResult) refused = find_with("dora@example.net", uri, "");
    g_autoptr(SealTestResult) allowed = find_with("dora@example.net", uri, "tls=off");

    seal_cli_test_assert_error(refused, 3, "cannot ask the directory 'circle'");
    assert_found(allowed, "CN=Dora new");
}

static void
test_nobody_listens(void)
{
    g_autofree char *uri = g_strdup_printf("ldap://127.0.0.1:%u", test_directory_free_port());
    g_autoptr(SealTestResult) result = find_with("dora@example.net", uri, "");

    seal_cli_test_assert_error(result, 3, "is it running");
}

/* A listener that accepts and says nothing; its URI. (transfer full) */
static char *
listen_in_silence(int *ret_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, len), ==, 0);
    g_assert_cmpint(listen(fd, 5), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &len), ==, 0);
    *ret_fd = fd;
    return g_strdup_printf("ldap://127.0.0.1:%u", ntohs(address.sin_port));
}

/* Says of its first answer that it has 1 GiB, and waits for the other side to hang up. */
static gpointer
boast(gpointer data)
{
    static const guint8 head[] = {0x30, 0x84, 0x40, 0, 0, 0, 2, 1, 1};
    int fd = accept(*(int *)data, NULL, NULL);
    char heard[1024];

    g_assert_cmpint(send(fd, head, sizeof head, MSG_NOSIGNAL), ==, sizeof head);
    while (recv(fd, heard, sizeof heard, 0) > 0)
        ;
    close(fd);
    return NULL;
}

static void
test_large_answer(void)
{
    int fd = -1;
    g_autofree char *uri = listen_in_silence(&fd);
    GThread *server = g_thread_new("server", boast, &fd);
    g_autoptr(SealTestResult) result = find_with("dora@example.net", uri, "timeout=20");

    g_thread_join(server);
    seal_cli_test_assert_error(result, 3, "Can't contact LDAP server");
    close(fd);
}

static void
test_silent_server(void)
{
    int fd = -1;
    g_autofree char *uri = listen_in_silence(&fd);
    g_autoptr(SealTestResult) result = NULL;
    gint64 began = g_get_monotonic_time();

    result = find_with("dora@example.net", uri, "timeout=1");
    seal_cli_test_assert_error(result, 3, "cannot ask the directory 'circle'");
    g_assert_cmpint(g_get_monotonic_time() - began, <, 15 * G_USEC_PER_SEC);
    close(fd);
}

static void
test_configuration(void)
{
    g_autoptr(SealTestResult) scheme = find_with("dora@example.net", "http://example.net", "");
    g_autoptr(SealTestResult) key = find_with("dora@example.net", "ldapi://", "password=x");
    g_autoptr(SealTestResult) tls = find_with("dora@example.net", "ldapi://", "tls=maybe");

    seal_cli_test_assert_error(scheme, 5, "expected one that begins with ldap://");
    seal_cli_test_assert_error(key, 5, "unknown key 'password' in [ldap circle]");
    seal_cli_test_assert_error(tls, 5, "'tls' of [ldap circle] is 'maybe'");
}

static void
add_tests(void)
{
    world_open();
    g_test_add_func("/cli/ldap/newest-certificate", test_newest);
    g_test_add_func("/cli/ldap/packed-certificate-goes-first", test_packed);
    g_test_add_func("/cli/ldap/local-socket", test_local_socket);
    g_test_add_func("/cli/ldap/ldaps", test_ldaps);
    g_test_add_func("/cli/ldap/mail-is-encrypted-to-it", test_encrypt);
    g_test_add_func("/cli/ldap/mutt-believes-it-as-encrypt-does", test_mutt);
    g_test_add_func("/cli/ldap/missing-ones-are-named-together", test_missing_together);
    g_test_add_func("/cli/ldap/change-is-told", test_change_is_told);
    g_test_add_func("/cli/ldap/pinned-certificate-stays", test_pin_stays);
    g_test_add_func("/cli/ldap/damaged-database-keeps-the-network-out", test_damaged_database);
    g_test_add_func("/cli/ldap/nobody", test_nobody);
    g_test_add_func("/cli/ldap/address-is-no-pattern", test_no_pattern);
    g_test_add_func("/cli/ldap/untrusted-is-refused", test_untrusted);
    g_test_add_func("/cli/ldap/certificate-of-another-is-refused", test_of_another);
    g_test_add_func("/cli/ldap/many-entries-are-refused", test_many);
    g_test_add_func("/cli/ldap/server-of-another-ca-is-refused", test_wrong_server);
    g_test_add_func("/cli/ldap/server-of-another-name-is-refused", test_other_name);
    g_test_add_func("/cli/ldap/in-clear-only-when-allowed", test_in_clear);
    g_test_add_func("/cli/ldap/nobody-listens", test_nobody_listens);
    g_test_add_func("/cli/ldap/large-answer-before-tls-is-refused", test_large_answer);
    g_test_add_func("/cli/ldap/silent-server-ends-at-its-deadline", test_silent_server);
    g_test_add_func("/cli/ldap/configuration", test_configuration);
}

int
main(int argc, char **argv)
{
    int status = 0;

    if (!test_directory_is_possible()) {
        g_print("1..0 # SKIP slapd is not installed\n");
        return 77;
    }
    status = seal_cli_test_main(argc, argv, add_tests);
    world_close();
    return status;
}
