/* privyseal list lanes and privyseal grants. This program has the lanes: it signs by libprivyseal.
 */
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/client/privyseal.h"
#include "tests/cli/cli-fixture.h"

static const char label[] = "Alice P-256 signing";

/* A client with a lane to Alice's key. */
static SealClient *
client_with_lane(void)
{
    static const guint8 digest[32] = {5};
    g_autoptr(GBytes) data = g_bytes_new_static(digest, sizeof digest);
    g_autoptr(GError) error = NULL;
    SealClient *client = seal_client_new(&error);
    g_autoptr(SealClientObjects) objects = NULL;

    g_assert_no_error(error);
    seal_client_set_bulk(client, TRUE);
    objects = seal_client_list(client, FALSE, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < objects->keys->len; i++) {
        const SealClientKey *key = objects->keys->pdata[i];

        for (guint n = 0; n < 3 && g_str_equal(key->label, label); n++) {
            g_autoptr(GBytes) signature =
                seal_client_sign(client, key->path, "ecdsa", "sha256", data, &error);

            g_assert_no_error(error);
        }
    }
    return client;
}

/* The lanes in JSON, and the number of the first, 0 if there is none. */
static guint
count_lanes(guint *ret_first)
{
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "list", "lanes", "--json", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) root = NULL;
    JsonArray *lanes = NULL;

    seal_cli_test_assert_status(result, 0);
    root = json_from_string(result->out, &error);
    g_assert_no_error(error);
    lanes = json_object_get_array_member(json_node_get_object(root), "lanes");
    *ret_first = 0;
    if (json_array_get_length(lanes) > 0) {
        JsonObject *lane = json_array_get_object_element(lanes, 0);

        *ret_first = (guint)json_object_get_int_member(lane, "lane");
        g_assert_cmpstr(json_object_get_string_member(lane, "program"), ==, "test-cli-grants");
        g_assert_cmpint(json_object_get_int_member(lane, "pid"), ==, getpid());
        g_assert_cmpstr(json_object_get_string_member(lane, "operation"), ==, "sign");
        g_assert_cmpint(json_object_get_int_member(lane, "count"), >, 0);
        g_assert_cmpint(json_object_get_int_member(lane, "seconds-left"), >, 0);
    }
    return json_array_get_length(lanes);
}

static gboolean
has_no_lanes(gpointer data)
{
    guint first = 0;

    return count_lanes(&first) == 0;
}

static void
expect_words(SealTestResult *result, const char *words)
{
    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, words));
}

static void
test_lanes_are_shown(void)
{
    SealClient *client = client_with_lane();
    g_autofree char *program = g_strdup_printf("test-cli-grants (pid %d)", (int)getpid());
    g_autoptr(SealTestResult) list = seal_cli_test_privyseal(NULL, "list", "lanes", NULL);
    g_autoptr(SealTestResult) grants = seal_cli_test_privyseal(NULL, "grants", NULL);
    g_autoptr(SealTestResult) none = NULL;

    expect_words(list, program);
    expect_words(list, label);
    expect_words(grants, program);
    seal_client_free(client);
    g_assert_true(seal_cli_test_wait_until(has_no_lanes, NULL));
    none = seal_cli_test_privyseal(NULL, "list", "lanes", NULL);
    expect_words(none, "none");
}

static void
test_lanes_are_taken_back(void)
{
    SealClient *client = client_with_lane();
    guint number = 0;
    g_autofree char *text = NULL;
    g_autoptr(SealTestResult) one = NULL;
    g_autoptr(SealTestResult) again = NULL;
    g_autoptr(SealTestResult) all = NULL;

    g_assert_cmpuint(count_lanes(&number), ==, 1);
    text = g_strdup_printf("%u", number);
    one = seal_cli_test_privyseal(NULL, "grants", "revoke", text, NULL);
    expect_words(one, "1 lane is taken back");
    g_assert_cmpuint(count_lanes(&number), ==, 0);
    again = seal_cli_test_privyseal(NULL, "grants", "revoke", text, NULL);
    seal_cli_test_assert_error(again, 3, "0 of 1 lanes are taken back");
    seal_client_free(client);
    all = seal_cli_test_privyseal(NULL, "grants", "revoke", NULL);
    expect_words(all, "0 lanes are taken back");
}

static void
test_lanes_of_a_key_or_token(void)
{
    SealClient *client = client_with_lane();
    g_autoptr(SealTestResult) other = NULL;
    g_autoptr(SealTestResult) key = NULL;
    g_autoptr(SealTestResult) token = NULL;

    other = seal_cli_test_privyseal(NULL, "grants", "revoke", "--key", "Alice RSA signing", NULL);
    expect_words(other, "0 lanes are taken back");
    key = seal_cli_test_privyseal(NULL, "grants", "revoke", "--key", label, NULL);
    expect_words(key, "1 lane is taken back");
    seal_client_free(client);
    client = client_with_lane();
    token = seal_cli_test_privyseal(NULL, "grants", "revoke", "--token", "Alice", NULL);
    expect_words(token, "1 lane is taken back");
    seal_client_free(client);
}

static void
test_misuse(void)
{
    g_autoptr(SealTestResult) action = seal_cli_test_privyseal(NULL, "grants", "give", NULL);
    g_autoptr(SealTestResult) number =
        seal_cli_test_privyseal(NULL, "grants", "revoke", "seven", NULL);
    g_autoptr(SealTestResult) json =
        seal_cli_test_privyseal(NULL, "grants", "revoke", "--json", NULL);
    g_autoptr(SealTestResult) list = seal_cli_test_privyseal(NULL, "grants", "list", "7", NULL);
    g_autoptr(SealTestResult) key =
        seal_cli_test_privyseal(NULL, "grants", "revoke", "--key", "Zoe", NULL);

    seal_cli_test_assert_error(action, 2, "there is no 'grants give'");
    seal_cli_test_assert_error(number, 2, "'seven' is no lane's number");
    seal_cli_test_assert_error(json, 2, "--json goes with list");
    seal_cli_test_assert_error(list, 2, "takes no lane, key or token");
    seal_cli_test_assert_error(key, 3, "Zoe");
}

static void
add(void)
{
    g_test_add_func("/cli/grants/lanes-are-shown", test_lanes_are_shown);
    g_test_add_func("/cli/grants/lanes-are-taken-back", test_lanes_are_taken_back);
    g_test_add_func("/cli/grants/lanes-of-a-key-or-token", test_lanes_of_a_key_or_token);
    g_test_add_func("/cli/grants/misuse-is-named", test_misuse);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
