/* The report as JSON and as a page, and what names in certificates cannot do to it. */
#include "smime/report.h"
#include "tests/smime/world.h"

#include <json-glib/json-glib.h>
#include <string.h>

static void
test_words(void)
{
    /* The words are a contract with programs; a new one is added here and in the manual. */
    static const char *const expected[] = {"ok",
                                           "decrypted",
                                           "decrypted-noauth",
                                           "ok-plain",
                                           "unsigned",
                                           "certs-only",
                                           "ok-partial",
                                           "partially-signed",
                                           "bad-signature",
                                           "untrusted",
                                           "incomplete-chain",
                                           "expired",
                                           "not-yet-valid",
                                           "revoked",
                                           "revocation-unknown",
                                           "wrong-usage",
                                           "address-mismatch",
                                           "header-mismatch",
                                           "signer-cert-missing",
                                           "weak-algorithm",
                                           "malformed",
                                           "unsupported",
                                           "decrypt-failed",
                                           "not-recipient",
                                           "refused",
                                           "partially-encrypted",
                                           "nesting-limit",
                                           "resource-limit",
                                           "policy-inconsistent"};

    g_assert_cmpuint(G_N_ELEMENTS(expected), ==, SEAL_VERDICT_LAST + 1);
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_cmpstr(seal_verdict_word((SealVerdict)i), ==, expected[i]);
        g_assert_cmpint(seal_verdict_from_word(expected[i], SEAL_VERDICT_MALFORMED), ==, i);
    }
    g_assert_cmpint(seal_verdict_from_word("fine", SEAL_VERDICT_UNSUPPORTED), ==,
                    SEAL_VERDICT_UNSUPPORTED);
}

static JsonObject *
object_at(JsonObject *object, const char *member, guint index)
{
    return json_array_get_object_element(json_object_get_array_member(object, member), index);
}

static void
test_json(World *world, gconstpointer data)
{
    const SealSignOptions then = {.signing_time = 1700000000};
    g_autoptr(GBytes) signed_mail = world_sign(world, world_alice(world, "ec:P-256"), NULL, &then);
    g_autoptr(GBytes) mail = world_encrypt(signed_mail, NULL, world_bob(world, "ec:P-256"), NULL);
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_ALL, mail, SEAL_VERDICT_OK, NULL);
    g_autofree char *json = seal_report_to_json(report);
    g_autoptr(JsonNode) root = json_from_string(json, NULL);
    JsonObject *object = json_node_get_object(root);
    JsonObject *signature = object_at(object, "layers", 1);
    JsonObject *signer = object_at(signature, "signers", 0);
    JsonArray *addresses = json_object_get_array_member(signer, "addresses");

    g_assert_cmpstr(json_object_get_string_member(object, "verdict"), ==, "ok");
    g_assert_cmpstr(json_object_get_string_member(object_at(object, "layers", 0), "type"), ==,
                    "encrypted");
    g_assert_cmpint(json_object_get_int_member(object_at(object, "layers", 0), "recipients"), ==,
                    1);
    g_assert_cmpstr(json_object_get_string_member(signature, "type"), ==, "signed");
    g_assert_true(json_object_get_boolean_member(signature, "detached"));
    g_assert_cmpstr(json_object_get_string_member(signer, "subject"), ==,
                    "CN=Alice,O=Privy Seal Test");
    g_assert_cmpstr(json_array_get_string_element(addresses, 0), ==, "alice@example.org");
    g_assert_cmpstr(json_object_get_string_member(signer, "signature"), ==, "good");
    g_assert_cmpstr(json_object_get_string_member(signer, "chain"), ==, "good");
    g_assert_cmpstr(json_object_get_string_member(signer, "revocation"), ==, "not-checked");
    g_assert_cmpstr(json_object_get_string_member(signer, "address-match"), ==, "match");
    g_assert_cmpstr(json_object_get_string_member(signer, "validation-level"), ==, "unknown");
    g_assert_cmpstr(json_object_get_string_member(signer, "signing-time"), ==,
                    "2023-11-14T22:13:20Z");
    g_assert_true(json_object_get_null_member(signer, "reason"));
}

static void
test_page(World *world, gconstpointer data)
{
    /* A line end, a colour, and U+202E, behind which text runs from right to left. */
    const TestSpec spec = {.name = "Eve\n  chain: good\x1b[32m\xe2\x80\xae",
                           .address = "eve@example.net"};
    g_autoptr(GBytes) mail = world_sign(world, world_person(world, &spec), NULL, NULL);
    g_autoptr(SealReport) report =
        world_open_mail(world, SEAL_OPEN_VERIFY, mail, SEAL_VERDICT_ADDRESS_MISMATCH, NULL);
    g_autofree char *text = seal_report_to_text(report);
    g_autoptr(GPtrArray) lines = seal_report_lines(report);
    const SealReportLine *first = g_ptr_array_index(lines, 0);

    g_assert_cmpint(first->mood, ==, SEAL_LINE_BAD);
    g_assert_true(g_str_has_prefix(
        text, "signed by somebody else than its sender\nwhy: the mail is from "
              "alice@example.org, but its signer is certified as eve@example.net"));
    g_assert_nonnull(strstr(text, "    revocation: not-checked\n"));
    g_assert_null(strchr(text, '\x1b'));
    g_assert_null(strstr(text, "\xe2\x80\xae"));
    for (guint i = 0; i < lines->len; i++) {
        const SealReportLine *line = g_ptr_array_index(lines, i);

        g_assert_null(strchr(line->text, '\n'));
    }
}

/* A warning is said, and changes no verdict. */
/* What is wrong with a path becomes the verdict by its word. */
static void
test_chain_words_are_verdicts(void)
{
    for (guint state = SEAL_CHAIN_GOOD + 1; state <= SEAL_CHAIN_POLICY_INCONSISTENT; state++)
        g_assert_cmpint(seal_verdict_from_word(seal_chain_word(state), SEAL_VERDICT_OK), >=,
                        SEAL_VERDICT_UNTRUSTED);
}

static void
test_warning(void)
{
    g_autoptr(SealReport) report = seal_report_new();
    SealLayerReport *layer = seal_layer_report_new(SEAL_LAYER_ENCRYPTED);
    g_autofree char *json = NULL;
    g_autofree char *text = NULL;
    g_autoptr(JsonNode) root = NULL;
    JsonArray *warnings = NULL;

    report->verdict = layer->verdict = SEAL_VERDICT_DECRYPTED_NOAUTH;
    report->good = TRUE;
    g_ptr_array_add(report->layers, layer);
    seal_layer_report_add_warning(layer, "its cipher is old");
    json = seal_report_to_json(report);
    root = json_from_string(json, NULL);
    warnings = json_object_get_array_member(object_at(json_node_get_object(root), "layers", 0),
                                            "warnings");
    g_assert_cmpuint(json_array_get_length(warnings), ==, 1);
    g_assert_cmpstr(json_array_get_string_element(warnings, 0), ==, "its cipher is old");
    text = seal_report_to_text(report);
    g_assert_nonnull(strstr(text, "\n  warning: its cipher is old\n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report/words-are-the-contract", test_words);
    g_test_add_func("/report/words-of-paths-are-verdicts", test_chain_words_are_verdicts);
    g_test_add_func("/report/warning/is-on-both", test_warning);
    g_test_add("/report/json", World, NULL, world_open, test_json, world_close);
    g_test_add("/report/page/hostile-names-stay-in-their-line", World, NULL, world_open, test_page,
               world_close);
    return g_test_run();
}
