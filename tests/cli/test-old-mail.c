/* Mail whose key is not here: what is remembered of tokens, and what the report says of it. Serial
 * numbers are those of `openssl x509`. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "pki/own.h"
#include "tests/cli/cli-fixture.h"
#include "tests/pki/authority.h"

#define DAY ((gint64)24 * 60 * 60)

static void
set_data_home(const char *name)
{
    g_autofree char *data = seal_cli_test_home_file(name);

    seal_test_home_setenv(seal_cli_test_home(), "XDG_DATA_HOME", data);
}

static SealDatabase *
open_database(const char *name)
{
    g_autofree char *file = g_strdup_printf("%s/privyseal/recipients.db", name);
    g_autofree char *path = seal_cli_test_home_file(file);
    g_autoptr(GError) error = NULL;
    SealDatabase *database = seal_database_open(path, &error);

    g_assert_no_error(error);
    return database;
}

static TestIdentity *
new_reader(const char *name)
{
    const TestSpec spec = {.name = name,
                           .address = "alice@example.org",
                           .key = "rsa:2048",
                           .usage = "keyEncipherment",
                           .from = -30 * DAY,
                           .until = -DAY}; /* old mail is for old certificates */

    return test_identity_new(&spec, NULL);
}

/* openssl encrypts to `reader`. (transfer full) */
static GBytes *
seal_to(const TestIdentity *reader, const char *option)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(GBytes) pem = test_identity_pem(reader);
    g_autofree char *file = seal_cli_test_save("reader.pem", pem);
    g_autoptr(SealTestResult) result = seal_cli_test_other(mail, "openssl", "cms", "-encrypt",
                                                           "-aes256", "-recip", file, option, NULL);

    seal_cli_test_assert_status(result, 0);
    return seal_cli_test_output(result);
}

/* As `openssl x509 -serial` has it, in lower case. (transfer full) */
static char *
serial_of(const TestIdentity *reader)
{
    g_autoptr(GBytes) pem = test_identity_pem(reader);
    g_autoptr(SealTestResult) result =
        seal_cli_test_other(pem, "openssl", "x509", "-noout", "-serial", NULL);

    seal_cli_test_assert_status(result, 0);
    return g_ascii_strdown(g_strchomp(strchr(result->out, '=') + 1), -1);
}

/* Decrypting fails; the report's `wanted` row (borrowed from *ret_root). */
static JsonObject *
wanted_of(GBytes *sealed, JsonNode **ret_root, char **ret_reason)
{
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(sealed, "decrypt", "--json", NULL);
    JsonObject *report = NULL;
    JsonObject *layer = NULL;

    seal_cli_test_assert_status(result, 1);
    g_assert_cmpuint(result->out_len, ==, 0);
    *ret_root = json_from_string(result->err, NULL);
    report = json_node_get_object(*ret_root);
    g_assert_cmpstr(json_object_get_string_member(report, "verdict"), ==, "not-recipient");
    *ret_reason = g_strdup(json_object_get_string_member(report, "reason"));
    layer = json_array_get_object_element(json_object_get_array_member(report, "layers"), 0);
    return json_array_get_object_element(json_object_get_array_member(layer, "wanted"), 0);
}

/* -- remembering ------------------------------------------------------------------------------ */

static void
test_list_notes(void)
{
    g_autofree char *alice = seal_cli_test_fixture_file("certs/alice-rsa-decrypt.pem");
    g_autofree char *print = NULL;
    g_autoptr(SealTestResult) openssl =
        seal_cli_test_other(NULL, "openssl", "x509", "-in", alice, "-outform", "DER", NULL);
    g_autoptr(GBytes) der = seal_cli_test_output(openssl);
    g_autoptr(SealTestResult) listing = NULL;
    g_autoptr(SealDatabase) database = NULL;
    g_autoptr(GPtrArray) list = NULL;
    gboolean found = FALSE;

    set_data_home("notes");
    listing = seal_cli_test_privyseal(NULL, "list", NULL);
    seal_cli_test_assert_status(listing, 0);
    database = open_database("notes");
    list = seal_own_list(database, NULL);
    for (guint i = 0; i < list->len; i++) {
        const SealOwn *own = list->pdata[i];

        g_assert_cmpstr(own->token_serial, !=, "");
        g_assert_cmpint(own->last_seen, >, g_get_real_time() / G_USEC_PER_SEC - 2 * DAY);
        if (!g_bytes_equal(own->certificate, der))
            continue;
        g_assert_cmpstr(own->token, ==, "Alice");
        found = TRUE;
    }
    g_assert_true(found);
}

