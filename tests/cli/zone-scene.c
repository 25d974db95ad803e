/* Knot DNS signs the zones at its first start and writes them back; then it is ended, one file is
 * changed, and it serves all of them as they lie there. Its port and folders are its own; nothing
 * of the system's name server is touched. */
#include "tests/cli/zone-scene.h"

#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/cli/directory-scene.h"

#define PROGRAM "/usr/sbin/knotd"
#define FOLDER  "zones"

static const char *const zone_names[] = {TEST_ZONE_SIGNED, TEST_ZONE_UNSIGNED, TEST_ZONE_CHANGED};

gboolean
test_zones_are_possible(void)
{
    return g_file_test(PROGRAM, G_FILE_TEST_IS_EXECUTABLE) &&
           g_file_test("/usr/sbin/keymgr", G_FILE_TEST_IS_EXECUTABLE);
}

void
test_zones_add(GString *records, const char *local, guint usage, guint selector, guint matching,
               GBytes *data)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, local, -1);
    gsize len = 0;
    const guint8 *bytes = g_bytes_get_data(data, &len);

    /* RFC 3597 5: the generic form, as programs that do not know the type write it. */
    g_string_append_printf(records, "%.56s._smimecert TYPE53 \\# %" G_GSIZE_FORMAT " %02x%02x%02x",
                           hash, len + 3, usage, selector, matching);
    for (gsize i = 0; i < len; i++)
        g_string_append_printf(records, "%02x", bytes[i]);
    g_string_append_c(records, '\n');
}

/* -- files ------------------------------------------------------------------------------------ */

static char *
file_name(const char *zone)
{
    return g_strdup_printf(FOLDER "/%s.zone", zone);
}

static void
write_zone(const char *zone, const char *records)
{
    g_autofree char *name = file_name(zone);
    g_autofree char *text =
        g_strdup_printf("@ 3600 SOA ns.%s. admin.%s. 1 7200 3600 86400 60\n@ NS ns\n"
                        "ns A 127.0.0.1\n%s",
                        zone, zone, records);

    g_free(seal_test_home_write(seal_cli_test_home(), name, text));
}

/* knot.conf, with its folder made. (transfer full) */
static char *
write_configuration(guint port, gboolean signs)
{
    g_autofree char *folder = seal_cli_test_home_file(FOLDER);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text,
                           "server:\n  rundir: \"%s\"\n  listen: 127.0.0.1@%u\n"
                           "database:\n  storage: \"%s\"\n"
                           "policy:\n  - id: hand\n    manual: on\n"
                           "    algorithm: ecdsap256sha256\n"
                           "template:\n  - id: default\n    storage: \"%s\"\n"
                           "    file: \"%%s.zone\"\n    zonefile-sync: %d\nzone:\n",
                           folder, port, folder, folder, signs ? 0 : -1);
    for (gsize i = 0; i < G_N_ELEMENTS(zone_names); i++) {
        g_string_append_printf(text, "  - domain: %s\n", zone_names[i]);
        if (signs && strcmp(zone_names[i], TEST_ZONE_UNSIGNED) != 0)
            g_string_append(text, "    dnssec-signing: on\n    dnssec-policy: hand\n");
    }
    return seal_test_home_write(seal_cli_test_home(), FOLDER "/knot.conf", text->str);
}

/* -- keys ------------------------------------------------------------------------------------- */

/* Makes the key of one zone and adds its DS record. */
static void
make_key(const char *configuration, const char *zone, GString *anchors)
{
    g_autoptr(SealTestResult) made =
        seal_cli_test_other(NULL, "/usr/sbin/keymgr", "-c", configuration, zone, "generate",
                            "algorithm=ECDSAP256SHA256", "ksk=yes", "zsk=yes", NULL);
    g_autoptr(SealTestResult) told = NULL;

    seal_cli_test_assert_status(made, 0);
    told = seal_cli_test_other(NULL, "/usr/sbin/keymgr", "-c", configuration, zone, "ds", NULL);
    seal_cli_test_assert_status(told, 0);
    g_string_append(anchors, told->out);
}

/* -- the server ------------------------------------------------------------------------------- */

static pid_t
start(const char *configuration)
{
    const char *const argv[] = {PROGRAM, "-c", configuration, NULL};

    return seal_test_start(seal_cli_test_home(), argv, FOLDER "/log");
}

static gboolean
is_written(gpointer data)
{
    g_autofree char *name = file_name(data);
    g_autofree char *text = seal_test_home_read(seal_cli_test_home(), name);

    return strstr(text, ";; Written") != NULL;
}

static void
sign(const char *configuration)
{
    pid_t pid = start(configuration);

    g_assert_true(seal_cli_test_wait_until(is_written, (gpointer)TEST_ZONE_SIGNED));
    g_assert_true(seal_cli_test_wait_until(is_written, (gpointer)TEST_ZONE_CHANGED));
    seal_test_stop(pid);
}

/* Another last octet in the record of `local`; its signature stays. */
static void
change(const char *local)
{
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, local, -1);
    g_autofree char *start_of = g_strdup_printf("%.56s._smimecert", hash);
    g_autofree char *name = file_name(TEST_ZONE_CHANGED);
    g_autofree char *text = seal_test_home_read(seal_cli_test_home(), name);
    char *line = strstr(text, start_of);
    char *end = NULL;

    g_assert_nonnull(line);
    line = strstr(line, "SMIMEA");
    g_assert_nonnull(line);
    end = strchr(line, '\n');
    g_assert_nonnull(end);
    end[-1] = end[-1] == '0' ? '1' : '0';
    g_free(seal_test_home_write(seal_cli_test_home(), name, text));
}

static gboolean
answers(gpointer data)
{
    const TestZones *zones = data;
    g_autofree char *port = g_strdup_printf("%u", zones->port);
    g_autoptr(SealTestResult) result =
        seal_cli_test_other(NULL, "kdig", "@127.0.0.1", "-p", port, "+timeout=1", "+retry=0",
                            "+short", "NS", TEST_ZONE_CHANGED, NULL);

    return strstr(result->out, "ns." TEST_ZONE_CHANGED) != NULL;
}

TestZones *
test_zones_new(const char *records, const char *changed)
{
    TestZones *zones = g_new0(TestZones, 1);
    g_autoptr(GString) anchors = g_string_new(NULL);
    g_autofree char *configuration = NULL;

    zones->port = test_directory_free_port();
    for (gsize i = 0; i < G_N_ELEMENTS(zone_names); i++)
        write_zone(zone_names[i], records);
    configuration = write_configuration(zones->port, TRUE);
    make_key(configuration, TEST_ZONE_SIGNED, anchors);
    make_key(configuration, TEST_ZONE_CHANGED, anchors);
    zones->anchor_file =
        seal_test_home_write(seal_cli_test_home(), FOLDER "/anchors", anchors->str);
    sign(configuration);
    change(changed);
    g_free(write_configuration(zones->port, FALSE));
    zones->pid = start(configuration);
    g_assert_true(seal_cli_test_wait_until(answers, zones));
    return zones;
}

void
test_zones_free(TestZones *zones)
{
    if (!zones)
        return;
    seal_test_stop(zones->pid);
    g_free(zones->anchor_file);
    g_free(zones);
}
