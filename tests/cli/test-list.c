/* privyseal list, unlock, lock and pin. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "tests/cli/cli-fixture.h"
#include "tests/support/fixture.h"
#include "tests/support/pinentry.h"

static JsonNode *
list_json(const char *section)
{
    g_autoptr(SealTestResult) result =
        seal_cli_test_privyseal(NULL, "list", "--json", section, NULL);
    g_autoptr(GError) error = NULL;
    JsonNode *root = NULL;

    seal_cli_test_assert_status(result, 0);
    root = json_from_string(result->out, &error);
    g_assert_no_error(error);
    return root;
}

/* The object in `section` whose member `name` is `value`. */
static JsonObject *
find(JsonNode *root, const char *section, const char *name, const char *value)
{
    JsonArray *items = json_object_get_array_member(json_node_get_object(root), section);

    for (guint i = 0; i < json_array_get_length(items); i++) {
        JsonObject *item = json_array_get_object_element(items, i);

        if (g_str_equal(json_object_get_string_member(item, name), value))
            return item;
    }
    g_error("no %s with %s '%s'", section, name, value);
}

static char *
state_of(const char *token)
{
    g_autoptr(JsonNode) root = list_json("tokens");

    return g_strdup(json_object_get_string_member(find(root, "tokens", "label", token), "state"));
}

static void
assert_state(const char *token, const char *state)
{
    g_autofree char *actual = state_of(token);

    g_assert_cmpstr(actual, ==, state);
}

/* -- list ------------------------------------------------------------------------------- */

static void
test_json(void)
{
    g_autoptr(SealTestResult) unlock = seal_cli_test_privyseal(NULL, "unlock", "Alice", NULL);
    g_autoptr(JsonNode) root = list_json(NULL);
    JsonObject *token = find(root, "tokens", "label", "Alice");
    JsonObject *key = find(root, "keys", "label", "Alice P-384 decryption");
    JsonArray *purposes = json_object_get_array_member(key, "purposes");
    JsonArray *certificates = json_object_get_array_member(key, "certificates");
    JsonObject *certificate = NULL;

    g_assert_cmpstr(json_object_get_string_member(token, "module"), ==, "softhsm");
    g_assert_cmpstr(json_object_get_string_member(key, "algorithm"), ==, "ec");
    g_assert_cmpstr(json_object_get_string_member(key, "curve"), ==, "P-384");
    g_assert_cmpstr(json_object_get_string_member(key, "cka-id"), ==, "08");
    g_assert_cmpstr(json_object_get_string_member(key, "token"), ==,
                    json_object_get_string_member(token, "id"));
    g_assert_true(json_object_get_boolean_member(key, "imported"));
    g_assert_cmpuint(json_array_get_length(purposes), ==, 1);
    g_assert_cmpstr(json_array_get_string_element(purposes, 0), ==, "decrypt");
    g_assert_cmpuint(json_array_get_length(certificates), ==, 1);
    certificate = find(root, "certificates", "id", json_array_get_string_element(certificates, 0));
    g_assert_cmpstr(
        json_array_get_string_element(json_object_get_array_member(certificate, "addresses"), 0),
        ==, "alice@example.org");
    g_assert_cmpstr(json_object_get_string_member(certificate, "key"), ==,
                    json_object_get_string_member(key, "id"));
    g_assert_cmpstr(
        json_object_get_string_member(find(root, "modules", "name", "softhsm"), "state"), ==,
        "running");
}

static void
test_sections(void)
{
    g_autoptr(JsonNode) keys = list_json("keys");
    g_autoptr(SealTestResult) other = seal_cli_test_privyseal(NULL, "list", "cards", NULL);

    g_assert_true(json_object_has_member(json_node_get_object(keys), "keys"));
    g_assert_false(json_object_has_member(json_node_get_object(keys), "tokens"));
    seal_cli_test_assert_error(other, 2, "tokens, keys, certificates or lanes");
}