/* -- what the report says --------------------------------------------------------------------- */

static void
test_remembered(void)
{
    g_autoptr(TestIdentity) reader = new_reader("Alice long ago");
    g_autoptr(GBytes) sealed = seal_to(reader, NULL);
    g_autofree char *serial = serial_of(reader);
    SealOwn own = {.token = (char *)"Blue", .token_serial = (char *)"4711"};
    g_autoptr(GPtrArray) seen = g_ptr_array_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *reason = NULL;
    JsonObject *wanted = NULL;

    set_data_home("remembered");
    {
        g_autoptr(SealDatabase) database = open_database("remembered");
        g_autoptr(GBytes) der = test_identity_der(reader);

        own.certificate = der;
        g_ptr_array_add(seen, &own);
        g_assert_true(seal_own_note(database, seen, 1700000000, NULL)); /* 2023-11-14 */
    }
    wanted = wanted_of(sealed, &root, &reason);
    g_assert_nonnull(strstr(reason, "the certificate 'CN=Alice long ago"));
    g_assert_nonnull(strstr(reason, serial));
    g_assert_nonnull(strstr(reason, "last seen on 2023-11-14 on token 'Blue' (serial 4711)"));
    g_assert_cmpstr(json_object_get_string_member(wanted, "serial"), ==, serial);
    g_assert_cmpstr(json_object_get_string_member(wanted, "token"), ==, "Blue");
    g_assert_cmpstr(json_object_get_string_member(wanted, "token-serial"), ==, "4711");
    g_assert_true(
        g_str_has_prefix(json_object_get_string_member(wanted, "last-seen"), "2023-11-14"));
    g_assert_true(
        g_str_has_prefix(json_object_get_string_member(wanted, "subject"), "CN=Alice long"));
}

static void
test_unknown(void)
{
    g_autoptr(TestIdentity) reader = new_reader("Somebody");
    g_autoptr(GBytes) sealed = seal_to(reader, NULL);
    g_autofree char *serial = serial_of(reader);
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *reason = NULL;
    JsonObject *wanted = NULL;

    set_data_home("unknown");
    wanted = wanted_of(sealed, &root, &reason);
    g_assert_nonnull(strstr(reason, "it is for the certificate with the serial number"));
    g_assert_nonnull(strstr(reason, serial));
    g_assert_nonnull(strstr(reason, "CN=Somebody"));
    g_assert_cmpstr(json_object_get_string_member(wanted, "serial"), ==, serial);
    g_assert_true(json_object_get_null_member(wanted, "token"));
}

/* The message names its recipient by key identifier. */
static void
test_by_key_id(void)
{
    g_autoptr(TestIdentity) reader = new_reader("Keyed");
    g_autoptr(GBytes) sealed = seal_to(reader, "-keyid");
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *reason = NULL;
    JsonObject *wanted = NULL;

    set_data_home("keyed");
    wanted = wanted_of(sealed, &root, &reason);
    g_assert_nonnull(strstr(reason, "with the key identifier "));
    g_assert_true(json_object_get_null_member(wanted, "serial"));
    g_assert_cmpuint(strlen(json_object_get_string_member(wanted, "key-id")), ==, 40);
}

static void
add_tests(void)
{
    g_test_add_func("/cli/old-mail/list-notes-which-token-holds-what", test_list_notes);
    g_test_add_func("/cli/old-mail/remembered-token-is-named", test_remembered);
    g_test_add_func("/cli/old-mail/unknown-certificate-is-named", test_unknown);
    g_test_add_func("/cli/old-mail/certificate-named-by-key-identifier", test_by_key_id);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add_tests);
}
