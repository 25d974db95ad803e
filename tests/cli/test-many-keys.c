/* Tokens that look alike, keys that lie on two of them, and a token with more objects than anybody
 * wants. SoftHSM holds them (many-keys.py), pkcs11-tool writes the copy. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/fixture.h"

/* Of many-keys.py: private and public key and certificate of each. */
#define CROWD 70u

/* -- the tokens -----------------------------------------------------------------------------------
 */

/* The key `both` is written to the other token of that label, too. */
static void
copy_key(void)
{
    g_autofree char *fixture = seal_test_fixture_path(seal_cli_test_home(), "");
    g_autofree char *script = g_strdup_printf(
        "cd %s && tool=\"pkcs11-tool --module $(cat module)\"\n"
        "for slot in $($tool -L | sed -n 's/^Slot .*(\\(0x[0-9a-f]*\\)):.*/\\1/p'); do\n"
        "  $tool --slot $slot -O --type cert 2>/dev/null | grep -q 'label:.*old mail' || continue\n"
        "  openssl pkey -in software-keys/both.pem -outform DER -out both.der\n"
        "  $tool --slot $slot --login --pin $(cat pin) --write-object both.der --type privkey \\\n"
        "    --id 01 --label both --usage-sign\n"
        "  openssl x509 -in certs/both.pem -outform DER -out both.crt\n"
        "  $tool --slot $slot --login --pin $(cat pin) --write-object both.crt --type cert --id "
        "01\n"
        "done 2>&1",
        fixture);
    g_autoptr(SealTestResult) result = seal_cli_test_other(NULL, "sh", "-ec", script, NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, "Created private key"));
}

/* In place of the fixture's, before the agent is asked for the first time. */
static void
take_tokens(void)
{
    seal_test_fixture_copy(seal_cli_test_home(), "tests/cli/many-keys");
    seal_cli_test_pin_is_right();
    copy_key();
}

/* -- looking --------------------------------------------------------------------------------------
 */

static JsonNode *
list(void)
{
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(NULL, "list", "--json", NULL);
    g_autoptr(GError) error = NULL;
    JsonNode *root = NULL;

    seal_cli_test_assert_status(result, 0);
    root = json_from_string(result->out, &error);
    g_assert_no_error(error);
    return root;
}

/* Objects of `section` with that label (transfer container). */
static GPtrArray *
with_label(JsonNode *root, const char *section, const char *label)
{
    JsonArray *items = json_object_get_array_member(json_node_get_object(root), section);
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < json_array_get_length(items); i++) {
        JsonObject *item = json_array_get_object_element(items, i);

        if (g_str_equal(json_object_get_string_member(item, "label"), label))
            g_ptr_array_add(found, item);
    }
    return found;
}

static void
unlock(const char *token)
{
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(NULL, "unlock", token, NULL);

    seal_cli_test_assert_status(result, 0);
}

static const char *
text_of(JsonObject *object, const char *name)
{
    return json_object_get_string_member(object, name);
}

static const char *
first_of(JsonObject *object, const char *name)
{
    JsonArray *array = json_object_get_array_member(object, name);

    return json_array_get_length(array) > 0 ? json_array_get_string_element(array, 0) : "";
}

/* -- tests ----------------------------------------------------------------------------------------
 */

static void
test_equal_labels(void)
{
    g_autoptr(JsonNode) root = list();
    g_autoptr(GPtrArray) tokens = with_label(root, "tokens", "Alice");
    g_autoptr(SealTestResult) table = seal_cli_test_privyseal(NULL, "list", "keys", NULL);
    g_autoptr(SealTestResult) unclear = seal_cli_test_privyseal(NULL, "unlock", "Alice", NULL);

    g_assert_cmpuint(tokens->len, ==, 2);
    seal_cli_test_assert_error(unclear, 3, "'Alice' means 2 tokens");
    for (guint i = 0; i < tokens->len; i++) {
        JsonObject *token = tokens->pdata[i];
        g_autofree char *name = g_strdup_printf("Alice (serial %s)", text_of(token, "serial"));

        g_assert_nonnull(strstr(table->out, name));
        g_assert_nonnull(strstr(unclear->err, text_of(token, "serial")));
        unlock(text_of(token, "serial"));
        seal_cli_test_lock_all();
        unlock(text_of(token, "slot"));
        seal_cli_test_lock_all();
    }
}

