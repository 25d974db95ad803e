/* Certificates from DNS: Knot DNS signs a zone and answers, with records in the generic form of RFC
 * 3597 whose names are hashed by GLib; openssl opens what was encrypted. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/cli/cli-fixture.h"
#include "tests/cli/directory-scene.h"
#include "tests/cli/zone-scene.h"

#define DAY ((gint64)24 * 60 * 60)

#define PKIX_EE 1
#define DANE_TA 2
#define DANE_EE 3

/* All tests share one world. */
static struct {
    TestIdentity *root, *other_root;
    TestIdentity *dora, *hal, *kim, *tom; /* of the root; the last three not in DNS themselves */
    char *root_file;
    TestZones *zones;
    char *before; /* privyseal.conf without DNS */
} world;

static TestIdentity *
person(const char *name, const char *address)
{
    const TestSpec spec = {.name = name,
                           .address = address,
                           .usage = "keyAgreement",
                           .from = -DAY,
                           .until = 300 * DAY};

    return test_identity_new(&spec, world.root);
}

static char *
save_pem(const TestIdentity *identity, const char *name)
{
    g_autoptr(GBytes) pem = test_identity_pem(identity);

    return seal_cli_test_save(name, pem);
}

/* -- the world -------------------------------------------------------------------------------- */

static void
add_certificate(GString *records, const char *local, guint usage, const TestIdentity *identity)
{
    g_autoptr(GBytes) der = test_identity_der(identity);

    test_zones_add(records, local, usage, 0, 0, der);
}

static void
add_hash(GString *records, const char *local, guint usage, const TestIdentity *identity)
{
    g_autoptr(GBytes) der = test_identity_der(identity);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA512);
    guint8 digest[64];
    gsize len = sizeof digest;
    g_autoptr(GBytes) data = NULL;

    g_checksum_update(checksum, g_bytes_get_data(der, NULL), (gssize)g_bytes_get_size(der));
    g_checksum_get_digest(checksum, digest, &len);
    data = g_bytes_new(digest, len);
    test_zones_add(records, local, usage, 0, 2, data);
}

static void
add_key(GString *records, const char *local, const TestIdentity *identity)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(identity->key, &der);
    g_autoptr(GBytes) data = g_bytes_new(der, (gsize)len);

    OPENSSL_free(der);
    test_zones_add(records, local, DANE_EE, 1, 0, data);
}

static char *
new_records(void)
{
    g_autoptr(GString) records = g_string_new(NULL);
    g_autoptr(TestIdentity) eve = person("Eve", "eve@" TEST_ZONE_SIGNED);
    g_autoptr(TestIdentity) pia = person("Pia", "pia@" TEST_ZONE_SIGNED);
    g_autoptr(TestIdentity) olaf = person("Olaf", "olaf@" TEST_ZONE_UNSIGNED);
    g_autoptr(TestIdentity) carl = person("Carl", "carl@" TEST_ZONE_CHANGED);
    g_autoptr(GBytes) noise = g_bytes_new_static("noise", 5);

    test_zones_add(records, "dora", 9, 0, 0, noise);       /* no such usage */
    test_zones_add(records, "dora", DANE_EE, 0, 1, noise); /* no SHA-256 */
    test_zones_add(records, "dora", DANE_EE, 0, 0, noise); /* no certificate */
    add_certificate(records, "dora", DANE_EE, world.dora);
    add_certificate(records, "frank", DANE_EE, eve); /* Eve's certificate in Frank's record */
    add_certificate(records, "pia", PKIX_EE, pia);
    add_hash(records, "hal", DANE_EE, world.hal);
    add_key(records, "kim", world.kim);
    add_certificate(records, "tom", DANE_TA, world.root);
    add_hash(records, "ute", DANE_EE, world.hal);
    add_certificate(records, "olaf", DANE_EE, olaf);
    add_certificate(records, "carl", DANE_EE, carl);
    return g_string_free(g_steal_pointer(&records), FALSE);
}

static void
world_open(void)
{
    const TestSpec root = {.name = "Circle", .authority = TRUE};
    g_autofree char *records = NULL;

    world.root = test_identity_new(&root, NULL);
    world.other_root = test_identity_new(&root, NULL);
    world.dora = person("Dora", "dora@" TEST_ZONE_SIGNED);
    world.hal = person("Hal", "hal@" TEST_ZONE_SIGNED);
    world.kim = person("Kim", "kim@" TEST_ZONE_SIGNED);
    world.tom = person("Tom", "tom@" TEST_ZONE_SIGNED);
    world.root_file = save_pem(world.root, "circle.pem");
    records = new_records();
    world.zones = test_zones_new(records, "carl");
    world.before = seal_test_home_read(seal_cli_test_home(), "config/privyseal/privyseal.conf");
}