static void
test_tables(void)
{
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(NULL, "list", NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_null(strchr(result->out, '\033'));
    g_assert_nonnull(strstr(result->out, "Alice P-521 signing"));
    g_assert_nonnull(strstr(result->out, "decrypt"));
    g_assert_nonnull(strstr(result->out, "alice@example.org"));
    g_assert_null(strstr(result->out, "Modules that do not run"));
}

static void
test_rescan(void)
{
    g_autoptr(SealTestResult) result = seal_cli_test_privyseal(NULL, "list", "--rescan", NULL);

    seal_cli_test_assert_status(result, 0);
    g_assert_nonnull(strstr(result->out, "Alice"));
}

/* -- unlock and lock ---------------------------------------------------------------------- */

static void
test_unlock(void)
{
    guint asked = seal_test_pinentry_count(seal_cli_test_home());
    g_autoptr(SealTestResult) first = NULL;
    g_autoptr(SealTestResult) again = NULL;
    g_autoptr(SealTestResult) lock = NULL;

    seal_cli_test_lock_all();
    first = seal_cli_test_privyseal(NULL, "unlock", "Alice", NULL);
    seal_cli_test_assert_status(first, 0);
    g_assert_cmpstr(first->out, ==, "");
    assert_state("Alice", "unlocked");
    assert_state("Bob", "locked");
    again = seal_cli_test_privyseal(NULL, "unlock", "Alice", NULL);
    seal_cli_test_assert_status(again, 0);
    g_assert_cmpuint(seal_test_pinentry_count(seal_cli_test_home()), ==, asked + 1);
    lock = seal_cli_test_privyseal(NULL, "lock", "Alice", NULL);
    seal_cli_test_assert_status(lock, 0);
    assert_state("Alice", "locked");
}

static void
test_token_names(void)
{
    g_autoptr(JsonNode) root = list_json("tokens");
    JsonObject *token = find(root, "tokens", "label", "Bob");
    g_autofree char *beginning = g_strndup(json_object_get_string_member(token, "id"), 10);
    const char *names[] = {"Bob", beginning, "pkcs11:token=Bob",
                           json_object_get_string_member(token, "serial"),
                           json_object_get_string_member(token, "uri")};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(SealTestResult) unlock = seal_cli_test_privyseal(NULL, "unlock", names[i], NULL);
        g_autoptr(SealTestResult) lock = NULL;

        seal_cli_test_assert_status(unlock, 0);
        assert_state("Bob", "unlocked");
        lock = seal_cli_test_privyseal(NULL, "lock", names[i], NULL);
        seal_cli_test_assert_status(lock, 0);
        assert_state("Bob", "locked");
    }
}

static void
test_which_token(void)
{
    g_autoptr(SealTestResult) none = seal_cli_test_privyseal(NULL, "unlock", "Zoe", NULL);
    g_autoptr(SealTestResult) several = seal_cli_test_privyseal(NULL, "unlock", NULL);
    g_autoptr(SealTestResult) uri = seal_cli_test_privyseal(NULL, "unlock", "pkcs11:wrong", NULL);

    seal_cli_test_assert_error(none, 3, "no token 'Zoe': there is '");
    seal_cli_test_assert_error(several, 3, "say which");
    seal_cli_test_assert_error(uri, 2, "no PKCS#11 URI");
}

static void
test_wrong_pin(void)
{
    g_autofree char *pin = NULL;
    g_autoptr(SealTestResult) result = NULL;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(seal_cli_test_home(), "pin 00000000\ncancel");
    result = seal_cli_test_privyseal(NULL, "unlock", "Carol", NULL);
    seal_cli_test_pin_is_right();
    seal_cli_test_assert_status(result, 4);
    g_assert_null(strstr(result->err, "00000000"));
    assert_state("Carol", "locked");
}

/* -- pin ---------------------------------------------------------------------------------- */

static void
expect_pin(const char *pin)
{
    g_autoptr(SealTestResult) unlock = NULL;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(seal_cli_test_home(), "pin %s\n", pin);
    unlock = seal_cli_test_privyseal(NULL, "unlock", "Carol", NULL);
    seal_cli_test_assert_status(unlock, 0);
    seal_cli_test_lock_all();
}