static void
test_equal_keys(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(JsonNode) root = list();
    g_autoptr(GPtrArray) keys = with_label(root, "keys", "work");
    g_autoptr(SealTestResult) unclear =
        seal_cli_test_privyseal(mail, "sign", "--key", "work", NULL);

    g_assert_cmpuint(keys->len, ==, 2);
    seal_cli_test_assert_error(unclear, 3, "'work' means 2 keys");
    g_assert_nonnull(strstr(unclear->err, "Alice (serial "));
    for (guint i = 0; i < keys->len; i++) {
        g_autoptr(SealTestResult) signed_mail =
            seal_cli_test_privyseal(mail, "sign", "--key", text_of(keys->pdata[i], "uri"), NULL);

        seal_cli_test_assert_status(signed_mail, 0);
    }
    seal_cli_test_lock_all();
}

/* One key object; whichever token is open serves. */
static void
test_key_on_two_tokens(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(JsonNode) before = list();
    g_autoptr(GPtrArray) tokens = with_label(before, "tokens", "Alice");

    for (guint i = 0; i < tokens->len; i++) {
        JsonObject *token = tokens->pdata[i];
        g_autoptr(JsonNode) root = NULL;
        g_autoptr(GPtrArray) keys = NULL;
        g_autoptr(SealTestResult) signed_mail = NULL;

        unlock(text_of(token, "serial"));
        root = list();
        keys = with_label(root, "keys", "both");
        g_assert_cmpuint(keys->len, ==, 1);
        g_assert_cmpstr(text_of(keys->pdata[0], "token"), ==, text_of(token, "id"));
        g_assert_cmpstr(first_of(keys->pdata[0], "uses"), ==, "sign-mail");
        signed_mail = seal_cli_test_privyseal(mail, "sign", "--key", "both", NULL);
        seal_cli_test_assert_status(signed_mail, 0);
        seal_cli_test_lock_all();
    }
}

static void
test_expired(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(JsonNode) root = list();
    g_autoptr(GPtrArray) sign = with_label(root, "keys", "old signature");
    g_autoptr(GPtrArray) decrypt = with_label(root, "keys", "old mail");
    g_autoptr(SealTestResult) refused =
        seal_cli_test_privyseal(mail, "sign", "--key", "old signature", NULL);

    g_assert_cmpuint(sign->len, ==, 1);
    g_assert_cmpuint(decrypt->len, ==, 1);
    g_assert_cmpstr(first_of(sign->pdata[0], "uses"), ==, "");
    g_assert_cmpstr(first_of(sign->pdata[0], "limits"), ==, "expired");
    g_assert_cmpstr(first_of(decrypt->pdata[0], "uses"), ==, "decrypt-old-mail");
    g_assert_true(g_str_has_prefix(first_of(decrypt->pdata[0], "limits-text"), "expired 20"));
    /* as the list says */
    seal_cli_test_assert_error(refused, 3, "it expired on 20");
}

static void
test_crowd(void)
{
    g_autoptr(GBytes) mail = seal_cli_test_mail();
    g_autoptr(SealTestResult) table = seal_cli_test_privyseal(NULL, "list", "keys", NULL);
    g_autoptr(SealTestResult) signed_mail = NULL;

    seal_cli_test_assert_status(table, 0);
    for (guint i = 1; i <= CROWD; i++) {
        g_autofree char *address = g_strdup_printf(" crowd-%u@example.org ", i);

        g_assert_nonnull(strstr(table->out, address));
    }
    signed_mail = seal_cli_test_privyseal(mail, "sign", "--from", "crowd-70@example.org", NULL);
    seal_cli_test_assert_status(signed_mail, 0);
    seal_cli_test_lock_all();
}

static void
add(void)
{
    take_tokens();
    g_test_add_func("/cli/many-keys/equal-token-labels/are-told-apart", test_equal_labels);
    g_test_add_func("/cli/many-keys/equal-key-labels/are-told-apart", test_equal_keys);
    g_test_add_func("/cli/many-keys/key-on-two-tokens/is-served-by-either", test_key_on_two_tokens);
    g_test_add_func("/cli/many-keys/expired/is-listed-as-such", test_expired);
    g_test_add_func("/cli/many-keys/two-hundred-objects/are-listed-and-used", test_crowd);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