static void
world_close(void)
{
    test_zones_free(world.zones);
    test_identity_free(world.root);
    test_identity_free(world.other_root);
    test_identity_free(world.dora);
    test_identity_free(world.hal);
    test_identity_free(world.kim);
    test_identity_free(world.tom);
    g_free(world.root_file);
    g_free(world.before);
}

static void
configure_with(const char *sources, const char *server, const char *anchor_file, guint timeout_s)
{
    g_autofree char *text =
        g_strdup_printf("%s\n[recipients]\n%s\n[dns]\nserver=%s\ntrust-anchor=%s\ntimeout=%u\n",
                        world.before, sources, server, anchor_file, timeout_s);

    g_free(seal_test_home_write(seal_cli_test_home(), "config/privyseal/privyseal.conf", text));
}

static void
configure(const char *sources)
{
    g_autofree char *server = g_strdup_printf("127.0.0.1@%u", world.zones->port);

    configure_with(sources, server, world.zones->anchor_file, 60);
}

static SealTestResult *
find(const char *address)
{
    configure("sources=store;dns");
    return seal_cli_test_privyseal(NULL, "recipients", "find", address, NULL);
}

static void
assert_found(const SealTestResult *result, const char *subject)
{
    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, subject));
    g_assert_nonnull(strstr(result->out, " dns "));
}

/* -- what is found ---------------------------------------------------------------------------- */

static void
test_certificate(void)
{
    g_autoptr(SealTestResult) result = find("dora@EXAMPLE.net");
    g_autoptr(SealTestResult) other_case = find("Dora@example.net");

    assert_found(result, "CN=Dora");
    /* RFC 8162 4: whether case counts, only the domain knows. */
    seal_cli_test_assert_error(other_case, 3, "(none is known)");
}

static void
test_encrypt(void)
{
    const char *mail = "From: alice@example.org\nTo: dora@example.net\nSubject: x\n\nHello, Dora\n";
    g_autoptr(GBytes) input = g_bytes_new_static(mail, strlen(mail));
    g_autoptr(SealTestResult) found = find("dora@example.net"); /* leaves the configuration */
    g_autoptr(SealTestResult) sealed =
        seal_cli_test_privyseal(input, "encrypt", "--to", "dora@example.net", NULL);
    g_autoptr(GBytes) message = seal_cli_test_output(sealed);
    g_autofree char *file = seal_cli_test_save("sealed.eml", message);
    g_autoptr(GBytes) key = test_identity_key_pem(world.dora);
    g_autofree char *key_file = seal_cli_test_save("dora.key", key);
    g_autofree char *dora_file = save_pem(world.dora, "dora.pem");
    g_autoptr(SealTestResult) opened =
        seal_cli_test_other(NULL, "openssl", "cms", "-decrypt", "-in", file, "-recip", dora_file,
                            "-inkey", key_file, NULL);

    assert_found(found, "CN=Dora");
    seal_cli_test_assert_status(sealed, 0);
    seal_cli_test_assert_status(opened, 0);
    g_assert_nonnull(strstr(opened->out, "Hello, Dora"));
}

static void
test_nobody(void)
{
    g_autoptr(SealTestResult) result = find("nobody@example.net");

    seal_cli_test_assert_error(result, 3, "'nobody@example.net' (none is known)");
}

static void
test_pkix(void)
{
    g_autoptr(SealTestResult) nobody_trusted = find("pia@example.net");
    g_autoptr(SealTestResult) trusted = seal_cli_test_privyseal(
        NULL, "recipients", "find", "pia@example.net", "--anchor", world.root_file, NULL);

    seal_cli_test_assert_error(nobody_trusted, 3, "no CA is trusted here");
    assert_found(trusted, "CN=Pia");
}

/* One that is kept, but of a CA that is not trusted, until DNS says whose it is. */
static void
find_kept(const char *local, const TestIdentity *identity, const char *subject)
{
    g_autofree char *address = g_strdup_printf("%s@" TEST_ZONE_SIGNED, local);
    g_autofree char *file = save_pem(identity, "kept.pem");
    g_autoptr(GBytes) pem = test_identity_pem(world.other_root);
    g_autofree char *text = g_strndup(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem));
    g_autofree char *anchor =
        seal_test_home_write(seal_cli_test_home(), "config/privyseal/anchors.d/other.pem", text);
    g_autoptr(SealTestResult) kept =
        seal_cli_test_privyseal(NULL, "recipients", "import", file, NULL);
    g_autoptr(SealTestResult) found = find(address);
    g_autoptr(SealTestResult) store_only = NULL;

    configure("sources=store");
    store_only = seal_cli_test_privyseal(NULL, "recipients", "find", address, NULL);
    g_assert_cmpint(unlink(anchor), ==, 0);
    seal_cli_test_assert_status(kept, 0);
    seal_cli_test_assert_error(store_only, 3, address);
    if (subject)
        assert_found(found, subject);
    else
        seal_cli_test_assert_error(found, 3, address);
}