/* Secrets are nowhere but in the prompt: they stand in no output. */
static void
test_pin(void)
{
    SealTestHome *home = seal_cli_test_home();
    g_autofree char *pin = seal_test_fixture_pin(home);
    g_autofree char *puk = seal_test_home_read(home, "fixture/so-pin");
    g_autoptr(SealTestResult) change = NULL, unblock = NULL;

    seal_cli_test_lock_all();
    seal_test_pinentry_answer(home, "pin %s\npin 2468135790\npin 2468135790\n", pin);
    change = seal_cli_test_privyseal(NULL, "pin", "change", "Carol", NULL);
    seal_cli_test_assert_status(change, 0);
    g_assert_cmpstr(change->out, ==, "token 'Carol' has another PIN now\n");
    g_assert_cmpstr(change->err, ==, "");
    assert_state("Carol", "locked");
    expect_pin("2468135790");
    seal_test_pinentry_answer(home, "pin %s\npin %s\npin %s\n", puk, pin, pin);
    unblock = seal_cli_test_privyseal(NULL, "pin", "unblock", "Carol", NULL);
    seal_cli_test_assert_status(unblock, 0);
    g_assert_cmpstr(unblock->out, ==, "token 'Carol' is unblocked, and has another PIN now\n");
    expect_pin(pin);
    seal_cli_test_pin_is_right();
}

static void
test_pin_refused(void)
{
    SealTestHome *home = seal_cli_test_home();
    g_autoptr(SealTestResult) wrong = NULL, cancelled = NULL, unknown = NULL, nothing = NULL,
                              missing = NULL;

    seal_test_pinentry_answer(home, "pin 11111111\npin 22222222\npin 22222222\ncancel\n");
    wrong = seal_cli_test_privyseal(NULL, "pin", "change", "Carol", NULL);
    seal_cli_test_assert_error(wrong, 4, "cannot change the PIN of token 'Carol': ");
    g_assert_null(strstr(wrong->err, "11111111"));
    seal_test_pinentry_answer(home, "cancel\n");
    cancelled = seal_cli_test_privyseal(NULL, "pin", "unblock", "Carol", NULL);
    seal_cli_test_assert_error(cancelled, 4, "cannot unblock the PIN of token 'Carol': cancelled");
    seal_cli_test_pin_is_right();
    unknown = seal_cli_test_privyseal(NULL, "pin", "forget", NULL);
    seal_cli_test_assert_error(unknown, 2, "there is no 'pin forget': it is change or unblock");
    nothing = seal_cli_test_privyseal(NULL, "pin", NULL);
    seal_cli_test_assert_error(nothing, 2, "something is missing");
    missing = seal_cli_test_privyseal(NULL, "pin", "change", "Zoe", NULL);
    seal_cli_test_assert_error(missing, 3, "no token 'Zoe'");
}

static void
add(void)
{
    g_test_add_func("/cli/list/json-links-tokens-keys-and-certificates", test_json);
    g_test_add_func("/cli/list/sections", test_sections);
    g_test_add_func("/cli/list/tables-are-plain-in-a-pipe", test_tables);
    g_test_add_func("/cli/list/rescan", test_rescan);
    g_test_add_func("/cli/unlock/asks-once-until-lock", test_unlock);
    g_test_add_func("/cli/unlock/token-by-label-id-serial-and-uri", test_token_names);
    g_test_add_func("/cli/unlock/unknown-or-several-tokens", test_which_token);
    g_test_add_func("/cli/unlock/wrong-pin-then-cancel", test_wrong_pin);
    g_test_add_func("/cli/pin/change-and-unblock", test_pin);
    g_test_add_func("/cli/pin/refused-and-misused", test_pin_refused);
}

int
main(int argc, char **argv)
{
    return seal_cli_test_main(argc, argv, add);
}
