/* A report whose texts a stranger wrote: names in certificates, header fields, algorithms. Each
 * text is a piece of the input, made valid UTF-8 as the makers of reports do. What must hold: the
 * JSON is one object that says the same texts again; the page is valid UTF-8 and has one line for
 * each line, without anything that moves a terminal's cursor or turns the direction of writing. */
#include <glib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "smime/report.h"
#include "tests/fuzz/fuzz.h"

typedef struct {
    const uint8_t *at;
    size_t left;
} Input;

static uint8_t
take_byte(Input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

/* Up to the next line feed; NULL for none at all. (transfer full) */
static char *
take_text(Input *input)
{
    const uint8_t *start = input->at;
    const uint8_t *end = input->left > 0 ? memchr(start, '\n', input->left) : NULL;
    size_t len = end ? (size_t)(end - start) : input->left;

    if (input->left == 0)
        return NULL;
    input->at += end ? len + 1 : len;
    input->left -= end ? len + 1 : len;
    return g_utf8_make_valid((const char *)start, (gssize)len);
}

static SealVerdict
take_verdict(Input *input)
{
    return (SealVerdict)(take_byte(input) % (SEAL_VERDICT_LAST + 1));
}

static char *
take_something(Input *input)
{
    char *text = take_text(input);

    return text ? text : g_strdup("");
}

static SealSignerReport *
take_signer(Input *input)
{
    static const char *const words[] = {"good", "bad", "not-checked", "unknown", "mismatch"};
    SealSignerReport *signer = seal_signer_report_new();

    signer->verdict = take_verdict(input);
    signer->signature = words[take_byte(input) % G_N_ELEMENTS(words)];
    signer->signing_time = take_byte(input) % 2 ? G_MININT64 : (gint64)take_byte(input) << 40;
    signer->subject = take_text(input);
    signer->reason = take_text(input);
    signer->revocation_detail = take_text(input);
    g_ptr_array_add(signer->addresses, take_something(input));
    return signer;
}

static SealLayerReport *
take_layer(Input *input)
{
    SealLayerReport *layer =
        seal_layer_report_new((SealLayerType)(take_byte(input) % (SEAL_LAYER_UNKNOWN + 1)));
    guint n_signers = take_byte(input) % 4;
    g_autofree char *algorithm = NULL;
    g_autofree char *warning = NULL;

    layer->verdict = take_verdict(input);
    layer->recipients = take_byte(input);
    layer->reason = take_text(input);
    algorithm = take_text(input);
    warning = take_something(input);
    seal_layer_report_add_algorithm(layer, algorithm);
    seal_layer_report_add_warning(layer, warning);
    for (guint i = 0; i < n_signers; i++)
        g_ptr_array_add(layer->signers, take_signer(input));
    return layer;
}

static SealReport *
take_report(Input *input)
{
    SealReport *report = seal_report_new();
    SealVerdict verdict = take_verdict(input);
    g_autofree char *reason = NULL;
    g_autofree char *value = NULL;
    g_autofree char *visible = NULL;

    report->good = take_byte(input) % 2;
    reason = take_text(input);
    value = take_something(input);
    visible = take_text(input);
    seal_report_set(report, verdict, reason);
    seal_report_add_header(report, "Subject", value, visible);
    g_ptr_array_add(report->warnings, take_something(input));
    while (input->left > 0 && report->layers->len < 9)
        g_ptr_array_add(report->layers, take_layer(input));
    return report;
}

static void
check_json(const SealReport *report)
{
    g_autofree char *json = seal_report_to_json(report);
    g_autoptr(JsonNode) root = json_from_string(json, NULL);
    JsonObject *object = NULL;

    g_assert_nonnull(root);
    g_assert_true(JSON_NODE_HOLDS_OBJECT(root));
    object = json_node_get_object(root);
    g_assert_cmpstr(json_object_get_string_member(object, "verdict"), ==,
                    seal_verdict_word(report->verdict));
    g_assert_cmpstr(json_object_get_string_member_with_default(object, "reason", NULL), ==,
                    report->reason);
    g_assert_cmpuint(json_array_get_length(json_object_get_array_member(object, "layers")), ==,
                     report->layers->len);
    for (const char *at = json; *at; at = g_utf8_next_char(at))
        g_assert_true(*at == '\n' || !seal_report_can_mislead(g_utf8_get_char(at)));
}

static void
check_page(const SealReport *report)
{
    g_autofree char *text = seal_report_to_text(report);
    g_autoptr(GPtrArray) lines = seal_report_lines(report);
    guint ends = 0;

    g_assert_true(g_utf8_validate(text, -1, NULL));
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        ends += c == '\n';
        g_assert_true(c == '\n' || !g_unichar_iscntrl(c));
        g_assert_true(g_unichar_type(c) != G_UNICODE_FORMAT);
        g_assert_true(c != 0x2028 && c != 0x2029);
    }
    g_assert_cmpuint(ends, ==, lines->len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {data, size};
    g_autoptr(SealReport) report = take_report(&input);

    check_json(report);
    check_page(report);
    return 0;
}
