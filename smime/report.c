/* The report's data. What makes the words is elsewhere; here they are spelled and owned. */
#include "smime/report.h"

static const char *const words[] = {
    [SEAL_VERDICT_OK] = "ok",
    [SEAL_VERDICT_DECRYPTED] = "decrypted",
    [SEAL_VERDICT_DECRYPTED_NOAUTH] = "decrypted-noauth",
    [SEAL_VERDICT_OK_PLAIN] = "ok-plain",
    [SEAL_VERDICT_UNSIGNED] = "unsigned",
    [SEAL_VERDICT_CERTS_ONLY] = "certs-only",
    [SEAL_VERDICT_OK_PARTIAL] = "ok-partial",
    [SEAL_VERDICT_PARTIALLY_SIGNED] = "partially-signed",
    [SEAL_VERDICT_BAD_SIGNATURE] = "bad-signature",
    [SEAL_VERDICT_UNTRUSTED] = "untrusted",
    [SEAL_VERDICT_INCOMPLETE_CHAIN] = "incomplete-chain",
    [SEAL_VERDICT_EXPIRED] = "expired",
    [SEAL_VERDICT_NOT_YET_VALID] = "not-yet-valid",
    [SEAL_VERDICT_REVOKED] = "revoked",
    [SEAL_VERDICT_REVOCATION_UNKNOWN] = "revocation-unknown",
    [SEAL_VERDICT_WRONG_USAGE] = "wrong-usage",
    [SEAL_VERDICT_ADDRESS_MISMATCH] = "address-mismatch",
    [SEAL_VERDICT_HEADER_MISMATCH] = "header-mismatch",
    [SEAL_VERDICT_SIGNER_CERT_MISSING] = "signer-cert-missing",
    [SEAL_VERDICT_WEAK_ALGORITHM] = "weak-algorithm",
    [SEAL_VERDICT_MALFORMED] = "malformed",
    [SEAL_VERDICT_UNSUPPORTED] = "unsupported",
    [SEAL_VERDICT_DECRYPT_FAILED] = "decrypt-failed",
    [SEAL_VERDICT_NOT_RECIPIENT] = "not-recipient",
    [SEAL_VERDICT_REFUSED] = "refused",
    [SEAL_VERDICT_PARTIALLY_ENCRYPTED] = "partially-encrypted",
    [SEAL_VERDICT_NESTING_LIMIT] = "nesting-limit",
    [SEAL_VERDICT_RESOURCE_LIMIT] = "resource-limit",
    [SEAL_VERDICT_POLICY_INCONSISTENT] = "policy-inconsistent",
};
G_STATIC_ASSERT(G_N_ELEMENTS(words) == SEAL_VERDICT_LAST + 1);

const char *
seal_verdict_word(SealVerdict verdict)
{
    return words[verdict];
}

SealVerdict
seal_verdict_from_word(const char *word, SealVerdict otherwise)
{
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_strcmp0(word, words[i]) == 0)
            return (SealVerdict)i;
    return otherwise;
}

SealSignerReport *
seal_signer_report_new(void)
{
    SealSignerReport *signer = g_new0(SealSignerReport, 1);

    signer->verdict = SEAL_VERDICT_OK;
    signer->addresses = g_ptr_array_new_with_free_func(g_free);
    signer->senders = g_ptr_array_new_with_free_func(g_free);
    signer->signature = "not-checked";
    signer->chain = "not-checked";
    signer->revocation = "not-checked";
    signer->address_match = "not-checked";
    signer->validation_level = "unknown";
    signer->validation_generation = "unknown";
    signer->signing_time = G_MININT64;
    return signer;
}

void
seal_signer_report_free(SealSignerReport *signer)
{
    if (!signer)
        return;
    g_free(signer->reason);
    g_clear_pointer(&signer->certificate, g_bytes_unref);
    g_free(signer->subject);
    g_ptr_array_unref(signer->addresses);
    g_ptr_array_unref(signer->senders);
    g_clear_pointer(&signer->encryption_certificate, g_bytes_unref);
    g_clear_pointer(&signer->capabilities, g_bytes_unref);
    g_free(signer->revocation_detail);
    g_free(signer->digest_algorithm);
    g_free(signer->signature_algorithm);
    g_free(signer);
}

void
seal_seen_free(SealSeen *seen)
{
    if (!seen)
        return;
    g_free(seen->subject);
    g_free(seen->token);
    g_free(seen->token_serial);
    g_free(seen);
}

void
seal_wanted_free(SealWanted *wanted)
{
    if (!wanted)
        return;
    g_free(wanted->issuer);
    g_free(wanted->serial);
    g_free(wanted->key_id);
    seal_seen_free(wanted->seen);
    g_free(wanted);
}

SealLayerReport *
seal_layer_report_new(SealLayerType type)
{
    SealLayerReport *layer = g_new0(SealLayerReport, 1);

    layer->type = type;
    layer->verdict = SEAL_VERDICT_MALFORMED;
    layer->algorithms = g_ptr_array_new_with_free_func(g_free);
    layer->warnings = g_ptr_array_new_with_free_func(g_free);
    layer->wanted = g_ptr_array_new_with_free_func((GDestroyNotify)seal_wanted_free);
    layer->issuers = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    layer->signers = g_ptr_array_new_with_free_func((GDestroyNotify)seal_signer_report_free);
    return layer;
}

void
seal_layer_report_free(SealLayerReport *layer)
{
    if (!layer)
        return;
    g_free(layer->reason);
    g_ptr_array_unref(layer->algorithms);
    g_ptr_array_unref(layer->warnings);
    g_ptr_array_unref(layer->wanted);
    g_ptr_array_unref(layer->issuers);
    g_ptr_array_unref(layer->signers);
    g_free(layer);
}

void
seal_layer_report_add_algorithm(SealLayerReport *layer, const char *name)
{
    if (name && !g_ptr_array_find_with_equal_func(layer->algorithms, name, g_str_equal, NULL))
        g_ptr_array_add(layer->algorithms, g_strdup(name));
}

void
seal_layer_report_add_warning(SealLayerReport *layer, const char *text)
{
    g_ptr_array_add(layer->warnings, g_strdup(text));
}

static void
free_header(gpointer data)
{
    SealHeaderReport *header = data;

    g_free(header->name);
    g_free(header->value);
    g_free(header->visible);
    g_free(header);
}

void
seal_report_add_header(SealReport *report, const char *name, const char *value, const char *visible)
{
    SealHeaderReport *header = g_new0(SealHeaderReport, 1);

    *header = (SealHeaderReport){g_strdup(name), g_strdup(value), g_strdup(visible)};
    g_ptr_array_add(report->headers, header);
}

SealReport *
seal_report_new(void)
{
    SealReport *report = g_new0(SealReport, 1);

    report->verdict = SEAL_VERDICT_MALFORMED;
    report->warnings = g_ptr_array_new_with_free_func(g_free);
    report->headers = g_ptr_array_new_with_free_func(free_header);
    report->layers = g_ptr_array_new_with_free_func((GDestroyNotify)seal_layer_report_free);
    return report;
}

gboolean
seal_report_can_mislead(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT ||
           type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

void
seal_report_set(SealReport *report, SealVerdict verdict, const char *reason)
{
    char *copy = g_strdup(reason);

    report->verdict = verdict;
    g_free(report->reason);
    report->reason = copy;
}

void
seal_report_free(SealReport *report)
{
    if (!report)
        return;
    g_free(report->reason);
    g_ptr_array_unref(report->warnings);
    g_ptr_array_unref(report->headers);
    g_ptr_array_unref(report->layers);
    g_free(report);
}