static void
test_vouched(void)
{
    g_autoptr(TestIdentity) ute = person("Ute", "ute@" TEST_ZONE_SIGNED);

    find_kept("hal", world.hal, "CN=Hal");
    find_kept("kim", world.kim, "CN=Kim");
    find_kept("tom", world.tom, "CN=Tom");
    find_kept("ute", ute, NULL); /* the hash is of another certificate */
}

static void
test_default_sources(void)
{
    g_autoptr(SealTestResult) result = NULL;

    configure("");
    result = seal_cli_test_privyseal(NULL, "recipients", "find", "dora@example.net", NULL);
    seal_cli_test_assert_error(result, 3, "'dora@example.net' (none is known)");
}

/* -- what is refused -------------------------------------------------------------------------- */

static void
test_unsigned(void)
{
    g_autoptr(SealTestResult) result = find("olaf@example.org");

    seal_cli_test_assert_error(result, 3, "its domain does not sign what it says (DNSSEC)");
}

static void
test_changed(void)
{
    g_autoptr(SealTestResult) result = find("carl@example.com");

    seal_cli_test_assert_error(result, 3, "its signatures are wrong (DNSSEC)");
}

static void
test_of_another(void)
{
    g_autoptr(SealTestResult) result = find("frank@example.net");

    seal_cli_test_assert_error(result, 3, "it is for another address");
}

static void
test_silent_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_autofree char *server = NULL;
    g_autoptr(SealTestResult) result = NULL;
    gint64 began = g_get_monotonic_time();

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, len), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &len), ==, 0);
    server = g_strdup_printf("127.0.0.1@%u", ntohs(address.sin_port));
    configure_with("sources=dns", server, world.zones->anchor_file, 1);
    result = seal_cli_test_privyseal(NULL, "recipients", "find", "dora@example.net", NULL);
    close(fd);
    seal_cli_test_assert_error(result, 3, "there was no answer in time");
    g_assert_cmpint(g_get_monotonic_time() - began, <, 15 * G_USEC_PER_SEC);
}

static void
test_configuration(void)
{
    g_autoptr(SealTestResult) server = NULL;
    g_autoptr(SealTestResult) anchor = NULL;

    configure_with("sources=dns", "ns.example.net", world.zones->anchor_file, 1);
    server = seal_cli_test_privyseal(NULL, "recipients", "find", "dora@example.net", NULL);
    configure_with("sources=dns", "127.0.0.1", "/nonexistent/root.key", 1);
    anchor = seal_cli_test_privyseal(NULL, "recipients", "find", "dora@example.net", NULL);
    seal_cli_test_assert_error(server, 5, "server is 'ns.example.net', expected an IP address");
    seal_cli_test_assert_error(anchor, 3, "there is no file '/nonexistent/root.key'");
}

static void
add_tests(void)
{
    world_open();
    g_test_add_func("/cli/smimea/certificate", test_certificate);
    g_test_add_func("/cli/smimea/mail-is-encrypted-to-it", test_encrypt);
    g_test_add_func("/cli/smimea/nobody", test_nobody);
    g_test_add_func("/cli/smimea/pkix-needs-a-trusted-ca", test_pkix);
    g_test_add_func("/cli/smimea/hash-key-or-ca-vouch-for-what-is-kept", test_vouched);
    g_test_add_func("/cli/smimea/is-asked-only-where-configured", test_default_sources);
    g_test_add_func("/cli/smimea/unsigned-zone-is-refused", test_unsigned);
    g_test_add_func("/cli/smimea/changed-zone-is-refused", test_changed);
    g_test_add_func("/cli/smimea/certificate-of-another-is-refused", test_of_another);
    g_test_add_func("/cli/smimea/silent-server-ends-at-its-deadline", test_silent_server);
    g_test_add_func("/cli/smimea/configuration", test_configuration);
}

int
main(int argc, char **argv)
{
    int status = 0;

    if (!test_zones_are_possible()) {
        g_print("1..0 # SKIP knotd is not installed\n");
        return 77;
    }
    status = seal_cli_test_main(argc, argv, add_tests);
    world_close();
    return status;
}
