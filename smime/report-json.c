/* The report as JSON, for programs. */
#include "smime/report.h"

#include <json-glib/json-glib.h>

static const char *const type_words[] = {
    [SEAL_LAYER_SIGNED] = "signed",
    [SEAL_LAYER_ENCRYPTED] = "encrypted",
    [SEAL_LAYER_AUTH_ENCRYPTED] = "auth-encrypted",
    [SEAL_LAYER_COMPRESSED] = "compressed",
    [SEAL_LAYER_CERTS_ONLY] = "certs-only",
    [SEAL_LAYER_UNKNOWN] = "unknown",
};

static void
put_text(JsonBuilder *builder, const char *name, const char *text)
{
    json_builder_set_member_name(builder, name);
    if (text)
        json_builder_add_string_value(builder, text);
    else
        json_builder_add_null_value(builder);
}

static void
put_texts(JsonBuilder *builder, const char *name, GPtrArray *texts)
{
    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
    for (guint i = 0; i < texts->len; i++)
        json_builder_add_string_value(builder, g_ptr_array_index(texts, i));
    json_builder_end_array(builder);
}

static void
put_time(JsonBuilder *builder, const char *name, gint64 when)
{
    g_autoptr(GDateTime) time = when == G_MININT64 ? NULL : g_date_time_new_from_unix_utc(when);
    g_autofree char *text = time ? g_date_time_format_iso8601(time) : NULL;

    put_text(builder, name, text);
}

static void
put_signer(JsonBuilder *builder, const SealSignerReport *signer)
{
    json_builder_begin_object(builder);
    put_text(builder, "subject", signer->subject);
    put_texts(builder, "addresses", signer->addresses);
    put_text(builder, "verdict", seal_verdict_word(signer->verdict));
    put_text(builder, "reason", signer->reason);
    put_text(builder, "signature", signer->signature);
    put_text(builder, "chain", signer->chain);
    put_text(builder, "revocation", signer->revocation);
    put_text(builder, "revocation-detail", signer->revocation_detail);
    put_text(builder, "address-match", signer->address_match);
    put_text(builder, "validation-level", signer->validation_level);
    put_text(builder, "validation-generation", signer->validation_generation);
    put_time(builder, "signing-time", signer->signing_time);
    put_text(builder, "digest-algorithm", signer->digest_algorithm);
    put_text(builder, "signature-algorithm", signer->signature_algorithm);
    json_builder_end_object(builder);
}

static void
put_signers(JsonBuilder *builder, const SealLayerReport *layer)
{
    json_builder_set_member_name(builder, "detached");
    json_builder_add_boolean_value(builder, layer->detached);
    json_builder_set_member_name(builder, "signers");
    json_builder_begin_array(builder);
    for (guint i = 0; i < layer->signers->len; i++)
        put_signer(builder, g_ptr_array_index(layer->signers, i));
    json_builder_end_array(builder);
}

static void
put_wanted(JsonBuilder *builder, const GPtrArray *list)
{
    json_builder_set_member_name(builder, "wanted");
    json_builder_begin_array(builder);
    for (guint i = 0; i < list->len; i++) {
        const SealWanted *wanted = g_ptr_array_index(list, i);
        const SealSeen *seen = wanted->seen;

        json_builder_begin_object(builder);
        put_text(builder, "issuer", wanted->issuer);
        put_text(builder, "serial", wanted->serial);
        put_text(builder, "key-id", wanted->key_id);
        put_text(builder, "subject", seen ? seen->subject : NULL);
        put_text(builder, "token", seen ? seen->token : NULL);
        put_text(builder, "token-serial", seen ? seen->token_serial : NULL);
        put_time(builder, "last-seen", seen ? seen->last_seen : G_MININT64);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void
put_layer(JsonBuilder *builder, const SealLayerReport *layer)
{
    json_builder_begin_object(builder);
    put_text(builder, "type", type_words[layer->type]);
    put_text(builder, "verdict", seal_verdict_word(layer->verdict));
    put_text(builder, "reason", layer->reason);
    put_texts(builder, "algorithms", layer->algorithms);
    put_texts(builder, "warnings", layer->warnings);
    if (layer->type == SEAL_LAYER_SIGNED)
        put_signers(builder, layer);
    if (layer->type == SEAL_LAYER_ENCRYPTED || layer->type == SEAL_LAYER_AUTH_ENCRYPTED) {
        json_builder_set_member_name(builder, "recipients");
        json_builder_add_int_value(builder, layer->recipients);
        put_wanted(builder, layer->wanted);
    }
    json_builder_end_object(builder);
}

static void
put_headers(JsonBuilder *builder, const GPtrArray *headers)
{
    json_builder_set_member_name(builder, "headers");
    json_builder_begin_array(builder);
    for (guint i = 0; i < headers->len; i++) {
        const SealHeaderReport *header = g_ptr_array_index(headers, i);

        json_builder_begin_object(builder);
        put_text(builder, "name", header->name);
        put_text(builder, "value", header->value);
        put_text(builder, "visible", header->visible);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void
put_escaped(GString *out, gunichar c)
{
    gunichar2 units[2] = {(gunichar2)c, 0};

    if (c > 0xffff) { /* RFC 8259 7: as a surrogate pair */
        units[0] = (gunichar2)(0xd800 + ((c - 0x10000) >> 10));
        units[1] = (gunichar2)(0xdc00 + ((c - 0x10000) & 0x3ff));
    }
    for (gsize i = 0; i < 2 && units[i]; i++)
        g_string_append_printf(out, "\\u%04x", units[i]);
}

/* json-glib escapes what JSON must have escaped; these can only stand in strings, too, but for the
 * line feeds of the layout. (transfer full) */
static char *
escape_misleading(const char *json)
{
    GString *out = g_string_new(NULL);

    for (const char *at = json; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        if (c != '\n' && seal_report_can_mislead(c))
            put_escaped(out, c);
        else
            g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}

char *
seal_report_to_json(const SealReport *report)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;
    g_autofree char *json = NULL;

    json_builder_begin_object(builder);
    put_text(builder, "verdict", seal_verdict_word(report->verdict));
    put_text(builder, "reason", report->reason);
    put_texts(builder, "warnings", report->warnings);
    put_headers(builder, report->headers);
    json_builder_set_member_name(builder, "layers");
    json_builder_begin_array(builder);
    for (guint i = 0; i < report->layers->len; i++)
        put_layer(builder, g_ptr_array_index(report->layers, i));
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    json = json_to_string(root, TRUE);
    return escape_misleading(json);
}
